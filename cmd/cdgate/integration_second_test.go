package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestIntegrationSecondOpinion has every kind of file that cdgate writes judged by programs that nobody here wrote. Each accepts what
// is good, and refuses the same with one thing changed.
func TestIntegrationSecondOpinion(t *testing.T) {
	dir := t.TempDir()
	t.Run("story", func(t *testing.T) {
		p := integration("testdata/second")
		p.WorkdirRoot = dir
		testscript.Run(t, p)
	})
	if t.Failed() {
		return
	}
	keys, identities := filepath.Join(dir, "script-keys"), filepath.Join(dir, "script-identities")
	for name, judge := range map[string]func(*testing.T, string){
		"bundles": bundlesOfKeys, "owners": signaturesOfOwners, "summary": summaryBySLSA, "log": proofBySpicy, "tar": tarByORAS, "keys": keysByOpenSSL,
	} {
		t.Run(name, func(t *testing.T) { judge(t, keys) })
	}
	for name, judge := range map[string]func(*testing.T, string){"identities": bundlesOfIdentities, "timestamps": timestampsByOpenSSL} {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(identities, "issuer")); err != nil {
				t.Skip("NOT TESTED: nothing was signed with identities; run make test-integration")
			}
			judge(t, identities)
		})
	}
}

const cdgateType, summaryType = "https://cdgate.dev/", "https://slsa.dev/verification_summary/v1"

// signedBy is who may have signed a statement, by its type and in the order of the story. A type that is not here, or that
// nobody wrote, fails the test.
var signedBy = map[string][]string{
	cdgateType + "tests/v1": {"ci"}, cdgateType + "scan/v1": {"ci"}, cdgateType + "coverage/v1": {"ci"}, cdgateType + "sbom/v1": {"ci"},
	cdgateType + "build/v1": {"ci", "reviewer"}, cdgateType + "collection/v1": {"ci", "reviewer"},
	cdgateType + "manual_test/v1": {"reviewer"}, cdgateType + "signoff/v1": {"reviewer"},
	cdgateType + "decision/v1": {"gate"}, summaryType: {"gate"},
	cdgateType + "gate/v1": {"root", "second"}, cdgateType + "enrolment/v1": {"dana"},
}

// bundlesIn are the bundles in a directory and below, as claims of what they say themselves, without a signer. Copies are left out.
func bundlesIn(t *testing.T, dir string) (out []claim) {
	t.Helper()
	seen := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.Name() == ".git" {
				return filepath.SkipDir
			}
			return err
		}
		text := read(t, path)
		if !bytes.HasPrefix(text, []byte(`{"mediaType":"application/vnd.dev.sigstore.bundle`)) || seen[string(text)] {
			return nil
		}
		seen[string(text)] = true
		out = append(out, claimOf(t, path))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// claimOf is what a bundle says of itself.
func claimOf(t *testing.T, bundle string) claim {
	t.Helper()
	var s struct {
		PredicateType string
		Subject       []struct{ Digest map[string]string }
	}
	if err := json.Unmarshal(payloadOf(t, bundle), &s); err != nil || len(s.Subject) != 1 || len(s.Subject[0].Digest) != 1 {
		t.Fatalf("%s: %v, %+v", bundle, err, s)
	}
	c := claim{bundle: bundle, kind: s.PredicateType}
	for c.alg, c.digest = range s.Subject[0].Digest {
	}
	return c
}

// hint is the name of a key in a bundle, "" for a certificate; hintOf is that of a key file.
func hint(t *testing.T, bundle string) string {
	var b struct {
		VerificationMaterial struct{ PublicKey struct{ Hint string } }
	}
	if err := json.Unmarshal(read(t, bundle), &b); err != nil {
		t.Fatal(err)
	}
	return b.VerificationMaterial.PublicKey.Hint
}

func hintOf(t *testing.T, key string) string {
	block, _ := pem.Decode(read(t, key))
	if block == nil {
		t.Fatalf("%s is no PEM", key)
	}
	sum := sha256.Sum256(block.Bytes)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// everyOpinion asks each program about each claim, and about the twins of the first claim of each kind. Every kind must be there.
func everyOpinion(t *testing.T, claims []claim, otherKey string, kinds []string) {
	met := map[string]bool{}
	for _, c := range claims {
		met[c.kind] = true
	}
	if got := slices.Sorted(maps.Keys(met)); !slices.Equal(got, kinds) {
		t.Fatalf("there are statements of %q, want %q", got, kinds)
	}
	for _, o := range opinions {
		t.Run(o.program, func(t *testing.T) {
			t.Parallel()
			twins := map[string]bool{}
			for _, c := range claims {
				o.believes(t, c)
				if !twins[c.kind] {
					twins[c.kind] = true
					o.refuses(t, c, o.twins(t, c, otherKey))
				}
			}
		})
	}
}

// noRoot is a trusted root that trusts nobody.
func noRoot(t *testing.T) string {
	return write(t, "root.json", []byte(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`))
}

func bundlesOfKeys(t *testing.T, dir string) {
	shop := filepath.Join(dir, "shop")
	root := noRoot(t)
	claims := bundlesIn(t, shop)
	for i, c := range claims {
		by := hint(t, c.bundle)
		at := slices.IndexFunc(signedBy[c.kind], func(who string) bool { return by == hintOf(t, filepath.Join(shop, "keys", who+".pub")) })
		if at < 0 {
			t.Fatalf("%s, a %s, is signed by none of %q", c.bundle, c.kind, signedBy[c.kind])
		}
		claims[i].root, claims[i].key = root, filepath.Join(shop, "keys", signedBy[c.kind][at]+".pub")
	}
	everyOpinion(t, claims, filepath.Join(shop, "keys", "stranger.pub"), slices.Sorted(maps.Keys(signedBy)))
}

func bundlesOfIdentities(t *testing.T, dir string) {
	shop := filepath.Join(dir, "shop")
	claims := bundlesIn(t, shop)
	kinds, keyed := map[string]bool{}, 0
	for i := range claims {
		c := &claims[i]
		c.root, c.issuer, kinds[c.kind] = filepath.Join(dir, "tr.json"), string(read(t, filepath.Join(dir, "issuer"))), true
		switch by := hint(t, c.bundle); {
		case c.kind == cdgateType+"gate/v1":
			c.key = filepath.Join(shop, "keys", "root.pub")
		case by != "": // the decision with a key and a timestamp, and its summary
			keyed++
			c.key, c.stamped = filepath.Join(shop, "keys", "gate.pub"), true
		default:
			c.identity, c.stamped, c.logged = signedBy[c.kind][0]+"@acme.example", true, true
		}
	}
	if keyed != 2 {
		t.Errorf("%d statements are signed with a key and a timestamp, want 2", keyed)
	}
	want := []string{"build/v1", "collection/v1", "coverage/v1", "decision/v1", "gate/v1", "sbom/v1", "scan/v1", "signoff/v1", "tests/v1"}
	for i := range want {
		want[i] = cdgateType + want[i]
	}
	everyOpinion(t, claims, filepath.Join(shop, "keys", "dana.pub"), append(want, summaryType))
}

// signaturesOfOwners: a gate definition of two owners has two files, each a bundle around the same payload. Every program
// verifies each with the key of its owner. Both signatures in one bundle are refused, which is why there are two.
func signaturesOfOwners(t *testing.T, dir string) {
	shop, root := filepath.Join(dir, "shop"), noRoot(t)
	key := func(name string) string { return filepath.Join(shop, "keys", name+".pub") }
	first, second := filepath.Join(shop, "gate.sigstore.json"), filepath.Join(shop, "gate.2.sigstore.json")
	if !bytes.Equal(payloadOf(t, first), payloadOf(t, second)) {
		t.Fatal("the owners signed different texts")
	}
	by := func(bundle, owner string) claim {
		c := claimOf(t, first)
		c.bundle, c.key, c.root = bundle, key(owner), root
		return c
	}
	both := editBundle(t, first, func(b map[string]any) {
		var other map[string]any
		if err := json.Unmarshal(read(t, second), &other); err != nil {
			t.Fatal(err)
		}
		envelope := b["dsseEnvelope"].(map[string]any)
		envelope["signatures"] = append(envelope["signatures"].([]any), other["dsseEnvelope"].(map[string]any)["signatures"].([]any)...)
	})
	for _, o := range opinions {
		t.Run(o.program, func(t *testing.T) {
			o.believes(t, by(first, "root"))
			o.believes(t, by(second, "second"))
			o.refuses(t, by(first, "root"), map[string]claim{
				"the key of the other owner": by(first, "second"), "the signature of the other owner": by(second, "root"),
				"both signatures, for the first": by(both, "root"), "both signatures, for the second": by(both, "second"),
			})
		})
	}
}

// decisionSummary is the summary beside a record, and what the verifier of SLSA is asked about it.
func decisionSummary(t *testing.T, record string) string {
	t.Helper()
	found, err := filepath.Glob(record + ".vsa-*")
	if err != nil || len(found) != 1 {
		t.Fatalf("summaries %q, error %v", found, err)
	}
	return found[0]
}

// envelopeOf lifts the envelope out of a bundle: slsa-verifier reads no bundles.
func envelopeOf(t *testing.T, bundle string) string {
	t.Helper()
	var b struct {
		DSSEEnvelope json.RawMessage `json:"dsseEnvelope"`
	}
	if err := json.Unmarshal(read(t, bundle), &b); err != nil {
		t.Fatal(err)
	}
	return write(t, "envelope.json", b.DSSEEnvelope)
}

// summaryBySLSA: the verification summary of a release that was let through passes slsa-verifier, and that of one that was not fails.
func summaryBySLSA(t *testing.T, dir string) {
	shop := filepath.Join(dir, "shop")
	passed, blocked := decisionSummary(t, filepath.Join(shop, ".cdgate", "production.sigstore.json")), decisionSummary(t, filepath.Join(shop, ".cdgate", "blocked.sigstore.json"))
	digest := func(file string) string {
		return fmt.Sprintf("sha256:%x", sha256.Sum256(read(t, filepath.Join(shop, file))))
	}
	verify := func(summary string, change ...string) bool {
		args := map[string]string{
			"attestation-path": envelopeOf(t, summary), "subject-digest": digest("app"), "verifier-id": "https://cdgate.dev/cdgate",
			"resource-uri": "cdgate://production/activate/shop@1", "verified-level": "CDGATE_ALLOW", "public-key-path": filepath.Join(shop, "keys", "gate.pub"),
		}
		for i := 0; i < len(change); i += 2 {
			args[change[i]] = change[i+1]
		}
		list := []string{"verify-vsa"}
		for name, value := range args {
			list = append(list, "--"+name, value)
		}
		yes, said := ask(t, "slsa-verifier", list...)
		t.Logf("%q: %s", change, said)
		return yes
	}
	if !verify(passed) {
		t.Error("slsa-verifier refuses the summary")
	}
	for name, ok := range map[string]bool{
		"another artifact": verify(passed, "subject-digest", digest("gate.yaml")),
		"another verifier": verify(passed, "verifier-id", "https://cdgate.dev/other"),
		"another target":   verify(passed, "resource-uri", "cdgate://staging/activate/shop@1"),
		"another level":    verify(passed, "verified-level", "CDGATE_OTHER"),
		"another key":      verify(passed, "public-key-path", filepath.Join(shop, "keys", "ci.pub")),
		"altered":          verify(spoil(t, passed, "dsseEnvelope", "payload")),
		"blocked":          verify(blocked, "subject-digest", digest("gate.yaml"), "resource-uri", "cdgate://staging/activate/shop@2"),
	} {
		if ok {
			t.Errorf("slsa-verifier accepts a summary: %s", name)
		}
	}
}
