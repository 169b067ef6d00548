package store

import (
	"errors"
	"fmt"
	"os"

	"cdgate.dev/cdgate/engine/fault"
	"github.com/go-json-experiment/json"
)

// MediaTypeIndex is the media type of root and sealed indexes.
const MediaTypeIndex = "application/vnd.oci.image.index.v1+json"

const (
	mediaManifest   = "application/vnd.oci.image.manifest.v1+json"
	mediaEmpty      = "application/vnd.oci.empty.v1+json"
	emptyConfig     = "{}" // the specification's content for artifacts without a configuration
	annotationName  = "org.opencontainers.image.ref.name"
	annotationTitle = "org.opencontainers.image.title"
	rootName        = "bundle"
	maxLayers       = 256
)

// descriptor, imageManifest and imageIndex are those of the OCI image specification 1.1, as far as they are written here.
// What other tools add is not read.
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

type imageManifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	ArtifactType  string            `json:"artifactType"`
	Config        descriptor        `json:"config"`
	Layers        []descriptor      `json:"layers"`
	Subject       *descriptor       `json:"subject,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

type imageIndex struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	ArtifactType  string       `json:"artifactType"`
	Manifests     []descriptor `json:"manifests"`
}

func encodeRoot(manifests []descriptor) ([]byte, error) {
	if manifests == nil {
		manifests = []descriptor{} // the specification wants an array
	}
	text, err := json.Marshal(imageIndex{2, MediaTypeIndex, TypeBundle, manifests}, json.Deterministic(true))
	if err != nil {
		return nil, fault.New(fault.Internal, "encode index: %w", err)
	}
	return text, nil
}

// manifestOf is the one manifest of an object: no times, no names of machines, so that the same object has the same
// digest wherever and whenever it is stored.
func (s *Store) manifestOf(o Object) ([]byte, error) {
	if o.Type == "" || len(o.Layers) == 0 || len(o.Layers) > maxLayers {
		return nil, fault.New(fault.Internal, "add to store: an object of type %q with %d layers, want a type and 1 to %d layers",
			o.Type, len(o.Layers), maxLayers)
	}
	m := imageManifest{
		SchemaVersion: 2, MediaType: mediaManifest, ArtifactType: o.Type, Annotations: o.Annotations,
		Config: descriptor{MediaType: mediaEmpty, Digest: digestOf([]byte(emptyConfig)), Size: int64(len(emptyConfig))},
	}
	for _, l := range o.Layers {
		size, err := s.size(l.Digest)
		if err != nil {
			return nil, err
		}
		if size != l.Size {
			return nil, fault.New(fault.Evidence, "add to store: layer %q (%s) has %d bytes, not %d", l.Name, l.Digest, size, l.Size)
		}
		d := descriptor{MediaType: l.MediaType, Digest: l.Digest, Size: l.Size}
		if l.Name != "" {
			d.Annotations = map[string]string{annotationTitle: l.Name}
		}
		m.Layers = append(m.Layers, d)
	}
	if o.Subject != "" {
		size, err := s.size(o.Subject)
		if err != nil {
			return nil, err
		}
		m.Subject = &descriptor{MediaType: mediaManifest, Digest: o.Subject, Size: size}
	}
	text, err := json.Marshal(m, json.Deterministic(true))
	if err != nil {
		return nil, fault.New(fault.Internal, "encode manifest: %w", err)
	}
	if len(text) > MaxManifest {
		return nil, fault.New(fault.Evidence, "add to store: %w", tooBig("the manifest", int64(len(text)), MaxManifest))
	}
	return text, nil
}

func (s *Store) size(digest string) (int64, error) {
	path := s.blobPath(digest)
	if path == "" {
		return 0, badDigest(digest)
	}
	info, err := os.Lstat(path)
	if err != nil {
		return 0, s.wrapRead(digest, err)
	}
	return info.Size(), nil
}

// Entry reads the object with this manifest digest, whether the root lists it or not.
func (s *Store) Entry(digest string) (Entry, error) {
	text, err := s.Read(digest, MaxManifest)
	if err != nil {
		return Entry{}, err
	}
	o, err := decodeObject(text)
	if err != nil {
		return Entry{}, fault.New(fault.Evidence, "read manifest %s of store %q: %w", digest, s.dir, err)
	}
	return Entry{Digest: digest, Size: int64(len(text)), Object: *o}, nil
}

// ReadManifest reads a manifest that came from elsewhere, as Entry reads one of the store.
func ReadManifest(text []byte) (Entry, error) {
	if len(text) > MaxManifest {
		return Entry{}, tooBig("the manifest", int64(len(text)), MaxManifest)
	}
	o, err := decodeObject(text)
	if err != nil {
		return Entry{}, err
	}
	return Entry{Digest: digestOf(text), Size: int64(len(text)), Object: *o}, nil
}

// Blobs are the digests of all blobs, sorted, and strange the names of files among them that are no digests.
func (s *Store) Blobs() (digests, strange []string, err error) {
	entries, err := os.ReadDir(s.path("blobs", "sha256"))
	if err != nil {
		return nil, nil, fault.New(fault.Evidence, "read store %q: %w", s.dir, err)
	}
	for _, e := range entries {
		if digest := "sha256:" + e.Name(); s.blobPath(digest) != "" && e.Type().IsRegular() {
			digests = append(digests, digest)
		} else {
			strange = append(strange, e.Name())
		}
	}
	return digests, strange, nil
}

// IsRoot says whether a blob is an index such as a root or a sealed bundle.
func (s *Store) IsRoot(digest string) bool {
	_, _, err := s.readRoot(digest)
	return err == nil
}

// Has says whether a blob with the digest and the size in bytes is there. Its bytes are not read: Read and OpenBlob do.
func (s *Store) Has(digest string, size int64) bool {
	is, err := s.size(digest)
	return err == nil && is == size
}

func decodeObject(text []byte) (*Object, error) {
	var m imageManifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, err
	}
	if m.MediaType != mediaManifest || m.ArtifactType == "" {
		return nil, fmt.Errorf("it is a %q of type %q, want a %q with a type", m.MediaType, m.ArtifactType, mediaManifest)
	}
	if len(m.Layers) == 0 || len(m.Layers) > maxLayers {
		return nil, fmt.Errorf("it has %d layers, want 1 to %d", len(m.Layers), maxLayers)
	}
	o := &Object{Type: m.ArtifactType, Annotations: m.Annotations}
	for _, l := range m.Layers {
		if l.Size < 0 {
			return nil, errors.New("a layer has a negative size")
		}
		o.Layers = append(o.Layers, Layer{Name: l.Annotations[annotationTitle], MediaType: l.MediaType, Digest: l.Digest, Size: l.Size})
	}
	if m.Subject != nil {
		o.Subject = m.Subject.Digest
	}
	return o, nil
}
