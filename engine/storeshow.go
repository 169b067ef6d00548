package engine

import (
	"context"
	"errors"
	"io"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/engine/verify"
)

// Shown is one statement of a store, decoded.
type Shown struct {
	verify.Claims
	Signer    string
	Signed    bool
	Statement seal.Statement
}

// StoreShow decodes the statement with the digest, or that of the object with the digest of this manifest. Without a gate definition that can be
// opened nobody is named as its signer.
func StoreShow(ctx context.Context, p EvaluateOptions, digest string) (*Shown, error) {
	d, err := openDepot(ctx, p.Store, p.Registries, false)
	if err != nil {
		return nil, err
	}
	defer d.close()
	bundle, err := d.statement(ctx, digest)
	if err != nil {
		return nil, err
	}
	o, err := seal.InspectUnsafe(bundle)
	if err != nil || !verify.IsOurs(o.Statement.PredicateType) {
		if shown, foreign := showAttestation(ctx, p, bundle); foreign == nil {
			return shown, nil
		}
	}
	if err != nil {
		return nil, fault.Wrap(fault.Evidence, err)
	}
	c, _ := verify.Claimed(bundle)
	out := &Shown{Claims: c, Statement: o.Statement}
	if def, _, err := openGate(p.Places, p.Now); err == nil {
		out.Signer, out.Signed = signerOf(def, bundle, c.By)
	}
	return out, nil
}

// StoreRaw writes the raw report of the statement with the digest; an attestation of another tool is a report itself. Nothing may be believed of it when there is an error.
func StoreRaw(ctx context.Context, p EvaluateOptions, digest string, w io.Writer) error {
	d, err := openDepot(ctx, p.Store, p.Registries, false)
	if err != nil {
		return err
	}
	defer d.close()
	bundle, err := d.statement(ctx, digest)
	if err != nil {
		return err
	}
	c, ok := verify.Claimed(bundle)
	if !ok || !verify.IsOurs(c.PredicateType) {
		c, ok = verify.ClaimedForeign(bundle)
	}
	if !ok || c.Report.Digest == "" {
		return fault.New(fault.Usage, "%s has no raw report; statements about reports have one", digest)
	}
	if d.remote != nil {
		if _, _, err := d.OpenBlob(c.Report.Digest); err != nil {
			if err := d.remote.Blob(ctx, d.Store, c.Report.Digest); err != nil {
				return promisedBy(digest, err)
			}
		}
	}
	// Read once to check it: what was written cannot be taken back.
	r, _, err := d.OpenBlob(c.Report.Digest)
	if err != nil {
		return promisedBy(digest, err)
	}
	_, err = io.Copy(io.Discard, r)
	r.Close()
	if err != nil {
		return err
	}
	if r, _, err = d.OpenBlob(c.Report.Digest); err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}

// promisedBy makes the absence of something that a statement names a trust fault.
func promisedBy(statement string, err error) error {
	if errors.Is(err, store.ErrMissing) {
		return fault.New(fault.Trust, "follow statement %s: %w", statement, err)
	}
	return err
}

// statement reads a statement by its own digest or by that of its object.
func (d *depot) statement(ctx context.Context, digest string) ([]byte, error) {
	b, err := d.read(ctx, digest, maxRecord)
	if err == nil {
		if _, merr := store.ReadManifest(b); merr != nil {
			return b, nil
		}
	} else if !errors.Is(err, store.ErrMissing) {
		return nil, err
	}
	if d.remote != nil {
		if err := d.remote.Object(ctx, d.Store, digest); err != nil {
			return nil, err
		}
	}
	e, eerr := d.Entry(digest)
	if eerr != nil {
		return nil, fault.New(fault.Usage, "there is no statement and no object %s in store %s; list them with: cdgate store list", digest, d.name())
	}
	if l, ok := statementOf(e); ok {
		return d.read(ctx, l.Digest, maxRecord)
	}
	return nil, fault.New(fault.Usage, "object %s holds no statement", digest)
}

// name is what the store is called.
func (d *depot) name() string {
	if d.remote != nil {
		return d.remote.String()
	}
	return d.Dir()
}
