package engine_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/collect"
)

// envelope is a DSSE envelope around a statement; nothing checks its signature when it is collected.
func envelope(statement string) string {
	return fmt.Sprintf(`{"payloadType":"application/vnd.in-toto+json","payload":%q,"signatures":[{"sig":"MEUCIQ=="}]}`, base64.StdEncoding.EncodeToString([]byte(statement)))
}

// attestedTests is a statement about app.tar with one test of the name.
func attestedTests(name string) string {
	return `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"app","digest":{"sha256":"` + appDigest[7:] + `"}}],` +
		`"predicateType":"https://in-toto.io/attestation/test-result/v0.1","predicate":{"result":"PASSED","configuration":[],"passedTests":["` + name + `"]}}`
}

// madeUpToken looks like a token of GitHub, put together here so that no scanner finds one.
func madeUpToken() string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	entropy, sum := "Tzdeo9mZqJYd3Wk5x0rV8sUa1bHgLf", ""
	for n := crc32.ChecksumIEEE([]byte(entropy)); len(sum) < 6; n /= 62 {
		sum = string(digits[n%62]) + sum
	}
	return "ghp_" + entropy + sum
}

// listed is what is in one file.
func listed(t *testing.T, name string, text []byte, redact bool) ([]evidence.Item, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
	items, problems := engine.List(t.Context(), engine.CollectOptions{
		Reports: engine.Reports{Paths: []string{name}, Dir: dir, Redact: redact}, Artifacts: []engine.Artifact{{Name: appName, Digest: appDigest}},
	})
	var errs []error
	for _, p := range problems {
		errs = append(errs, p.Err)
	}
	return items, errors.Join(errs...)
}

// TestCollectedAttestations: what holds for reports holds for what is inside an envelope, and its bytes stay as they are.
func TestCollectedAttestations(t *testing.T) {
	good := envelope(attestedTests("smoke"))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(good)) // in memory
	_ = z.Close()
	escaped := strings.Replace(madeUpToken(), "_", `\u005f`, 1)
	deep := strings.Replace(attestedTests("x"), `"configuration":[]`, `"configuration":`+strings.Repeat("[", 200)+strings.Repeat("]", 200), 1)
	for name, x := range map[string]struct{ text, says string }{
		"good":                         {good, ""},
		"with a last line":             {good + "\n", ""},
		"packed":                       {packed.String(), ""},
		"a token in it":                {envelope(attestedTests(madeUpToken())), "holds secrets"},
		"a token written otherwise":    {envelope(attestedTests(escaped)), "holds secrets"},
		"too deep":                     {envelope(deep), "inside one another"},
		"a twin among names":           {strings.Replace(good, `"payload"`, `"payload":"","payload"`, 1), "duplicate"},
		"another case":                 {strings.Replace(good, `"signatures"`, `"Signatures"`, 1), "unknown object member"},
		"another payload":              {strings.Replace(good, "in-toto+json", "json", 1), "payloadType"},
		"cut off":                      {good[:len(good)-9], "unexpected EOF"},
		"a signature and no statement": {`{"mediaType":"` + seal.MediaType + `","verificationMaterial":{"publicKey":{"hint":"a"}},"messageSignature":{"signature":"AA=="}}`, "states nothing"},
		"too many":                     {strings.Repeat(good+"\n", 257), "more than 256 attestations"},
		"a list without bundles":       {`{"attestations":[{"bundle":null}]}`, "has no bundle"},
		"a list of nothing":            {`{"attestations":[]}`, "no known report format"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, redact := range []bool{false, true} { // a signature does not survive that something is taken out
				items, err := listed(t, "a.json", []byte(x.text), redact)
				if x.says != "" {
					if err == nil || !strings.Contains(err.Error(), x.says) || strings.Contains(err.Error(), madeUpToken()) {
						t.Errorf("%v, want %q", err, x.says)
					}
					continue
				}
				if err != nil || len(items) != 1 {
					t.Fatalf("%d items, %v", len(items), err)
				}
				want := x.text
				if name == "packed" {
					want = good
				}
				if it := items[0]; it.Raw.Digest != seal.Digest([]byte(want)) || it.Kind != evidence.Tests || it.Level != "" || it.Attested == nil || len(it.Warnings) != 0 ||
					!slices.Equal(it.Attested.Subjects, []string{appDigest}) || it.Rows.Digest != "" {
					t.Errorf("%+v", it)
				}
			}
		})
	}
}

// TestAttestationsThatAreFound: in a directory, and among what a registry has, types that are not read are passed over and told of;
// where one was named it is an error.
func TestAttestationsThatAreFound(t *testing.T) {
	other := envelope(strings.Replace(attestedTests("x"), "test-result/v0.1", "test-result/v9", 1))
	dir := t.TempDir()
	for name, text := range map[string]string{"good.json": envelope(attestedTests("smoke")), "other.json": other} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var told []string
	o := engine.CollectOptions{Reports: engine.Reports{Dir: dir, Paths: []string{"."}, Skipped: func(path, reason string) { told = append(told, path+": "+reason) }}}
	items, problems := engine.List(t.Context(), o)
	if len(items) != 1 || len(problems) != 0 || len(told) != 1 || !strings.Contains(told[0], "other.json: ") || !strings.Contains(told[0], "no known predicate type") {
		t.Errorf("%d items, %v, told %q", len(items), problems, told)
	}
	o.Paths = []string{"other.json"}
	if _, problems := engine.List(t.Context(), o); len(problems) != 1 {
		t.Errorf("%v", problems)
	}
	told, o.Paths = nil, nil
	o.Made = []collect.Made{{Name: "a", Data: []byte(other), Found: true}, {Name: "b", Data: []byte(envelope(attestedTests("smoke"))), Found: true}}
	if items, problems := engine.List(t.Context(), o); len(items) != 1 || len(problems) != 0 || len(told) != 1 {
		t.Errorf("%d items, %v, told %q", len(items), problems, told)
	}
	o.Made[0].Found = false
	if _, problems := engine.List(t.Context(), o); len(problems) != 1 {
		t.Errorf("%v", problems)
	}
}

// TestAttestationsOfTheCorpus collects each attestation of the corpus: what kinds there are, or why it is refused.
func TestAttestationsOfTheCorpus(t *testing.T) {
	dir := os.Getenv("CDGATE_CORPUS")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "corpus")
	}
	text, err := os.ReadFile(filepath.Join(dir, "MANIFEST.json"))
	if os.IsNotExist(err) && os.Getenv("CDGATE_CORPUS") == "" {
		t.Skipf("no report corpus in %s; name it with CDGATE_CORPUS", dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{ // kinds, or part of the error
		"dsse/container-based-v2.1.0.slsa":                      "provenance",
		"github-attestation/private-repo-github-instance.jsonl": "provenance",
		"github-attestation/reusable-workflow.json":             "provenance",
		"github-attestation/sigstore-js-2.1.0-v0.3.json":        "provenance",
		"npm-attestation/ossf-provenance.json":                  "provenance", // what npm says of the publication beside it is passed over
		"sigstore-bundle/v0.3-dsse-intoto.json":                 "provenance",
		"sigstore-bundle/fail-dsse-signature.json":              "provenance", // the signature is for the decision to check
		"sigstore-bundle/sigstore-js-1.3.0-slsa02.json":         "provenance",
		"vsa/gke-image-vsa.jsonl":                               "verification_summary",
		"dsse/bazel-dsse-envelope.slsa":                         "provenance",
		"dsse/slsa-github-generator-v0.0.2.jsonl":               "provenance",
		"dsse/witness-cyclonedx.json":                           "!",
		"dsse/google-cloud-build-v0.3.json":                     "!no known report format",
		"sigstore-bundle/dsse-two-signatures.json":              "!2 signatures",
		"statement/gitcommit-subject.json":                      "!nobody signed",
		"statement/kubectl-75-subjects.json":                    "!nobody signed",
		"statement/test-result-v0.1.json":                       "!nobody signed",
	}
	var m struct{ Files []struct{ Path string } }
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	for _, f := range m.Files {
		name, ok := strings.CutPrefix(f.Path, "attestations/")
		if !ok {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, f.Path))
		if err != nil {
			t.Fatal(err)
		}
		items, err := listed(t, filepath.Base(name), b, false)
		var kinds []string
		for _, it := range items {
			kinds = append(kinds, string(it.Kind))
			if codes := it.Warnings; len(codes) == 0 || codes[len(codes)-1].Code != string(evidence.NotAbout) {
				t.Errorf("%s: nobody says that it is not about the artifact: %v", name, codes)
			}
		}
		says, refused := strings.CutPrefix(want[name], "!")
		switch {
		case want[name] == "" || refused:
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v, %v, want %q", name, kinds, err, says)
			}
		case err != nil || strings.Join(kinds, " ") != want[name]:
			t.Errorf("%s: %v, %v, want %s", name, kinds, err, want[name])
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("not in the corpus: %v", want)
	}
}
