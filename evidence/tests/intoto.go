package tests

import (
	"errors"
	"io"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// testResultType is the predicate type of in-toto's test results.
const testResultType = "https://in-toto.io/attestation/test-result/v0.1"

// InToto is the predicate of in-toto's test-result v0.1 (github.com/in-toto/attestation, spec/predicates/test-result.md). Its
// names of tests are all it has; a test that warned neither passed nor failed.
func InToto() evidence.Format {
	return evidence.Format{
		Name: "in-toto-test-result", Title: "in-toto test result", Kind: evidence.Tests, MediaType: "application/json",
		Predicates: []string{testResultType},
		Recognised: "`result` and `configuration`; predicate type `" + testResultType + "`",
		Tools:      "in-toto attestation libraries",
		Limits:     "version 0.1; a result without names of tests proves nothing; inside an attestation it has no level, because whoever signed it names none",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && h.Has("result", "configuration")
		},
		Read: readInToto,
	}
}

func readInToto(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	j := strictjson.New(r)
	var all tally
	var warn evidence.Warnings
	result := ""
	list := func(status string) func() error {
		return j.List(func() error {
			row := evidence.TestCase{Status: status}
			var err error
			if row.Name, err = j.String(); err != nil {
				return err
			}
			all.add(status, false, 0)
			if err := rows.Case(row); err != nil {
				return j.Errorf("%w", err)
			}
			return nil
		})
	}
	err := j.Record(strictjson.Members{
		"result": j.Into(&result), "configuration": j.List(j.Skip), "url": j.Skip,
		"passedTests": list(passed), "warnedTests": list(other), "failedTests": list(failed),
	})()
	if err == nil {
		err = j.End()
	}
	if err == nil && result == "" {
		err = errors.New("member result is missing")
	}
	if err != nil {
		return evidence.Report{}, err
	}
	switch result {
	case "PASSED", "WARNED":
		if all.Failed > 0 {
			warn.Add(evidence.CountsDisagree, "result", "it says %s, and %d tests failed", result, all.Failed)
		}
	case "FAILED":
		if all.Failed == 0 {
			all.Problems++
			warn.Add(evidence.SuiteProblem, "result", "it says FAILED, and names no test that failed")
		}
	default:
		all.Problems++
		warn.Add(evidence.UnknownStatus, "result", "result %q is none of PASSED, WARNED and FAILED; it counts as failed", evidence.Cut(result))
	}
	return evidence.Report{Summary: all.summary(&warn), Warnings: warn}, nil
}
