// Package evidence says what a normalised report is: the kinds, the rows, the summaries, and the limits that hold for
// every reader. It is the ground floor and imports nothing of this module.
package evidence

import "reflect"

// Tool is what wrote a report; both fields are empty where the report does not say.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Warning is something a reader noticed and a policy may want to see. Code is a snake_case word from the list in
// README.md, Msg is for people, Place says where in the report ("line 12", "runs[0]").
type Warning struct {
	Code  string `json:"code"`
	Msg   string `json:"msg"`
	Place string `json:"place,omitempty"`
}

// Descriptor names bytes by their SHA-256. Digest is "sha256:" and 64 lower-case hexadecimal digits.
type Descriptor struct {
	Name      string `json:"name,omitempty"`
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

// TestCase is one test result; Status is passed, failed, errored, skipped or other. Other is what some formats call
// todo, pending, undefined or inconclusive: neither a pass nor a failure.
type TestCase struct {
	Suite          string `json:"suite"`
	Name           string `json:"name"`
	Status         string `json:"status" words:"passed,failed,errored,skipped,other"`
	Flaky          bool   `json:"flaky"`
	DurationMillis int64  `json:"durationMillis"`
	Message        string `json:"message"`
}

// TestsSummary counts test results; passed, failed, errored, skipped and other add up to total. Problems are failures that belong to no test: an error of a suite, a package that
// does not build, a stream that stops. Complete is false when the report says of itself that results are missing.
// OK is what a strict gate says with no further policy: at least one test, nothing failed or errored, no problem.
type TestsSummary struct {
	Total          int64 `json:"total"`
	Passed         int64 `json:"passed"`
	Failed         int64 `json:"failed"`
	Errored        int64 `json:"errored"`
	Skipped        int64 `json:"skipped"`
	Other          int64 `json:"other"`
	Flaky          int64 `json:"flaky"`
	Problems       int64 `json:"problems"`
	DurationMillis int64 `json:"durationMillis"`
	Complete       bool  `json:"complete"`
	OK             bool  `json:"ok"`
}

// Ratio is how much of something was covered. Measured is false for 0 of 0, and then Percent is 0: nothing measured is
// never 100 %. Percent has at most four decimal places; see Percent for how it is rounded. Make one with RatioOf.
type Ratio struct {
	Covered  int64   `json:"covered"`
	Total    int64   `json:"total"`
	Percent  Percent `json:"percent"`
	Measured bool    `json:"measured"`
}

// CoverageFile is the coverage of one source file.
type CoverageFile struct {
	Path      string `json:"path"`
	Line      Ratio  `json:"line"`
	Branch    Ratio  `json:"branch"`
	Statement Ratio  `json:"statement"`
}

// CoverageSummary is the coverage of all files together. Formats that do not count a thing leave it unmeasured: Go
// counts statements only, JaCoCo alone counts instructions (of bytecode).
type CoverageSummary struct {
	Line        Ratio `json:"line"`
	Branch      Ratio `json:"branch"`
	Statement   Ratio `json:"statement"`
	Function    Ratio `json:"function"`
	Instruction Ratio `json:"instruction"`
	Files       int64 `json:"files"`
}

// ScanFinding is one result of a scanner. Category is vulnerability, misconfiguration, secret, licence or code;
// Severity is critical, high, medium, low, info or unknown; Status is open or suppressed.
type ScanFinding struct {
	ID            string   `json:"id"`
	Category      string   `json:"category" words:"vulnerability,misconfiguration,secret,licence,code"`
	Severity      string   `json:"severity" words:"critical,high,medium,low,info,unknown"`
	Status        string   `json:"status" words:"open,suppressed"`
	Package       string   `json:"package"`
	Version       string   `json:"version"`
	FixedVersion  string   `json:"fixedVersion"`
	PURL          string   `json:"purl"`
	Title         string   `json:"title"`
	Place         string   `json:"place"`
	Aliases       []string `json:"aliases"`
	Justification string   `json:"justification"`
}

// Severities counts findings in the six buckets.
type Severities struct {
	Critical int64 `json:"critical"`
	High     int64 `json:"high"`
	Medium   int64 `json:"medium"`
	Low      int64 `json:"low"`
	Info     int64 `json:"info"`
	Unknown  int64 `json:"unknown"`
}

// ScanSummary counts open findings; suppressed ones are counted apart. Complete is false when the scan says that it
// failed or is incomplete, Looked is false when by its own account it looked at nothing.
type ScanSummary struct {
	Open       int64      `json:"open"`
	Suppressed int64      `json:"suppressed"`
	BySeverity Severities `json:"bySeverity"`
	Complete   bool       `json:"complete"`
	Looked     bool       `json:"looked"`
}

// Component is one entry of a bill of materials.
type Component struct {
	Name     string   `json:"name"`
	Version  string   `json:"version"`
	PURL     string   `json:"purl"`
	Type     string   `json:"type"`
	Licences []string `json:"licences"`
}

// SBOMSummary counts the entries of a bill of materials. Complete is false when the document says of itself that the
// list is incomplete or unknown; it is no proof that nothing was left out.
type SBOMSummary struct {
	SpecVersion    string `json:"specVersion"`
	Components     int64  `json:"components"`
	Services       int64  `json:"services"`
	WithLicence    int64  `json:"withLicence"`
	WithoutVersion int64  `json:"withoutVersion"`
	WithPURL       int64  `json:"withPURL"`
	Dependencies   int64  `json:"dependencies"`
	Complete       bool   `json:"complete"`
}

// Summary is the summary of one report: the summary type of the report's kind, as ShapeOf gives it.
type Summary struct {
	Tests      *TestsSummary
	Coverage   *CoverageSummary
	Scan       *ScanSummary
	SBOM       *SBOMSummary
	VEX        *VEXSummary
	Metrics    *MetricsSummary
	Objective  *ObjectiveSummary
	Review     *ReviewSummary
	Change     *ChangeSummary
	Deployment *DeploymentSummary
	Check      *CheckSummary
	Source     *SourceSummary
	Run        *RunSummary
	Form       *FormSummary

	Provenance *ProvenanceSummary
	Verifier   *VerifierSummary
}

// Value returns the one summary that is set, or an empty struct for a kind that has none.
func (s Summary) Value() any {
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		if f := v.Field(i); !f.IsNil() {
			return f.Interface()
		}
	}
	return struct{}{}
}

// Item is one report that was read: what it is, what it says, and where its bytes are. Rows are the normalised rows,
// one JSON document {"cases": [...]}, named as the Shape of the kind says; Raw is the report as it was.
type Item struct {
	Kind     Kind
	Level    string
	Format   string
	Tool     Tool
	Summary  Summary
	Warnings []Warning
	Raw      Descriptor
	Rows     Descriptor
	Path     string
	// Attested is set for attestations of other tools, whose statement is what was read; Raw is then the attestation.
	Attested *Attested
}
