package scan

import (
	"errors"
	"io"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// SARIF is the OASIS format for static analysis results, version 2.1.0. A run counts as incomplete by appendix I of
// the specification: an invocation that failed, a notification of level error, or no results property.
func SARIF() evidence.Format {
	return evidence.Format{
		Name: "sarif", Title: "SARIF", Kind: evidence.Scan, MediaType: "application/sarif+json",
		Recognised: "an object with `runs`, or with a SARIF `$schema`",
		Tools:      "CodeQL, Semgrep, gosec, Grype, Trivy, Gitleaks, govulncheck, SpotBugs, tfsec, Checkmarx, staticcheck, Dependency-Check",
		Limits:     "version 2.1.0 only; the first location of a result; fixes, flows, graphs and external property files are not read; a result without rule is kept",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && (h.Has("runs") && !h.Has("bomFormat") || strings.Contains(strings.ToLower(h.Text("$schema")), "sarif"))
		},
		Read: readSARIF,
	}
}

// sarifNames are the members that are read, by the object they stand in.
type sarifNames struct {
	log, run, tool, component, rule, config, invocation, override, notification, result, suppression,
	location, physical, place, ref, message *strictjson.Names
}

func newSARIFNames() sarifNames {
	n := strictjson.NewNames
	return sarifNames{
		log:          n("version", "runs", "inlineExternalProperties"),
		run:          n("tool", "results", "invocations", "externalPropertyFileReferences"),
		tool:         n("driver", "extensions"),
		component:    n("name", "version", "semanticVersion", "rules"),
		rule:         n("id", "defaultConfiguration", "properties", "shortDescription"),
		config:       n("level", "enabled", "security-severity", "tags"),
		invocation:   n("executionSuccessful", "toolExecutionNotifications", "toolConfigurationNotifications", "ruleConfigurationOverrides"),
		override:     n("descriptor", "configuration"),
		notification: n("level", "message"),
		result:       n("ruleId", "ruleIndex", "rule", "kind", "level", "message", "locations", "suppressions", "baselineState"),
		suppression:  n("status", "justification", "kind"),
		location:     n("physicalLocation"),
		physical:     n("artifactLocation", "region"),
		place:        n("uri", "startLine"),
		ref:          n("id", "index", "toolComponent"),
		message:      n("text", "id"),
	}
}

// sarifReader is the state of one pass.
type sarifReader struct {
	json    *strictjson.Reader
	names   sarifNames
	out     output
	tools   []evidence.Tool
	version string
	runs    bool
	run     *sarifRun
	members sarifMembers
	// cur is the result that is being read, first whether its first location is still to come, and text and id are
	// those of the message that was read last.
	cur   sarifResult
	first bool
	text  string
	id    string
}

func readSARIF(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	s := &sarifReader{json: strictjson.New(r), names: newSARIFNames(), out: output{rows: rows}}
	s.bind()
	err := s.json.Object(s.readLog)
	if err == nil {
		err = s.json.End()
	}
	if err == nil && s.version != "2.1.0" {
		err = errors.New("the document does not say that it is SARIF 2.1.0 (member version)")
	}
	if err == nil && !s.runs {
		err = errors.New("the document has no runs")
	}
	if err != nil {
		return evidence.Report{}, err
	}
	var names []string
	tool := evidence.Tool{}
	for _, t := range s.tools {
		names = append(names, t.Name)
		tool = t
	}
	if len(names) > 1 {
		tool = evidence.Tool{Name: evidence.Cut(strings.Join(names, ", "))}
	}
	return s.out.report(tool), nil
}

func (s *sarifReader) readLog(name []byte) (err error) {
	switch string(name) {
	case "version":
		s.version, err = s.json.String()
		if err == nil && s.version != "2.1.0" {
			err = s.json.Errorf("SARIF version %q, want 2.1.0", evidence.Cut(s.version))
		}
		return err
	case "runs":
		s.runs = true
		return s.json.ArrayOrNull(s.readRun)
	case "inlineExternalProperties":
		return s.json.ArrayOrNull(func() error {
			s.out.incomplete(s.json.Place(), "parts of a run stand outside of it (inlineExternalProperties), which are not read")
			return s.json.Skip()
		})
	}
	return s.json.Other(s.names.log, name)
}

// readRun reads one run of one tool.
func (s *sarifReader) readRun() error {
	s.run = &sarifRun{components: []sarifComponent{{}}}
	results, place := false, ""
	err := s.json.Object(func(name []byte) (err error) {
		switch string(name) {
		case "tool":
			s.run.hasTool = true
			return s.json.Object(s.readTool)
		case "invocations":
			s.run.hasInvocations = true
			return s.json.ArrayOrNull(s.readInvocation)
		case "results":
			place = s.json.Place()
			null, err := s.json.Null()
			if null || err != nil {
				return err
			}
			results = true
			return s.json.Array(s.readResult)
		case "externalPropertyFileReferences":
			s.out.incomplete(s.json.Place(), "parts of the run stand in other files, which are not read")
			return s.json.Skip()
		}
		place = s.json.Place()
		return s.json.Other(s.names.run, name)
	})
	if err != nil {
		return err
	}
	if !s.run.hasTool {
		return s.json.Errorf("a run without tool")
	}
	if !results {
		s.out.incomplete(place, "the run has no results: the scan did not get to produce any")
	} else {
		s.out.looked = true
	}
	s.tools = append(s.tools, s.run.tool())
	return s.flush()
}

func (s *sarifReader) readTool(name []byte) error {
	switch string(name) {
	case "driver":
		return s.json.Object(func(name []byte) error { return s.readComponent(0, name) })
	case "extensions":
		return s.json.ArrayOrNull(func() error {
			i := len(s.run.components)
			s.run.components = append(s.run.components, sarifComponent{})
			return s.json.Object(func(name []byte) error { return s.readComponent(i, name) })
		})
	}
	return s.json.Other(s.names.tool, name)
}

// readComponent reads the driver (component 0) or an extension.
func (s *sarifReader) readComponent(i int, name []byte) (err error) {
	c := &s.run.components[i]
	switch string(name) {
	case "name":
		c.name, err = s.json.String()
	case "version":
		c.version, err = s.json.StringOrNull()
	case "semanticVersion":
		c.semantic, err = s.json.StringOrNull()
	case "rules":
		err = s.json.ArrayOrNull(func() error {
			rule, err := s.readRule()
			if err == nil && rule.id == "" {
				s.out.warn.Add(evidence.BreaksFormat, s.json.Place(), "a rule without an id (SARIF 2.1.0, 3.49.3): no result can name it")
			}
			if err == nil {
				err = s.run.keep(s.json, len(rule.id)+len(rule.title)+64)
			}
			c.rules = append(c.rules, rule)
			return err
		})
	default:
		err = s.json.Other(s.names.component, name)
	}
	return err
}

func (s *sarifReader) readRule() (r sarifRule, err error) {
	err = s.json.Object(func(name []byte) (err error) {
		switch string(name) {
		case "id":
			r.id, err = s.json.String()
		case "defaultConfiguration":
			r.level, _, err = s.readConfiguration()
		case "properties":
			err = s.readProperties(&r)
		case "shortDescription":
			r.title, _, err = s.readMessage()
		default:
			err = s.json.Other(s.names.rule, name)
		}
		return err
	})
	return r, err
}

// readProperties reads the severity that GitHub defined, and the tags. Tools put anything else there too, of any type.
func (s *sarifReader) readProperties(r *sarifRule) error {
	return s.json.ObjectOrNull(func(name []byte) (err error) {
		switch k := s.json.Kind(); {
		case string(name) == "security-severity" && k == '"':
			text, err := s.json.String()
			r.score = sarifScore(text)
			if r.score == 0 && strings.Trim(text, "0.") != "" {
				s.out.warn.Add(evidence.BadNumber, s.json.Place(), "security-severity %q is no score; the level of the rule counts", evidence.Cut(text))
			}
			return err
		case string(name) == "security-severity" && k == '0':
			r.score, err = s.json.Float()
			return err
		case string(name) == "tags" && k == '[':
			return s.json.Array(func() error {
				if s.json.Kind() != '"' {
					return s.json.Skip()
				}
				tag, err := s.json.String()
				if c, ok := sarifTags[strings.ToLower(tag)]; ok && r.category == "" {
					r.category = c
				}
				return err
			})
		}
		return s.json.Other(s.names.config, name)
	})
}

// readConfiguration reads a level and whether the rule is on.
func (s *sarifReader) readConfiguration() (level string, off bool, err error) {
	err = s.json.ObjectOrNull(func(name []byte) (err error) {
		switch string(name) {
		case "level":
			level, err = s.json.StringOrNull()
		case "enabled":
			var on bool
			on, err = s.json.Bool()
			off = !on
		default:
			err = s.json.Other(s.names.config, name)
		}
		return err
	})
	return level, off, err
}

// readMessage reads the text of a message, and its id.
func (s *sarifReader) readMessage() (text, id string, err error) {
	s.text, s.id = "", ""
	err = s.json.ObjectOrNull(s.members.message)
	return s.text, s.id, err
}

func (s *sarifReader) messageMember(name []byte) (err error) {
	switch string(name) {
	case "text":
		s.text, err = s.json.Message()
	case "id":
		s.id, err = s.json.StringOrNull()
	default:
		err = s.json.Other(s.names.message, name)
	}
	return err
}
