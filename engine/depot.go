package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/record"
	"cdgate.dev/cdgate/engine/remote"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/engine/verify"
	"cdgate.dev/cdgate/evidence/registry"
)

// depot is the store of a command: a directory, or a repository of a registry with a directory before it, into which what
// the command needs is fetched and from which what it adds is pushed.
type depot struct {
	*store.Store
	// remote is nil for a directory; what follows is empty then.
	remote  *remote.Remote
	listing *remote.Listing
	// found are the objects that the registry has and that were fetched; the index is made of them and of nothing else that
	// lies in the directory.
	found map[string]store.Entry
	close func()
}

// openDepot opens a store. With create a directory is made where there is none; a repository is made by pushing to it.
func openDepot(ctx context.Context, name string, o Registries, create bool) (*depot, error) {
	d := &depot{found: map[string]store.Entry{}, close: func() {}}
	var err error
	if !remote.IsRemote(name) {
		if create {
			d.Store, err = store.Create(name)
		} else {
			d.Store, err = store.Open(name)
		}
		if err != nil {
			return nil, err
		}
		return d, nil
	}
	if d.remote, err = remote.Open(name, o.Options); err != nil {
		return nil, err
	}
	if err := d.openCache(o.Cache); err != nil {
		return nil, err
	}
	if err := d.list(ctx); err != nil {
		d.close()
		return nil, err
	}
	if d.listing.Absent && !create {
		d.close()
		return nil, fault.New(fault.Usage, "open store %s: %w: there is no such repository, or it holds no evidence; run collect first, or name another one", d.remote, store.ErrNotFound)
	}
	return d, nil
}

// openCache makes the directory before a registry: one for each repository, or where that cannot be, one for this run.
func (d *depot) openCache(cache string) (err error) {
	if cache != "" {
		if d.Store, err = store.Create(filepath.Join(cache, seal.Digest([]byte(d.remote.String()))[len("sha256:"):][:16])); err == nil {
			return nil
		}
	}
	dir, err := os.MkdirTemp("", "cdgate-")
	if err != nil {
		return fault.New(fault.Record, "make a directory for what is fetched from %s: %w", d.remote, err)
	}
	d.close = func() { os.RemoveAll(dir) } // best effort: it is the system's temporary directory
	if d.Store, err = store.Create(filepath.Join(dir, "store")); err != nil {
		d.close()
	}
	return err
}

// list reads what the registry has now.
func (d *depot) list(ctx context.Context) (err error) {
	d.listing, err = d.remote.List(ctx)
	return err
}

// Index is what is in the store, as far as it was fetched.
func (d *depot) Index() (*store.Index, error) {
	if d.remote == nil {
		return d.Store.Index()
	}
	root, err := d.Seal(sortedKeys(d.found))
	if err != nil {
		return nil, err
	}
	return d.IndexAt(root)
}

// Add puts objects into the store. When it returns they are durable: on the disk, and where the store is in a registry,
// pushed and read again.
func (d *depot) Add(ctx context.Context, objs ...store.Object) ([]string, error) {
	if d.remote == nil {
		return d.Store.Add(ctx, objs...)
	}
	var digests []string
	var entries []store.Entry
	for _, o := range objs {
		e, err := d.Put(o)
		if err != nil {
			return nil, err
		}
		digests, entries = append(digests, e.Digest), append(entries, e)
	}
	return digests, d.push(ctx, entries)
}

// push pushes objects of the directory; collections last, because they say that what they list is there.
func (d *depot) push(ctx context.Context, entries []store.Entry) error {
	var ups []remote.Upload
	for _, e := range entries {
		u, err := upload(d.Store, e)
		if err != nil {
			return err
		}
		ups = append(ups, u)
	}
	if err := d.remote.Push(ctx, d.Store, ups, func(u remote.Upload) bool { return u.Type == store.TypeCollection }); err != nil {
		return err
	}
	for _, e := range entries {
		d.found[e.Digest] = e
	}
	return nil
}

// upload says how an object is found in a registry.
func upload(st *store.Store, e store.Entry) (remote.Upload, error) {
	u := remote.Upload{Entry: e}
	if e.Type == typeReceipt {
		n, err := strconv.ParseUint(e.Annotations[annotationIndex], 10, 64)
		if err != nil {
			return u, fault.New(fault.Evidence, "read object %s: it is a receipt of the log and does not say for which entry", e.Digest)
		}
		u.Keys = []remote.Key{remote.Entry(n)}
		return u, nil
	}
	layer, claims, err := claimsOf(st, e)
	if err != nil {
		return u, err
	}
	if claims == nil {
		u.Keys = []remote.Key{remote.Other}
		return u, nil
	}
	u.Keys = keysOf(e.Type, *claims)
	attach := []string{claims.About.Digest}
	switch e.Type {
	case store.TypeRecord:
		attach = claims.Subjects
	case store.TypeAttestation: // whoever made it attaches it where they like
		attach = nil
	}
	for _, artifact := range attach {
		if strings.HasPrefix(artifact, "sha256:") && e.Type != store.TypeSignoff {
			u.Attach = append(u.Attach, remote.Attachment{
				Artifact: artifact, PredicateType: claims.PredicateType, Created: claims.CollectedAt, Statement: layer, Record: e.Type == store.TypeRecord,
			})
		}
	}
	return u, nil
}

// claimsOf reads what the statement of an object claims; nil when it has none that can be read.
func claimsOf(st *store.Store, e store.Entry) (store.Layer, *verify.Claims, error) {
	layer, ok := statementOf(e)
	if !ok {
		return store.Layer{}, nil, nil
	}
	if e.Type == store.TypeAttestation {
		c, err := attestationOf(st, e, layer)
		return layer, c, err
	}
	bundle, err := st.Read(layer.Digest, maxRecord)
	if err != nil {
		return store.Layer{}, nil, err
	}
	c, ok := verify.Claimed(bundle)
	if !ok {
		return layer, nil, nil
	}
	if e.Type == store.TypeRecord && c.CollectedAt == "" {
		if r, ok := claimedResult(bundle); ok {
			c.CollectedAt, c.Release = r.EvaluatedAt, verify.ReleaseRef{Name: r.Release.Name, Version: r.Release.Version}
		}
	}
	return layer, &c, nil
}

// claimedResult is what a decision record says, before its signature is checked.
func claimedResult(bundle []byte) (record.Result, bool) {
	o, err := seal.InspectUnsafe(bundle)
	if err != nil {
		return record.Result{}, false
	}
	var p record.Predicate
	err = json.Unmarshal(o.Statement.Predicate, &p)
	return p.Result, err == nil
}

// maxSubjectTags is under how many of its subjects an attestation is found, beside what it was collected for: each is a
// tag, and an attestation may have thousands.
const maxSubjectTags = 32

// keysOf are the keys under which an object is looked for.
func keysOf(objectType string, c verify.Claims) []remote.Key {
	switch objectType {
	case store.TypeSignoff:
		return []remote.Key{remote.Signoffs(c.About.Name)}
	case store.TypeRecord:
		return []remote.Key{remote.Decisions(c.Release.Name + "@" + c.Release.Version)}
	case store.TypeItem, store.TypeCollection, store.TypeAttestation:
	default:
		return []remote.Key{remote.Other}
	}
	keys := []remote.Key{remote.About(c.About.Digest)}
	if objectType == store.TypeAttestation { // what it is about need not be what it was collected for
		for _, digest := range c.Subjects[:min(len(c.Subjects), maxSubjectTags)] {
			if k := remote.About(digest); k.Valid() {
				keys = append(keys, k)
			}
		}
	}
	if c.Release.Name != "" && c.Release.Version != "" {
		keys = append(keys, remote.Release(c.Release.Name, c.Release.Version))
	}
	if k := remote.About(c.Revision); k.Valid() {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// Registries says how stores in registries are reached.
type Registries struct {
	// Cache is the directory for what is fetched; what lies there is hashed whenever it is read. Where it is empty or cannot be
	// used, a temporary directory is.
	Cache string
	registry.Options
}

// read reads a blob of the store, which may have to be fetched.
func (d *depot) read(ctx context.Context, digest string, limit int64) ([]byte, error) {
	b, err := d.Read(digest, limit)
	if d.remote == nil || !errors.Is(err, store.ErrMissing) && !errors.Is(err, store.ErrCorrupt) {
		return b, err
	}
	if err := d.remote.Blob(ctx, d.Store, digest); err != nil {
		return nil, err
	}
	return d.Read(digest, limit)
}
