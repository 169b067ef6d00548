package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/seal"
)

// gateFile examines gate.yaml with its signatures, or one signature of it and its place among the others.
func (x *examining) gateFile() {
	p := &x.verifying.o.Places
	switch {
	case x.out.What == IsGate && x.o.Name == "":
		x.run("signatures", func() (string, error) {
			return "", fault.New(fault.Usage, "verify gate definition: name the file, because its signatures lie beside it")
		})
		return
	case x.out.What == IsGate:
		p.Gate = x.o.Name
	case !x.o.GateAsked:
		p.Gate = gateBeside(x.o.Name, p.Gate)
	}
	x.out.Digest = seal.Digest(x.o.Bytes)
	if x.out.What == IsGateSignature {
		x.oneSignature(p.Gate)
	}
	x.definition(p.Gate)
	if x.out.What == IsGateSignature {
		x.run("follows", x.follows)
	}
}

// gateBeside is the gate.yaml that a signature lies beside, or above in the case of gate.history; the other where there is none.
func gateBeside(signature, other string) string {
	dir := filepath.Dir(signature)
	name, _, _ := strings.Cut(filepath.Base(signature), ".")
	beside := filepath.Join(dir, name+".yaml")
	if stem, ok := strings.CutSuffix(dir, ".history"); ok {
		beside = stem + ".yaml"
	}
	if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
		return beside
	}
	return other
}

// oneSignature demands that a signature is that of a root key, of its own version or of the one before.
func (x *examining) oneSignature(gatePath string) {
	x.run("bundle", func() (string, error) { return bundleOf(x.o.Bytes) })
	x.run("signature", func() (string, error) {
		s, err := gate.Inspect(gate.Signatures{x.o.Bytes}, fileHistory(gatePath))
		if err != nil {
			return "", err
		}
		x.signing = s
		x.out.Title = fmt.Sprintf("version %d", s.Definition.Version)
		return fmt.Sprintf("fits the signed bytes and is that of a root key of version %d, or of the version before", s.Definition.Version), nil
	})
}

// definition makes the checks of the gate definition that gate.Open makes, one by one.
func (x *examining) definition(gatePath string) {
	var sigs gate.Signatures
	var text []byte
	var pin gate.Pin
	open := func(pin gate.Pin) (*gate.Definition, error) {
		return gate.OpenArchived(sigs, fileHistory(gatePath), pin, time.Time{})
	}
	x.run("signatures", func() (detail string, err error) {
		if text, err = readRegular(gatePath); err != nil {
			return "", fault.New(fault.Usage, "read gate definition: %w; name it with --gate", err)
		}
		if sigs, err = readSignatures(gatePath); err != nil {
			return "", fault.New(fault.Usage, "read the gate definition's signature: %w; its owner makes it with: cdgate gate sign --key root.key", err)
		}
		if x.def, err = open(gate.Pin{}); err != nil {
			return "", err
		}
		if x.out.Title == "" {
			x.out.Title = fmt.Sprintf("version %d", x.def.Version)
		}
		detail = fmt.Sprintf("version %d, %d over the same text, as many root keys signed as must", x.def.Version, len(sigs))
		if x.def.Previous != "" {
			detail += fmt.Sprintf("; version %d, which it follows, agreed", x.def.Version-1)
		}
		return detail, nil
	})
	x.run("root", func() (detail string, err error) {
		if pin, err = gate.ParsePin(x.o.Root); err != nil {
			return "", fault.Wrap(fault.Usage, err)
		}
		if x.def, err = open(pin); err != nil {
			return "", err
		}
		return rootTold(x.def), nil
	})
	x.run("text", func() (string, error) {
		if got := seal.Digest(text); got != x.def.FileDigest() {
			return "", fault.New(fault.Trust, "%s (%s) is not the text that was signed (%s); a change takes effect when its owner has signed it with: cdgate gate sign --key ROOT.key",
				gatePath, got, x.def.FileDigest())
		}
		return gatePath + " is the text that was signed", nil
	})
	x.run("policies", func() (string, error) {
		for _, id := range sortedKeys(x.def.Targets) {
			t, _ := x.def.Target(id)
			if _, err := loadSources(x.def, t, nil, gatePath); err != nil {
				return "", err
			}
		}
		return fmt.Sprintf("each of the %d sources has the content that was signed", len(x.def.Sources)), nil
	})
	x.run("time", func() (string, error) {
		if !x.o.Now.Before(x.def.ExpiresAt()) {
			return "", fault.New(fault.Trust, "version %d expired at %s; its owner moves expires forward and runs: cdgate gate sign --key ROOT.key", x.def.Version, x.def.Expires)
		}
		return "valid until " + x.def.Expires, nil
	})
}

func rootTold(def *gate.Definition) string {
	if def.RootPinned() {
		return "the pinned root keys signed it, or a version that it follows from"
	}
	return "only the checkout vouches for its root key; pin it with --root"
}

// follows demands that the version of a signature is the gate definition that counts, or one that it follows from.
func (x *examining) follows() (string, error) {
	d := x.signing.Definition
	if err := x.def.Follows(d.Version, d.Digest()); err != nil {
		return "", err
	}
	if d.Version == x.def.Version {
		return fmt.Sprintf("it is over the version that counts, %d", d.Version), nil
	}
	return fmt.Sprintf("version %d, which counts, follows from version %d", x.def.Version, d.Version), nil
}
