// Package registry is the door to OCI registries: where one is, how it is asked, and how what it holds is fetched. It
// trusts nothing that a registry says: everything is asked for by digest, bounded, and compared with that digest.
//
// Errors wrap ErrTampered when what arrived is not what its digest says.
package registry

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	orasregistry "oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/outbound"
)

const (
	// MaxManifest is how long a manifest may be, in bytes; the distribution specification wants registries to take no less.
	MaxManifest = 4 << 20
	// maxPages is how many pages a list may have.
	maxPages = 100
	// tagPage is how many tags one page of a list is asked to have, and maxTagPages how many pages there may be; registries
	// give fewer tags if they like.
	tagPage     = 1000
	maxTagPages = 20_000
)

// ErrTampered says that what a registry sent is not what its digest says, or is not about what it was asked for.
var ErrTampered = errors.New("what the registry sent is not what was asked for")

// ErrTooLarge says that something is over a limit.
var ErrTooLarge = errors.New("over the limit")

// ErrNotFound says that a registry does not have what was asked for.
var ErrNotFound = errors.New("the registry does not have it")

// Reference names something in a registry by its digest ("sha256:…").
type Reference struct {
	Registry, Repository, Digest string
}

// String spells the reference as ParseReference reads it.
func (r Reference) String() string { return r.Name() + "@" + r.Digest }

// Name is the reference without the digest.
func (r Reference) Name() string { return r.Registry + "/" + r.Repository }

// sha256Digest is the one form of digest that statements are about.
var sha256Digest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// ParseReference reads REGISTRY/REPOSITORY@sha256:HEX. A tag before the digest is dropped; a tag without a digest is
// refused, because it can be another image tomorrow.
func ParseReference(s string) (Reference, error) {
	const want = "want REGISTRY/REPOSITORY@sha256:HEX, such as ghcr.io/acme/shop@sha256:0123…"
	name, hex, found := strings.Cut(s, "@")
	first, _, more := strings.Cut(name, "/")
	switch {
	case !found && strings.Contains(name[strings.LastIndexByte(name, '/')+1:], ":"):
		return Reference{}, fmt.Errorf("image %q is named by a tag, which can move; name a digest: %s", evidence.Cut(s), want)
	case !found:
		return Reference{}, fmt.Errorf("image %q has no digest; %s", evidence.Cut(s), want)
	case !sha256Digest.MatchString(hex):
		return Reference{}, fmt.Errorf("image %q: the digest is sha256: and 64 lower-case hexadecimal digits; %s", evidence.Cut(s), want)
	case !more || first != "localhost" && !strings.ContainsAny(first, ".:"):
		return Reference{}, fmt.Errorf("image %q does not name its registry; %s", evidence.Cut(s), want)
	}
	ref, err := orasregistry.ParseReference(s)
	if err != nil {
		return Reference{}, fmt.Errorf("image %q: %w; %s", evidence.Cut(s), err, want)
	}
	return Reference{Registry: ref.Registry, Repository: ref.Repository, Digest: hex}, nil
}

// Options says how a registry is asked.
type Options struct {
	// DockerConfig is the path of a Docker config.json with credentials, or with the names of programs that have them
	// (docker-credential-…); it need not exist. Empty means nobody.
	DockerConfig string
	// Roots, if set, replace the certificate authorities of the system.
	Roots *x509.CertPool
	// Timeout is how long one request may take; zero means outbound.Timeout.
	Timeout time.Duration
	// Now, if set, is the clock that a date in Retry-After is held against; without it such a date is not honoured.
	Now func() time.Time
}

// Repository is a repository of a registry.
type Repository struct {
	name   string
	remote *remote.Repository
	now    func() time.Time
}

// Open makes a client of the repository that ref names, without asking it anything. A registry is asked over https,
// except that one on this machine (localhost or a loopback address) is asked over http unless Roots are given. Blobs may
// come from another public host that the registry redirects to; credentials are not sent there.
func Open(ref Reference, o Options) (*Repository, error) {
	oref := orasregistry.Reference{Registry: ref.Registry, Repository: ref.Repository}
	host := oref.Host()
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	out := outbound.Options{Scheme: "https", Host: strings.Trim(host, "[]"), Roots: o.Roots, Timeout: o.Timeout, Elsewhere: true}
	if outbound.IsLocal(out.Host) && o.Roots == nil {
		out.Scheme = "http"
	}
	plain := outbound.New(out)
	plain.Transport = listening{plain.Transport}
	client := &auth.Client{Client: plain, Cache: auth.NewCache(), Header: http.Header{"User-Agent": {"cdgate"}}}
	if o.DockerConfig != "" {
		store, err := credentials.NewStore(o.DockerConfig, credentials.StoreOptions{})
		if err != nil {
			return nil, fmt.Errorf("read the credentials of registries: %w", err)
		}
		client.Credential = credentials.Credential(store)
	}
	return &Repository{name: ref.Name(), now: o.Now, remote: &remote.Repository{
		Client: client, Reference: oref, PlainHTTP: out.Scheme == "http", MaxMetadataBytes: MaxManifest, ReferrerListMaxPages: maxPages,
		TagListPageSize: tagPage, TagListMaxPages: maxTagPages, SkipReferrersGC: true,
	}}, nil
}

// String is the name of the repository.
func (r *Repository) String() string { return r.name }

// Descriptor describes something in a repository.
type Descriptor struct {
	MediaType, ArtifactType, Digest string
	Size                            int64
	// Annotations are those that a list of referrers repeats from the manifest.
	Annotations map[string]string
}

func fromOCI(d ocispec.Descriptor) Descriptor {
	return Descriptor{MediaType: d.MediaType, ArtifactType: d.ArtifactType, Digest: d.Digest.String(), Size: d.Size, Annotations: d.Annotations}
}

func (d Descriptor) oci() ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: d.MediaType, Digest: digest.Digest(d.Digest), Size: d.Size}
}

// Find describes the manifest with this digest, or says that the repository does not have it.
func (r *Repository) Find(ctx context.Context, digest string) (Descriptor, error) {
	var d Descriptor
	err := r.ask(ctx, "find "+digest, func(ctx context.Context) error {
		is, err := r.remote.Resolve(ctx, digest)
		d = fromOCI(is)
		return err
	})
	if err != nil {
		return Descriptor{}, err
	}
	return d, nil
}

// Referrers lists the manifests that say they are about subject, with the referrers API, or with the tag schema where a
// registry does not know it. More than most are an error. What the list says is the registry's word alone: Manifest
// says whether it is true.
func (r *Repository) Referrers(ctx context.Context, subject Descriptor, most int) ([]Descriptor, error) {
	var out []Descriptor
	err := r.ask(ctx, "list the referrers of "+subject.Digest, func(ctx context.Context) error {
		out = nil
		return r.remote.Referrers(ctx, subject.oci(), "", func(page []ocispec.Descriptor) error {
			for _, d := range page {
				out = append(out, fromOCI(d))
			}
			if len(out) > most {
				return fmt.Errorf("%w: more than %d referrers", ErrTooLarge, most)
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Fetch fetches what d describes, a manifest or a blob by its media type, if it has at most limit bytes, and compares
// size and digest.
func (r *Repository) Fetch(ctx context.Context, d Descriptor, limit int64) ([]byte, error) {
	do := "fetch " + evidence.Cut(d.Digest)
	o := d.oci()
	if err := o.Digest.Validate(); err != nil || d.Size < 0 {
		return nil, fmt.Errorf("%s from %s: no digest, or no size", do, r)
	}
	if d.Size > limit {
		return nil, fmt.Errorf("%s from %s: %w: it has %d bytes, and at most %d are read", do, r, ErrTooLarge, d.Size, limit)
	}
	body, err := r.remote.Fetch(ctx, o)
	if err != nil {
		return nil, r.explain(do, err)
	}
	defer body.Close()
	b, err := content.ReadAll(body, o)
	if err != nil {
		return nil, r.explain(do, err)
	}
	return b, nil
}

// explain says what was done, and what an error of oras-go means.
func (r *Repository) explain(do string, err error) error {
	kind, advice := error(nil), ""
	var status *errcode.ErrorResponse
	switch {
	case errors.Is(err, ErrTooLarge):
	case errors.Is(err, content.ErrMismatchedDigest), errors.Is(err, content.ErrTrailingData),
		// oras-go has no values for these two: an answer whose header has another length or digest.
		strings.Contains(err.Error(), "mismatch Content-Length"), strings.Contains(err.Error(), "digest mismatch"):
		kind = ErrTampered
	case errors.Is(err, errdef.ErrNotFound), errors.As(err, &status) && status.StatusCode == http.StatusNotFound:
		kind, advice = ErrNotFound, "; is it in this repository, and was it pushed?"
	case errors.Is(err, io.ErrUnexpectedEOF):
		advice = ": it was cut off"
	case errors.Is(err, auth.ErrBasicCredentialNotFound), errors.As(err, &status) && (status.StatusCode == http.StatusUnauthorized || status.StatusCode == http.StatusForbidden):
		advice = "; log in first, for instance with docker login " + strings.SplitN(r.name, "/", 2)[0]
	}
	text := evidence.Cut(outbound.Cause(err).Error()) + advice
	if kind != nil {
		return fmt.Errorf("%s from %s: %w: %s", do, r, kind, text)
	}
	return fmt.Errorf("%s from %s: %w", do, r, &told{text, err})
}

// told is an error with a text of our own.
type told struct {
	text string
	err  error
}

func (t *told) Error() string { return t.text }
func (t *told) Unwrap() error { return t.err }
