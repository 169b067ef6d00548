package seal

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// corpusAttestation is an attestation of the report corpus, with what a check of it must answer.
type corpusAttestation struct {
	Path   string
	Expect struct {
		PredicateType string `json:"predicate_type"`
		Subjects      int    `json:"subjects_count"`
		Content       string
	}
	Verify *struct {
		Artifact    string
		SHA256      string `json:"artifact_sha256"`
		SHA512      string `json:"artifact_sha512"`
		TrustedRoot string `json:"trusted_root"`
		PublicKey   string `json:"public_key"`
		Identity    *struct{ Issuer, SAN string }
		Result      string
	}
}

// attestations are those of the report corpus: the folder CDGATE_CORPUS, or the one beside the repository.
func attestations(t testing.TB) (dir string, out []corpusAttestation) {
	t.Helper()
	dir = os.Getenv("CDGATE_CORPUS")
	if dir == "" {
		_, here, _, _ := runtime.Caller(0)
		dir = filepath.Join(filepath.Dir(here), "..", "..", "..", "shared", "corpus")
	}
	manifest, err := os.ReadFile(filepath.Join(dir, "MANIFEST.json"))
	if os.IsNotExist(err) && os.Getenv("CDGATE_CORPUS") == "" {
		t.Skipf("no report corpus in %s; name it with CDGATE_CORPUS", dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	var m struct{ Files []jsontext.Value }
	if err := json.Unmarshal(manifest, &m, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	for _, raw := range m.Files {
		var f corpusAttestation
		if !strings.Contains(string(raw), `"attestations/`) {
			continue // expect is of another shape elsewhere
		}
		if err := json.Unmarshal(raw, &f, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
		out = append(out, f)
	}
	return dir, out
}

// trust is what the manifest says that this attestation is to be checked with.
func (f corpusAttestation) trust(t testing.TB, dir string) Trust {
	t.Helper()
	folder := filepath.Join(dir, filepath.Dir(f.Path))
	var out Trust
	if name := f.Verify.TrustedRoot; name != "" {
		file := filepath.Join(folder, name)
		if !strings.HasSuffix(name, ".json") {
			file = filepath.Join(dir, "attestations", "trusted-root", name+".json")
		}
		out.Roots = must(ParseRoots(file, must(os.ReadFile(file))))
	}
	if name := f.Verify.PublicKey; name != "" {
		out.Keys = []PublicKey{must(ParsePublicKey(name, must(os.ReadFile(filepath.Join(folder, name)))))}
		return out
	}
	out.Identity = func(i Identity) bool {
		want := f.Verify.Identity
		return want == nil || i.Issuer == want.Issuer && i.Subject == want.SAN
	}
	return out
}

// check opens an attestation as the manifest says. Some bundles sign a file and are no attestations; what is said about the
// certificate, the log and the time is checked with the same verifier.
func (f corpusAttestation) check(t testing.TB, text []byte, trust Trust) error {
	t.Helper()
	if f.Expect.Content == "messageSignature" || f.Verify.Artifact != "" && f.Expect.Content == "" {
		if _, err := trust.OpenAttestation(text); !errors.Is(err, ErrMalformed) {
			t.Errorf("the signature of a file is taken for an attestation: %v", err)
		}
		return checkFile(text, f.Verify.SHA256, trust)
	}
	a, err := trust.OpenAttestation(text)
	if err != nil {
		return err
	}
	if a.PredicateType != f.Expect.PredicateType || len(a.Subjects) != f.Expect.Subjects {
		t.Errorf("opened %q with %d subjects, want %q with %d", a.PredicateType, len(a.Subjects), f.Expect.PredicateType, f.Expect.Subjects)
	}
	if want := f.Verify.SHA256; want != "" && (!a.Covers("sha256:"+want) || a.Covers("sha256:"+strings.Repeat("0", 64))) {
		return errors.New("the artifact is none of its subjects, or everything is")
	}
	if want := f.Verify.SHA512; want != "" && !slices.ContainsFunc(a.Subjects, func(s Subject) bool { return s.Digest["sha512"] == want }) {
		return errors.New("the artifact is none of its subjects")
	}
	if a.Signatory.Identity != (Identity{}) && a.Witnessed.IsZero() {
		t.Error("nothing says when the certificate was used")
	}
	return nil
}

func checkFile(text []byte, sha256 string, trust Trust) error {
	_, e, err := decodeForeignBundle(text)
	if err != nil {
		return err
	}
	key := e.certKey
	if e.certified && (trust.Identity == nil || !trust.Identity(e.identity)) || !e.certified && len(trust.Keys) == 0 {
		return ErrUnknownKey
	}
	if !e.certified {
		if key, err = trust.Keys[0].verifier(); err != nil {
			return err
		}
	}
	digest, err := hex.DecodeString(sha256)
	if err != nil {
		return err
	}
	if trust.Roots == nil {
		return ErrUntrusted
	}
	v, b, err := trust.Roots.verifier(text, e, key, trust.Roots.demandsOfOthers(e))
	if err != nil {
		return err
	}
	_, err = v.Verify(b, verify.NewPolicy(verify.WithArtifactDigest("sha256", digest), e.who()))
	return err
}

// Every attestation of the corpus that says how it is to be checked. Where the answer must be no, a yes is a security bug.
func TestCorpusAttestations(t *testing.T) {
	dir, files := attestations(t)
	// Why it is refused, in the words of the errors: a refusal for another reason would prove nothing.
	why := map[string]string{
		"fail-dsse-signature.json":           "signature does not match",
		"fail-integrated-time-future.json":   "integrated time outside certificate validity",
		"fail-checkpoint-root-hash.json":     "root hash does not match",
		"fail-message-digest.json":           "does not match artifact",
		"fail-malformed-json.json":           "unexpected EOF",
		"fail-wrong-instance.json":           "not enough verified log entries",
		"fail-empty-certificate-chain.json":  "chain of certificates is empty",
		"dsse-two-signatures.json":           "2 signatures",
		"private-repo-github-instance.jsonl": "failed to verify timestamps",
	}
	passed, refused := 0, 0
	for _, f := range files {
		if f.Verify == nil {
			continue
		}
		t.Run(f.Path, func(t *testing.T) {
			text, trust := must(os.ReadFile(filepath.Join(dir, f.Path))), f.trust(t, dir)
			err := f.check(t, text, trust)
			switch f.Verify.Result {
			case "pass":
				passed++
				if err != nil {
					t.Fatal(err)
				}
				f.checkTwins(t, dir, text, trust)
			case "fail":
				refused++
				words := why[filepath.Base(f.Path)]
				if err == nil || words == "" || !strings.Contains(err.Error(), words) {
					t.Errorf("%v, want %q", err, words)
				}
			default:
				t.Errorf("the manifest wants %q", f.Verify.Result)
			}
		})
	}
	if passed != 12 || refused != len(why) {
		t.Errorf("%d attestations must pass and %d must not, want 12 and %d: the corpus has changed", passed, refused, len(why))
	}
}

// checkTwins takes away one thing after the other that the attestation needs.
func (f corpusAttestation) checkTwins(t *testing.T, dir string, text []byte, trust Trust) {
	t.Helper()
	other := newSigner(t).Public()
	for name, without := range map[string]Trust{
		"nobody": {Roots: trust.Roots}, "another key": {Keys: []PublicKey{other}, Roots: trust.Roots},
		"another identity": {Identity: func(i Identity) bool { return i.Issuer == "https://sso.example" }, Roots: trust.Roots},
	} {
		if f.check(t, text, without) == nil {
			t.Errorf("accepted from %s", name)
		}
	}
	if trust.Roots == nil {
		return
	}
	trust.Roots = nil
	if f.check(t, text, trust) == nil {
		t.Error("accepted without a trusted root")
	}
	staging := filepath.Join(dir, "attestations", "trusted-root", "scaffolding.json")
	trust.Roots = must(ParseRoots(staging, must(os.ReadFile(staging))))
	if f.check(t, text, trust) == nil {
		t.Error("accepted with the trusted root of another instance")
	}
}

// What has no check in the corpus has nothing to check it with: it is read, and refused.
func TestCorpusAttestationsWithoutTrust(t *testing.T) {
	dir, files := attestations(t)
	seen := 0
	for _, f := range files {
		if f.Verify != nil || !strings.Contains(f.Path, "/dsse/") || strings.Contains(f.Path, "google-cloud-build") {
			continue
		}
		seen++
		text := must(os.ReadFile(filepath.Join(dir, f.Path)))
		e, err := decodeAttestation(text)
		if err != nil {
			t.Errorf("%s: %v", f.Path, err)
			continue
		}
		a, err := decodeForeignStatement(e.payload)
		if err != nil || a.PredicateType != f.Expect.PredicateType || len(a.Subjects) != f.Expect.Subjects {
			t.Errorf("%s: %v, %+v", f.Path, err, a)
		}
		if _, err := (Trust{Keys: []PublicKey{newSigner(t).Public()}, Identity: func(Identity) bool { return true }}).OpenAttestation(text); !errors.Is(err, ErrUnknownKey) {
			t.Errorf("%s: %v", f.Path, err)
		}
	}
	if seen != 3 {
		t.Errorf("%d bare envelopes, want 3", seen)
	}
}
