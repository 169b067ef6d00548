package verify

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestPublishedAttestations: attestations that GitHub and slsa-github-generator published count for the artifacts that they are about,
// with the level that the definition gives their builder, and for no other artifact.
func TestPublishedAttestations(t *testing.T) {
	dir := os.Getenv("CDGATE_CORPUS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpus")
	}
	root, err := os.ReadFile(filepath.Join(dir, "attestations", "trusted-root", "public-good.json"))
	if os.IsNotExist(err) && os.Getenv("CDGATE_CORPUS") == "" {
		t.Skipf("no report corpus in %s; name it with CDGATE_CORPUS", dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	const actions = "https://token.actions.githubusercontent.com"
	for _, x := range []struct{ file, subject, digest, builder, repository, revision, from string }{
		{"github-attestation/reusable-workflow.json", "https://github.com/github/artifact-attestations-workflows/.github/workflows/attest.yml@09b495c3f12c7881b3cc17209a327792065c1a1d",
			"49a3aa6075e0f49f82843e74b5baa614ad2a588e6675612bf108a0a008c5ac25", "https://github.com/actions/runner/github-hosted",
			"https://github.com/malancas/attest-demo", "95baf27389e83e6a5c48f42e190d48d7abcea19e", "2024-05-24"},
		{"sigstore-bundle/v0.3-dsse-intoto.json", "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main",
			"a0cfc71271d6e278e57cd332ff957c3f7043fdda354c4cbb190a30d56efa01bf", "https://github.com/loosebazooka/aa-test/.github/workflows/provenance.yaml@refs/heads/*",
			"https://github.com/loosebazooka/aa-test", "ebff8dfbd609b7b22237c7719ce07f2dc7934f5f", "2024-12-16"},
		{"dsse/container-based-v2.1.0.slsa", "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/builder_container-based_slsa3.yml@refs/tags/v2.1.0",
			"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/builder_container-based_slsa3.yml@refs/tags/*",
			"https://github.com/slsa-framework/example-package", "4d329c75e7ec1725f7c9ce917a8799d408d06be3", "2025-02-25"},
	} {
		t.Run(filepath.Base(x.file), func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(dir, "attestations", x.file))
			if err != nil {
				t.Fatal(err)
			}
			w, files := newWorld(t), map[string][]byte{"trusted_root.json": root}
			newStrangers(t, files, "builder", "other", "scanner", "staging")
			identity := func(subject string) string {
				return strings.NewReplacer("builder: {keys: [builder.pub]", `builder: {identities: [{issuer: "`+actions+`", subject: "`+subject+`"}]`,
					"https://builder.example/release@refs/tags/*", x.builder, "lines: [payments]", "",
					`lines:
  payments: {repositories: ["https://git.example/payments"]}`, `lines:
  payments: {repositories: ["`+x.repository+`"]}`,
					"maxAge: {scan: 24h}", "maxAge: {provenance: 48h}").Replace(withAttesters("builder.pub", identitiesYAML))
			}
			w.reopen(identity(x.subject), files)
			digests := map[string]string{}
			asked := want()
			asked.Artifacts = []Artifact{{"it", "sha256:" + x.digest}}
			if asked.Now, err = time.Parse("2006-01-02", x.from); err != nil {
				t.Fatal(err)
			}
			asked.Now = asked.Now.Add(36 * time.Hour) // the log saw it on that day
			a := &attested{about: About{AboutArtifact, "it", "sha256:" + x.digest}, at: asked.Now.Format(time.RFC3339)}
			w.add(t, "provenance", a, text, digests)
			v := w.evidence(asked)
			if got := tell(v, digests); got != "provenance" {
				t.Fatalf("got %s: %s", got, said(v))
			}
			it := v.Items()[0]
			var s struct{ BuildLevel int }
			if err := json.Unmarshal(it.Summary, &s); err != nil || s.BuildLevel != 3 || v.Source().Revision != x.revision || v.Source().Repository != x.repository {
				t.Errorf("%s, %+v", it.Summary, v.Source())
			}
			if day := it.CollectedAt.Format("2006-01-02"); day != x.from {
				t.Errorf("it is of %s, and the log saw it on %s", day, x.from)
			}
			// Twins: later it is too old; under another identity it is a stranger's; for another artifact it is about something else.
			late := asked
			late.Now = asked.Now.Add(48 * time.Hour)
			if got := tell(w.evidence(late), digests); got != "provenance:stale" {
				t.Errorf("two days later: %s", got)
			}
			other := asked
			other.Artifacts = []Artifact{{"app", app}}
			other.Name = "another"
			if got := tell(w.evidence(other), digests); got != "" {
				t.Errorf("for another artifact: %s", got)
			}
			w.reopen(identity(x.subject+"x"), files)
			if got := tell(w.evidence(asked), digests); got != "provenance:unknown_signer" {
				t.Errorf("another identity: %s", got)
			}
		})
	}
}
