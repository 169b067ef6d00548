package gate

import (
	"errors"
	"strings"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal"
)

// ErrNoTimestamp says that a signature is good, but that no timestamp authority saw it and the definition wants one.
var ErrNoTimestamp = errors.New("it has no timestamp, and the gate definition wants one (require: {timestamp: true}); sign it again with --timestamp-url or --signing-config")

// Trust is whose certificates, timestamps and log entries are believed: a Sigstore trusted root, inlined.
type Trust struct {
	File        string `json:"file"`
	TrustedRoot string `json:"trustedRoot"`
}

// Require is what a signature must have besides being good.
type Require struct {
	// Timestamp demands a timestamp (RFC 3161) of an authority of Trust.
	Timestamp bool `json:"timestamp,omitzero"`
}

// SignerBy is the signer that a key or a certificate's identity belongs to.
func (d *Definition) SignerBy(by seal.Signatory) (Signer, bool) {
	if by.Identity == (seal.Identity{}) {
		return d.SignerOf(by.KeyID)
	}
	owner, _ := d.ownerOf(by.Identity)
	if owner.id == "" || owner.person {
		return Signer{}, false
	}
	s := d.Signers[owner.id]
	s.ID = owner.id
	return s, true
}

// PersonBy is the person that a key or a certificate's identity belongs to.
func (d *Definition) PersonBy(by seal.Signatory) (Person, bool) {
	if by.Identity == (seal.Identity{}) {
		return d.PersonOf(by.KeyID)
	}
	owner, _ := d.ownerOf(by.Identity)
	if owner.id == "" || !owner.person {
		return Person{}, false
	}
	p := d.People[owner.id]
	p.ID = owner.id
	return p, true
}

// Unknown says for people why a key or certificate is that of no signer and no person, and what to do about it.
func (d *Definition) Unknown(by seal.Signatory) string {
	if by.Identity == (seal.Identity{}) {
		return "which belongs to no signer and nobody in the gate definition; add the key under signers or people in gate.yaml if it is yours, and sign gate.yaml again"
	}
	_, why := d.ownerOf(by.Identity)
	return "whose certificate fits nobody in the gate definition: " + why
}

// TrustIn is what a bundle by somebody is opened with: their one key, or certificates of their identity, and the
// definition's authorities.
func (d *Definition) TrustIn(by seal.Signatory) seal.Trust {
	t := seal.Trust{Roots: d.proof.trust}
	if by.Identity != (seal.Identity{}) {
		t.Identity = func(i seal.Identity) bool { return i == by.Identity }
		return t
	}
	for _, k := range d.keys() {
		if k.key.ID == by.KeyID && by.KeyID != "" {
			t.Keys = append(t.Keys, k.key.Public())
		}
	}
	return t
}

// TrustAnyone is what a bundle is opened with to find out whether anybody who is known made it.
func (d *Definition) TrustAnyone() seal.Trust {
	t := seal.Trust{Roots: d.proof.trust, Identity: func(i seal.Identity) bool {
		owner, _ := d.ownerOf(i)
		return owner.id != ""
	}}
	for _, s := range d.Signers {
		t.Keys = append(t.Keys, publicKeys(s.Keys)...)
	}
	for _, p := range d.People {
		t.Keys = append(t.Keys, publicKeys(p.Keys)...)
	}
	return t
}

func publicKeys(keys []Key) []seal.PublicKey {
	var out []seal.PublicKey
	for _, k := range keys {
		out = append(out, k.Public())
	}
	return out
}

// WantsTimestamp says whether what somebody signs counts only with a timestamp.
func (d *Definition) WantsTimestamp(by seal.Signatory) bool {
	if d.Require != nil && d.Require.Timestamp {
		return true
	}
	s, ok := d.SignerBy(by)
	return ok && s.Require != nil && s.Require.Timestamp
}

// DecisionSigner is the signer that a key or certificate belongs to, who must be one that may sign decisions. The error is of
// class fault.Trust: a decision by anybody else is a forged one.
func (d *Definition) DecisionSigner(by seal.Signatory) (Signer, error) {
	s, ok := d.SignerBy(by)
	if ok && s.MayDo(Decision) {
		return s, nil
	}
	why := "the gate definition does not let it sign decisions"
	if !ok && by.KeyID == "" {
		why = d.Unknown(by)
	}
	return Signer{}, fault.New(fault.Trust, "%w: %s; %s", seal.ErrUnknownKey, by, why)
}

// OpenDecision opens a decision record: it must be signed by a signer who may sign decisions, and have a timestamp where the
// definition wants one (ErrNoTimestamp). Other errors are those of seal.Trust.
func (d *Definition) OpenDecision(bundle []byte) (*seal.Opened, Signer, error) {
	by, err := seal.ClaimedBy(bundle)
	if err != nil {
		return nil, Signer{}, err
	}
	s, err := d.DecisionSigner(by)
	if err != nil {
		return nil, Signer{}, err
	}
	o, err := d.TrustIn(by).OpenDecision(bundle)
	if err != nil {
		return nil, Signer{}, err
	}
	if o.Timestamped.IsZero() && d.WantsTimestamp(by) {
		return nil, Signer{}, fault.New(fault.Trust, "open decision record: %w", ErrNoTimestamp)
	}
	return o, s, nil
}

// readTrust reads the trusted root that is inlined.
func (d *Definition) readTrust() error {
	if d.Trust == nil {
		return nil
	}
	roots, err := seal.ParseRoots(d.Trust.File, []byte(d.Trust.TrustedRoot))
	d.proof.trust = roots
	return err
}

// trusts checks identities and requirements: what could never be fulfilled, or would mean two things.
func (c *checker) trusts() {
	all := c.d.identities()
	seen := map[string]string{}
	for _, i := range all {
		c.identity(i)
		key := i.Issuer + " " + i.Subject
		if was, twice := seen[key]; twice && i.Subject != "" {
			c.add(i.place, "give each signer and each person identities of their own", "is also that of %s, so a signature would not say whose it is", was)
		}
		seen[key] = i.place
	}
	if len(all) > 0 && c.d.Trust == nil {
		c.add("trust", "name the trusted root of the certificate authority: trust: {trustedRoot: trusted_root.json}", "is absent, and %s can only be checked with it", all[0].place)
	}
	c.require("require", c.d.Require)
	for _, id := range sorted(c.d.Signers) {
		c.require("signers."+id+".require", c.d.Signers[id].Require)
	}
}

func (c *checker) require(place string, r *Require) {
	if r != nil && r.Timestamp && c.d.Trust == nil {
		c.add(place+".timestamp", "name the trusted root of the timestamp authority: trust: {trustedRoot: trusted_root.json}", "is wanted, and no authority is believed")
	}
	if r != nil && r.Timestamp && c.d.proof.trust != nil && c.d.proof.trust.TimestampAuthorities() == 0 {
		c.add(place+".timestamp", "add one: cosign trusted-root create --tsa=…", "is wanted, and the trusted root %s has no timestamp authority", c.d.Trust.File)
	}
}

func (c *checker) identity(i identityPlace) {
	ci := i.Repository != "" || i.RepositoryID != "" || i.Workflow != "" || len(i.Refs) > 0 || len(i.JobWorkflows) > 0 || i.Runner != ""
	switch {
	case i.Issuer == "":
		c.add(i.place+".issuer", "", "is empty")
	case ci && i.Subject != "":
		c.add(i.place, "write either subject, or repository, workflow and refs", "has both a subject and the facts of a workflow")
	case !ci && i.Subject == "":
		c.add(i.place, "write either subject, or repository, workflow and refs", "says nothing but the issuer: everybody there would be this signer")
	case ci && (i.Repository == "" || i.Workflow == "" || len(i.Refs) == 0):
		c.add(i.place, "a workflow is named by repository, workflow and refs, all three", "is only part of a workflow's identity: others could sign too")
	case strings.Contains(i.Subject+i.Repository+i.RepositoryID+i.Workflow+i.Runner+i.Issuer, "*"):
		c.add(i.place, `only refs and jobWorkflows may end in "*"`, `has a "*" where a whole value is wanted`)
	}
	for what, list := range map[string][]string{"refs": i.Refs, "jobWorkflows": i.JobWorkflows} {
		for _, r := range list {
			if n := strings.Count(r, "*"); n > 1 || n == 1 && (!strings.HasSuffix(r, "*") || len(r) < 2) {
				c.add(i.place+"."+what, `write it in full, or up to a last "*" such as refs/tags/v*`, "%q is no reference", r)
			}
		}
	}
}
