package engine

import (
	"context"
	"errors"
	"fmt"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
)

// ExamineStore reads a whole store, as StoreCheck does, and holds every signature in it against the gate definition.
func ExamineStore(ctx context.Context, o ExamineOptions) (*Examination, error) {
	if err := o.mayAsk(IsStore); err != nil {
		return nil, err
	}
	name := o.Name
	x := &examining{ctx: ctx, verifying: verifying{o: o.VerifyOptions, out: &Verification{}}, out: &Examination{What: IsStore, Title: name}}
	c, err := StoreCheck(ctx, name, o.Registries)
	if err != nil {
		return nil, err
	}
	for i, p := range c.Problems { // each is told; the worst decides
		x.checks = append(x.checks, VerifyCheck{Name: "content", Detail: p.Error()})
		if i == 0 || ExitCode(p) > ExitCode(x.err) {
			x.err = p
		}
	}
	x.run("content", func() (string, error) {
		return fmt.Sprintf("%d objects, %d blobs: every byte is what its digest says, and nothing that is listed is missing", c.Objects, c.Blobs), nil
	})
	x.run("gate definition", x.gateDefinition)
	x.run("signatures", func() (string, error) { return x.signatures(name) })
	return x.finish(), nil
}

// signatures demands of every statement that claims to be somebody's whom the gate definition knows that it is.
func (x *examining) signatures(name string) (string, error) {
	d, entries, err := openSource(x.ctx, name, x.verifying.o.Registries)
	if err != nil {
		return "", err
	}
	defer d.close()
	ours, strangers := 0, 0
	for _, e := range entries {
		layer, claims, err := claimsOf(d.Store, e)
		if err != nil {
			return "", err
		}
		if claims == nil {
			continue
		}
		bundle, err := d.Read(layer.Digest, maxRecord)
		if err != nil {
			return "", err
		}
		if e.Type == store.TypeAttestation {
			known, err := standsForeign(x.def, bundle)
			switch {
			case err != nil:
				return "", err
			case known:
				ours++
			default:
				strangers++
			}
			continue
		}
		switch name, signed := signerOf(x.def, bundle, claims.By); {
		case signed:
			ours++
		case name == "":
			strangers++
		default:
			_, err := x.def.TrustIn(claims.By).Open(bundle)
			if errors.Is(err, seal.ErrUntrusted) {
				strangers++
				continue
			}
			return "", fault.Wrap(fault.Trust, fmt.Errorf("statement %s claims to be signed by %s: %w", seal.Digest(bundle), name, err))
		}
	}
	return fmt.Sprintf("%d of signers and people of the gate definition hold; %d of others count for nothing", ours, strangers), nil
}

// ExamineLog reads a whole log and looks up in the store what each entry names.
func ExamineLog(ctx context.Context, o ExamineOptions) (*Examination, error) {
	if err := o.mayAsk(IsLog); err != nil {
		return nil, err
	}
	x := &examining{ctx: ctx, verifying: verifying{o: o.VerifyOptions, out: &Verification{}}, out: &Examination{What: IsLog, Title: o.Log}}
	defer func() {
		if x.st != nil {
			x.st.close()
		}
	}()
	x.head()
	x.out.Digest = ""
	x.run("entries", x.entries)
	return x.finish(), nil
}
