package scan

import (
	"fmt"
	"strconv"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// sarifRun is what is known of the run that is being read.
type sarifRun struct {
	hasTool, hasInvocations bool
	// components holds the driver first, then the extensions.
	components []sarifComponent
	overrides  []sarifOverride
	// waiting are results that cannot be judged before the rules and overrides after them are known.
	waiting []sarifResult
	kept    int
	results int
	ids     map[string]*sarifRule
	// toolCategory is the category of the tool's findings, if its name tells.
	toolCategory *string
}

type sarifComponent struct {
	name, version, semantic string
	rules                   []sarifRule
}

// sarifRule is a rule; score is its security-severity, 0 for unknown.
type sarifRule struct {
	id, level, title, category string
	score                      float64
}

// sarifRef names a rule: by its place in a component, by its id, or both. index is -1 where it is not said.
type sarifRef struct {
	id               string
	index, component int64
}

type sarifOverride struct {
	ref   sarifRef
	level string
}

// sarifResult is a result as it stands in the report.
type sarifResult struct {
	ref                                         sarifRef
	hasIndex                                    bool
	kind, level, text, messageID, baseline, uri string
	line                                        int64
	notAccepted, hasSuppression                 bool
	why                                         string
	// run and n say where the result stands.
	run, n int
}

// place says where a result stands.
func (r *sarifResult) place() string { return fmt.Sprintf("runs[%d].results[%d]", r.run, r.n) }

// keep accounts for memory that is held until the run ends.
func (r *sarifRun) keep(json *strictjson.Reader, n int) error {
	if r.kept += n; r.kept > evidence.MaxKept {
		return json.Errorf("rules and results of more than %d bytes that belong together; split the report", evidence.MaxKept)
	}
	return nil
}

// tool is the driver; semanticVersion counts before version.
func (r *sarifRun) tool() evidence.Tool {
	d := r.components[0]
	if d.semantic != "" {
		d.version = d.semantic
	}
	return evidence.Tool{Name: evidence.Cut(d.name), Version: evidence.Cut(d.version)}
}

// readResult reads one result. It is judged at once when everything that it depends on was read.
func (s *sarifReader) readResult() error {
	s.cur = sarifResult{ref: sarifRef{index: -1}, run: len(s.tools), n: s.run.results}
	s.run.results++
	if err := s.json.Object(s.members.result); err != nil {
		return err
	}
	if len(s.run.waiting) == 0 && s.run.hasTool && (s.run.hasInvocations || s.cur.level != "") {
		return s.judge(&s.cur)
	}
	res := s.cur
	s.run.waiting = append(s.run.waiting, res)
	return s.run.keep(s.json, 256+len(res.text)+len(res.uri)+len(res.ref.id)+len(res.why))
}

// sarifMembers are the functions that read the members of a result, bound once: there are many results.
type sarifMembers struct {
	result, location, physical, place, message func(name []byte) error
	locations                                  func() error
}

// bind fills in the functions.
func (s *sarifReader) bind() {
	s.members = sarifMembers{
		result: s.resultMember, locations: s.readLocation, location: s.locationMember, physical: s.physicalMember, place: s.placeMember,
		message: s.messageMember,
	}
}

func (s *sarifReader) resultMember(name []byte) (err error) {
	res := &s.cur
	switch string(name) {
	case "ruleId":
		var id string
		if id, err = s.json.StringOrNull(); id != "" {
			res.ref.id = id
		}
	case "ruleIndex":
		res.ref.index, err = s.json.Int()
		res.hasIndex = true
	case "rule":
		ref, rerr := s.readReference()
		if ref.id == "" {
			ref.id = res.ref.id
		}
		if ref.index < 0 {
			ref.index = res.ref.index
		}
		res.ref, res.hasIndex, err = ref, ref.index >= 0, rerr
	case "kind":
		res.kind, err = s.json.StringOrNull()
	case "level":
		res.level, err = s.json.StringOrNull()
	case "message":
		res.text, res.messageID, err = s.readMessage()
	case "locations":
		s.first = true
		err = s.json.ArrayOrNull(s.members.locations)
	case "suppressions":
		err = s.readSuppressions(res)
	case "baselineState":
		res.baseline, err = s.json.StringOrNull()
	default:
		err = s.json.Other(s.names.result, name)
	}
	return err
}

// readLocation reads the first location of a result.
func (s *sarifReader) readLocation() error {
	if !s.first {
		return s.json.Skip()
	}
	s.first = false
	return s.json.Object(s.members.location)
}

func (s *sarifReader) locationMember(name []byte) error {
	if string(name) == "physicalLocation" {
		return s.json.ObjectOrNull(s.members.physical)
	}
	return s.json.Other(s.names.location, name)
}

func (s *sarifReader) physicalMember(name []byte) error {
	switch string(name) {
	case "artifactLocation", "region":
		return s.json.ObjectOrNull(s.members.place)
	}
	return s.json.Other(s.names.physical, name)
}

func (s *sarifReader) placeMember(name []byte) (err error) {
	switch string(name) {
	case "uri":
		s.cur.uri, err = s.json.StringOrNull()
	case "startLine":
		s.cur.line, err = s.json.Int()
	default:
		err = s.json.Other(s.names.place, name)
	}
	return err
}

// readSuppressions decides whether the result is suppressed: it has suppressions and all of them are accepted, which is
// also what a missing status means (3.35).
func (s *sarifReader) readSuppressions(res *sarifResult) error {
	return s.json.ArrayOrNull(func() error {
		res.hasSuppression = true
		return s.json.Object(func(name []byte) (err error) {
			switch string(name) {
			case "status":
				status, err := s.json.StringOrNull()
				if status != "" && status != "accepted" {
					res.notAccepted = true
				}
				return err
			case "justification":
				why, err := s.json.Message()
				if res.why == "" {
					res.why = why
				}
				return err
			}
			return s.json.Other(s.names.suppression, name)
		})
	})
}

// flush judges the results that waited for the end of the run.
func (s *sarifReader) flush() error {
	for i := range s.run.waiting {
		if err := s.judge(&s.run.waiting[i]); err != nil {
			return err
		}
	}
	s.run.waiting = nil
	return nil
}

// judge turns a result into a finding, or into none: results that are gone from the baseline and results that are no
// failures are left out.
func (s *sarifReader) judge(res *sarifResult) error {
	rule := s.rule(res)
	f := evidence.ScanFinding{ID: res.ref.id, Title: res.text, Place: res.uri, Status: open}
	if f.ID == "" && rule != nil {
		f.ID = rule.id
	}
	if f.Title == "" && rule != nil {
		f.Title = rule.title
	}
	if f.Title == "" {
		f.Title = res.messageID
	}
	if res.line > 0 {
		f.Place += ":" + strconv.FormatInt(res.line, 10)
	}
	if res.baseline == "absent" {
		return nil
	}
	if res.hasSuppression && !res.notAccepted {
		f.Status, f.Justification = suppressed, res.why
	} else {
		if res.hasSuppression {
			s.out.warn.Add(evidence.NotAccepted, res.place(), "the suppression of %s is not accepted; the finding is open", f.ID)
		}
		switch res.kind {
		case "pass", "notApplicable", "informational":
			return nil
		}
	}
	f.Severity = s.severity(res, rule)
	f.Category = s.category(f.ID, rule)
	if err := s.out.add(f); err != nil {
		return s.json.Errorf("%w", err)
	}
	return nil
}
