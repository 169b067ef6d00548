package engine

import (
	"fmt"
	"strings"
	"testing"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/engine/verify"
)

// TestListsNoEvaluationReadsAreRefused: the list of what one run collected is refused when it is larger than an evaluation
// reads. The twin is as long as fits: base64 of the list, at 74 bytes a digest, and of little else, in 256 KiB.
func TestListsNoEvaluationReadsAreRefused(t *testing.T) {
	private, _, err := seal.Generate(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := seal.LoadSigner("ci", private, nil)
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Create(t.TempDir() + "/store")
	if err != nil {
		t.Fatal(err)
	}
	about := verify.About{Kind: verify.AboutArtifact, Name: "app", Digest: "sha256:" + strings.Repeat("a", 64)}
	list := func(n int) error {
		c := collection{o: CollectOptions{Signer: signer}, store: &depot{Store: st}, out: &Collected{}, listed: map[verify.About][]string{}}
		for i := range n {
			c.listed[about] = append(c.listed[about], fmt.Sprintf("sha256:%064x", i))
		}
		return c.addCollection(about)
	}
	if err := list(2700); fault.ClassOf(err) != fault.Evidence || !strings.Contains(err.Error(), "the list of 2700 reports") || !strings.Contains(err.Error(), "several runs") {
		t.Errorf("%v, want an evidence fault that says what to do", err)
	}
	if err := list(2600); err != nil {
		t.Error(err)
	}
}
