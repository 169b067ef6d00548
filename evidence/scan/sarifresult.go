package scan

import (
	"fmt"
	"math"
	"strconv"
	"strings"

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
	res := sarifResult{ref: sarifRef{index: -1}, run: len(s.tools), n: s.run.results}
	s.run.results++
	err := s.json.Object(func(name []byte) (err error) {
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
			err = s.readLocations(&res)
		case "suppressions":
			err = s.readSuppressions(&res)
		case "baselineState":
			res.baseline, err = s.json.StringOrNull()
		default:
			err = s.json.Other(s.names.result, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	if len(s.run.waiting) == 0 && s.run.hasTool && (s.run.hasInvocations || res.level != "") {
		return s.judge(res)
	}
	s.run.waiting = append(s.run.waiting, res)
	return s.run.keep(s.json, 256+len(res.text)+len(res.uri)+len(res.ref.id)+len(res.why))
}

// readLocations reads the first location.
func (s *sarifReader) readLocations(res *sarifResult) error {
	first := true
	return s.json.ArrayOrNull(func() error {
		if !first {
			return s.json.Skip()
		}
		first = false
		return s.json.Object(func(name []byte) error {
			if string(name) != "physicalLocation" {
				return s.json.Other(s.names.location, name)
			}
			return s.json.ObjectOrNull(func(name []byte) error {
				switch string(name) {
				case "artifactLocation", "region":
					return s.json.ObjectOrNull(func(name []byte) (err error) {
						switch string(name) {
						case "uri":
							res.uri, err = s.json.StringOrNull()
						case "startLine":
							res.line, err = s.json.Int()
						default:
							err = s.json.Other(s.names.place, name)
						}
						return err
					})
				}
				return s.json.Other(s.names.physical, name)
			})
		})
	})
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
	for _, res := range s.run.waiting {
		if err := s.judge(res); err != nil {
			return err
		}
	}
	s.run.waiting = nil
	return nil
}

// judge turns a result into a finding, or into none: results that are gone from the baseline and results that are no
// failures are left out.
func (s *sarifReader) judge(res sarifResult) error {
	rule := s.rule(&res)
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
	f.Severity = s.severity(&res, rule)
	f.Category = s.category(f.ID, rule)
	if err := s.out.add(f); err != nil {
		return s.json.Errorf("%w", err)
	}
	return nil
}

// rule finds the rule of a result: the one at its index; where there is none, or where index and id name different
// rules, the one with its id.
func (s *sarifReader) rule(res *sarifResult) *sarifRule {
	var at *sarifRule
	if c := res.ref.component; c >= 0 && c < int64(len(s.run.components)) && res.hasIndex {
		if rules := s.run.components[c].rules; res.ref.index >= 0 && res.ref.index < int64(len(rules)) {
			at = &rules[res.ref.index]
		} else if res.ref.index != -1 {
			// -1 is how the specification writes "no index".
			s.out.warn.Add(evidence.BreaksFormat, res.place(), "rule index %d, but there are %d rules", res.ref.index, len(rules))
		}
	}
	if res.ref.id == "" || at != nil && sameRule(res.ref.id, at.id) {
		if at == nil {
			s.out.warn.Add(evidence.UnknownRule, res.place(), "a result without a rule; it is kept")
		}
		return at
	}
	byID := s.byID(res.ref.id)
	if byID == nil {
		s.out.warn.Add(evidence.UnknownRule, res.place(), "no rule %q in the report; the finding is kept", evidence.Cut(res.ref.id))
	}
	return byID
}

// sameRule reports whether a result's id names a rule: it may add parts after a slash (3.27.5).
func sameRule(id, rule string) bool {
	return id == rule || len(id) > len(rule) && strings.HasPrefix(id, rule) && id[len(rule)] == '/'
}

// byID finds a rule by a result's id, in the driver first.
func (s *sarifReader) byID(id string) *sarifRule {
	if s.run.ids == nil {
		s.run.ids = map[string]*sarifRule{}
		for c := range s.run.components {
			for i := range s.run.components[c].rules {
				r := &s.run.components[c].rules[i]
				if s.run.ids[r.id] == nil {
					s.run.ids[r.id] = r
				}
			}
		}
	}
	for {
		if r := s.run.ids[id]; r != nil {
			return r
		}
		slash := strings.LastIndexByte(id, '/')
		if slash < 0 {
			return nil
		}
		id = id[:slash]
	}
}

// severity gives the bucket of a result: by the rule's score, else by level.
func (s *sarifReader) severity(res *sarifResult, rule *sarifRule) string {
	if rule != nil && rule.score > 0 {
		switch {
		case rule.score >= 9:
			return critical
		case rule.score >= 7:
			return high
		case rule.score >= 4:
			return medium
		}
		return low
	}
	level := res.level
	if level == "" && (res.kind == "open" || res.kind == "review") {
		return unknown
	}
	if level == "" {
		level = s.override(res, rule)
	}
	if level == "" && rule != nil {
		level = rule.level
	}
	switch level {
	case "error":
		return high
	case "warning", "":
		return medium
	case "note":
		return low
	case "none":
		return info
	}
	s.out.warn.Add(evidence.UnknownSeverity, res.place(), "level %q counts as unknown", evidence.Cut(level))
	return unknown
}

// override returns the level that the invocation gave a rule, or "".
func (s *sarifReader) override(res *sarifResult, rule *sarifRule) string {
	for _, o := range s.run.overrides {
		if o.level == "" {
			continue
		}
		byID := o.ref.id != "" && (rule != nil && o.ref.id == rule.id || sameRule(res.ref.id, o.ref.id))
		byIndex := o.ref.id == "" && o.ref.index >= 0 && res.hasIndex && o.ref.index == res.ref.index && o.ref.component == res.ref.component
		if byID || byIndex {
			return o.level
		}
	}
	return ""
}

// sarifScore reads a security-severity; what is no usable number is 0, which means unknown.
func sarifScore(text string) float64 {
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}
