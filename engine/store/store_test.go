package store

import (
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
