package tests

import (
	"errors"
	"io"
	"math"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// CTRF is the Common Test Report Format, a JSON schema that many reporters write. Durations are milliseconds.
func CTRF() evidence.Format {
	return evidence.Format{
		Name: "ctrf", Title: "CTRF JSON", Kind: evidence.Tests, MediaType: "application/json",
		Recognised: "an object with `results.tests` and `results.tool` or `results.summary`",
		Tools:      "CTRF reporters for Jest, Mocha, Playwright, Cypress, pytest, Go",
		Limits:     "steps, attachments and the environment are not read; the summary is only compared",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && (h.Text("reportFormat") == "CTRF" || h.HasAny("results.tests", "results.summary.tests") && h.HasAny("results.tool", "results.summary"))
		},
		Read: readCTRF,
	}
}

type ctrfReader struct {
	json *strictjson.Reader
	rows *evidence.Rows
	warn evidence.Warnings
	all  tally
	tool evidence.Tool
	top, results, toolNames,
	summary, test *strictjson.Names
	declared    map[string]int64
	pending     int64
	hasResults  bool
	hasTestList bool
}

func readCTRF(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	n := strictjson.NewNames
	c := &ctrfReader{
		json: strictjson.New(r), rows: rows, declared: map[string]int64{},
		top: n("results"), results: n("tool", "summary", "tests"), toolNames: n("name", "version"),
		summary: n("tests", "passed", "failed", "pending", "skipped", "other"),
		test:    n("name", "status", "duration", "suite", "message", "flaky"),
	}
	err := c.json.Object(func(name []byte) error {
		if string(name) == "results" {
			c.hasResults = true
			return c.json.Object(c.readResults)
		}
		return c.json.Other(c.top, name)
	})
	if err == nil {
		err = c.json.End()
	}
	if err == nil && (!c.hasResults || !c.hasTestList) {
		err = errors.New("member results.tests is missing")
	}
	if err != nil {
		return evidence.Report{}, err
	}
	for _, d := range []struct {
		name  string
		found int64
	}{{"tests", c.all.Total}, {"passed", c.all.Passed}, {"failed", c.all.Failed}, {"skipped", c.all.Skipped}, {"pending", c.pending}, {"other", c.all.Other - c.pending}} {
		if n, ok := c.declared[d.name]; ok && n != d.found {
			c.warn.Add(evidence.CountsDisagree, "results.summary", "summary says %s=%d, its tests give %d", d.name, n, d.found)
		}
	}
	summary := c.all.summary(&c.warn)
	return evidence.Report{Tool: c.tool, Summary: summary, Warnings: c.warn}, nil
}

func (c *ctrfReader) readResults(name []byte) error {
	switch string(name) {
	case "tool":
		return c.json.Object(func(name []byte) (err error) {
			switch string(name) {
			case "name":
				c.tool.Name, err = c.json.Message()
			case "version":
				c.tool.Version, err = c.json.Message()
			default:
				err = c.json.Other(c.toolNames, name)
			}
			return err
		})
	case "summary":
		return c.json.Object(func(name []byte) (err error) {
			switch key := string(name); key {
			case "tests", "passed", "failed", "pending", "skipped", "other":
				c.declared[key], err = c.json.Int()
			default:
				err = c.json.Other(c.summary, name)
			}
			return err
		})
	case "tests":
		c.hasTestList = true
		return c.json.Array(c.readTest)
	}
	return c.json.Other(c.results, name)
}

func (c *ctrfReader) readTest() error {
	var row evidence.TestCase
	var ms float64
	err := c.json.Object(func(name []byte) (err error) {
		switch string(name) {
		case "name":
			row.Name, err = c.json.String()
		case "status":
			row.Status, err = c.json.String()
		case "duration":
			ms, err = c.json.Float()
		case "suite":
			// A text, or since version 1 of the schema a path of texts.
			if c.json.Kind() == '[' {
				var path []string
				path, err = c.json.Strings()
				for i, p := range path {
					if i > 0 {
						row.Suite += " > "
					}
					row.Suite += p
				}
				return err
			}
			row.Suite, err = c.json.StringOrNull()
		case "message":
			row.Message, err = c.json.Message()
		case "flaky":
			row.Flaky, err = c.json.Bool()
		default:
			err = c.json.Other(c.test, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	switch row.Status {
	case passed, failed, skipped, other:
	case "pending":
		row.Status = other
		c.pending++
	default:
		c.warn.Add(evidence.UnknownStatus, c.json.Place(), "status %q counts as errored", evidence.Cut(row.Status))
		row.Status = errored
	}
	row.Flaky = row.Flaky && row.Status == passed
	micros := int64(0)
	if ms > 0 && ms <= maxSeconds*1000 {
		micros = int64(math.Round(ms * 1000))
	} else if ms != 0 {
		c.warn.Add(evidence.BadNumber, c.json.Place(), "duration %g is none", ms)
	}
	row.DurationMillis = millis(micros)
	c.all.add(row.Status, row.Flaky, micros)
	if err := c.rows.Case(row); err != nil {
		return c.json.Errorf("%w", err)
	}
	return nil
}
