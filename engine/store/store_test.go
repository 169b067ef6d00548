package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/oci"
)

var ctx = context.Background()

func newStore(t testing.TB) *Store {
	t.Helper()
	s, err := Create(filepath.Join(t.TempDir(), "a", "store"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// object stores an item with a statement of its own and gives the object.
func object(t testing.TB, s *Store, name string) Object {
	t.Helper()
	o, err := tryObject(s, name)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func tryObject(s *Store, name string) (Object, error) {
	text := []byte("statement of " + name)
	d, err := s.Write(text)
	return Object{
		Type:        TypeItem,
		Annotations: map[string]string{"dev.cdgate.kind": "tests"},
		Layers:      []Layer{{Name: "statement.sigstore.json", MediaType: "text/plain", Digest: d, Size: int64(len(text))}},
	}, err
}

func add(t testing.TB, s *Store, objs ...Object) []string {
	t.Helper()
	d, err := s.Add(ctx, objs...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func index(t testing.TB, s *Store) *Index {
	t.Helper()
	ix, err := s.Index()
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

func TestAddAndRead(t *testing.T) {
	s := newStore(t)
	if ix := index(t, s); len(ix.Entries) != 0 {
		t.Fatalf("a new store has %d entries", len(ix.Entries))
	}
	want := object(t, s, "a")
	release := add(t, s, want)[0]
	second := object(t, s, "b")
	second.Subject = release
	d := add(t, s, second, want)
	if d[1] != release {
		t.Errorf("the same object has digests %s and %s", release, d[1])
	}
	ix := index(t, s)
	if len(ix.Entries) != 2 || !slices.IsSortedFunc(ix.Entries, func(a, b Entry) int { return strings.Compare(a.Digest, b.Digest) }) {
		t.Fatalf("index %+v", ix)
	}
	for _, e := range ix.Entries {
		if want.Subject = ""; e.Digest == d[0] {
			want = second
		} else {
			want = object(t, s, "a")
		}
		if fmt.Sprint(e.Object) != fmt.Sprint(want) {
			t.Errorf("read %+v, stored %+v", e.Object, want)
		}
	}
	again, err := Open(s.Dir())
	if err != nil || index(t, again).Digest != ix.Digest {
		t.Errorf("reopened: %v", err)
	}
	before := index(t, s).Digest
	add(t, s, second)
	if index(t, s).Digest != before {
		t.Error("adding what is there changed the root")
	}
	if old, err := s.IndexAt(before); err != nil || len(old.Entries) != 2 {
		t.Errorf("old root: %v", err)
	}
}

func TestOrderDoesNotMatter(t *testing.T) {
	const n = 12
	forward, backward, atOnce := newStore(t), newStore(t), newStore(t)
	var all []Object
	for i := range n {
		add(t, forward, object(t, forward, fmt.Sprint(i)))
		add(t, backward, object(t, backward, fmt.Sprint(n-1-i)))
		all = append(all, object(t, atOnce, fmt.Sprint(i)))
	}
	digests := add(t, atOnce, all...)
	a, b, c := index(t, forward), index(t, backward), index(t, atOnce)
	if a.Digest != b.Digest || a.Digest != c.Digest || len(a.Entries) != n {
		t.Errorf("roots %s %s %s", a.Digest, b.Digest, c.Digest)
	}
	sealed, err := atOnce.Seal(digests)
	slices.Reverse(digests)
	again, err2 := atOnce.Seal(append(digests, digests[0]))
	if err != nil || err2 != nil || sealed != again || sealed != a.Digest {
		t.Errorf("sealed %s and %s, root %s (%v, %v)", sealed, again, a.Digest, err, err2)
	}
	part, err := atOnce.Seal(digests[:3])
	if err != nil || part == sealed {
		t.Fatalf("a part has the digest of the whole (%v)", err)
	}
	if ix, err := atOnce.IndexAt(part); err != nil || len(ix.Entries) != 3 {
		t.Errorf("sealed index: %v", err)
	}
}

func TestStreaming(t *testing.T) {
	s := newStore(t)
	b, err := s.Blob()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("0123456789", 100_000)
	if _, err := io.Copy(b, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	d, size, err := b.Commit()
	b.Abort()
	if err != nil || size != int64(len(text)) || d != digest.FromString(text).String() {
		t.Errorf("%s, %d, %v", d, size, err)
	}
	if _, _, err := b.Commit(); err == nil {
		t.Error("committed twice")
	}
	if _, err := b.Write([]byte("x")); err == nil {
		t.Error("written after commit")
	}
	r, size, err := s.OpenBlob(d)
	if err != nil || size != int64(len(text)) {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil || string(got) != text {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	aborted, _ := s.Blob()
	aborted.Write([]byte("never"))
	aborted.Abort()
	if _, err := s.Read(digestOf([]byte("never")), 100); !errors.Is(err, ErrMissing) {
		t.Errorf("an aborted blob is there: %v", err)
	}
	if left := tempFiles(t, s); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

func tempFiles(t testing.TB, s *Store) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(s.path(tempDir))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != lockFile {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestReadRefuses(t *testing.T) {
	s := newStore(t)
	d := digestOf([]byte("hello"))
	if _, err := s.Read(d, 5); !errors.Is(err, ErrMissing) || fault.ClassOf(err) != fault.Evidence {
		t.Errorf("missing: %v", err)
	}
	if _, err := s.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if b, err := s.Read(d, 5); err != nil || string(b) != "hello" {
		t.Fatalf("twin: %q, %v", b, err)
	}
	if _, err := s.Read(d, 4); err == nil || fault.ClassOf(err) != fault.Evidence {
		t.Errorf("over the limit: %v", err)
	}
	for _, bad := range []string{"", "sha256:", "sha256:" + strings.Repeat("A", 64), "sha256:../../../../etc/passwd", "md5:" + strings.Repeat("a", 64),
		strings.Repeat("a", 64), d + "0", d[:len(d)-1] + "/"} {
		if _, err := s.Read(bad, 5); err == nil || errors.Is(err, ErrMissing) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for name, content := range map[string]string{"flipped": "hellp", "longer": "hello!", "shorter": "hell", "empty": ""} {
		if err := os.WriteFile(s.blobPath(d), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		b, err := s.Read(d, 100)
		if !errors.Is(err, ErrCorrupt) || fault.ClassOf(err) != fault.Trust || b != nil {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	// Written again it is whole again.
	if _, err := s.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(d, 5); err != nil {
		t.Errorf("after writing it again: %v", err)
	}
	os.Remove(s.blobPath(d))
	os.Mkdir(s.blobPath(d), 0o755)
	if _, err := s.Read(d, 5); err == nil {
		t.Error("a directory was read as a blob")
	}
}

// Every bit of every file of a small store in turn: reading all of it never succeeds with other content.
func TestEveryFlippedBitIsFound(t *testing.T) {
	s := newStore(t)
	add(t, s, object(t, s, "a"), object(t, s, "b"))
	readAll := func() (string, error) {
		s, err := Open(s.Dir())
		if err != nil {
			return "", err
		}
		ix, err := s.Index()
		if err != nil {
			return "", err
		}
		out := ix.Digest
		for _, e := range ix.Entries {
			for _, l := range e.Layers {
				b, err := s.Read(l.Digest, 100)
				if err != nil {
					return "", err
				}
				out += fmt.Sprintf("\n%v %s", e, b)
			}
		}
		return out, nil
	}
	good, err := readAll()
	if err != nil {
		t.Fatalf("twin: %v", err)
	}
	config := s.blobPath(digestOf([]byte(emptyConfig)))
	blobs := 0
	err = filepath.WalkDir(s.Dir(), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Base(path) == lockFile || path == config {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		used := strings.Contains(good, filepath.Base(path)) // older roots are not read
		for i := range text {
			for bit := range 8 {
				bad := bytes.Clone(text)
				bad[i] ^= 1 << bit
				if err := os.WriteFile(path, bad, 0o644); err != nil {
					return err
				}
				got, err := readAll()
				if err == nil && got != good {
					t.Errorf("%s byte %d bit %d: other content was read", path, i, bit)
				}
				if used && (err == nil || fault.ClassOf(err) != fault.Trust) {
					t.Errorf("%s byte %d bit %d: %v", path, i, bit, err)
				}
			}
		}
		if used {
			blobs++
		}
		return os.WriteFile(path, text, 0o644)
	})
	if err != nil || blobs != 5 { // root, two manifests, two statements
		t.Errorf("%d blobs were altered, want 5 (%v)", blobs, err)
	}
	if again, err := readAll(); err != nil || again != good {
		t.Errorf("twin at the end: %v", err)
	}
}

func TestWhatIsTakenAwayIsATrustFault(t *testing.T) {
	for _, what := range []string{"root", "manifest"} {
		s := newStore(t)
		d := add(t, s, object(t, s, "a"))[0]
		if _, err := s.Index(); err != nil {
			t.Fatalf("twin: %v", err)
		}
		if what == "root" {
			d = index(t, s).Digest
		}
		if err := os.Remove(s.blobPath(d)); err != nil {
			t.Fatal(err)
		}
		if ix, err := s.Index(); ix != nil || !errors.Is(err, ErrMissing) || fault.ClassOf(err) != fault.Trust {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := s.Add(ctx, object(t, s, "b")); what == "root" && (!errors.Is(err, ErrMissing) || fault.ClassOf(err) != fault.Trust) {
			t.Errorf("%s: Add: %v", what, err)
		}
	}
}

func TestAddRefuses(t *testing.T) {
	s := newStore(t)
	before := index(t, s).Digest
	absent := digestOf([]byte("absent"))
	for name, c := range map[string]struct {
		edit func(*Object)
		want error
	}{
		"layer not there":   {func(o *Object) { o.Layers[0].Digest = absent }, ErrMissing},
		"wrong size":        {func(o *Object) { o.Layers[0].Size++ }, nil},
		"subject not there": {func(o *Object) { o.Subject = absent }, ErrMissing},
		"no type":           {func(o *Object) { o.Type = "" }, nil},
		"no layers":         {func(o *Object) { o.Layers = nil }, nil},
		"digest is a path":  {func(o *Object) { o.Layers[0].Digest = "sha256:../../x" }, nil},
		"invalid UTF-8":     {func(o *Object) { o.Layers[0].Name = "\xff" }, nil},
	} {
		o := object(t, s, "a")
		c.edit(&o)
		if d, err := s.Add(ctx, o); err == nil || d != nil || (c.want != nil && !errors.Is(err, c.want)) {
			t.Errorf("%s: %v, %v", name, d, err)
		}
	}
	if index(t, s).Digest != before {
		t.Error("a refused object changed the root")
	}
	add(t, s, object(t, s, "a")) // twin
	if _, err := s.Seal([]string{absent}); !errors.Is(err, ErrMissing) {
		t.Errorf("sealed what is not there: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, ErrNotFound) || fault.ClassOf(err) != fault.Usage {
		t.Errorf("no store: %v", err)
	}
	os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o644)
	if _, err := Create(dir); err == nil || fault.ClassOf(err) != fault.Usage || !strings.Contains(err.Error(), "notes.txt") {
		t.Errorf("a directory with other files: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("it wrote into it: %v", left)
	}
	for _, c := range [][2]string{{layoutFile, `{"imageLayoutVersion":"2.0.0"}`}, {layoutFile, `{`}, {indexFile, `{"manifests":[]}`}, {indexFile, "["}} {
		name, content := c[0], c[1]
		s := newStore(t)
		if err := os.WriteFile(s.path(name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		again, err := Open(s.Dir())
		if err == nil {
			_, err = again.Index()
		}
		if err == nil || fault.ClassOf(err) != fault.Evidence {
			t.Errorf("%s %s: %v", name, content, err)
		}
	}
}

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

func TestLockNamesItsHolder(t *testing.T) {
	s := newStore(t)
	unlock, err := Lock(ctx, s.path(lockFile), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	o := object(t, s, "a")
	short, cancel := context.WithTimeout(ctx, 30*time.Millisecond)
	defer cancel()
	_, err = s.Add(short, o)
	if err == nil || fault.ClassOf(err) != fault.Record || !strings.Contains(err.Error(), fmt.Sprintf("process %d on", os.Getpid())) ||
		!errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Add while it is locked: %v", err)
	}
	unlock()
	add(t, s, o) // twin
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

func BenchmarkAdd(b *testing.B) {
	s := newStore(b)
	for i := 0; b.Loop(); i++ {
		add(b, s, object(b, s, fmt.Sprint(i)))
	}
}

func BenchmarkIndex100(b *testing.B) {
	s := newStore(b)
	var all []Object
	for i := range 100 {
		all = append(all, object(b, s, fmt.Sprint(i)))
	}
	add(b, s, all...)
	for b.Loop() {
		index(b, s)
	}
}
