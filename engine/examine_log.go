package engine

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/ledger"
	"cdgate.dev/cdgate/engine/record"
	"cdgate.dev/cdgate/engine/seal"
)

// proof examines the inclusion proof of a record without the record: the log has the entry itself.
func (x *examining) proof() {
	var index uint64
	x.head()
	x.run("proof", func() (detail string, err error) {
		if index, err = ledger.ProofIndex(x.o.Bytes); err != nil {
			return "", err
		}
		if index >= x.log.size {
			return "", fault.New(fault.Trust, "it is for entry %d, and the log has %d entries: it was rolled back, or is another one", index, x.log.size)
		}
		_, err = x.log.view.CheckProof(x.o.Bytes, x.log.view.Leaves[index])
		if err == nil {
			err = x.proofStands(index)
		}
		if err != nil {
			return "", fault.Wrap(fault.Trust, err)
		}
		return fmt.Sprintf("entry %d of the log is under the signed head in it, and the log went on from that", index), nil
	})
	x.run("entry", func() (string, error) {
		l := x.log.leaves[index]
		x.out.Title = fmt.Sprintf("of entry %d, %s", index, l.Name)
		if len(x.o.Record) == 0 {
			return fmt.Sprintf("%s %s about %s; compared with no record: none lies beside it", l.Type, l.Digest, l.Name), nil
		}
		if got := seal.Digest(x.o.Record); got != l.Digest {
			return "", fault.New(fault.Trust, "it is about %s, and the record beside it is %s: one of the two was replaced", l.Digest, got)
		}
		return fmt.Sprintf("%s about %s, the record beside it", l.Type, l.Name), nil
	})
}

// proofStands demands that the log's key that signed the proof could then.
func (x *examining) proofStands(index uint64) error {
	_, size, err := ledger.CheckProof(logVerifier(x.def), x.o.Bytes, x.log.view.Leaves[index])
	if err != nil {
		return err
	}
	by, err := ledger.SignedBy(logVerifier(x.def), x.o.Bytes)
	if err != nil {
		return err
	}
	made, err := time.Parse(time.RFC3339, x.log.leaves[index].At)
	if err != nil {
		return fault.New(fault.Trust, "log entry %d: %w", index, err)
	}
	return x.log.signedBetween(x.def, by, made, size)
}

// checkpoint examines a signed head of the log.
func (x *examining) checkpoint() {
	x.head()
	x.run("checkpoint", func() (string, error) {
		size, err := x.log.view.CheckCheckpoint(x.o.Bytes)
		if err != nil {
			return "", fault.Wrap(fault.Trust, err)
		}
		x.out.Title = fmt.Sprintf("over %d entries", size)
		return fmt.Sprintf("signed with the log's key over its first %d entries, from which it went on to %d", size, x.log.size), nil
	})
}

// head opens the gate definition and reads the log.
func (x *examining) head() {
	x.out.Digest = seal.Digest(x.o.Bytes)
	x.run("gate definition", x.gateDefinition)
	x.run("log", func() (string, error) {
		if err := x.openLog(x.ctx); err != nil {
			return "", err
		}
		return fmt.Sprintf("its %d entries make the signed root, and it is the one that gave the store its receipts", x.log.size), nil
	})
}

// entries looks up in the store what each entry of the log names.
func (x *examining) entries() (string, error) {
	for i, l := range x.log.leaves {
		b, err := x.st.read(x.ctx, l.Digest, maxRecord)
		if err != nil {
			return "", fault.New(fault.Trust, "entry %d of the log (%s about %s) names %s, and the store does not hold it: it was taken away; restore it from a copy: %w", i, l.Type, l.Name, l.Digest, err)
		}
		if l.Type != leafDecision {
			continue
		}
		p, err := openRecord(b, x.def)
		if err != nil {
			return "", fault.Wrap(fault.Trust, fmt.Errorf("entry %d of the log: %w", i, err))
		}
		if err := sameLeaf(decisionLeaf(*p, l.Digest), l); err != nil {
			return "", fault.New(fault.Trust, "entry %d of the log lies about the record that it names: %w", i, err)
		}
	}
	return fmt.Sprintf("the store holds what each of the %d names, and the decisions are as they say", len(x.log.leaves)), nil
}

func sameLeaf(want, is record.Leaf) error {
	if want == is {
		return nil
	}
	w, err := json.Marshal(want, json.Deterministic(true))
	if err != nil {
		return err
	}
	return fmt.Errorf("the record would be logged as %s", w)
}
