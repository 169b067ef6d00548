package evidence

import (
	"reflect"
	"slices"
)

// Kind is what a piece of evidence is evidence of.
type Kind string

// The kinds that are built in. Other kinds are defined by teams (own kinds) and have names of the same form.
const (
	Tests              Kind = "tests"
	Coverage           Kind = "coverage"
	Scan               Kind = "scan"
	SBOM               Kind = "sbom"
	VEX                Kind = "vex"
	Metrics            Kind = "metrics"
	Objective          Kind = "objective"
	Review             Kind = "review"
	Change             Kind = "change"
	Deployment         Kind = "deployment"
	Check              Kind = "check"
	Source             Kind = "source"
	Run                Kind = "run"
	ManualTest         Kind = "manual_test"
	Demo               Kind = "demo"
	Checklist          Kind = "checklist"
	CustomerAcceptance Kind = "customer_acceptance"
	Build              Kind = "build"

	// Provenance and VerificationSummary are said by whoever built or verified, under their own signature.
	Provenance          Kind = "provenance"
	VerificationSummary Kind = "verification_summary"
)

// Shape is what evidence of a built-in kind looks like: Rows names the array of its rows, Row and Summary are the types
// of a row and of the summary, Folder is the folder of its readers below evidence. A kind without rows (build) is not
// read from reports and has only its name. The types are structs of texts, truths, counts, Percent, Decimal, lists of
// texts, text by name, structs and lists of them; the tag `words` lists the only texts of a field, `least:"-1"` allows a
// whole number to be -1, where others are 0 or more.
//
// Attested says that evidence of the kind counts only with the signature of whoever it speaks for: it comes in attestations of
// other tools, and is no report that whoever collects it could sign.
type Shape struct {
	Kind     Kind
	Rows     string
	Row      reflect.Type
	Summary  reflect.Type
	Folder   string
	Attested bool
}

// shapes lists every built-in kind in the order in which people are shown them.
var shapes = []Shape{
	shape[TestCase, TestsSummary](Tests, "cases", "tests"),
	shape[CoverageFile, CoverageSummary](Coverage, "files", "coverage"),
	shape[ScanFinding, ScanSummary](Scan, "findings", "scan"),
	shape[Component, SBOMSummary](SBOM, "components", "sbom"),
	shape[VEXStatement, VEXSummary](VEX, "statements", "vex"),
	shape[MetricSeries, MetricsSummary](Metrics, "series", "metrics"),
	shape[ObjectiveRow, ObjectiveSummary](Objective, "objectives", "objective"),
	shape[ReviewRow, ReviewSummary](Review, "reviews", "review"),
	shape[ChangeTicket, ChangeSummary](Change, "tickets", "change"),
	shape[DeploymentRow, DeploymentSummary](Deployment, "deployments", "deployment"),
	shape[CheckRow, CheckSummary](Check, "checks", "check"),
	shape[ChangedFile, SourceSummary](Source, "changed", "source"),
	shape[Fact, RunSummary](Run, "facts", "run"),
	shape[FormItem, FormSummary](ManualTest, "items", "form"),
	shape[FormItem, FormSummary](Demo, "items", "form"),
	shape[FormItem, FormSummary](Checklist, "items", "form"),
	shape[FormItem, FormSummary](CustomerAcceptance, "items", "form"),
	{Kind: Build},
	attested[Material, ProvenanceSummary](Provenance, "materials", "attestation"),
	attested[VerifiedLevel, VerifierSummary](VerificationSummary, "levels", "attestation"),
}

func shape[Row, Summary any](k Kind, rows, folder string) Shape {
	return Shape{Kind: k, Rows: rows, Row: reflect.TypeFor[Row](), Summary: reflect.TypeFor[Summary](), Folder: folder}
}

func attested[Row, Summary any](k Kind, rows, folder string) Shape {
	s := shape[Row, Summary](k, rows, folder)
	s.Attested = true
	return s
}

// Kinds returns every built-in kind in the order in which people are shown them.
func Kinds() []Kind {
	var out []Kind
	for _, s := range shapes {
		out = append(out, s.Kind)
	}
	return out
}

// ReportKinds returns the built-in kinds that reports can be of which whoever collects them signs.
func ReportKinds() []Kind {
	return slices.DeleteFunc(Kinds(), func(k Kind) bool { return k == Build || IsAttested(k) })
}

// IsAttested says whether evidence of the kind comes in attestations of other tools only.
func IsAttested(k Kind) bool {
	s, _ := ShapeOf(k)
	return s.Attested
}

// ShapeOf returns the shape of a built-in kind.
func ShapeOf(k Kind) (Shape, bool) {
	for _, s := range shapes {
		if s.Kind == k {
			return s, true
		}
	}
	return Shape{}, false
}
