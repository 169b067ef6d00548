package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"cdgate.dev/cdgate/engine/fault"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Layer is one blob of an object, for instance the statement or the raw report.
type Layer struct {
	Name      string // file name for people, org.opencontainers.image.title
	MediaType string
	Digest    string // "sha256:<64 hex>"
	Size      int64  // bytes
}

// Object is a set of blobs that belong together. Annotations help to find it and never decide anything.
type Object struct {
	Type        string
	Annotations map[string]string
	Layers      []Layer
	Subject     string // digest of the manifest this object belongs to, or ""
}

// Entry is an object with the digest of its manifest and the manifest's size in bytes.
type Entry struct {
	Digest string
	Size   int64
	Object
}

// Index is the content of one root: its digest and its objects, sorted by digest.
type Index struct {
	Digest  string
	Entries []Entry
}

// Add puts objects into the root index and gives the digests of their manifests, in the order of objs. Their layers must
// be in the store already. When it returns, the objects are durable and every reader sees them; objects that were there
// change nothing. Several processes may add at once: none loses anything. Errors are record faults, those about layers
// that are not there evidence faults (ErrMissing).
func (s *Store) Add(ctx context.Context, objs ...Object) (digests []string, err error) {
	added := make([]descriptor, 0, len(objs))
	for _, o := range objs {
		e, err := s.Put(o)
		if err != nil {
			return nil, err
		}
		added = append(added, e.descriptor())
		digests = append(digests, e.Digest)
	}
	return digests, s.list(ctx, added)
}

// Put writes the manifest of an object without listing it in the root: Seal or AddEntries may do that.
func (s *Store) Put(o Object) (Entry, error) {
	if err := s.writeConfig(); err != nil {
		return Entry{}, err
	}
	text, err := s.manifestOf(o)
	if err != nil {
		return Entry{}, err
	}
	digest, err := s.Write(text)
	return Entry{Digest: digest, Size: int64(len(text)), Object: o}, err
}

// writeConfig writes the configuration that all manifests have.
func (s *Store) writeConfig() error {
	if s.Has(digestOf([]byte(emptyConfig)), int64(len(emptyConfig))) {
		return nil
	}
	_, err := s.Write([]byte(emptyConfig))
	return err
}

// AddEntries puts objects into the root index whose manifests and layers are in the store already, byte for byte as they
// are. Errors are as those of Add.
func (s *Store) AddEntries(ctx context.Context, entries ...Entry) error {
	if err := s.writeConfig(); err != nil {
		return err
	}
	added := make([]descriptor, 0, len(entries))
	for _, e := range entries {
		for _, l := range e.Layers {
			if size, err := s.size(l.Digest); err != nil || size != l.Size {
				return cmp.Or(err, fault.New(fault.Evidence, "add to store %q: layer %s of %s has %d bytes, not %d", s.dir, l.Digest, e.Digest, size, l.Size))
			}
		}
		added = append(added, e.descriptor())
	}
	return s.list(ctx, added)
}

func (e Entry) descriptor() descriptor {
	return descriptor{MediaType: mediaManifest, Digest: e.Digest, Size: e.Size, ArtifactType: e.Type}
}

// list adds manifests to the root.
func (s *Store) list(ctx context.Context, added []descriptor) error {
	if len(added) == 0 {
		return nil
	}
	unlock, err := Lock(ctx, s.path(lockFile), LockWait)
	if err != nil {
		return s.writeError("add to", err)
	}
	defer unlock()
	foreign, root, err := s.readIndexFile()
	if err != nil {
		return err
	}
	_, manifests, err := s.readRoot(root)
	if err != nil {
		return promised(s.path(indexFile), err)
	}
	union := sorted(append(slices.Clone(manifests), added...))
	if len(union) == len(manifests) {
		return nil
	}
	if err := s.writeRoot(foreign, union); err != nil {
		return err
	}
	s.sweep()
	return nil
}

// Index reads the newest root.
func (s *Store) Index() (*Index, error) {
	_, root, err := s.readIndexFile()
	if err != nil {
		return nil, err
	}
	ix, err := s.IndexAt(root)
	return ix, promised(s.path(indexFile), err)
}

// promised makes a blob that something in the store names and that is not there a trust fault: it was taken away.
func promised(by string, err error) error {
	if !errors.Is(err, ErrMissing) {
		return err
	}
	return fault.New(fault.Trust, "follow %q: %w: somebody or the disk took it away", by, err)
}

// IndexAt reads the root, or the sealed index, with this digest. A root that is not there is
// ErrMissing; an object it lists that is not there is ErrMissing too, and a trust fault.
func (s *Store) IndexAt(root string) (*Index, error) {
	digest, manifests, err := s.readRoot(root)
	if err != nil {
		return nil, err
	}
	ix := &Index{Digest: digest, Entries: make([]Entry, 0, len(manifests))}
	for _, m := range manifests {
		e, err := s.Entry(m.Digest)
		if err != nil {
			return nil, promised(root, err)
		}
		ix.Entries = append(ix.Entries, e)
	}
	return ix, nil
}

// Seal writes an index over the manifests with these digests and gives its digest, which does not depend on their order:
// the evidence bundle of a decision. index.json does not name it; a caller that wants other OCI tools to copy it lists
// it as a layer (MediaTypeIndex) of an object.
func (s *Store) Seal(entries []string) (digest string, err error) {
	manifests := make([]descriptor, 0, len(entries))
	for _, e := range entries {
		entry, err := s.Entry(e)
		if err != nil {
			return "", err
		}
		manifests = append(manifests, entry.descriptor())
	}
	text, err := encodeRoot(sorted(manifests))
	if err != nil {
		return "", err
	}
	return s.Write(text)
}

// sorted orders descriptors by digest and drops what is there twice.
func sorted(d []descriptor) []descriptor {
	slices.SortFunc(d, func(a, b descriptor) int { return cmp.Compare(a.Digest, b.Digest) })
	return slices.CompactFunc(d, func(a, b descriptor) bool { return a.Digest == b.Digest })
}

// readIndexFile gives the digest of the newest root, found by its name since other tools rewrite index.json, and the
// descriptors that are not ours, which stay as they are.
func (s *Store) readIndexFile() (foreign []jsontext.Value, root string, err error) {
	bad := func(err error) ([]jsontext.Value, string, error) {
		return nil, "", fault.New(fault.Evidence, "read %q: %w", s.path(indexFile), err)
	}
	text, err := readRegular(s.path(indexFile), MaxIndex)
	if err != nil {
		return bad(err)
	}
	var x struct {
		Manifests []jsontext.Value `json:"manifests"`
	}
	if err := json.Unmarshal(text, &x); err != nil {
		return bad(err)
	}
	for _, v := range x.Manifests {
		var d descriptor
		if err := json.Unmarshal(v, &d); err != nil {
			return bad(err)
		}
		switch {
		case d.Annotations[annotationName] != rootName:
			foreign = append(foreign, v)
		case root != "" && root != d.Digest:
			return bad(fmt.Errorf("two different roots are named %q", rootName))
		default:
			root = d.Digest
		}
	}
	if root == "" {
		return bad(fmt.Errorf("it names no root %q: copy the store with that tag", rootName))
	}
	return foreign, root, nil
}

// readRoot gives the descriptors of a root index, which must be in order and without repetition: there is one way to
// write a set of objects.
func (s *Store) readRoot(root string) (digest string, manifests []descriptor, err error) {
	text, err := s.Read(root, MaxIndex)
	if err != nil {
		return "", nil, err
	}
	bad := func(err error) (string, []descriptor, error) {
		return "", nil, fault.New(fault.Evidence, "read index %s of store %q: %w", root, s.dir, err)
	}
	var x imageIndex
	if err := json.Unmarshal(text, &x); err != nil {
		return bad(err)
	}
	if x.MediaType != MediaTypeIndex || x.ArtifactType != TypeBundle {
		return bad(fmt.Errorf("it is a %q of type %q, want %q of type %q", x.MediaType, x.ArtifactType, MediaTypeIndex, TypeBundle))
	}
	for i, m := range x.Manifests {
		if i > 0 && x.Manifests[i-1].Digest >= m.Digest {
			return bad(errors.New("its manifests are not in order"))
		}
		if s.blobPath(m.Digest) == "" {
			return bad(badDigest(m.Digest))
		}
	}
	return root, x.Manifests, nil
}

// writeRoot makes a set of objects the newest root: the index blob first, then index.json in one rename.
func (s *Store) writeRoot(foreign []jsontext.Value, manifests []descriptor) error {
	text, err := encodeRoot(manifests)
	if err != nil {
		return err
	}
	if len(text) > MaxIndex {
		return fault.New(fault.Record, "add to store %q: %w: start a new store", s.dir, tooBig("the index", int64(len(text)), MaxIndex))
	}
	if _, err := s.Write(text); err != nil {
		return err
	}
	file, err := encodeIndexFile(text, foreign)
	if err != nil {
		return err
	}
	return s.replace(indexFile, file)
}

// encodeIndexFile is the index.json that names a root, before what other tools put there.
func encodeIndexFile(root []byte, foreign []jsontext.Value) ([]byte, error) {
	named, err := json.Marshal(descriptor{
		MediaType: MediaTypeIndex, Digest: digestOf(root), Size: int64(len(root)), ArtifactType: TypeBundle,
		Annotations: map[string]string{annotationName: rootName},
	}, json.Deterministic(true))
	if err != nil {
		return nil, fault.New(fault.Internal, "encode index: %w", err)
	}
	file, err := json.Marshal(struct {
		SchemaVersion int              `json:"schemaVersion"`
		MediaType     string           `json:"mediaType"`
		Manifests     []jsontext.Value `json:"manifests"`
	}{2, MediaTypeIndex, append([]jsontext.Value{named}, foreign...)}, json.Deterministic(true))
	if err != nil {
		return nil, fault.New(fault.Internal, "encode index: %w", err)
	}
	return file, nil
}

// Digest is the digest of bytes, "sha256:" and 64 lower-case hexadecimal digits.
func Digest(b []byte) string { return digestOf(b) }

func digestOf(b []byte) string {
	h := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(h[:])
}
