package store

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"cdgate.dev/cdgate/engine/fault"
)

// exported is the tar of a store.
func exported(t *testing.T, s *Store) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Export(&b, index(t, s).Entries); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func imported(t *testing.T, b []byte) (*Store, error) {
	t.Helper()
	return Import(bytes.NewReader(b), int64(len(b)), filepath.Join(t.TempDir(), "store"))
}

// TestTarIsTheSame: the same objects, written in another order and read back, give the same bytes.
func TestTarIsTheSame(t *testing.T) {
	one, two := newStore(t), newStore(t)
	add(t, one, object(t, one, "a"), object(t, one, "b"))
	add(t, two, object(t, two, "b"))
	add(t, two, object(t, two, "a"))
	want := exported(t, one)
	if !bytes.Equal(want, exported(t, two)) {
		t.Error("another order gives another tar")
	}
	again, err := imported(t, want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, exported(t, again)) || index(t, again).Digest != index(t, one).Digest {
		t.Error("what was read back gives another tar or root")
	}
	for _, h := range headers(t, want) {
		if h.Uid != 0 || h.Uname != "" || h.Mode != 0o644 || h.ModTime.Unix() != 0 {
			t.Errorf("%+v tells of the machine that wrote it", h)
		}
	}
}

func headers(t *testing.T, b []byte) (out []*tar.Header) {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, h)
	}
}

// entry is one file of a tar that a test writes.
type entry struct {
	tar.Header
	body string
}

// rewrite writes a tar again, with what edit makes of its files.
func rewrite(t *testing.T, b []byte, edit func([]entry) []entry) []byte {
	t.Helper()
	var all []entry
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entry{*h, string(body)})
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range edit(all) {
		e.Header.Format = tar.FormatUnknown
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func file(name, body string) entry {
	return entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(body)), Mode: 0o644}, body}
}

// TestTarRefusals: what is not an image layout, plain and once, is refused; the twin that another program would write is read.
func TestTarRefusals(t *testing.T) {
	s := newStore(t)
	add(t, s, object(t, s, "a"))
	good := exported(t, s)
	twin := rewrite(t, good, func(all []entry) []entry {
		for i := range all {
			all[i].Name = "./" + all[i].Name
		}
		dirs := []entry{{tar.Header{Typeflag: tar.TypeDir, Name: "./"}, ""}, {tar.Header{Typeflag: tar.TypeDir, Name: "./blobs/sha256/"}, ""}}
		return append(dirs, all...)
	})
	if got, err := imported(t, append(twin, make([]byte, 10240)...)); err != nil || len(index(t, got).Entries) != 1 {
		t.Errorf("the tar of another program: error %v", err)
	}
	add := func(more ...entry) func([]entry) []entry {
		return func(all []entry) []entry { return append(all, more...) }
	}
	hex := strings.Repeat("0f", 32)
	for name, tt := range map[string]struct {
		edit  func([]entry) []entry
		class fault.Class
		says  string
	}{
		"path outside":    {add(file("../evil", "x")), fault.Evidence, "no place"},
		"path within":     {add(file("blobs/sha256/../../evil", "x")), fault.Evidence, "no place"},
		"absolute path":   {add(file("/etc/evil", "x")), fault.Evidence, "no place"},
		"other file":      {add(file("README", "x")), fault.Evidence, "no place"},
		"lock":            {add(file(".lock", "x")), fault.Evidence, "no place"},
		"link":            {add(entry{tar.Header{Typeflag: tar.TypeSymlink, Name: "blobs/sha256/" + hex, Linkname: "/etc/passwd"}, ""}), fault.Evidence, "link"},
		"hard link":       {add(entry{tar.Header{Typeflag: tar.TypeLink, Name: "blobs/sha256/" + hex, Linkname: "index.json"}, ""}), fault.Evidence, "link"},
		"device":          {add(entry{tar.Header{Typeflag: tar.TypeChar, Name: "blobs/sha256/" + hex}, ""}), fault.Evidence, "device"},
		"pipe":            {add(entry{tar.Header{Typeflag: tar.TypeFifo, Name: "blobs/sha256/" + hex}, ""}), fault.Evidence, "device"},
		"other directory": {add(entry{tar.Header{Typeflag: tar.TypeDir, Name: "blobs/sha512/"}, ""}), fault.Evidence, "link"},
		"twice":           {add(file("oci-layout", layoutContent)), fault.Evidence, "twice"},
		"twice by path":   {add(file("./oci-layout", layoutContent)), fault.Evidence, "twice"},
		"other bytes":     {add(file("blobs/sha256/"+hex, "x")), fault.Trust, "altered"},
		"no layout":       {func(all []entry) []entry { return all[1:] }, fault.Evidence, "no oci-layout"},
		"no index":        {func(all []entry) []entry { return append(all[:1:1], all[2:]...) }, fault.Evidence, "no index.json"},
		"other version": {func(all []entry) []entry {
			return append([]entry{file("oci-layout", `{"imageLayoutVersion":"2"}`)}, all[1:]...)
		}, fault.Evidence, "not supported"},
		"nothing": {func([]entry) []entry { return nil }, fault.Evidence, "want an OCI image layout"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := imported(t, rewrite(t, good, tt.edit))
			if fault.ClassOf(err) != tt.class || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want a fault %d with %q", err, tt.class, tt.says)
			}
		})
	}
	for name, b := range map[string][]byte{"cut off": good[:len(good)-3000], "no tar": []byte(strings.Repeat("no tar ", 200)), "more behind": append(bytes.Clone(good), "x"...)} {
		if _, err := imported(t, b); fault.ClassOf(err) != fault.Evidence {
			t.Errorf("%s: %v", name, err)
		}
	}
	missing := rewrite(t, good, func(all []entry) []entry { return all[:len(all)-1] })
	if got, err := imported(t, missing); err == nil {
		ix, err := got.Index()
		if err == nil {
			err = got.Export(io.Discard, ix.Entries)
		}
		if !errors.Is(err, ErrMissing) {
			t.Errorf("a blob less: %v", err)
		}
	}
}

// TestTarBomb: a sparse file, whose header promises more bytes than the tar has, is refused before it is unpacked.
func TestTarBomb(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	name := "blobs/sha256/" + strings.Repeat("0f", 32)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: 1 << 40, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if _, err := imported(t, b.Bytes()); fault.ClassOf(err) != fault.Evidence || !strings.Contains(err.Error(), "more bytes than the tar") {
		t.Errorf("a file of a terabyte: %v", err)
	}
	// PAX sparse format 1.0, by hand: package tar writes none.
	b.Reset()
	w = tar.NewWriter(&b)
	sparseMap := "1\n1099511627775\n1\n"
	body := sparseMap + strings.Repeat("\x00", 512-len(sparseMap)) + "x"
	pax := "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n37 GNU.sparse.realsize=1099511627776\n"
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "PaxHeaders.0/x", Size: int64(len(pax)), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, pax)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(body)), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, body)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	raw := b.Bytes()
	raw[156] = 'x' // the first header is an extended one; its checksum follows
	copy(raw[148:156], "        ")
	sum := 0
	for _, c := range raw[:512] {
		sum += int(c)
	}
	copy(raw[148:156], []byte{byte('0' + sum>>15&7), byte('0' + sum>>12&7), byte('0' + sum>>9&7), byte('0' + sum>>6&7), byte('0' + sum>>3&7), byte('0' + sum&7), 0, ' '})
	h, err := tar.NewReader(bytes.NewReader(raw)).Next()
	if err != nil || h.Size != 1<<40 {
		t.Fatalf("the test's own tar: %+v, error %v", h, err)
	}
	if _, err := imported(t, raw); fault.ClassOf(err) != fault.Evidence || !strings.Contains(err.Error(), "sparse") {
		t.Errorf("a sparse file of a terabyte: %v", err)
	}
}
