package seal

import (
	"crypto"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"
)

// sigstoreGo asks sigstore-go's verifier about a bundle, with one key that is trusted under its own hint only.
func sigstoreGo(t testing.TB, text []byte, key PublicKey) error {
	t.Helper()
	_, pub, err := parsePublic([]byte(key.PEM))
	if err != nil {
		t.Fatal(err)
	}
	v, err := signature.LoadECDSAVerifier(pub, crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	material := root.NewTrustedPublicKeyMaterial(func(hint string) (root.TimeConstrainedVerifier, error) {
		if hint != key.ID {
			return nil, errors.New("unknown hint")
		}
		return root.NewExpiringKey(v, time.Time{}, time.Time{}), nil
	})
	var b bundle.Bundle
	if err := b.UnmarshalJSON(text); err != nil {
		return err
	}
	verifier, err := verify.NewVerifier(material, verify.WithNoObserverTimestamps())
	if err != nil {
		t.Fatal(err)
	}
	digest, _ := hex.DecodeString(artifactHex)
	_, err = verifier.Verify(&b, verify.NewPolicy(verify.WithArtifactDigest("sha256", digest), verify.WithKey()))
	return err
}

// Whatever Open accepts, sigstore-go accepts; what Open refuses beyond it is written down here, with the reason in
// TestOpenRefusesStatements and TestOpenRefusesBundles.
func TestAgainstSigstoreGo(t *testing.T) {
	s, other := newSigner(t), newSigner(t)
	good := string(sign(t, s, statement(`{"a":1}`)))
	payload := string(must(InspectUnsafe([]byte(good))).Payload)
	signed := func(old, new string) []byte {
		if !strings.Contains(payload, old) {
			t.Fatalf("nothing to replace: %s", old)
		}
		return forge(t, s, strings.Replace(payload, old, new, 1), nil)
	}
	edited := func(f func(*bundleJSON)) []byte { return forge(t, s, payload, f) }
	for name, c := range map[string]struct {
		bundle       []byte
		ours, theirs bool
	}{
		"good":                 {[]byte(good), true, true},
		"white space":          {[]byte(strings.ReplaceAll(good, `,"`, ", \n\t\"")), true, true},
		"another _type":        {signed("https://in-toto.io/Statement/v1", "https://evil/Statement/v9"), false, true},
		"two subjects":         {signed(`}}],`, `}},{"digest":{"sha256":"`+strings.Repeat("b", 64)+`"}}],`), false, true},
		"predicate_type":       {signed("predicateType", "predicate_type"), false, true},
		"duplicate subject":    {signed(`"predicateType"`, `"subject":[],"predicateType"`), false, false},
		"duplicate predicate":  {signed(`{"a":1}`, `{"a":1,"a":2}`), false, false},
		"unknown member":       {signed(`"predicateType"`, `"x":1,"predicateType"`), false, false},
		"payload type":         {edited(func(b *bundleJSON) { b.Envelope.PayloadType = "text/plain" }), false, false},
		"two signatures":       {edited(func(b *bundleJSON) { b.Envelope.Signatures = append(b.Envelope.Signatures, b.Envelope.Signatures[0]) }), false, false},
		"unknown bundle field": {[]byte(strings.Replace(good, `"mediaType"`, `"x":1,"mediaType"`, 1)), false, false},
		"snake-case bundle":    {[]byte(strings.Replace(good, "dsseEnvelope", "dsse_envelope", 1)), false, true},
		"trailing data":        {[]byte(good + "{}"), false, false},
		"foreign keyid":        {edited(func(b *bundleJSON) { b.Envelope.Signatures[0].KeyID = "x" }), false, false},
		"another signer": {edited(func(b *bundleJSON) {
			b.Envelope.Signatures[0].Sig = rawSignature(t, other, pae([]byte(payload)))
		}), false, false},
		"another hint":  {edited(func(b *bundleJSON) { b.Material.PublicKey.Hint = other.KeyID() }), false, false},
		"no signature":  {edited(func(b *bundleJSON) { b.Envelope.Signatures = nil }), false, false},
		"v0.1 as media": {edited(func(b *bundleJSON) { b.MediaType = "application/vnd.dev.sigstore.bundle+json;version=0.1" }), false, true},
	} {
		_, err := Open(c.bundle, s.Public())
		theirs := sigstoreGo(t, c.bundle, s.Public())
		if (err == nil) != c.ours || (theirs == nil) != c.theirs {
			t.Errorf("%s: ours %v (want ok: %v), sigstore-go %v (want ok: %v)", name, err, c.ours, theirs, c.theirs)
		}
	}
}

// Every bit of a bundle in turn: whatever still opens says the same and satisfies sigstore-go too.
func TestEveryBitAgainstSigstoreGo(t *testing.T) {
	s := newSigner(t)
	good := sign(t, s, statement(`{"a":1}`))
	payload := string(must(InspectUnsafe(good)).Payload)
	opened := 0
	for i := range good {
		for bit := range 8 {
			b := append([]byte{}, good...)
			b[i] ^= 1 << bit
			o, err := Open(b, s.Public())
			if err != nil {
				continue
			}
			opened++
			if string(o.Payload) != payload || sigstoreGo(t, b, s.Public()) != nil {
				t.Errorf("bit %d of byte %d changed and it opens: %s", bit, i, b)
			}
		}
	}
	if opened > 0 {
		t.Errorf("%d altered bundles open; a bundle without white space has no bit to spare", opened)
	}
}

func corpusBundles(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/corpus/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata/corpus is empty: %v", err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		out[filepath.Base(f)] = must(os.ReadFile(f))
	}
	return out
}

// Real bundles of the public Sigstore instance that need what is not supported (message signatures, older versions,
// several signatures) must be refused as malformed, and never as anything else.
func TestForeignBundlesAreRefused(t *testing.T) {
	k, err := ParsePublicKey("managed-key-happy.pub", must(os.ReadFile("testdata/corpus/managed-key-happy.pub")))
	if err != nil {
		t.Fatal(err)
	}
	if k.ID != "TLMsSDfG3ajPsWge+z/vX5T/zluXnmvbkTkwLIV68Tk=" { // the hint in managed-key-happy.json
		t.Errorf("key ID %q is not the hint cosign wrote", k.ID)
	}
	for name, b := range corpusBundles(t) {
		if strings.Contains(name, "intoto") || name == "fail-dsse-signature.json" {
			continue // TestPublicBundle
		}
		if _, err := Open(b, k); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := InspectUnsafe(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: InspectUnsafe: %v", name, err)
		}
	}
}

// A bundle that GitHub and the public Sigstore instance made, and the same with an altered signature, from sigstore's
// conformance suite; the trusted root is the one of that instance.
func TestPublicBundle(t *testing.T) {
	bundles := corpusBundles(t)
	roots, err := ParseRoots("public", must(os.ReadFile("testdata/trusted-root-public-good.json")))
	if err != nil {
		t.Fatal(err)
	}
	const repository = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon"
	want := Trust{Roots: roots, Identity: func(id Identity) bool { return id.Repository == repository && id.Ref == "refs/heads/main" }}
	o, err := want.Open(bundles["v0.3-dsse-intoto.json"])
	if err != nil {
		t.Fatal(err)
	}
	workflow := repository + "/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
	if id := o.Identity; id.Issuer != "https://token.actions.githubusercontent.com" || id.Subject != workflow || id.Workflow != workflow ||
		id.Job != workflow || id.Runner != "github-hosted" || o.KeyID != "" {
		t.Errorf("%+v", id)
	}
	if !o.Timestamped.IsZero() { // only the log says when, and that is no timestamp authority
		t.Errorf("timestamped %s", o.Timestamped)
	}
	if _, err := want.Open(bundles["fail-dsse-signature.json"]); !errors.Is(err, ErrSignature) {
		t.Errorf("an altered signature: %v", err)
	}
	want.Identity = func(id Identity) bool { return id.Repository == repository && id.Ref == "refs/heads/other" }
	if _, err := want.Open(bundles["v0.3-dsse-intoto.json"]); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("another reference: %v", err)
	}
}

// cosigns are the versions of cosign that tests run, with what each wants beyond the other.
var cosigns = []struct {
	name           string
	verify, attest []string
}{
	{"cosign", nil, []string{"--signing-config", "sc.json"}},
	{"cosign2", []string{"--new-bundle-format"}, []string{"--new-bundle-format", "--tlog-upload=false"}},
}

func cosign(t *testing.T, name string) string {
	t.Helper()
	p, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("SKIPPED: %s is not on PATH (.tools/tool %s builds it); nothing shows here that it and we read each other's bundles", name, name)
	}
	return p
}

func TestCosignAcceptsOurBundles(t *testing.T) {
	for _, c := range cosigns {
		t.Run(c.name, func(t *testing.T) { cosignAccepts(t, cosign(t, c.name), c.verify) })
	}
}

func cosignAccepts(t *testing.T, bin string, flags []string) {
	dir := t.TempDir()
	root := filepath.Join(dir, "tr.json") // trusts nobody
	run(t, dir, bin, "trusted-root", "create", "--out", root)
	for _, password := range []string{"", "pw"} {
		private, public, err := Generate([]byte(password))
		if err != nil {
			t.Fatal(err)
		}
		s, err := LoadSigner("k", private, func() ([]byte, error) { return []byte(password), nil })
		if err != nil {
			t.Fatal(err)
		}
		st := statement(`{"result":{"outcome":"allow"},"n":9007199254740993}`)
		st.PredicateType = DecisionType
		good := sign(t, s, st)
		write := func(name string, b []byte) string {
			p := filepath.Join(dir, name)
			if err := os.WriteFile(p, b, 0o600); err != nil {
				t.Fatal(err)
			}
			return p
		}
		pub := write("k.pub", public)
		check := func(bundle []byte, kind string) error {
			_, err := runErr(dir, bin, append([]string{"verify-blob-attestation", "--bundle", write("b.json", bundle), "--key", pub, "--trusted-root", root,
				"--insecure-ignore-tlog", "--type", kind, "--digest", artifactHex, "--digestAlg", "sha256"}, flags...)...)
			return err
		}
		if err := check(good, DecisionType); err != nil {
			t.Errorf("password %q: cosign refuses our bundle: %v", password, err)
		}
		if check(good, "https://cdgate.dev/tests/v1") == nil {
			t.Error("cosign accepts another predicate type")
		}
		i := strings.Index(string(good), `"payload":"`) + 20
		bad := append([]byte{}, good...)
		bad[i] ^= 1
		if check(bad, DecisionType) == nil {
			t.Error("cosign accepts an altered payload")
		}
		if password == "pw" { // our encrypted key signs in cosign too
			key := write("ours.key", private)
			out := run(t, dir, bin, "public-key", "--key", key)
			if k, err := ParsePublicKey("out", out); err != nil || k != s.Public() {
				t.Errorf("cosign reads our key as %s (%v)", out, err)
			}
		}
	}
}

func TestCosignKeysAndBundles(t *testing.T) {
	for _, c := range cosigns {
		t.Run(c.name, func(t *testing.T) { cosignSigns(t, cosign(t, c.name), c.attest) })
	}
}

func cosignSigns(t *testing.T, bin string, flags []string) {
	dir := t.TempDir()
	run(t, dir, bin, "generate-key-pair", "--output-key-prefix", "ec")
	read := func(name string) []byte { return must(os.ReadFile(filepath.Join(dir, name))) }
	s, err := LoadSigner("ec.key", read("ec.key"), func() ([]byte, error) { return []byte("pw"), nil })
	if err != nil {
		t.Fatal(err)
	}
	k, err := ParsePublicKey("ec.pub", read("ec.pub"))
	if err != nil || k != s.Public() {
		t.Fatalf("%v, %v", k, err)
	}
	if _, err := Open(sign(t, s, statement(`{}`)), k); err != nil {
		t.Error(err)
	}
	payload := must(InspectUnsafe(sign(t, s, statement(`{"a":1}`)))).Payload
	if err := os.WriteFile(filepath.Join(dir, "st.json"), payload, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dir, bin, "signing-config", "create", "--out", "sc.json")
	run(t, dir, bin, "trusted-root", "create", "--out", "tr.json")
	run(t, dir, bin, append([]string{"attest-blob", "--key", "ec.key", "--trusted-root", "tr.json", "--statement", "st.json", "--bundle", "theirs.json", "-y"}, flags...)...)
	theirs := read("theirs.json")
	o, err := Open(theirs, k)
	if err != nil {
		t.Fatalf("open cosign's bundle: %v\n%s", err, theirs)
	}
	if o.Statement.Subject[0].Digest["sha256"] != artifactHex {
		t.Errorf("%+v", o.Statement)
	}
	i := strings.Index(string(theirs), base64.StdEncoding.EncodeToString(o.Payload)[:16])
	theirs[i+40] ^= 1
	if _, err := Open(theirs, k); err == nil {
		t.Error("an altered bundle of cosign's opens")
	}
}
