package registry

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"cdgate.dev/cdgate/evidence"
)

// MediaTypeManifest is the media type of the manifests that Manifest reads.
const MediaTypeManifest = ocispec.MediaTypeImageManifest

// Manifest is an image manifest (OCI image specification 1.1): what it is, what it is about, and what it is made of.
type Manifest struct {
	// ArtifactType is the manifest's own, else the media type of its configuration.
	ArtifactType string
	// Subject is the digest of the manifest that this one is about, or empty.
	Subject string
	Layers  []Descriptor
}

// Manifest fetches and reads the manifest that d describes. One that is about another subject is an error, and so are
// more than mostLayers.
func (r *Repository) Manifest(ctx context.Context, d Descriptor, subject string, mostLayers int) (Manifest, error) {
	b, err := r.Fetch(ctx, d, MaxManifest)
	if err != nil {
		return Manifest{}, err
	}
	m, err := readManifest(b)
	if err != nil {
		return m, fmt.Errorf("read manifest %s of %s: %w", d.Digest, r, err)
	}
	if m.Subject != subject {
		return m, fmt.Errorf("read manifest %s of %s: %w: it was listed as being about %s and is about %q", d.Digest, r, ErrTampered, subject, evidence.Cut(m.Subject))
	}
	if len(m.Layers) > mostLayers {
		return m, fmt.Errorf("read manifest %s of %s: %w: %d layers, and at most %d are read", d.Digest, r, ErrTooLarge, len(m.Layers), mostLayers)
	}
	return m, nil
}

// readManifest reads a manifest strictly: a member that is there twice is an error.
func readManifest(b []byte) (m Manifest, err error) {
	var raw struct {
		SchemaVersion int    `json:"schemaVersion"`
		MediaType     string `json:"mediaType"`
		ArtifactType  string `json:"artifactType"`
		Config        struct {
			MediaType string `json:"mediaType"`
		} `json:"config"`
		Layers []struct {
			MediaType string `json:"mediaType"`
			Digest    string `json:"digest"`
			Size      int64  `json:"size"`
		} `json:"layers"`
		Subject struct {
			Digest string `json:"digest"`
		} `json:"subject"`
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		return m, err
	}
	if raw.SchemaVersion != 2 || raw.MediaType != "" && raw.MediaType != MediaTypeManifest {
		return m, fmt.Errorf("want schema version 2 and media type %s, found %d and %q", MediaTypeManifest, raw.SchemaVersion, evidence.Cut(raw.MediaType))
	}
	m.ArtifactType, m.Subject = raw.ArtifactType, raw.Subject.Digest
	if m.ArtifactType == "" {
		m.ArtifactType = raw.Config.MediaType
	}
	for _, l := range raw.Layers {
		m.Layers = append(m.Layers, Descriptor{MediaType: l.MediaType, Digest: l.Digest, Size: l.Size})
	}
	return m, nil
}
