package formats

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
)

func init() {
	nothing := func(*testing.T, evidence.Report, []byte) map[string]any { return nil }
	kindTests[evidence.Provenance] = kindTest{nothing, checkProvenance}
	kindTests[evidence.VerificationSummary] = kindTest{nothing, checkVerification}
}

// checkProvenance: materials are counted, no reader gives a level, and repository and commit come together or not at all.
func checkProvenance(t *testing.T, r evidence.Report, rows []byte) {
	t.Helper()
	s := r.Summary.Provenance
	list := rowsOf[evidence.Material](t, evidence.Provenance, rows)
	if int64(len(list)) != s.Materials || s.BuildLevel != 0 || s.BuilderID == "" {
		t.Errorf("%d rows, summary %+v", len(list), s)
	}
	if (s.Repository == "") != (s.Revision == "") || (s.Revision == "") != serious(r) {
		t.Errorf("repository %q, revision %q, serious warning %v", s.Repository, s.Revision, serious(r))
	}
}

func checkVerification(t *testing.T, r evidence.Report, rows []byte) {
	t.Helper()
	s := r.Summary.Verifier
	if list := rowsOf[evidence.VerifiedLevel](t, evidence.VerificationSummary, rows); int64(len(list)) != s.Levels {
		t.Errorf("%d rows, summary %+v", len(list), s)
	}
}

// attestedStatement is what the manifest of the corpus says of one statement.
type attestedStatement struct {
	PredicateType      string   `json:"predicate_type"`
	BuilderID          string   `json:"builder_id"`
	BuildType          string   `json:"build_type"`
	Materials          *int64   `json:"materials"`
	Dependencies       *int64   `json:"resolved_dependencies"`
	VerificationResult string   `json:"verificationResult"`
	VerifiedLevels     []string `json:"verifiedLevels"`
	ResourceURI        string   `json:"resourceUri"`
	Result             string   `json:"result"`
}

// commits are those that were built, read off the statements of the corpus by eye.
var commits = map[string]string{
	"github-attestation/private-repo-github-instance.jsonl": "https://github.com/actions/attest-demo a6c23b9806c593664f68637c8f9d45dfcf98b2db",
	"github-attestation/reusable-workflow.json":             "https://github.com/malancas/attest-demo 95baf27389e83e6a5c48f42e190d48d7abcea19e",
	"sigstore-bundle/v0.3-dsse-intoto.json":                 "https://github.com/loosebazooka/aa-test ebff8dfbd609b7b22237c7719ce07f2dc7934f5f",
	"dsse/slsa-github-generator-v0.0.2.jsonl":               "https://github.com/slsa-framework/example-package 8054f602af563876f77861afdb7311e60079f326",
	"dsse/container-based-v2.1.0.slsa":                      "https://github.com/slsa-framework/example-package 4d329c75e7ec1725f7c9ce917a8799d408d06be3",
	"dsse/bazel-dsse-envelope.slsa":                         "https://github.com/enteraga6/slsa-lvl3-generic-provenance-with-bazel-example 7f23ac4783cb702a68c55f7955cc296fdd425dbb",
	"statement/kubectl-75-subjects.json":                    "https://github.com/kubernetes/kubernetes 8dc49c4b984b897d423aab4971090e1879eb4f23",
	"npm-attestation/ossf-provenance.json":                  "https://github.com/laurentsimon/provenance-npm-test 34490b44db557f009617bcb92b8780f972c189ab",
}

// TestAttestationsOfTheCorpus reads the predicate of every statement of the corpus, signed or not, and compares it with the manifest.
func TestAttestationsOfTheCorpus(t *testing.T) {
	dir, _ := corpus(t)
	text, err := os.ReadFile(filepath.Join(dir, "MANIFEST.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Files []struct {
			Path   string
			Expect json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	read, tied := 0, 0
	for _, f := range m.Files {
		name, ok := strings.CutPrefix(f.Path, "attestations/")
		if !ok {
			continue
		}
		var one attestedStatement
		var several struct{ Attestations []attestedStatement }
		if err := errors.Join(json.Unmarshal(f.Expect, &one), json.Unmarshal(f.Expect, &several)); err != nil {
			continue // of another shape: no statement
		}
		b, err := os.ReadFile(filepath.Join(dir, f.Path))
		if err != nil {
			t.Fatal(err)
		}
		wants := append(several.Attestations, one)
		for _, p := range predicatesIn(b) {
			i := slices.IndexFunc(wants, func(w attestedStatement) bool { return w.PredicateType == p.PredicateType })
			if i < 0 {
				t.Errorf("%s: the manifest has no %q", name, p.PredicateType)
				continue
			}
			r, ok := comparePredicate(t, name, p, wants[i])
			if !ok {
				continue
			}
			read++
			if want := commits[name]; want != "" && r.Summary.Provenance != nil {
				tied++
				if got := r.Summary.Provenance.Repository + " " + r.Summary.Provenance.Revision; got != want {
					t.Errorf("%s: built from %s, want %s", name, got, want)
				}
			}
		}
	}
	if read < 11 || tied < len(commits) {
		t.Errorf("read %d predicates, %d of them with a known commit", read, tied)
	}
}

// statement is what the envelopes of the corpus hold.
type statement struct {
	PredicateType string
	Predicate     json.RawMessage
}

// predicatesIn takes envelopes apart with nothing of the product's.
func predicatesIn(b []byte) (out []statement) {
	dec := json.NewDecoder(bytes.NewReader(b))
	for {
		var v struct {
			statement
			Payload      string
			DSSEEnvelope struct{ Payload string }
			Attestations []struct {
				Bundle struct{ DSSEEnvelope struct{ Payload string } }
			}
		}
		if dec.Decode(&v) != nil {
			return out
		}
		if v.PredicateType != "" {
			out = append(out, v.statement)
		}
		payloads := []string{v.Payload, v.DSSEEnvelope.Payload}
		for _, a := range v.Attestations {
			payloads = append(payloads, a.Bundle.DSSEEnvelope.Payload)
		}
		for _, p := range payloads {
			var s statement
			if text, err := base64.StdEncoding.DecodeString(p); err == nil && json.Unmarshal(text, &s) == nil {
				out = append(out, s)
			}
		}
	}
}

func comparePredicate(t *testing.T, name string, p statement, want attestedStatement) (evidence.Report, bool) {
	t.Helper()
	var rows bytes.Buffer
	f, r, err := ReadPredicate(p.PredicateType, bytes.NewReader(p.Predicate), &rows)
	if errors.Is(err, ErrPredicate) {
		if slices.Contains(Predicates(), p.PredicateType) {
			t.Errorf("%s: %v", name, err)
		}
		return r, false
	}
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return r, false
	}
	if _, ok := kindTests[f.Kind]; ok {
		checkRows(t, f, r, rows.Bytes())
	}
	if s := r.Summary.Provenance; s != nil {
		n := want.Materials
		if n == nil {
			n = want.Dependencies
		}
		if s.BuilderID != want.BuilderID || s.BuildType != want.BuildType || n != nil && s.Materials != *n {
			t.Errorf("%s: %+v, the manifest says %+v", name, s, want)
		}
	}
	if s := r.Summary.Verifier; s != nil {
		var levels []string
		for _, l := range rowsOf[evidence.VerifiedLevel](t, f.Kind, rows.Bytes()) {
			levels = append(levels, l.Name)
		}
		if s.Result != want.VerificationResult || s.ResourceURI != want.ResourceURI || !slices.Equal(levels, want.VerifiedLevels) {
			t.Errorf("%s: %+v with levels %v, the manifest says %+v", name, s, levels, want)
		}
	}
	if s := r.Summary.Tests; s != nil && s.OK != (want.Result == "PASSED") {
		t.Errorf("%s: OK is %v, the manifest says %s", name, s.OK, want.Result)
	}
	return r, true
}

// TestPredicates: which format a predicate has is told by its type, and by its content where several have the type.
func TestPredicates(t *testing.T) {
	const bom = `{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"a","version":"1"}]}`
	const vex = `{"bomFormat":"CycloneDX","specVersion":"1.5","vulnerabilities":[{"id":"CVE-2026-1","analysis":{"state":"not_affected","justification":"code_not_present"},"affects":[{"ref":"pkg:a/b@1"}]}]}`
	const openvex = `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://a.example/1","author":"a","timestamp":"2026-11-20T10:00:00Z","version":1,"statements":[]}`
	const trivy = `{"SchemaVersion":2,"ArtifactName":"app","ArtifactType":"container_image","Results":[{"Target":"app","Class":"os-pkgs","Type":"debian"}]}`
	for _, x := range []struct{ typ, text, format, says string }{
		{"https://cyclonedx.org/bom", bom, "cyclonedx-json", ""},
		{"https://cyclonedx.org/bom/v1.5", bom, "cyclonedx-json", ""},
		{"https://cyclonedx.org/bom", vex, "cyclonedx-vex", ""},
		{"https://openvex.dev/ns/v0.2.0", openvex, "openvex", ""},
		{VulnPredicate, `{"invocation":{},"scanner":{"uri":"pkg:github/aquasecurity/trivy","version":"0.57","db":{},"result":` + trivy + `},"metadata":{}}`, "trivy", ""},
		{VulnPredicate, `{"scanner":{"uri":"x","result":{"a":1}},"metadata":{}}`, "", "no known report format"},
		{VulnPredicate, `{"scanner":{"uri":"x"},"metadata":{}}`, "", "scanner.result is missing"},
		{VulnPredicate, `{"Scanner":{"result":` + trivy + `}}`, "", "unknown object member"},
		{"https://slsa.dev/provenance/v0.1", `{}`, "", "no known predicate type"},
		{"https://slsa.dev/provenance/v1 ", `{}`, "", "no known predicate type"},
		{"https://slsa.dev/provenance/v1", bom, "", "runDetails.builder.id is missing"},
		{"https://cyclonedx.org/bom", openvex, "", "none of its formats"},
		{"https://slsa.dev/provenance/v1", `{"runDetails":{"builder":{"id":"b"}}} {}`, "", "second document"},
	} {
		f, _, err := ReadPredicate(x.typ, strings.NewReader(x.text), &bytes.Buffer{})
		if x.says == "" && (err != nil || f.Name != x.format) {
			t.Errorf("%s: %s, %v; want %s", x.typ, f.Name, err, x.format)
		}
		if x.says != "" && (err == nil || !strings.Contains(err.Error(), x.says)) {
			t.Errorf("%s: %v, want %q", x.typ, err, x.says)
		}
	}
}

// TestScannedAt: the end of a scan, or else its beginning; the zero time says nothing.
func TestScannedAt(t *testing.T) {
	for text, want := range map[string]string{
		`{"metadata":{"scanStartedOn":"2026-11-20T09:00:00+01:00","scanFinishedOn":"2026-11-20T09:30:00.5Z"}}`: "2026-11-20T09:30:00Z",
		`{"metadata":{"scanStartedOn":"2026-11-20T09:00:00+01:00","scanFinishedOn":"0001-01-01T00:00:00Z"}}`:   "2026-11-20T08:00:00Z",
		`{"metadata":{}}`: "",
		`{}`:              "",
	} {
		if got, err := ScannedAt([]byte(text)); got != want || err != nil {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{`{"metadata":{"scanFinishedOn":"yesterday"}}`, `{"metadata":{"scanFinishedOn":"","scanFinishedOn":""}}`, `{"metadata":1}`} {
		if got, err := ScannedAt([]byte(text)); err == nil {
			t.Errorf("%s: %q", text, got)
		}
	}
}
