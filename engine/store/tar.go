package store

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"cdgate.dev/cdgate/engine/fault"
)

// maxFiles is how many files a tar may hold.
const maxFiles = 5_000_000

// Export writes the objects of an index with everything that belongs to them as one tar of an OCI image layout. The same
// objects give the same bytes. What other tools put into index.json, and older roots, stay behind.
func (s *Store) Export(w io.Writer, entries []Entry) error {
	var manifests []descriptor
	sizes := map[string]int64{digestOf([]byte(emptyConfig)): int64(len(emptyConfig))}
	for _, e := range entries {
		manifests = append(manifests, e.descriptor())
		sizes[e.Digest] = e.Size
		for _, l := range e.Layers {
			sizes[l.Digest] = l.Size
		}
	}
	root, err := encodeRoot(sorted(manifests))
	if err != nil {
		return err
	}
	index, err := encodeIndexFile(root, nil)
	if err != nil {
		return err
	}
	t := tarWriter{tar.NewWriter(w)}
	t.file(layoutFile, []byte(layoutContent), &err)
	t.file(indexFile, index, &err)
	sizes[digestOf(root)] = int64(len(root))
	names := make([]string, 0, len(sizes))
	for digest := range sizes {
		names = append(names, digest)
	}
	slices.Sort(names)
	for _, digest := range names {
		switch digest {
		case digestOf(root):
			t.file(tarName(digest), root, &err)
		case digestOf([]byte(emptyConfig)):
			t.file(tarName(digest), []byte(emptyConfig), &err)
		default:
			t.blob(s, digest, sizes[digest], &err)
		}
	}
	if err != nil {
		return err
	}
	return t.Close()
}

func tarName(digest string) string { return "blobs/sha256/" + strings.TrimPrefix(digest, "sha256:") }

// tarWriter writes files without anything that differs between machines; after an error it writes nothing.
type tarWriter struct{ *tar.Writer }

func (t tarWriter) header(name string, size int64) error {
	return t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR})
}

func (t tarWriter) file(name string, content []byte, err *error) {
	if *err == nil {
		*err = t.header(name, int64(len(content)))
	}
	if *err == nil {
		_, *err = t.Write(content)
	}
}

func (t tarWriter) blob(s *Store, digest string, want int64, err *error) {
	if *err != nil {
		return
	}
	r, size, e := s.OpenBlob(digest)
	if e != nil {
		*err = promised(indexFile, e)
		return
	}
	defer r.Close()
	if size != want {
		*err = s.corrupt(digest)
		return
	}
	if *err = t.header(tarName(digest), size); *err == nil {
		_, *err = io.Copy(t, r)
	}
}

// Import reads a tar of an OCI image layout of size bytes into the new directory dir. Only the files of a layout may be in
// it, each once, as plain files: links, devices, sparse files, other paths and more bytes than the tar has are evidence faults;
// a blob whose bytes are not those of its name is a trust fault.
func Import(r io.Reader, size int64, dir string) (*Store, error) {
	s, err := Create(dir)
	if err != nil {
		return nil, err
	}
	bad := func(format string, args ...any) (*Store, error) {
		return nil, fault.New(fault.Evidence, "read tar: "+format, args...)
	}
	t := tar.NewReader(r)
	seen := map[string]bool{}
	for {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return bad("%w: it is no tar that can be read; want what cdgate store copy writes, not compressed", err)
		}
		name := strings.TrimPrefix(h.Name, "./")
		switch {
		case h.Typeflag == tar.TypeDir && (name == "" || name == "blobs/" || name == "blobs/sha256/"):
			continue
		case h.Typeflag != tar.TypeReg:
			return bad("%.200q is a link, a device or a sparse file; only plain files are read", h.Name)
		case sparse(h):
			return bad("%.200q is a sparse file; only plain files are read", h.Name)
		case seen[name]:
			return bad("%.200q is there twice", h.Name)
		case h.Size > size || len(seen) >= maxFiles:
			return bad("%.200q says that it has more bytes than the tar, or there are more than %d files", h.Name, maxFiles)
		}
		seen[name] = true
		if err := s.importFile(name, h.Size, t); err != nil {
			return nil, err
		}
	}
	if err := onlyZeros(r); err != nil {
		return bad("%w", err)
	}
	if !seen[layoutFile] || !seen[indexFile] {
		return bad("it has no %s or no %s; want an OCI image layout", layoutFile, indexFile)
	}
	return s, nil
}

// sparse says whether a header is that of a file with holes, which is larger than what was packed.
func sparse(h *tar.Header) bool {
	for k := range h.PAXRecords {
		if strings.HasPrefix(k, "GNU.sparse") {
			return true
		}
	}
	return false
}

// onlyZeros reads what is left behind the end of a tar.
func onlyZeros(r io.Reader) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if slices.ContainsFunc(buf[:n], func(b byte) bool { return b != 0 }) {
			return errors.New("there is something after its end")
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// importFile puts one file in its place.
func (s *Store) importFile(name string, size int64, r io.Reader) error {
	if name == layoutFile || name == indexFile {
		if size > MaxIndex {
			return fault.New(fault.Evidence, "read tar: %w", tooBig(name, size, MaxIndex))
		}
		text, err := io.ReadAll(io.LimitReader(r, size))
		if err != nil {
			return fault.New(fault.Evidence, "read tar: %s: %w", name, err)
		}
		if name == layoutFile {
			return fault.Wrap(fault.Evidence, checkLayout(text))
		}
		return s.replace(indexFile, text)
	}
	hex, ok := strings.CutPrefix(name, "blobs/sha256/")
	digest := "sha256:" + hex
	if !ok || s.blobPath(digest) == "" {
		return fault.New(fault.Evidence, "read tar: %.200q has no place in an OCI image layout", name)
	}
	b, err := s.Blob()
	if err != nil {
		return err
	}
	defer b.Abort()
	if _, err := io.Copy(b, r); err != nil {
		return fault.Wrap(fault.Evidence, fmt.Errorf("read tar: %s: %w", name, err))
	}
	if b.Digest() != digest {
		return fault.New(fault.Trust, "read tar: %s: %w: somebody altered the tar", name, ErrCorrupt)
	}
	_, _, err = b.Commit()
	return err
}
