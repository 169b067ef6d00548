package store

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/oci"
)

// What other tools put into index.json stays, and the root is found by its name.
func TestOtherToolsRewriteIndex(t *testing.T) {
	s := newStore(t)
	add(t, s, object(t, s, "a"))
	text, err := os.ReadFile(s.path(indexFile))
	if err != nil {
		t.Fatal(err)
	}
	const foreign = `{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:` +
		`aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":1,"platform":{"os":"linux"}}`
	text = bytes.Replace(text, []byte(`"manifests":[`), []byte(`"manifests":[`+foreign+","), 1)
	if err := os.WriteFile(s.path(indexFile), text, 0o644); err != nil {
		t.Fatal(err)
	}
	add(t, s, object(t, s, "b"))
	if len(index(t, s).Entries) != 2 {
		t.Error("an entry is lost")
	}
	if text, _ := os.ReadFile(s.path(indexFile)); !bytes.Contains(text, []byte(foreign)) {
		t.Errorf("the other tool's entry is lost: %s", text)
	}
	older := bytes.Replace(text, []byte(foreign), []byte(strings.Replace(foreign, `"platform":{"os":"linux"}`, `"annotations":{"org.opencontainers.image.ref.name":"bundle"}`, 1)), 1)
	if err := os.WriteFile(s.path(indexFile), older, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Index(); err == nil {
		t.Error("two different roots of one name were read")
	}
}

// oras-go is an independent reader of image layouts.
func TestORASReadsAndCopies(t *testing.T) {
	s := newStore(t)
	o := object(t, s, "a")
	first := add(t, s, o)[0]
	second := object(t, s, "b")
	second.Subject = first
	add(t, s, second)
	root := index(t, s).Digest
	from, err := oci.NewFromFS(ctx, os.DirFS(s.Dir()))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	to, err := oci.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	desc, err := oras.Copy(ctx, from, rootName, to, rootName, oras.DefaultCopyOptions)
	if err != nil || desc.Digest.String() != root || desc.MediaType != ocispec.MediaTypeImageIndex {
		t.Fatalf("copied %v, root %s: %v", desc, root, err)
	}
	referrers, err := from.Predecessors(ctx, ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.Digest(first), Size: size(t, s, first)})
	if err != nil || len(referrers) != 2 { // the second object, and the root
		t.Errorf("referrers %v, %v", referrers, err)
	}
	copied, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	ix := index(t, copied)
	if ix.Digest != root || len(ix.Entries) != 2 {
		t.Errorf("the copy has root %s with %d entries", ix.Digest, len(ix.Entries))
	}
	for _, e := range ix.Entries {
		for _, l := range e.Layers {
			if _, err := copied.Read(l.Digest, 100); err != nil {
				t.Errorf("layer of the copy: %v", err)
			}
		}
	}
	// And the copy can be written to.
	add(t, copied, object(t, copied, "c"))
	add(t, s, object(t, s, "c"))
	if index(t, copied).Digest != index(t, s).Digest {
		t.Error("copy and original differ after the same addition")
	}
}

func size(t testing.TB, s *Store, digest string) int64 {
	t.Helper()
	n, err := s.size(digest)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
