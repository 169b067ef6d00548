package evidence

import "fmt"

// Code is a word for one sort of warning.
type Code string

// The codes of warnings. WarningCodes documents them.
const (
	NothingMeasured   Code = "nothing_measured"
	Incomplete        Code = "incomplete"
	BreaksFormat      Code = "breaks_format"
	UnknownSeverity   Code = "unknown_severity"
	UnknownRule       Code = "unknown_rule"
	UnknownStatus     Code = "unknown_status"
	CountsDisagree    Code = "counts_disagree"
	BadNumber         Code = "bad_number"
	SuiteProblem      Code = "suite_problem"
	Unfinished        Code = "unfinished"
	UnreadableLines   Code = "unreadable_lines"
	ExternalDTD       Code = "external_dtd"
	UnknownElement    Code = "unknown_element"
	DuplicateEntry    Code = "duplicate_entry"
	RulesDisabled     Code = "rules_disabled"
	NotAccepted       Code = "suppression_not_accepted"
	UnknownIdentifier Code = "unknown_identifier"
	UnknownTool       Code = "unknown_tool"
	Redacted          Code = "redacted"
	Diverged          Code = "diverged"
	Contradiction     Code = "contradiction"
	ApprovalNotTaken  Code = "approval_not_counted"
	NoNumber          Code = "no_number"
	ToolNotice        Code = "tool_notice"
	NoSource          Code = "no_source"
	NotAbout          Code = "not_about"
)

// WarningCode documents one code. Serious ones say that the report proves less than it seems to: nothing was measured,
// something is missing, or the format is broken. The others are worth knowing.
type WarningCode struct {
	Code    Code
	Serious bool
	Meaning string
}

// WarningCodes returns every code with its meaning, serious ones first.
func WarningCodes() []WarningCode {
	return []WarningCode{
		{NothingMeasured, true, "no test, no line or statement, no run, no component, no sample, nothing looked at: the report proves nothing"},
		{Incomplete, true, "the report says of itself that the scan failed or that the list is incomplete, or it looks like one page of several"},
		{BreaksFormat, true, "the report breaks a rule of its format, but can be read without doubt"},
		{BadNumber, true, "a number is negative, not finite, out of range or no number; it counts as unknown"},
		{UnknownSeverity, true, "a severity is missing or no word of the format; the finding counts as unknown"},
		{UnknownStatus, true, "a status is no word of the format; a test counts as errored, anything else as unknown"},
		{NoSource, true, "a provenance names no commit, or several: it ties the artifact to none"},
		{NotAbout, true, "an attestation whose subjects are not what is being collected: it counts only for a release of these"},
		{CountsDisagree, false, "the report's own totals disagree with its entries; the entries count"},
		{Contradiction, false, "parts of the report contradict each other; the stricter one counts"},
		{ApprovalNotTaken, false, "an approval without a login, by an account that is no person's, or by the author; it is not counted"},
		{UnknownRule, false, "a finding points at a rule that does not exist; the finding is kept"},
		{DuplicateEntry, false, "one entry appears several times; it is counted as the format says"},
		{ExternalDTD, false, "the report names an external DTD; it was not fetched"},
		{NotAccepted, false, "a suppression is under review or rejected; the finding stays open"},
		{RulesDisabled, false, "rules were switched off for this scan"},
		{SuiteProblem, false, "a failure that belongs to no test: an error of a suite, a package that does not build"},
		{Unfinished, false, "a test, package or plan has no end: the run stopped half way"},
		{UnknownElement, false, "an element or member that the format does not have; it was not read"},
		{UnknownIdentifier, false, "an identifier (name, package URL, licence) is missing or cannot be read; the entry is kept as it is"},
		{UnknownTool, false, "nothing in the report says which tool wrote it"},
		{Diverged, false, "a revision does not descend from the base that it is compared with; what only the base has shows as changed too"},
		{NoNumber, false, "samples are NaN, infinite, a text or a histogram; they count as no data"},
		{ToolNotice, false, "something that the tool itself remarks"},
		{Redacted, false, "a secret was replaced by asterisks before the report was read and stored, as `--redact` asked for"},
		{UnreadableLines, false, "lines that are no records of the format; they were not read"},
	}
}

// Serious reports whether a code is a serious one. Unknown codes are.
func Serious(c string) bool {
	for _, w := range WarningCodes() {
		if string(w.Code) == c {
			return w.Serious
		}
	}
	return true
}

// Warnings gathers warnings in the order in which they were noticed. It keeps MaxWarnings of each code. The zero value
// is ready to use.
type Warnings struct {
	list  []Warning
	count map[Code]int
}

// Add notes a warning. place may be empty.
func (w *Warnings) Add(code Code, place, format string, args ...any) {
	if w.count == nil {
		w.count = map[Code]int{}
	}
	w.count[code]++
	if w.count[code] <= MaxWarnings {
		w.list = append(w.list, Warning{Code: string(code), Msg: Cut(fmt.Sprintf(format, args...)), Place: Cut(place)})
	}
}

// Count returns how often a code was noticed, also beyond MaxWarnings.
func (w *Warnings) Count(code Code) int { return w.count[code] }

// List returns the warnings; the last of a code that was noticed too often says how many more there were. It is never
// nil.
func (w *Warnings) List() []Warning {
	out := append([]Warning{}, w.list...)
	left := map[string]int{}
	for code, n := range w.count {
		left[string(code)] = n - MaxWarnings
	}
	for i := len(out) - 1; i >= 0; i-- {
		if n := left[out[i].Code]; n > 0 {
			out[i].Msg += fmt.Sprintf(" (and %d more)", n)
			left[out[i].Code] = 0
		}
	}
	return out
}
