package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/engine/verify"
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/collect"
)

// openAttestation takes an attestation of another tool apart for its reader. Its signature is checked when something is decided.
func openAttestation(text []byte) (collect.Envelope, error) {
	a, err := seal.InspectAttestationUnsafe(text)
	if err != nil {
		return collect.Envelope{}, err
	}
	e := collect.Envelope{MediaType: a.MediaType, PredicateType: a.PredicateType, Payload: a.Payload, Predicate: a.Predicate}
	for _, s := range a.Subjects {
		for _, algorithm := range slices.Sorted(maps.Keys(s.Digest)) {
			e.Subjects = append(e.Subjects, algorithm+":"+s.Digest[algorithm])
		}
	}
	return e, nil
}

// addAttestation stores an attestation as it is. The collection lists it by its own digest.
func (c *collection) addAttestation(it evidence.Item, about verify.About) {
	if c.listed == nil {
		c.listed = map[verify.About][]string{}
	}
	if !slices.Contains(c.listed[about], it.Raw.Digest) {
		c.listed[about] = append(c.listed[about], it.Raw.Digest)
		c.objects = append(c.objects, store.Object{
			Type: store.TypeAttestation, Annotations: c.annotations(string(it.Kind), about),
			Layers: []store.Layer{{Name: layerAttestation, MediaType: it.Raw.MediaType, Digest: it.Raw.Digest, Size: it.Raw.Size}},
		})
	}
	c.out.Items = append(c.out.Items, CollectedItem{Item: it, Statement: it.Raw.Digest, About: about.Kind, AboutDigest: about.Digest})
}

// warnOfSubjects adds a warning to attestations whose subjects are none of the things that are collected for: they count for a release
// of what they are about, and for no other.
func warnOfSubjects(items []evidence.Item, about []verify.About, sha512 map[string]string) {
	for i := range items {
		a := items[i].Attested
		if a == nil || slices.ContainsFunc(about, func(x verify.About) bool { return isAbout(*a, x, sha512) }) {
			continue
		}
		var w evidence.Warnings
		w.Add(evidence.NotAbout, "subject", "none of its subjects (%d) is what is collected for; it will not count for that%s", len(a.Subjects), onlyOther(*a))
		items[i].Warnings = append(slices.Clone(items[i].Warnings), w.List()...)
	}
}

func isAbout(a evidence.Attested, about verify.About, sha512 map[string]string) bool {
	if about.Kind == verify.AboutRevision {
		return slices.Contains(a.Subjects, "gitCommit:"+about.Digest)
	}
	return slices.Contains(a.Subjects, about.Digest) || sha512[about.Digest] != "" && slices.Contains(a.Subjects, "sha512:"+sha512[about.Digest])
}

// onlyOther says so when no subject has a digest that could ever count.
func onlyOther(a evidence.Attested) string {
	for _, s := range a.Subjects {
		if strings.HasPrefix(s, "sha256:") || strings.HasPrefix(s, "gitCommit:") || strings.HasPrefix(s, "sha512:") {
			return ""
		}
	}
	return fmt.Sprintf(", nor for anything else: %.40s… is no SHA-256 or SHA-512", a.Subjects[0])
}

// aboutAll is what attestations may be about when artifacts are collected for: these, and the commit.
func aboutAll(about []verify.About, s Source) []verify.About {
	return append(slices.Clone(about), verify.About{Kind: verify.AboutRevision, Digest: s.Revision})
}

// attestationOf reads what an attestation in the store claims. About is what it was collected for.
func attestationOf(st *store.Store, e store.Entry, layer store.Layer) (*verify.Claims, error) {
	text, err := st.Read(layer.Digest, seal.MaxBundle)
	if err != nil {
		return nil, err
	}
	c, ok := verify.ClaimedForeign(text)
	if !ok {
		return nil, nil
	}
	if digest := e.Annotations[verify.AnnotationAbout]; digest != "" {
		c.About = verify.About{Kind: verify.AboutArtifact, Name: c.About.Name, Digest: digest}
		if len(digest) == 40 || len(digest) == 64 {
			c.About.Kind = verify.AboutRevision
		}
	}
	return &c, nil
}

// standsForeign says whether an attestation is somebody's whom the gate definition knows, whole and with their signature. One that only
// claims to be, or that cannot be read though they signed it, is an error.
func standsForeign(def *gate.Definition, text []byte) (ours bool, err error) {
	a, err := def.TrustAnyone().OpenAttestation(text)
	switch {
	case errors.Is(err, seal.ErrUnknownKey), errors.Is(err, seal.ErrUntrusted):
		return false, nil
	case errors.Is(err, seal.ErrMalformed):
		if _, envelope := (seal.Trust{}).OpenAttestation(text); !errors.Is(envelope, seal.ErrUnknownKey) {
			return false, nil // no envelope, so nobody signed anything
		}
		return false, fault.New(fault.Evidence, "read attestation %s: it is signed by a known signer, and states nothing that can be read: %v", seal.Digest(text), err)
	case err != nil:
		return false, fault.Wrap(fault.Trust, fmt.Errorf("attestation %s claims a key of the gate definition: %w", seal.Digest(text), err))
	}
	_, signer := def.SignerBy(a.Signatory)
	_, person := def.PersonBy(a.Signatory)
	return signer || person, nil
}

// attester is who signed an attestation, as the gate definition knows them.
func attester(def *gate.Definition, text []byte) (name string, signed bool) {
	a, err := def.TrustAnyone().OpenAttestation(text)
	if err != nil {
		return "", false
	}
	if s, ok := def.SignerBy(a.Signatory); ok {
		return s.ID, true
	}
	p, ok := def.PersonBy(a.Signatory)
	return p.ID, ok
}

// showAttestation decodes an attestation.
func showAttestation(ctx context.Context, p EvaluateOptions, text []byte) (*Shown, error) {
	a, err := seal.InspectAttestationUnsafe(text)
	if err != nil {
		return nil, fault.Wrap(fault.Evidence, err)
	}
	c, _ := verify.ClaimedForeign(text)
	out := &Shown{Claims: c, Statement: seal.Statement{Type: a.Type, Subject: a.Subjects, PredicateType: a.PredicateType, Predicate: a.Predicate}}
	if def, _, err := openGate(p.Places, p.Now); err == nil {
		out.Signer, out.Signed = attester(def, text)
	}
	return out, ctx.Err()
}

// statementOf is the layer of an object that holds its statement: ours, or that of another tool.
func statementOf(e store.Entry) (store.Layer, bool) {
	i := slices.IndexFunc(e.Layers, func(l store.Layer) bool {
		return l.MediaType == seal.MediaType || e.Type == store.TypeAttestation && seal.IsAttestationType(l.MediaType)
	})
	if i < 0 {
		return store.Layer{}, false
	}
	return e.Layers[i], true
}
