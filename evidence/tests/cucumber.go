package tests

import (
	"io"
	"math"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// Cucumber is the JSON of Cucumber and its relatives. A scenario is as good as its worst step; the background before it
// and its hooks are among its steps. Undefined, pending and empty scenarios are no passes: the run is not OK.
func Cucumber() evidence.Format {
	return evidence.Format{
		Name: "cucumber", Title: "Cucumber JSON", Kind: evidence.Tests, MediaType: "application/json",
		Recognised: "an array of features with `elements`",
		Tools:      "Cucumber for Ruby, JVM and JavaScript, Behave, SpecFlow, godog, Karate",
		Limits:     "the JSON report, not Cucumber messages (NDJSON); a scenario is one test, its steps are not; embeddings are not read",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && h.Has("[].elements") && h.HasAny("[].name", "[].uri", "[].keyword", "[].id")
		},
		Read: readCucumber,
	}
}

// The severities of steps; the worst counts.
const (
	stepPassed = iota
	stepSkipped
	stepPending
	stepUndefined
	stepFailed
	stepUnknown
)

var stepWords = map[string]int{"passed": stepPassed, "skipped": stepSkipped, "pending": stepPending, "undefined": stepUndefined,
	"ambiguous": stepFailed, "failed": stepFailed}

type cucumberReader struct {
	json *strictjson.Reader
	rows *evidence.Rows
	warn evidence.Warnings
	all  tally
	feature, element,
	step, result *strictjson.Names
	name string
	// background is what the background before the next scenario gave.
	background scenario
}

// scenario adds up steps.
type scenario struct {
	steps, worst int
	nanos        float64
	message      string
}

func readCucumber(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	n := strictjson.NewNames
	c := &cucumberReader{
		json: strictjson.New(r), rows: rows,
		feature: n("name", "elements"), element: n("name", "type", "keyword", "steps", "before", "after"),
		step: n("result", "before", "after"), result: n("status", "duration", "error_message"),
	}
	err := c.json.Array(func() error {
		c.name, c.background = "", scenario{}
		return c.json.Object(func(name []byte) (err error) {
			switch string(name) {
			case "name":
				c.name, err = c.json.StringOrNull()
			case "elements":
				err = c.json.ArrayOrNull(c.readElement)
			default:
				err = c.json.Other(c.feature, name)
			}
			return err
		})
	})
	if err == nil {
		err = c.json.End()
	}
	if err != nil {
		return evidence.Report{}, err
	}
	summary := c.all.summary(&c.warn)
	return evidence.Report{Summary: summary, Warnings: c.warn}, nil
}

// readElement reads a scenario or the background of the next one.
func (c *cucumberReader) readElement() error {
	var s scenario
	name, kind, keyword := "", "", ""
	err := c.json.Object(func(member []byte) (err error) {
		switch string(member) {
		case "name":
			name, err = c.json.StringOrNull()
		case "type":
			kind, err = c.json.StringOrNull()
		case "keyword":
			keyword, err = c.json.StringOrNull()
		case "steps":
			err = c.json.ArrayOrNull(func() error {
				s.steps++
				return c.readStep(&s)
			})
		case "before", "after":
			err = c.json.ArrayOrNull(func() error { return c.readStep(&s) })
		default:
			err = c.json.Other(c.element, member)
		}
		return err
	})
	if err != nil {
		return err
	}
	if kind == "background" || kind == "" && strings.TrimSpace(keyword) == "Background" {
		c.background = s
		return nil
	}
	s.join(c.background)
	c.background = scenario{}
	row := evidence.TestCase{Suite: c.name, Name: name, Message: s.message}
	switch {
	case s.worst == stepUnknown:
		row.Status = errored
	case s.worst == stepFailed:
		row.Status = failed
	case s.worst == stepUndefined || s.worst == stepPending || s.steps == 0:
		row.Status = other
		c.all.halted = true
		if row.Message == "" {
			row.Message = "has steps that are not written yet, or none"
		}
	case s.worst == stepSkipped:
		row.Status = skipped
	default:
		row.Status = passed
	}
	micros := int64(0)
	if s.nanos > 0 && s.nanos <= maxSeconds*1e9 {
		micros = int64(math.Round(s.nanos / 1000))
	}
	row.DurationMillis = millis(micros)
	c.all.add(row.Status, false, micros)
	if err := c.rows.Case(row); err != nil {
		return c.json.Errorf("%w", err)
	}
	return nil
}

// join adds the steps of another part.
func (s *scenario) join(o scenario) {
	s.steps += o.steps
	s.worst = max(s.worst, o.worst)
	s.nanos += o.nanos
	if s.message == "" {
		s.message = o.message
	}
}

// readStep reads a step or hook, with the hooks of the step.
func (c *cucumberReader) readStep(s *scenario) error {
	seen := false
	err := c.json.Object(func(name []byte) error {
		switch string(name) {
		case "result":
			seen = true
			return c.readResult(s)
		case "before", "after":
			return c.json.ArrayOrNull(func() error { return c.readStep(s) })
		}
		return c.json.Other(c.step, name)
	})
	if err == nil && !seen {
		s.worst = max(s.worst, stepFailed) // a step that nobody ran proves nothing
	}
	return err
}

func (c *cucumberReader) readResult(s *scenario) error {
	status, message := "", ""
	err := c.json.Object(func(name []byte) (err error) {
		switch string(name) {
		case "status":
			status, err = c.json.String()
		case "duration":
			var nanos float64
			if c.json.Kind() == '0' {
				nanos, err = c.json.Float()
				s.nanos += max(nanos, 0)
				return err
			}
			return c.json.Skip()
		case "error_message":
			message, err = c.json.Message()
		default:
			err = c.json.Other(c.result, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	worst, ok := stepWords[status]
	if !ok {
		c.warn.Add(evidence.UnknownStatus, c.json.Place(), "status %q counts as errored", evidence.Cut(status))
		worst = stepUnknown
	}
	s.worst = max(s.worst, worst)
	if s.message == "" {
		s.message = message
	}
	return nil
}
