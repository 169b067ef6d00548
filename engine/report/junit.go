package report

import (
	"encoding/xml"
	"fmt"
	"strings"

	"cdgate.dev/cdgate/engine/decide"
	"cdgate.dev/cdgate/engine/policy"
)

// The JUnit mapping: an open blocking finding and an open need for approval are failures, because a green report beside
// a red exit code would mislead; what could not be evaluated (cause error or config) is an error; what people discharged
// passes; what is only shown passes with its text; rules that do not apply or wait for evidence are skipped.

type junitSuites struct {
	XMLName xml.Name   `xml:"testsuites"`
	Suite   junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	Failure *junitDetail `xml:"failure,omitempty"`
	Error   *junitDetail `xml:"error,omitempty"`
	Skipped *junitDetail `xml:"skipped,omitempty"`
	Output  string       `xml:"system-out,omitempty"`
}

type junitDetail struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// junit renders one case per finding and one per rule without any.
func junit(d Document) ([]byte, error) {
	s := junitSuite{Name: Safe("cdgate " + releaseName(d.Result.Release) + " to " + d.Result.Target.ID)}
	found := map[string]bool{}
	for _, f := range d.Result.Findings {
		found[f.Code] = true
		s.add(junitFinding(f))
	}
	later := map[string]Later{}
	for _, l := range d.Later {
		later[l.Code] = l
	}
	for _, r := range d.Result.Rules {
		if found[r.Code] {
			continue
		}
		c := junitCase{Class: junitClass(r.Code), Name: Safe(r.Code + ": " + r.Title)}
		if l, waits := later[r.Code]; waits {
			c.Skipped = &junitDetail{Message: Safe("waits for " + strings.Join(l.Missing, ", "))}
		} else if r.Result == string(policy.NotApplicable) {
			c.Skipped = &junitDetail{Message: "does not apply here"}
		} else if r.Result != string(policy.Passed) {
			c.Error = &junitDetail{Message: "the rule did not pass and gave no finding", Type: "error"}
		}
		s.add(c)
	}
	if word, sentence := headline(d); d.Result.ExitCode != 0 && s.Failures+s.Errors == 0 {
		s.add(junitCase{Class: "cdgate", Name: "outcome", Failure: &junitDetail{Message: Safe(word + ": " + sentence), Type: "block"}})
	}
	b, err := xml.MarshalIndent(junitSuites{Suite: s}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode junit: %w", err)
	}
	return append(append([]byte(xml.Header), b...), '\n'), nil
}

func (s *junitSuite) add(c junitCase) {
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

func junitClass(code string) string {
	category, _, _ := strings.Cut(code, ".")
	return Safe("cdgate." + category)
}

func junitFinding(f decide.Finding) junitCase {
	c := junitCase{Class: junitClass(f.Code), Name: Safe(findingName(f))}
	detail := &junitDetail{Message: Safe(f.Msg), Type: string(f.Effect), Text: junitText(f)}
	switch {
	case f.Effect == policy.Warn || !f.Enforced:
		c.Output = "shown, does not gate: " + detail.Message + "\n" + detail.Text
	case f.Status == "waived":
		c.Skipped = &junitDetail{Message: detail.Message}
	case f.Status == decide.StatusDischarged:
		c.Output = "discharged by people: " + detail.Message
	case f.Cause == decide.Error || f.Cause == decide.Config:
		c.Error = detail
	default:
		c.Failure = detail
	}
	return c
}

// junitText lists the details of a finding, one a line; lines start with our own words.
func junitText(f decide.Finding) string {
	var b strings.Builder
	for _, d := range []struct{ name, value string }{
		{"cause", string(f.Cause)}, {"observed", f.Observed}, {"expected", f.Expected}, {"at", f.Place}, {"remedy", f.Remedy},
	} {
		if d.value != "" {
			fmt.Fprintf(&b, "%s: %s\n", d.name, Safe(d.value))
		}
	}
	return b.String()
}
