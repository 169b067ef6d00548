package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cdgate.dev/cdgate/engine/fault"
)

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

func FuzzManifest(f *testing.F) {
	s := newStore(f)
	d := add(f, s, object(f, s, "a"))[0]
	text, err := s.Read(d, MaxManifest)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"x","layers":[{}],"subject":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := decodeObject(text)
		if (err == nil) == (o == nil) {
			t.Errorf("object %v, error %v", o, err)
		}
		if err == nil && (o.Type == "" || len(o.Layers) == 0) {
			t.Errorf("an object without type or layers: %+v", o)
		}
	})
}
