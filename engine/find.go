package engine

import (
	"context"
	"slices"
	"strconv"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/remote"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/engine/verify"
)

// lookAgain is how often a registry is listed again when a collection lists items, or the log holds sign-offs, that it did
// not show: somebody may have pushed them while the list was read.
const lookAgain = 2

// sought is what evidence is looked for about, and what was found so far.
type sought struct {
	artifacts     []string
	revision      string
	name, version string

	keys   map[remote.Key]bool
	builds []verify.Claims
	// have are the statements that were found, listed those that collections list.
	have, listed map[string]bool
}

// seek fetches what the registry has about a release: evidence about its artifacts, about the commit they were built from, and what
// says that it is for the release; and what people said. Logged are the sign-offs that the log, which was read before, holds.
func (d *depot) seek(ctx context.Context, want verify.Want, logged []string) error {
	for again := 0; ; again++ {
		s := &sought{revision: want.Revision, name: want.Name, version: want.Version, keys: map[remote.Key]bool{}, have: map[string]bool{}, listed: map[string]bool{}}
		for _, a := range want.Artifacts {
			s.artifacts = append(s.artifacts, a.Digest)
		}
		for _, digest := range logged {
			s.listed[digest] = true
		}
		if err := d.gather(ctx, s); err != nil {
			return err
		}
		whole := !slices.ContainsFunc(sortedKeys(s.listed), func(digest string) bool { return !s.have[digest] })
		if whole || again == lookAgain || d.remote == nil {
			return nil // what is still absent then, verification calls taken away
		}
		if err := d.list(ctx); err != nil {
			return err
		}
	}
}

// gather follows what is found to what it names, until there is nothing new.
func (d *depot) gather(ctx context.Context, s *sought) error {
	keys := []remote.Key{remote.Other}
	for _, a := range s.artifacts {
		keys = append(keys, remote.About(a))
	}
	if s.revision != "" {
		keys = append(keys, remote.About(s.revision))
	}
	if s.name != "" && s.version != "" {
		keys = append(keys, remote.Release(s.name, s.version), remote.Signoffs(s.name+"@"+s.version))
	}
	asked := map[string]bool{}
	for len(keys) > 0 {
		var digests []string
		for _, k := range keys {
			s.keys[k] = true
			digests = append(digests, d.listing.Under(k)...)
		}
		for _, a := range s.unasked(asked) {
			attached, err := d.attached(ctx, a)
			if err != nil {
				return err
			}
			digests = append(digests, attached...)
		}
		entries, err := d.fetch(ctx, digests...)
		if err != nil {
			return err
		}
		if keys, err = s.follow(d.Store, entries); err != nil {
			return err
		}
	}
	return nil
}

// attached are the objects that the registry lists as referrers of an artifact.
func (d *depot) attached(ctx context.Context, artifact string) ([]string, error) {
	if d.remote == nil {
		return nil, nil
	}
	return d.remote.Attached(ctx, artifact)
}

// unasked are the artifacts whose referrers were not asked for yet.
func (s *sought) unasked(asked map[string]bool) (out []string) {
	all := slices.Clone(s.artifacts)
	for _, b := range s.builds {
		if len(s.artifacts) == 0 && b.About.Kind == verify.AboutArtifact {
			all = append(all, b.About.Digest)
		}
	}
	for _, a := range all {
		if !asked[a] {
			asked[a] = true
			out = append(out, a)
		}
	}
	return out
}

// follow notes what was found and gives the keys that it leads to. Where the artifacts are named, their builds lead to the
// commit; where they are not, builds lead to the artifacts. What says that it is for the release leads to what else
// there is about the same thing, because the collection that lists it is about that.
func (s *sought) follow(st *store.Store, entries []store.Entry) ([]remote.Key, error) {
	var keys []remote.Key
	lead := func(k remote.Key) {
		if !s.keys[k] && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	for _, e := range entries {
		_, c, err := claimsOf(st, e)
		if err != nil || c == nil {
			continue // verification says what is wrong with it
		}
		s.have[c.Digest] = true
		for _, item := range c.Items {
			s.listed[item] = true
		}
		if e.Type != store.TypeItem && e.Type != store.TypeAttestation {
			continue
		}
		about := []string{c.About.Digest}
		if e.Type == store.TypeAttestation { // found by a subject; the collection that lists it is about what it was collected for
			about = append(about, c.Subjects...)
			if k := remote.About(c.About.Digest); k.Valid() {
				lead(k)
			}
		}
		if s.name != "" && c.Release == (verify.ReleaseRef{Name: s.name, Version: s.version}) {
			lead(remote.About(c.About.Digest))
		}
		if c.Revision == "" || c.Release.Name != "" && s.name != "" && c.Release.Name != s.name {
			continue
		}
		if len(s.artifacts) == 0 || slices.ContainsFunc(about, func(a string) bool { return slices.Contains(s.artifacts, a) }) {
			s.builds = append(s.builds, *c)
			lead(remote.About(c.About.Digest))
			lead(remote.About(c.Revision))
			for _, digest := range c.Contains {
				if k := remote.About(digest); k.Valid() {
					lead(k)
				}
			}
		}
	}
	return keys, nil
}

// seekSignoffs fetches what people said about a release, after the log was read.
func (d *depot) seekSignoffs(ctx context.Context, release string) error {
	if err := d.list(ctx); err != nil {
		return err
	}
	_, err := d.fetch(ctx, append(slices.Clone(d.listing.Under(remote.Signoffs(release))), d.listing.Under(remote.Other)...)...)
	return err
}

// seekReceipt fetches the newest receipt of the decision log. A tag that calls a receipt newer than it is would hide the
// newest one.
func (d *depot) seekReceipt(ctx context.Context) error {
	if d.remote == nil {
		return nil
	}
	key, found := d.listing.Newest()
	if !found {
		return nil
	}
	entries, err := d.fetch(ctx, d.listing.Under(key)...)
	if err != nil {
		return err
	}
	for _, e := range entries {
		n, err := strconv.ParseUint(e.Annotations[annotationIndex], 10, 64)
		if e.Type != typeReceipt || err != nil || remote.Entry(n) != key {
			return fault.New(fault.Trust, "read store %s: a tag says that %s is the newest receipt of the decision log, and it is not that: somebody wrote a tag that lies", d.remote, e.Digest)
		}
	}
	return nil
}

// fetch gives objects, which it brings into the directory and into the index first where the store is in a registry.
func (d *depot) fetch(ctx context.Context, digests ...string) (entries []store.Entry, err error) {
	if d.remote != nil {
		entries, err = d.remote.Fetch(ctx, d.Store, digests...)
	} else {
		entries, err = d.entries(digests)
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		d.found[e.Digest] = e
	}
	return entries, nil
}

// entries reads objects of a directory.
func (d *depot) entries(digests []string) (out []store.Entry, err error) {
	for _, digest := range slices.Compact(slices.Sorted(slices.Values(digests))) {
		e, err := d.Entry(digest)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// catalogue makes the listing of a directory, so that it is searched as a registry is.
func (d *depot) catalogue() error {
	if d.remote != nil {
		return nil
	}
	ix, err := d.Store.Index()
	if err != nil {
		return err
	}
	keys := map[string][]remote.Key{}
	for _, e := range ix.Entries {
		u, err := upload(d.Store, e)
		if err != nil {
			return err
		}
		keys[e.Digest] = u.Keys
	}
	d.listing = remote.NewListing(keys)
	return nil
}
