package engine

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/engine/verify"
)

// StoreChecked is what a check of a store found.
type StoreChecked struct {
	// Objects and Blobs are how many were read and hashed.
	Objects, Blobs int
	// Problems are faults: 50 for what was altered or taken away, 30 for what cannot be read.
	Problems []error
	// Orphans are what no evaluation would look at and nobody need have meant badly: left by interrupted commands, or by other programs.
	Orphans  []string
	ExitCode int
}

// StoreCheck reads a whole store and hashes every byte; holds every collection against the items that it lists; and
// in a registry every tag against what it names. Nothing that was fetched earlier is believed. What a registry hides together with the
// collection that lists it cannot be found here: the decision log and copies of records find that.
func StoreCheck(ctx context.Context, name string, o Registries) (*StoreChecked, error) {
	o.Cache = "" // fetched anew
	out := &StoreChecked{}
	d, entries, err := openSource(ctx, name, o)
	if err != nil {
		if c := fault.ClassOf(err); c != fault.Trust && c != fault.Evidence {
			return nil, err
		}
		out.Problems, out.ExitCode = []error{err}, ExitCode(err)
		return out, nil
	}
	defer d.close()
	out.Objects = len(entries)
	used := out.hash(d.Store, entries)
	listed := out.collections(d.Store, entries)
	if d.remote != nil {
		err = out.tags(ctx, d, entries, listed)
	} else {
		err = out.orphans(d.Store, used)
	}
	for _, p := range out.Problems {
		out.ExitCode = max(out.ExitCode, ExitCode(p))
	}
	return out, err
}

// hash reads every blob of every object once.
func (c *StoreChecked) hash(st *store.Store, entries []store.Entry) map[string]bool {
	used := map[string]bool{store.Digest([]byte("{}")): true}
	for _, e := range entries {
		used[e.Digest] = true
		for _, l := range e.Layers {
			if used[l.Digest] {
				continue
			}
			used[l.Digest] = true
			c.Blobs++
			r, size, err := st.OpenBlob(l.Digest)
			if err == nil {
				_, err = io.Copy(io.Discard, r)
				r.Close()
			}
			if err == nil && size != l.Size {
				err = fault.New(fault.Trust, "read %s: object %s says that it has %d bytes, and it has %d", l.Digest, e.Digest, l.Size, size)
			}
			if err != nil {
				c.Problems = append(c.Problems, promisedBy(e.Digest, err))
			}
		}
	}
	return used
}

// collections holds what collections list against what is there, and gives what is listed.
func (c *StoreChecked) collections(st *store.Store, entries []store.Entry) map[string]bool {
	have, listed := map[string]bool{}, map[string]bool{}
	var all []Stored
	by := map[string]string{}
	for _, e := range entries {
		s, err := describe(st, e, nil, time.Time{})
		if err != nil {
			continue // told of by hash
		}
		if s.Digest == "" && e.Type != typeReceipt {
			c.Problems = append(c.Problems, fault.New(fault.Evidence, "read object %s: it holds no statement that can be read", e.Digest))
		}
		all = append(all, s)
		have[s.Digest] = true
		for _, item := range s.Items {
			listed[item], by[item] = true, s.Digest
		}
	}
	for _, item := range sortedKeys(listed) {
		if !have[item] {
			c.Problems = append(c.Problems, fault.New(fault.Trust, "collection %s lists item %s, and it is not there: it was taken away, or the registry hides it", by[item], item))
		}
	}
	for _, s := range all {
		if (s.Type == "item" || s.Type == "attestation") && s.Digest != "" && !listed[s.Digest] {
			c.Orphans = append(c.Orphans, fmt.Sprintf("%s %s (%s) is in no collection: it does not count; a collect was interrupted, or somebody else wrote it", s.Type, s.Digest, s.Kind))
		}
	}
	c.Problems = append(c.Problems, differentCommits(all, nil)...)
	return listed
}

// tags holds every tag against the object in its name, and every object against the tags it was pushed with: without one it
// would not be found.
func (c *StoreChecked) tags(ctx context.Context, d *depot, entries []store.Entry, listed map[string]bool) error {
	for _, t := range d.listing.Strange {
		c.Orphans = append(c.Orphans, fmt.Sprintf("tag %.128q begins like ours and is none", t))
	}
	for _, e := range entries {
		u, err := upload(d.Store, e)
		if err != nil {
			continue // told of by hash
		}
		_, claims, _ := claimsOf(d.Store, e)
		for _, k := range u.Keys {
			if slices.Contains(d.listing.Keys[e.Digest], k) {
				continue
			}
			if counts(e, claims, listed) {
				c.Problems = append(c.Problems, fault.New(fault.Trust, "object %s has no tag under %s any more, and would not be found there: somebody removed it; push it again with: cdgate store copy", e.Digest, k))
			} else {
				c.Orphans = append(c.Orphans, fmt.Sprintf("object %s has no tag under %s: it was pushed in part", e.Digest, k))
			}
		}
		for _, k := range d.listing.Keys[e.Digest] {
			if !slices.Contains(u.Keys, k) {
				c.Orphans = append(c.Orphans, fmt.Sprintf("object %s has a tag under %s, which it is not about", e.Digest, k))
			}
		}
		wrong, err := d.remote.Tagged(ctx, e.Digest, d.listing.Keys[e.Digest])
		if err != nil {
			return err
		}
		for _, t := range wrong {
			c.Problems = append(c.Problems, fault.New(fault.Trust, "tag %s names something else than the object in its name: somebody moved it, and the registry may drop the object", t))
		}
	}
	return nil
}

// counts says whether an object was pushed whole: it is more than an item, or an item that a collection lists.
func counts(e store.Entry, c *verify.Claims, listed map[string]bool) bool {
	return e.Type != store.TypeItem && e.Type != store.TypeAttestation || c != nil && listed[c.Digest]
}

// orphans finds the blobs of a directory that belong to no object. Older roots and the sealed bundles of decisions stay.
func (c *StoreChecked) orphans(st *store.Store, used map[string]bool) error {
	blobs, strange, err := st.Blobs()
	if err != nil {
		return err
	}
	for _, name := range strange {
		c.Orphans = append(c.Orphans, fmt.Sprintf("%.80q is no blob", name))
	}
	for _, digest := range blobs {
		if used[digest] || st.IsRoot(digest) {
			continue
		}
		c.Orphans = append(c.Orphans, fmt.Sprintf("blob %s belongs to no object: it was left by an interrupted command", digest))
	}
	return nil
}
