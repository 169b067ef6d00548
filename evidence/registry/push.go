package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/opencontainers/go-digest"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	orasregistry "oras.land/oras-go/v2/registry"

	"cdgate.dev/cdgate/evidence"
)

// Scheme is how an address of a repository begins where other things could stand too.
const Scheme = "oci://"

// ParseRepository reads oci://REGISTRY/REPOSITORY. A tag or a digest is refused: what is in the repository has tags of
// its own.
func ParseRepository(s string) (Reference, error) {
	const want = "want oci://REGISTRY/REPOSITORY, such as oci://ghcr.io/acme/evidence"
	name, ok := strings.CutPrefix(s, Scheme)
	first, rest, more := strings.Cut(name, "/")
	switch {
	case !ok:
		return Reference{}, fmt.Errorf("repository %q: %s", evidence.Cut(s), want)
	case strings.ContainsAny(rest, ":@"):
		return Reference{}, fmt.Errorf("repository %q is named without tag and digest; %s", evidence.Cut(s), want)
	case !more || first != "localhost" && !strings.ContainsAny(first, ".:"):
		return Reference{}, fmt.Errorf("repository %q does not name its registry; %s", evidence.Cut(s), want)
	}
	ref, err := orasregistry.ParseReference(name)
	if err != nil {
		return Reference{}, fmt.Errorf("repository %q: %w; %s", evidence.Cut(s), err, want)
	}
	return Reference{Registry: ref.Registry, Repository: ref.Repository}, nil
}

// Tags lists all tags of the repository, page by page. A repository that is not there is ErrNotFound, more than most
// tags ErrTooLarge. That the list is whole is the registry's word.
func (r *Repository) Tags(ctx context.Context, most int) (tags []string, err error) {
	err = r.ask(ctx, "list the tags", func(ctx context.Context) error {
		tags = nil
		return r.remote.Tags(ctx, "", func(page []string) error {
			tags = append(tags, page...)
			if len(tags) > most {
				return fmt.Errorf("%w: more than %d tags", ErrTooLarge, most)
			}
			return nil
		})
	})
	return tags, err
}

// HasBlob says whether the repository has a blob of this digest and size.
func (r *Repository) HasBlob(ctx context.Context, d Descriptor) (bool, error) {
	has := false
	err := r.ask(ctx, "look for "+evidence.Cut(d.Digest), func(ctx context.Context) error {
		is, err := r.remote.Blobs().Resolve(ctx, d.Digest)
		if errors.Is(err, errdef.ErrNotFound) {
			has = false
			return nil
		}
		has = err == nil && is.Size == d.Size
		return err
	})
	return has, err
}

// PushBlob pushes a blob, unless the repository has it: an interrupted transfer goes on where it stopped. Open is called
// for every attempt.
func (r *Repository) PushBlob(ctx context.Context, d Descriptor, open func() (io.ReadCloser, error)) error {
	if has, err := r.HasBlob(ctx, d); err != nil || has {
		return err
	}
	return r.ask(ctx, "push "+d.Digest, func(ctx context.Context) error {
		body, err := open()
		if err != nil {
			return err
		}
		defer body.Close()
		o := d.oci()
		o.MediaType = "application/octet-stream" // whatever it is called, it is pushed as a blob
		return r.remote.Blobs().Push(ctx, o, body)
	})
}

// PushManifest pushes an image manifest and, when tag is not empty, names it so.
func (r *Repository) PushManifest(ctx context.Context, text []byte, tag string) error {
	d := Descriptor{MediaType: MediaTypeManifest, Digest: digest.FromBytes(text).String(), Size: int64(len(text))}
	return r.ask(ctx, "push manifest "+d.Digest, func(ctx context.Context) error {
		if tag == "" {
			return r.remote.Manifests().Push(ctx, d.oci(), bytes.NewReader(text))
		}
		return r.remote.Manifests().PushReference(ctx, d.oci(), bytes.NewReader(text), tag)
	})
}

// Tagged gives the digest of the manifest that a tag names.
func (r *Repository) Tagged(ctx context.Context, tag string) (string, error) {
	var d string
	err := r.ask(ctx, "look for tag "+evidence.Cut(tag), func(ctx context.Context) error {
		is, err := r.remote.Manifests().Resolve(ctx, tag)
		d = is.Digest.String()
		return err
	})
	return d, err
}

// ManifestBytes fetches the image manifest with this digest and compares it with that.
func (r *Repository) ManifestBytes(ctx context.Context, digest string) (text []byte, err error) {
	err = r.ask(ctx, "fetch manifest "+evidence.Cut(digest), func(ctx context.Context) error {
		d, body, err := r.remote.Manifests().FetchReference(ctx, digest)
		if err != nil {
			return err
		}
		defer body.Close()
		if d.Size > MaxManifest {
			return fmt.Errorf("%w: it has %d bytes, and at most %d are read", ErrTooLarge, d.Size, MaxManifest)
		}
		if d.Digest.String() != digest {
			return fmt.Errorf("%w: it sent %s", content.ErrMismatchedDigest, d.Digest)
		}
		text, err = content.ReadAll(body, d)
		return err
	})
	return text, err
}

// Blob fetches a blob of at most limit bytes into what open makes, and compares it with its digest. With size -1 the
// registry is asked how long it is. Open is called for every attempt; what an attempt wrote that failed must not be used.
func (r *Repository) Blob(ctx context.Context, digest string, size, limit int64, open func() (io.Writer, error)) error {
	return r.ask(ctx, "fetch "+evidence.Cut(digest), func(ctx context.Context) error {
		d := Descriptor{MediaType: "application/octet-stream", Digest: digest, Size: size}.oci()
		if err := d.Digest.Validate(); err != nil {
			return fmt.Errorf("%.80q is no digest", digest)
		}
		if size < 0 {
			is, err := r.remote.Blobs().Resolve(ctx, digest)
			if err != nil {
				return err
			}
			d.Size = is.Size
		}
		if d.Size > limit {
			return fmt.Errorf("%w: it has %d bytes, and at most %d are read", ErrTooLarge, d.Size, limit)
		}
		body, err := r.remote.Blobs().Fetch(ctx, d)
		if err != nil {
			return err
		}
		defer body.Close()
		w, err := open()
		if err != nil {
			return err
		}
		v := content.NewVerifyReader(body, d)
		if _, err := io.Copy(w, v); err != nil {
			return err
		}
		return v.Verify()
	})
}
