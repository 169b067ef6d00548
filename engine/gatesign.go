package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/schemas"
)

// GateSigned is what signing came to.
type GateSigned struct {
	*gate.Definition
	// Tallies say who signed and who is missing.
	Tallies []gate.Tally
	// Already says that the key had signed this before, so that nothing was written.
	Already bool
	// Joined says that the signature is over what somebody else signed first.
	Joined bool
	// Restarted says that earlier signatures, too few to count, were of another text and are void.
	Restarted bool
	// Raised says that the number in gate.yaml was raised, because the one before is signed with other content.
	Raised bool
}

// Complete says whether everybody signed who must.
func (s *GateSigned) Complete() bool {
	return !slices.ContainsFunc(s.Tallies, func(t gate.Tally) bool { return !t.Complete() })
}

// GateSign signs gate.yaml with a root key. It pins the keys the definition names and the content of every policy source.
// The first signature is gate.sigstore.json beside it; the owner of another root key adds theirs as gate.2.sigstore.json and
// so on, over exactly the same statement. A definition that was signed before with other content gets the next number, names
// the one before by its digest, and the signatures of that one move to gate.history.
func GateSign(gatePath string, signer *seal.Signer, now time.Time) (*GateSigned, error) {
	def, text, err := resolveGate(gatePath)
	if err != nil {
		return nil, err
	}
	was, err := GateSigning(gatePath)
	if err != nil {
		return nil, err
	}
	out := &GateSigned{}
	if was != nil && was.Same(def) {
		return out, out.join(gatePath, was, signer, now)
	}
	base := was.last()
	if was.complete() && def.Version == was.Definition.Version {
		if text, err = raiseVersion(gatePath, text, def.Version); err != nil {
			return nil, err
		}
		if def, err = resolveText(gatePath, text); err != nil {
			return nil, err
		}
		out.Raised = true
	}
	bundle, err := gate.Sign(def, text, base, signer, now)
	if err != nil {
		return nil, err
	}
	if out.Raised {
		if err := replaceFile(gatePath, text); err != nil {
			return nil, err
		}
	}
	if was.complete() {
		err = keepHistory(gatePath, was.Definition)
	}
	if err == nil {
		err = writeSignatures(gatePath, bundle)
	}
	if err != nil {
		return nil, err
	}
	out.Restarted = was != nil && !was.complete()
	return out, out.tally(gatePath)
}

// join adds a signature to those of the same text.
func (s *GateSigned) join(gatePath string, was *signing, signer *seal.Signer, now time.Time) error {
	if was.SignedBy(signer.KeyID()) {
		s.Already = true
		return s.tally(gatePath)
	}
	bundle, err := gate.Countersign(was.Signing, signer, now)
	if err != nil {
		return err
	}
	s.Joined = true
	if err := writeDurable(signatureFile(stem(gatePath), len(was.Definition.Signatures())+1), bundle); err != nil {
		return err
	}
	return s.tally(gatePath)
}

func (s *GateSigned) tally(gatePath string) error {
	is, err := GateSigning(gatePath)
	if err != nil {
		return err
	}
	s.Definition, s.Tallies = is.Definition, is.Tallies
	return nil
}

// signing is gate.Signing, or nil where nothing is signed yet.
type signing struct{ *gate.Signing }

func (s *signing) complete() bool { return s != nil && s.Complete() }

// last is the last version that everybody signed who must; nil for none.
func (s *signing) last() *gate.Definition {
	switch {
	case s == nil:
		return nil
	case s.Complete():
		return s.Definition
	}
	return s.Previous
}

// GateSigning says how far the signing of the definition beside gate.yaml is; nil where nobody has signed yet.
func GateSigning(gatePath string) (*signing, error) {
	sigs, err := readSignatures(gatePath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.New(fault.Usage, "read the gate definition's signature: %w", err)
	}
	s, err := gate.Inspect(sigs, fileHistory(gatePath))
	if err != nil {
		return nil, err
	}
	return &signing{s}, nil
}

// raiseVersion writes the next number into the text of gate.yaml and leaves the rest as it is.
func raiseVersion(gatePath string, text []byte, version int) ([]byte, error) {
	out, err := schemas.SetYAML(gatePath, text, strconv.Itoa(version+1), "version")
	if err != nil {
		return nil, fault.New(fault.Usage, "sign gate definition: version %d is signed with other content; write version: %d in %s: %w", version, version+1, gatePath, err)
	}
	return out, nil
}

// stem is the path of gate.yaml without its ending.
func stem(gatePath string) string { return strings.TrimSuffix(gatePath, filepath.Ext(gatePath)) }

// signatureFile is the file of the n-th signature, counted from 1: STEM.sigstore.json, STEM.2.sigstore.json and so on.
func signatureFile(stem string, n int) string {
	if n == 1 {
		return stem + ".sigstore.json"
	}
	return fmt.Sprintf("%s.%d.sigstore.json", stem, n)
}

// SignaturePath is where the first signature of a gate definition lies: gate.sigstore.json beside gate.yaml.
func SignaturePath(gatePath string) string { return signatureFile(stem(gatePath), 1) }

// historyStem is where the signatures of an earlier version lie: gate.history/VERSION.sigstore.json and so on.
func historyStem(gatePath string, version int) string {
	return filepath.Join(stem(gatePath)+".history", strconv.Itoa(version))
}

// maxSignatureFiles is how many files of signatures are looked for.
const maxSignatureFiles = 64

// readSignatures reads the signatures beside gate.yaml. Without the first there are none: fs.ErrNotExist.
func readSignatures(gatePath string) (gate.Signatures, error) { return readStem(stem(gatePath)) }

func readStem(stem string) (gate.Signatures, error) {
	var out gate.Signatures
	for n := 1; n <= maxSignatureFiles; n++ {
		b, err := readRegular(signatureFile(stem, n))
		if n > 1 && errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// fileHistory reads earlier versions from gate.history.
func fileHistory(gatePath string) gate.History {
	return func(version int) (gate.Signatures, error) { return readStem(historyStem(gatePath, version)) }
}

// keepHistory moves the signatures of a version to gate.history.
func keepHistory(gatePath string, d *gate.Definition) error {
	base := historyStem(gatePath, d.Version)
	if err := os.MkdirAll(filepath.Dir(base), 0o755); err != nil {
		return fault.New(fault.Record, "keep the signatures of version %d: %w", d.Version, err)
	}
	for i, b := range d.Signatures() {
		if err := replaceFile(signatureFile(base, i+1), b); err != nil {
			return err
		}
	}
	return nil
}

// writeSignatures writes the first signature and takes away those of another text.
func writeSignatures(gatePath string, bundle []byte) error {
	for n := 2; n <= maxSignatureFiles; n++ {
		err := os.Remove(signatureFile(stem(gatePath), n))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return fault.New(fault.Record, "take away a signature of another text: %w", err)
		}
	}
	return replaceFile(SignaturePath(gatePath), bundle)
}

// replaceFile writes a file that may be there already.
func replaceFile(path string, content []byte) error { return writeDurable(path, content) }

// GateDiff says what gate.yaml means now that the definition signed last does not. other is compared instead of that one
// where it is set: another gate.yaml, or the signature of a definition. Nothing of either is believed.
func GateDiff(gatePath, other string) ([]gate.Change, error) {
	def, _, err := resolveGate(gatePath)
	if err != nil {
		return nil, err
	}
	var old *gate.Definition
	switch {
	case other == "":
		was, err := GateSigning(gatePath)
		if err != nil {
			return nil, err
		}
		if old = was.last(); old == nil {
			return nil, fault.New(fault.Usage, "compare with the signed gate definition: nothing is signed yet; name what to compare with")
		}
	case strings.HasSuffix(other, ".json"):
		b, err := readRegular(other)
		if err != nil {
			return nil, fault.New(fault.Usage, "read gate definition: %w", err)
		}
		if old, err = gate.ReadUnsafe(b); err != nil {
			return nil, err
		}
	default:
		if old, _, err = resolveGate(other); err != nil {
			return nil, err
		}
	}
	return gate.Compare(old, def), nil
}
