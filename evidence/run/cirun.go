// Package run reads what a CI system says of the run that collects evidence.
package run

import (
	"errors"
	"io"
	"regexp"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// maxVariables is how many variables a run may have.
const maxVariables = 1000

// variableName is what the name of a variable may look like.
var variableName = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,127}$`)

// CIRun is what "cdgate collect --ci" knows of a run: who started what, for which commit, and the variables that are no
// secrets.
func CIRun() evidence.Format {
	return evidence.Format{
		Name: "ci-run", Title: "CI run", Kind: evidence.Run, MediaType: "application/json",
		Recognised: "`apiVersion` cdgate.dev/ci-run/…",
		Tools:      "cdgate collect --ci",
		Limits:     "members that it does not name are refused; variables are in the order of their names, at most 1000",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && strings.HasPrefix(h.Text("apiVersion"), "cdgate.dev/ci-run/")
		},
		Read: readCIRun,
	}
}

func readCIRun(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	j := strictjson.New(r)
	var s evidence.RunSummary
	text := func(s *string) func() error {
		return func() (err error) {
			if *s, err = j.String(); err == nil && len(*s) > evidence.MaxMessage {
				err = j.Errorf("a text of %d bytes, more than %d are refused", len(*s), evidence.MaxMessage)
			}
			return err
		}
	}
	last := ""
	variable := func(name []byte) error {
		f := evidence.Fact{Name: string(name)}
		switch {
		case !variableName.MatchString(f.Name):
			return j.Errorf("%q is no name of a variable", evidence.Cut(f.Name))
		case f.Name <= last:
			return j.Errorf("variable %s after %s; want each once, in the order of their names", f.Name, last)
		case rows.Count() >= maxVariables:
			return j.Errorf("more than %d variables", maxVariables)
		}
		last = f.Name
		err := j.Into(&f.Value)()
		if err == nil && f.Value == "" {
			err = j.Errorf("it is empty; leave the variable out")
		}
		if err == nil {
			err = rows.Row(f)
		}
		return err
	}
	err := j.Closed(strictjson.Members{
		"apiVersion": j.Is("cdgate.dev/ci-run/v1"),
		"system":     text(&s.System), "repository": text(&s.Repository), "revision": text(&s.Revision), "branch": text(&s.Branch),
		"workflow": text(&s.Workflow), "job": text(&s.Job), "run": text(&s.Run), "attempt": j.IntoCount(&s.Attempt),
		"actor": text(&s.Actor), "event": text(&s.Event), "url": text(&s.URL),
		"variables": func() error { return j.Object(variable) },
	})()
	if err == nil {
		err = j.End()
	}
	switch {
	case err != nil:
	case s.System == "":
		err = errors.New("it names no CI system")
	case s.Attempt < 1:
		err = errors.New("its attempt is 0; attempts count from 1")
	}
	return evidence.Report{Tool: evidence.Tool{Name: s.System}, Summary: evidence.Summary{Run: &s}}, err
}
