// Package schemas owns the shape of every document that crosses a boundary: one closed CUE definition per document, from
// which come the validation of files, the published JSON Schema and the types that the Rego compiler checks policies
// against. It is the only door to CUE.
package schemas

import (
	"embed"
	"fmt"
	"sync"

	"cuelang.org/go/cue"
	"github.com/go-json-experiment/json"
)

//go:generate go test -run=^TestPublishedSchemas$ -update

//go:embed *.cue
var sources embed.FS

// Document names one document.
type Document string

// The documents. Each has a closed definition in a .cue file of this folder and a JSON Schema in json/.
const (
	Config             Document = "config"              // .cdgate.yaml
	Gate               Document = "gate"                // gate.yaml
	Tests              Document = "tests"               // predicate https://cdgate.dev/tests/v1
	Coverage           Document = "coverage"            // predicate https://cdgate.dev/coverage/v1
	Scan               Document = "scan"                // predicate https://cdgate.dev/scan/v1
	SBOM               Document = "sbom"                // predicate https://cdgate.dev/sbom/v1
	VEX                Document = "vex"                 // predicate https://cdgate.dev/vex/v1
	Metrics            Document = "metrics"             // predicate https://cdgate.dev/metrics/v1
	Objective          Document = "objective"           // predicate https://cdgate.dev/objective/v1
	Review             Document = "review"              // predicate https://cdgate.dev/review/v1
	Change             Document = "change"              // predicate https://cdgate.dev/change/v1
	Deployment         Document = "deployment"          // predicate https://cdgate.dev/deployment/v1
	Check              Document = "check"               // predicate https://cdgate.dev/check/v1
	Source             Document = "source"              // predicate https://cdgate.dev/source/v1
	Run                Document = "run"                 // predicate https://cdgate.dev/run/v1
	ManualTest         Document = "manual_test"         // predicate https://cdgate.dev/manual_test/v1
	Demo               Document = "demo"                // predicate https://cdgate.dev/demo/v1
	Checklist          Document = "checklist"           // predicate https://cdgate.dev/checklist/v1
	CustomerAcceptance Document = "customer_acceptance" // predicate https://cdgate.dev/customer_acceptance/v1
	Build              Document = "build"               // predicate https://cdgate.dev/build/v1
	Collection         Document = "collection"          // predicate https://cdgate.dev/collection/v1
	Signoff            Document = "signoff"             // predicate https://cdgate.dev/signoff/v1
	GateSignature      Document = "gate-signature"      // predicate https://cdgate.dev/gate/v1
	Enrolment          Document = "enrolment"           // predicate https://cdgate.dev/enrolment/v1
	Rows               Document = "rows"                // normalised rows kept beside a statement
	Input              Document = "input"               // what a policy sees
	Decision           Document = "decision"            // predicate https://cdgate.dev/decision/v1
	RuleMetadata       Document = "rule-metadata"       // the block "custom" of a rule's METADATA
	Finding            Document = "finding"             // one element of a rule's result
)

// definition says where a document is defined and how large its texts may be. Its shape is derived on first use and
// never changes afterwards.
type definition struct {
	doc   Document
	files []string
	path  string
	limit int
	shape func() (*shape, error)
	// spare holds what deriving the shape has compiled for the first confirm, for documents that people write: a
	// command reads each of them once.
	spare chan cue.Value
}

// kindFiles define evidence: what all kinds share, and each kind. They are compiled together, because one file has all that
// a kind needs: rows, summary, predicate, and its places in "rows" and "input".
var kindFiles = []string{
	"report.cue", "predicates.cue", "input.cue",
	"tests.cue", "coverage.cue", "scan.cue", "sbom.cue", "vex.cue", "metric.cue", "people.cue", "form.cue", "facts.cue", "attested.cue",
	"vulnerability.cue",
}

// definitions holds all documents in the order in which people are shown them. CUE is compiled on first use, and only
// the files of the document that is asked for.
var definitions = []*definition{
	define(Config, "#Config", maxConfig, "config.cue"),
	define(Gate, "#Gate", maxConfig, "gate.cue"),
	define(Tests, "#Tests", MaxPredicate, kindFiles...),
	define(Coverage, "#Coverage", MaxPredicate, kindFiles...),
	define(Scan, "#Scan", MaxPredicate, kindFiles...),
	define(SBOM, "#SBOM", MaxPredicate, kindFiles...),
	define(VEX, "#VEX", MaxPredicate, kindFiles...),
	define(Metrics, "#Metrics", MaxPredicate, kindFiles...),
	define(Objective, "#Objective", MaxPredicate, kindFiles...),
	define(Review, "#Review", MaxPredicate, kindFiles...),
	define(Change, "#Change", MaxPredicate, kindFiles...),
	define(Deployment, "#Deployment", MaxPredicate, kindFiles...),
	define(Check, "#Check", MaxPredicate, kindFiles...),
	define(Source, "#Source", MaxPredicate, kindFiles...),
	define(Run, "#Run", MaxPredicate, kindFiles...),
	define(ManualTest, "#ManualTest", MaxPredicate, kindFiles...),
	define(Demo, "#Demo", MaxPredicate, kindFiles...),
	define(Checklist, "#Checklist", MaxPredicate, kindFiles...),
	define(CustomerAcceptance, "#CustomerAcceptance", MaxPredicate, kindFiles...),
	define(Build, "#Build", MaxPredicate, kindFiles...),
	define(Collection, "#Collection", MaxPredicate, kindFiles...),
	define(Signoff, "#Signoff", MaxPredicate, "signoff.cue"),
	define(GateSignature, "#GateSignature", maxRecord, "gate.cue", "gate_signature.cue"),
	define(Enrolment, "#Enrolment", MaxPredicate, "gate.cue", "enrolment.cue"),
	define(Rows, "#Rows", maxDocument, kindFiles...),
	define(Input, "#Input", maxDocument, kindFiles...),
	define(Decision, "#Decision", maxRecord, "decision.cue"),
	define(RuleMetadata, "#RuleMetadata", maxConfig, "rule.cue"),
	define(Finding, "#Finding", maxConfig, "rule.cue"),
}

func define(doc Document, path string, limit int, files ...string) *definition {
	d := &definition{doc: doc, path: path, limit: limit, files: append([]string{"values.cue"}, files...), spare: make(chan cue.Value, 1)}
	d.shape = sync.OnceValues(d.derive)
	return d
}

func find(doc Document) (*definition, error) {
	for _, d := range definitions {
		if d.doc == doc {
			return d, nil
		}
	}
	return nil, fmt.Errorf("find document %q: no such document", doc)
}

// Documents returns every document in the order in which people are shown them.
func Documents() []Document {
	docs := make([]Document, 0, len(definitions))
	for _, d := range definitions {
		docs = append(docs, d.doc)
	}
	return docs
}

// Decode reads a configuration text strictly, checks it against the definition of doc, fills in defaults and stores the
// result in out by its json tags; out may be nil to check only. A member of the text that out has no field for is an error.
//
// file is the name errors give and decides the syntax: .json is strict JSON, .cue is CUE that holds data only, anything
// else is YAML without duplicate keys, anchors, aliases, merge keys or tags, in which words such as on and no are texts.
//
// The error joins one *Error per problem, in the order of the text.
func Decode(doc Document, file string, src []byte, out any) error {
	d, err := find(doc)
	if err != nil {
		return err
	}
	if len(src) > d.limit {
		return tooLarge(file, d.limit)
	}
	root, err := read(file, src)
	if err != nil {
		return err
	}
	s, err := d.shape()
	if err != nil {
		return err
	}
	if err := check(d.doc, file, s, root); err != nil {
		return err
	}
	text := appendFilled(nil, s, root)
	if err := d.confirm(file, text); err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("decode %s %q: %w", doc, file, err)
	}
	return nil
}

// ValidateJSON checks strict JSON against the definition of doc: no duplicate names, no invalid UTF-8, nothing after
// the value. Defaults are not filled in. A statement predicate may have 64 KiB. The error joins one *Error per problem.
func ValidateJSON(doc Document, file string, src []byte) error {
	d, err := find(doc)
	if err != nil {
		return err
	}
	if len(src) > d.limit {
		return tooLarge(file, d.limit)
	}
	root, err := readJSON(file, src)
	if err != nil {
		return err
	}
	s, err := d.shape()
	if err != nil {
		return err
	}
	return check(d.doc, file, s, root)
}

func tooLarge(file string, limit int) error {
	return &Error{File: file, Msg: fmt.Sprintf("larger than %d bytes", limit)}
}
