// Package remote keeps the objects of a store in a repository of an OCI registry, byte for byte and under the same
// digests. A command works on a store in a directory: it fetches into that what it needs, and pushes what it adds.
//
// Every object has tags of its own, so that writers never meet: prefix, what the object is about, digest of the object.
// What belongs to a release is found by listing the tags, and by asking for the referrers of its artifacts too. The one
// tag that tools share for referrers in registries without that API loses entries when two write at once, and is never
// the only way. A tag only finds: objects are fetched by the digest in its name, and every byte is hashed on arrival.
package remote

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/evidence/registry"
)

const (
	// maxTags is how many tags a repository may have.
	maxTags = 2_000_000
	// maxObjects is how many objects one command fetches.
	maxObjects = 50_000
	// maxBlob is how long one blob may be, in bytes: more than any report, packed rows or archived input.
	maxBlob = 2 << 30
	// maxReferrers is how many referrers an artifact may have.
	maxReferrers = 100_000
	// atOnce is how many objects are transferred at the same time.
	atOnce = 6
)

// Remote is a repository of a registry that holds a store.
type Remote struct {
	repo *registry.Repository
	name string
}

// IsRemote says whether the name of a store is that of one in a registry.
func IsRemote(name string) bool { return strings.HasPrefix(name, registry.Scheme) }

// Open makes a client for the store oci://REGISTRY/REPOSITORY without asking the registry anything. Errors are usage faults.
func Open(name string, o registry.Options) (*Remote, error) {
	ref, err := registry.ParseRepository(name)
	if err != nil {
		return nil, fault.New(fault.Usage, "open store: %w", err)
	}
	repo, err := registry.Open(ref, o)
	if err != nil {
		return nil, fault.New(fault.Usage, "open store %s: %w", name, err)
	}
	return &Remote{repo: repo, name: registry.Scheme + ref.Name()}, nil
}

// String is the name of the store.
func (r *Remote) String() string { return r.name }

// Listing is what the tags of a repository say: the objects under each key. It is the registry's word.
type Listing struct {
	// Absent says that the repository does not exist, or holds nothing of ours: some registries do not tell these apart.
	Absent bool
	// Keys are the keys of each object.
	Keys map[string][]Key
	// Strange are tags that begin like ours and are not.
	Strange []string
	byKey   map[Key][]string
}

// NewListing is the listing of objects of which the keys are known.
func NewListing(keys map[string][]Key) *Listing {
	l := &Listing{Keys: keys, byKey: map[Key][]string{}}
	for _, digest := range slices.Sorted(maps.Keys(keys)) {
		for _, k := range keys[digest] {
			l.byKey[k] = append(l.byKey[k], digest)
		}
	}
	return l
}

// List reads all tags. A repository that is not there has none; a registry that cannot be read is an evidence fault.
func (r *Remote) List(ctx context.Context) (*Listing, error) {
	l := &Listing{Keys: map[string][]Key{}, byKey: map[Key][]string{}}
	tags, err := r.repo.Tags(ctx, maxTags)
	if errors.Is(err, registry.ErrNotFound) {
		l.Absent = true
		return l, nil
	}
	if err != nil {
		return nil, r.readError(err)
	}
	for _, t := range tags {
		key, digest, ours, strange := parseTag(t)
		switch {
		case strange:
			l.Strange = append(l.Strange, t)
		case ours && !slices.Contains(l.Keys[digest], key):
			l.Keys[digest] = append(l.Keys[digest], key)
			l.byKey[key] = append(l.byKey[key], digest)
		}
	}
	l.Absent = len(l.Keys) == 0
	return l, nil
}

// Under are the digests of the objects under a key.
func (l *Listing) Under(k Key) []string { return l.byKey[k] }

// Newest is the key of the highest entry of the decision log that there is a receipt for, and its number; false when there is none.
func (l *Listing) Newest() (k Key, found bool) {
	for key := range l.byKey {
		if strings.HasPrefix(string(key), "l-") && key > k {
			k, found = key, true
		}
	}
	return k, found
}

// Attached are the objects whose statements the referrers API lists for an artifact: what a registry does not show among
// its tags it may show here. Decision records are left out. An artifact that is no manifest of the repository has none.
func (r *Remote) Attached(ctx context.Context, artifact string) ([]string, error) {
	subject, err := r.repo.Find(ctx, artifact)
	if errors.Is(err, registry.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, r.readError(err)
	}
	list, err := r.repo.Referrers(ctx, subject, maxReferrers)
	if err != nil {
		return nil, r.readError(err)
	}
	var out []string
	for _, d := range list {
		object := d.Annotations[annotationObject]
		if _, _, ours, strange := parseTag(Other.tag(object)); ours && !strange && d.Annotations[annotationRecord] == "" {
			out = append(out, object)
		}
	}
	return out, nil
}

// Fetch brings objects with all their blobs into st and gives them in the order of digests. One that was listed and is
// not there, or is not what its digest says, is a trust fault; what cannot be read is an evidence fault.
func (r *Remote) Fetch(ctx context.Context, st *store.Store, digests ...string) ([]store.Entry, error) {
	digests = slices.Compact(slices.Sorted(slices.Values(digests)))
	if len(digests) > maxObjects {
		return nil, fault.New(fault.Evidence, "read store %s: %d objects about one release; more than %d are refused", r, len(digests), maxObjects)
	}
	out := make([]store.Entry, len(digests))
	err := parallel(len(digests), func(i int) (err error) {
		out[i], err = r.fetch(ctx, st, digests[i])
		return err
	})
	return out, err
}

func (r *Remote) fetch(ctx context.Context, st *store.Store, digest string) (store.Entry, error) {
	e, err := st.Entry(digest)
	if err != nil {
		text, err := r.repo.ManifestBytes(ctx, digest)
		if err != nil {
			return e, r.listed(digest, err)
		}
		if e, err = store.ReadManifest(text); err != nil {
			return e, fault.New(fault.Evidence, "read object %s of store %s: %w", digest, r, err)
		}
		if _, err := st.Write(text); err != nil {
			return e, err
		}
	}
	for _, l := range e.Layers {
		if st.Has(l.Digest, l.Size) {
			continue
		}
		if err := r.blob(ctx, st, l.Digest, l.Size); err != nil {
			return e, r.listed(l.Digest, err)
		}
	}
	return e, nil
}

// Blob brings one blob into st. One that the registry does not have is store.ErrMissing.
func (r *Remote) Blob(ctx context.Context, st *store.Store, digest string) error {
	err := r.blob(ctx, st, digest, -1)
	if errors.Is(err, registry.ErrNotFound) {
		return fault.New(fault.Evidence, "read %s of store %s: %w", digest, r, store.ErrMissing)
	}
	return r.readError(err)
}

func (r *Remote) blob(ctx context.Context, st *store.Store, digest string, size int64) error {
	var b *store.Blob
	defer func() {
		if b != nil {
			b.Abort()
		}
	}()
	err := r.repo.Blob(ctx, digest, size, maxBlob, func() (w io.Writer, err error) {
		if b != nil {
			b.Abort()
		}
		b, err = st.Blob()
		return b, err
	})
	if err != nil {
		return err
	}
	_, _, err = b.Commit()
	return err
}

// listed is the error about something that a tag or a manifest names: its absence is not an innocent one.
func (r *Remote) listed(digest string, err error) error {
	if errors.Is(err, registry.ErrNotFound) {
		return fault.New(fault.Trust, "read store %s: it lists %s and does not have it: somebody deleted it, or a clean-up did; push it again with: cdgate store copy", r, digest)
	}
	return r.readError(err)
}

// readError classes an error of reading.
func (r *Remote) readError(err error) error {
	if errors.Is(err, registry.ErrTampered) {
		return fault.Wrap(fault.Trust, err)
	}
	return fault.Wrap(fault.Evidence, err)
}

// parallel does n things, some at once, and gives the error of the first by number that failed; after one failed no more
// are begun.
func parallel(n int, do func(i int) error) error {
	errs := make([]error, n)
	var work sync.WaitGroup
	var failed sync.Once
	stop := make(chan struct{})
	slots := make(chan struct{}, atOnce)
	for i := range n {
		slots <- struct{}{}
		select {
		case <-stop:
			<-slots
			continue
		default:
		}
		work.Go(func() {
			defer func() { <-slots }()
			if errs[i] = do(i); errs[i] != nil {
				failed.Do(func() { close(stop) })
			}
		})
	}
	work.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Object brings the manifest of an object into st, without its blobs. One that the registry does not have is no error
// here: st does not have it either then.
func (r *Remote) Object(ctx context.Context, st *store.Store, digest string) error {
	text, err := r.repo.ManifestBytes(ctx, digest)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return nil
	case err != nil:
		return r.readError(err)
	}
	_, err = st.Write(text)
	return err
}
