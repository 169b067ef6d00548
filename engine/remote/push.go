package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/evidence/registry"
)

const (
	// mediaBundle is the media type of Sigstore bundles, and the artifact type under which cosign looks for them.
	mediaBundle = "application/vnd.dev.sigstore.bundle.v0.3+json"
	mediaEmpty  = "application/vnd.oci.empty.v1+json"
	emptyConfig = "{}"
	// annotationObject names, on a referrer, the object that holds the same statement and what belongs to it.
	annotationObject = "dev.cdgate.object"
	// annotationRecord is set on the referrers of what is not evidence.
	annotationRecord = "dev.cdgate.record"
	// rereadWhole is up to which size a blob is fetched again after it was pushed; of larger ones the registry is asked
	// whether it has them.
	rereadWhole = 1 << 20
)

// Upload is an object to push, and how it is to be found.
type Upload struct {
	store.Entry
	Keys []Key
	// Attach says to which artifacts its statement is attached, where these are manifests of the repository.
	Attach []Attachment
}

// Attachment is a statement as a referrer of an artifact, in the form in which cosign writes and finds attestations.
type Attachment struct {
	// Artifact is the digest of the artifact, Created when the statement was made (RFC 3339).
	Artifact, PredicateType, Created string
	// Statement is the layer that holds the bundle.
	Statement store.Layer
	// Record says that it is a decision record and not evidence.
	Record bool
}

// Push pushes objects that are in st, and returns when the registry gave all of them back by digest. Objects for which
// last says so are pushed when the others are confirmed, so that what they list is there. Blobs that the registry has are not sent
// again. Errors are record faults; a registry that gives other bytes back is a trust fault.
func (r *Remote) Push(ctx context.Context, st *store.Store, ups []Upload, last func(Upload) bool) error {
	var first, then []Upload
	for _, u := range ups {
		if last != nil && last(u) {
			then = append(then, u)
		} else {
			first = append(first, u)
		}
	}
	p := &pushing{Remote: r, st: st, subjects: map[string]*registry.Descriptor{}}
	if err := p.empty(ctx); err != nil {
		return p.writeError(err)
	}
	for _, some := range [][]Upload{first, then} {
		if err := parallel(len(some), func(i int) error { return p.writeError(p.push(ctx, some[i])) }); err != nil {
			return err
		}
	}
	return nil
}

// pushing is one Push.
type pushing struct {
	*Remote
	st *store.Store
	mu sync.Mutex
	// subjects are the artifacts that were looked for; nil for one that is no manifest of the repository.
	subjects map[string]*registry.Descriptor
}

// empty pushes the configuration that all manifests have.
func (p *pushing) empty(ctx context.Context) error {
	d := registry.Descriptor{Digest: store.Digest([]byte(emptyConfig)), Size: int64(len(emptyConfig))}
	return p.repo.PushBlob(ctx, d, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader([]byte(emptyConfig))), nil })
}

func (p *pushing) push(ctx context.Context, u Upload) error {
	for _, l := range u.Layers {
		d := registry.Descriptor{Digest: l.Digest, Size: l.Size}
		if err := p.repo.PushBlob(ctx, d, func() (io.ReadCloser, error) {
			body, _, err := p.st.OpenBlob(l.Digest)
			return body, err
		}); err != nil {
			return err
		}
	}
	text, err := p.st.Read(u.Digest, store.MaxManifest)
	if err != nil {
		return err
	}
	for _, k := range u.Keys {
		if err := p.repo.PushManifest(ctx, text, k.tag(u.Digest)); err != nil {
			return err
		}
	}
	if err := p.confirm(ctx, u, text); err != nil {
		return err
	}
	for _, a := range u.Attach {
		if err := p.attach(ctx, u.Digest, a); err != nil {
			return err
		}
	}
	return nil
}

// confirm reads everything again: what the registry accepted and does not give back is not stored.
func (p *pushing) confirm(ctx context.Context, u Upload, text []byte) error {
	for _, l := range u.Layers {
		if l.Size <= rereadWhole {
			if err := p.repo.Blob(ctx, l.Digest, l.Size, rereadWhole, func() (io.Writer, error) { return io.Discard, nil }); err != nil {
				return err
			}
			continue
		}
		has, err := p.repo.HasBlob(ctx, registry.Descriptor{Digest: l.Digest, Size: l.Size})
		if err != nil {
			return err
		}
		if !has {
			return fault.New(fault.Record, "push to store %s: the registry accepted %s and does not have it", p, l.Digest)
		}
	}
	again, err := p.repo.ManifestBytes(ctx, u.Digest)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, text) {
		return fault.New(fault.Trust, "push to store %s: the registry gives other bytes back for %s", p, u.Digest)
	}
	for _, k := range u.Keys {
		switch is, err := p.repo.Tagged(ctx, k.tag(u.Digest)); {
		case err != nil:
			return err
		case is != u.Digest:
			return fault.New(fault.Record, "push to store %s: tag %s names %s and not what was pushed", p, k.tag(u.Digest), is)
		}
	}
	return nil
}

// attach pushes a small manifest that has the artifact as its subject and the statement as its only layer.
func (p *pushing) attach(ctx context.Context, object string, a Attachment) error {
	subject, err := p.subject(ctx, a.Artifact)
	if err != nil || subject == nil {
		return err
	}
	text, err := encodeAttachment(*subject, object, a)
	if err != nil {
		return err
	}
	if err := p.repo.PushManifest(ctx, text, ""); err != nil {
		return err
	}
	_, err = p.repo.ManifestBytes(ctx, store.Digest(text))
	return err
}

// subject looks once for an artifact among the manifests of the repository.
func (p *pushing) subject(ctx context.Context, digest string) (*registry.Descriptor, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d, known := p.subjects[digest]; known {
		return d, nil
	}
	d, err := p.repo.Find(ctx, digest)
	if errors.Is(err, registry.ErrNotFound) {
		p.subjects[digest] = nil
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p.subjects[digest] = &d
	return &d, nil
}

// encodeAttachment writes the manifest: the same statement and artifact give the same bytes.
func encodeAttachment(subject registry.Descriptor, object string, a Attachment) ([]byte, error) {
	type descriptor struct {
		MediaType string `json:"mediaType"`
		Digest    string `json:"digest"`
		Size      int64  `json:"size"`
	}
	annotations := map[string]string{
		"dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": a.PredicateType,
		"org.opencontainers.image.created": a.Created, annotationObject: object,
	}
	if a.Record {
		annotations[annotationRecord] = "true"
	}
	text, err := json.Marshal(struct {
		SchemaVersion int               `json:"schemaVersion"`
		MediaType     string            `json:"mediaType"`
		ArtifactType  string            `json:"artifactType"`
		Config        descriptor        `json:"config"`
		Layers        []descriptor      `json:"layers"`
		Subject       descriptor        `json:"subject"`
		Annotations   map[string]string `json:"annotations"`
	}{
		2, registry.MediaTypeManifest, mediaBundle,
		descriptor{mediaEmpty, store.Digest([]byte(emptyConfig)), int64(len(emptyConfig))},
		[]descriptor{{mediaBundle, a.Statement.Digest, a.Statement.Size}},
		descriptor{subject.MediaType, subject.Digest, subject.Size}, annotations,
	}, json.Deterministic(true))
	if err != nil {
		return nil, fault.New(fault.Internal, "encode manifest: %w", err)
	}
	return text, nil
}

// writeError classes an error of pushing.
func (p *pushing) writeError(err error) error {
	if errors.Is(err, registry.ErrTampered) {
		return fault.Wrap(fault.Trust, err)
	}
	return fault.Wrap(fault.Record, err)
}

// Tagged says whether every tag of an object names it; wrong are those that do not.
func (r *Remote) Tagged(ctx context.Context, digest string, keys []Key) (wrong []string, err error) {
	for _, k := range slices.Sorted(slices.Values(keys)) {
		is, err := r.repo.Tagged(ctx, k.tag(digest))
		if err != nil && !errors.Is(err, registry.ErrNotFound) {
			return nil, r.readError(err)
		}
		if is != digest {
			wrong = append(wrong, k.tag(digest))
		}
	}
	return wrong, nil
}
