package verify

import (
	"bytes"
	"cmp"
	"io"
	"strings"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/formats"
)

// Claims are what a statement says before anything was checked. They help to find and to show statements, and decide
// nothing: whoever wrote the bytes chose everything in them.
type Claims struct {
	// Digest is that of the statement, By whose signature it says it has.
	Digest        string
	By            seal.Signatory
	PredicateType string
	// Kind is the kind of evidence, "collection" or "signoff", or what else stands in the predicate type.
	Kind string
	// About is the first subject, Subjects are the digests of all.
	About    About
	Subjects []string
	Release  ReleaseRef
	Line     string
	// Revision is what a build says it was built from.
	Revision string
	// Contains are the digests of what a build says is in its artifact.
	Contains []string
	// Items are the statements that a collection lists.
	Items       []string
	Level, Part string
	Format      string
	Tool        evidence.Tool
	// CollectedAt is when it was made, as it stands there.
	CollectedAt string
	// Report describes the raw report; empty where there is none.
	Report evidence.Descriptor
}

// Claimed reads what a signed statement claims; false when it is none that can be read.
func Claimed(bundle []byte) (Claims, bool) {
	o, err := seal.InspectUnsafe(bundle)
	if err != nil {
		return Claims{}, false
	}
	var p struct {
		Release     ReleaseRef          `json:"release"`
		Line        string              `json:"line"`
		Items       []string            `json:"items"`
		Level       string              `json:"level"`
		Part        string              `json:"part"`
		Format      string              `json:"format"`
		Tool        evidence.Tool       `json:"tool"`
		CollectedAt string              `json:"collectedAt"`
		SignedAt    string              `json:"signedAt"`
		Report      evidence.Descriptor `json:"report"`
		Source      struct {
			Revision string `json:"revision"`
		} `json:"source"`
		Contains []Contained `json:"contains"`
	}
	_ = json.Unmarshal(o.Statement.Predicate, &p) // what cannot be read claims nothing
	c := Claims{
		Digest: o.Digest, By: o.Signatory(), PredicateType: o.Statement.PredicateType, Kind: shortType(o.Statement.PredicateType), About: aboutOf(o.Statement),
		Release: p.Release, Line: p.Line, Revision: p.Source.Revision, Items: p.Items, Level: p.Level, Part: p.Part, Format: p.Format, Tool: p.Tool,
		CollectedAt: p.CollectedAt, Report: p.Report,
	}
	if c.CollectedAt == "" {
		c.CollectedAt = p.SignedAt
	}
	for _, in := range p.Contains {
		c.Contains = append(c.Contains, in.Digest, in.Config)
	}
	for _, s := range o.Statement.Subject {
		for _, digest := range s.Digest {
			if _, commit := s.Digest["gitCommit"]; !commit {
				digest = "sha256:" + digest
			}
			c.Subjects = append(c.Subjects, digest)
		}
	}
	return c, true
}

// ClaimedForeign is Claimed for attestations of other tools. Tool is who built or verified.
func ClaimedForeign(text []byte) (Claims, bool) {
	a, err := seal.InspectAttestationUnsafe(text)
	if err != nil {
		return Claims{}, false
	}
	c := Claims{
		Digest: a.Digest, By: a.Signatory, PredicateType: a.PredicateType, Kind: cmp.Or(string(kindOfPredicate(a.PredicateType)), "attestation"),
		Report: evidence.Descriptor{MediaType: a.MediaType, Digest: a.Digest, Size: int64(len(text))},
	}
	for _, s := range a.Subjects {
		about := About{Kind: AboutArtifact, Name: s.Name}
		switch {
		case s.Digest["sha256"] != "":
			about.Digest = "sha256:" + s.Digest["sha256"]
		case isCommit(s.Digest["gitCommit"]):
			about.Kind, about.Digest = AboutRevision, s.Digest["gitCommit"]
		default:
			continue
		}
		if c.About.Digest == "" {
			c.About = about
		}
		c.Subjects = append(c.Subjects, about.Digest)
	}
	if f, r, err := formats.ReadPredicate(a.PredicateType, bytes.NewReader(a.Predicate), io.Discard); err == nil {
		c.Kind, c.Format, c.Tool = string(f.Kind), f.Name, r.Tool
		c.CollectedAt = r.At
		if p := r.Summary.Provenance; p != nil {
			c.Revision = p.Revision
		}
	}
	return c, true
}

// IsOurs says whether a predicate type is one of cdgate's statements.
func IsOurs(predicateType string) bool { return strings.HasPrefix(predicateType, predicatePrefix) }
