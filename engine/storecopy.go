package engine

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/remote"
	"cdgate.dev/cdgate/engine/store"
)

// isTar says whether the name of a store is that of a file with all of it.
func isTar(name string) bool { return strings.HasSuffix(name, ".tar") && !remote.IsRemote(name) }

// StoreCopy copies every object of one store to another and says how many there are. Each store is a directory,
// oci://REGISTRY/REPOSITORY, or FILE.tar, an OCI image layout as one file. What is there already stays; objects keep their bytes and
// digests, and each byte is hashed on the way. A tar is written anew, and the same objects give the same tar.
func StoreCopy(ctx context.Context, from, to string, o Registries) (int, error) {
	src, entries, err := openSource(ctx, from, o)
	if err != nil {
		return 0, err
	}
	defer src.close()
	switch {
	case isTar(to):
		return len(entries), exportTar(src.Store, entries, to)
	case remote.IsRemote(to):
		dst, err := openDepot(ctx, to, o, true)
		if err != nil {
			return 0, err
		}
		defer dst.close()
		dst.Store = src.Store // it is pushed from where it lies
		return len(entries), dst.push(ctx, entries)
	}
	dst, err := store.Create(to)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if err := copyObject(src.Store, dst, e); err != nil {
			return 0, err
		}
	}
	return len(entries), dst.AddEntries(ctx, entries...)
}

// openSource opens a store with all that is in it.
func openSource(ctx context.Context, name string, o Registries) (*depot, []store.Entry, error) {
	var d *depot
	var err error
	if isTar(name) {
		d, err = importTar(name)
	} else {
		d, err = openDepot(ctx, name, o, false)
	}
	if err != nil {
		return nil, nil, err
	}
	var entries []store.Entry
	if d.remote != nil {
		entries, err = d.fetch(ctx, sortedKeys(d.listing.Keys)...)
	} else {
		var ix *store.Index
		if ix, err = d.Store.Index(); err == nil {
			entries = ix.Entries
		}
	}
	if err != nil {
		d.close()
		return nil, nil, err
	}
	return d, entries, nil
}

// copyObject copies the blobs of an object from one directory to another.
func copyObject(from, to *store.Store, e store.Entry) error {
	layers := append([]store.Layer{{Digest: e.Digest, Size: e.Size}}, e.Layers...)
	for _, l := range layers {
		if to.Has(l.Digest, l.Size) {
			continue
		}
		if err := copyBlob(from, to, l.Digest); err != nil {
			return promisedBy(e.Digest, err)
		}
	}
	return nil
}

func copyBlob(from, to *store.Store, digest string) error {
	r, _, err := from.OpenBlob(digest)
	if err != nil {
		return err
	}
	defer r.Close()
	b, err := to.Blob()
	if err != nil {
		return err
	}
	defer b.Abort()
	if _, err := io.Copy(b, r); err != nil {
		return err
	}
	_, _, err = b.Commit()
	return err
}

// importTar reads a tar into a temporary directory.
func importTar(name string) (*depot, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fault.New(fault.Usage, "open store: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, fault.New(fault.Usage, "open store %s: it is not a file", name)
	}
	dir, err := os.MkdirTemp("", "cdgate-")
	if err != nil {
		return nil, fault.New(fault.Record, "make a directory for %s: %w", name, err)
	}
	d := &depot{found: map[string]store.Entry{}, close: func() { os.RemoveAll(dir) }} // best effort: it is the system's temporary directory
	if d.Store, err = store.Import(bufio.NewReaderSize(f, 1<<20), info.Size(), filepath.Join(dir, "store")); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// exportTar writes a tar that is either whole or absent; an older one is replaced.
func exportTar(st *store.Store, entries []store.Entry, path string) error {
	return writeWhole(path, func(f io.Writer) error {
		w := bufio.NewWriterSize(f, 1<<20)
		if err := st.Export(w, entries); err != nil {
			return err
		}
		return w.Flush()
	})
}
