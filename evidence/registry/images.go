package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"cdgate.dev/cdgate/evidence"
)

// MaxImages is how many images an index may have.
const MaxImages = 256

// mediaTypeDockerList and mediaTypeDockerManifest are what Docker called indexes and manifests before OCI did.
const (
	mediaTypeDockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	mediaTypeDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
)

// Image is one image of an image index: its manifest, its configuration, and the platform as os/architecture[/variant][ os.version].
type Image struct{ Digest, Config, Platform string }

// indexJSON is what is read of an index or a manifest (OCI image specification 1.1); a member that is there twice is an error.
type indexJSON struct {
	SchemaVersion int    `json:"schemaVersion"`
	MediaType     string `json:"mediaType"`
	Manifests     []struct {
		MediaType   string            `json:"mediaType"`
		Digest      string            `json:"digest"`
		Annotations map[string]string `json:"annotations"`
		Platform    struct {
			OS           string `json:"os"`
			OSVersion    string `json:"os.version"`
			Architecture string `json:"architecture"`
			Variant      string `json:"variant"`
		} `json:"platform"`
	} `json:"manifests"`
	Config struct {
		Digest string `json:"digest"`
	} `json:"config"`
}

// Images reads what the image index with this digest contains; nothing where it is a single image. Attestations that a builder
// put beside the images are none. An index in an index, and an image without a platform, are errors: what is in them would go
// unseen.
func (r *Repository) Images(ctx context.Context, digest string) ([]Image, error) {
	ix, err := r.indexOf(ctx, digest)
	if err != nil {
		return nil, err
	}
	if len(ix.Manifests) > MaxImages {
		return nil, fmt.Errorf("read image index %s of %s: %w: %d images, and at most %d are read", digest, r, ErrTooLarge, len(ix.Manifests), MaxImages)
	}
	var out []Image
	for _, m := range ix.Manifests {
		if m.Annotations["vnd.docker.reference.type"] == "attestation-manifest" {
			continue
		}
		if m.MediaType != ocispec.MediaTypeImageManifest && m.MediaType != mediaTypeDockerManifest {
			return nil, fmt.Errorf("read image index %s of %s: it contains %s of media type %q, which is no image", digest, r, evidence.Cut(m.Digest), evidence.Cut(m.MediaType))
		}
		if m.Platform.OS == "" || m.Platform.Architecture == "" {
			return nil, fmt.Errorf("read image index %s of %s: it does not say for which platform %s is", digest, r, evidence.Cut(m.Digest))
		}
		image, err := r.indexOf(ctx, m.Digest)
		if err != nil {
			return nil, err
		}
		if image.Config.Digest == "" || len(image.Manifests) > 0 {
			return nil, fmt.Errorf("read image %s of index %s of %s: it names no configuration, so it is no image", m.Digest, digest, r)
		}
		platform := strings.TrimSuffix(m.Platform.OS+"/"+m.Platform.Architecture+"/"+m.Platform.Variant, "/")
		out = append(out, Image{Digest: m.Digest, Config: image.Config.Digest, Platform: evidence.Cut(strings.TrimSpace(platform + " " + m.Platform.OSVersion))})
	}
	if len(out) == 0 && (ix.MediaType == ocispec.MediaTypeImageIndex || ix.MediaType == mediaTypeDockerList) {
		return nil, fmt.Errorf("read image index %s of %s: it contains no image", digest, r)
	}
	return out, nil
}

// indexOf fetches an index or a manifest.
func (r *Repository) indexOf(ctx context.Context, digest string) (ix indexJSON, err error) {
	b, err := r.ManifestBytes(ctx, digest)
	if err != nil {
		return ix, err
	}
	if err = json.Unmarshal(b, &ix); err == nil && ix.SchemaVersion != 2 {
		err = fmt.Errorf("want schema version 2, found %d", ix.SchemaVersion)
	}
	if err == nil && len(ix.Manifests) > 0 && ix.Config.Digest != "" {
		err = errors.New("it is an index and a manifest in one")
	}
	if err != nil {
		return ix, fmt.Errorf("read manifest %s of %s: %w", evidence.Cut(digest), r, err)
	}
	return ix, nil
}
