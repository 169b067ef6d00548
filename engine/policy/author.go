package policy

import "context"

// Diagnostic is something wrong with a policy at a place. Line and Column start at 1 and are 0 where there is none.
type Diagnostic struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	// Warning is false for errors, which make an evaluation impossible.
	Warning bool `json:"warning"`
	// Code is a snake_case word: parse, type, shape, metadata, params, conflict, format, vocabulary, strict, test.
	Code string `json:"code"`
	Msg  string `json:"msg"`
}

// Check is everything that can be said about a program without running it, sorted by file and line: what an evaluation
// would refuse as errors, and style (opa strict, opa fmt, vocabulary, missing metadata) as warnings.
func Check(p Program) []Diagnostic { return nil }

// List is every rule of the program, sorted by code, without results. The error is of class fault.Policy.
func List(p Program) ([]Rule, error) { return nil, nil }

// TestResult is one test. Output is what it printed or the error.
type TestResult struct {
	Source   string `json:"source"`
	Package  string `json:"package"`
	Name     string `json:"name"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Passed   bool   `json:"passed"`
	Skipped  bool   `json:"skipped"`
	Output   string `json:"output"`
	Duration int64  `json:"durationMicros"`
}

// FileCoverage says which lines of a file no test reached. Percent has at most two decimal places.
type FileCoverage struct {
	File      string  `json:"file"`
	Percent   float64 `json:"percent"`
	Uncovered []int   `json:"uncovered"`
}

// TestReport is the result of all tests of a program. OK is true when at least one test ran and none failed.
type TestReport struct {
	OK      bool           `json:"ok"`
	Tests   []TestResult   `json:"tests"`
	Percent float64        `json:"percent"`
	Files   []FileCoverage `json:"files"`
}

// Test runs the tests (rules test_… in files …_test.rego) of a program. A set without tests is not OK. The error is of
// class fault.Policy: something does not compile.
func Test(ctx context.Context, p Program) (*TestReport, error) { return nil, nil }

// New is the scaffold of a rule with its test and parameters: three files below "rules/<category>/<rule>/". The code
// is "category.rule" in lower-case snake_case. The test fails until the rule is written.
func New(code string) ([]File, error) { return nil, nil }
