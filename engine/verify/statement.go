package verify

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/evidence"
)

// statement is one signed statement of a store on its way to being believed.
type statement struct {
	// digest is that of the bundle, manifest that of the object that holds it.
	digest, manifest string
	bundle           []byte
	// fault is why the bytes cannot be had at all.
	fault error
	// claim is what the bundle says, before any signature was checked: it finds, and never decides. nil when it cannot be
	// read.
	claim *seal.Opened
	hint  claimed
	// foreign is set for attestations of other tools.
	foreign *foreign

	// What follows is believed; judged is set when it was looked at.
	judged bool
	ok     bool
	by     seal.Signatory
	// owner is whose key or certificate signed; machine says that it is a signer, or a person whom a role makes one.
	owner   string
	machine bool
	opened  *seal.Opened
	signer  gate.Signer
	about   About
	kind    evidence.Kind // empty for collections
	item    *ItemPredicate
	build   *BuildPredicate
	listed  *CollectionPredicate
	at      time.Time
}

// claimed is what of a predicate decides whether a statement concerns a release at all.
type claimed struct {
	Items    []string   `json:"items"`
	Release  ReleaseRef `json:"release"`
	Producer struct {
		Revision string `json:"revision"`
	} `json:"producer"`
	Source struct {
		Revision string `json:"revision"`
	} `json:"source"`
}

// readAll reads the statements of all objects of the types, each once, sorted by digest.
func readAll(st *store.Store, ix *store.Index, types ...string) []*statement {
	byDigest := map[string]*statement{}
	complete := map[string]int{}
	for _, e := range ix.Entries {
		if !slices.Contains(types, e.Type) {
			continue
		}
		layer := slices.IndexFunc(e.Layers, func(l store.Layer) bool { return l.MediaType == seal.MediaType })
		digest := e.Digest
		if layer >= 0 {
			digest = e.Layers[layer].Digest
		}
		// The same statement in two objects: the one with more beside it is kept, so that what is sealed is whole.
		was := byDigest[digest]
		if was != nil && (complete[digest] > len(e.Layers) || complete[digest] == len(e.Layers) && was.manifest < e.Digest) {
			continue
		}
		s := &statement{digest: digest, manifest: e.Digest}
		if was != nil {
			s.bundle, s.fault = was.bundle, was.fault
		} else if layer >= 0 {
			s.bundle, s.fault = read(st, digest, MaxStatement, "statement")
		}
		byDigest[digest], complete[digest] = s, len(e.Layers)
	}
	out := make([]*statement, 0, len(byDigest))
	for _, s := range byDigest {
		if s.fault == nil {
			s.inspect()
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *statement) int { return cmp.Compare(a.digest, b.digest) })
	return out
}

// inspect reads what a statement claims.
func (s *statement) inspect() {
	claim, err := seal.InspectUnsafe(s.bundle)
	if err != nil || len(claim.Statement.Subject) != 1 {
		return
	}
	s.claim = claim
	s.about = aboutOf(claim.Statement)
	s.kind, _ = kindOf(claim.Statement.PredicateType)
	_ = json.Unmarshal(claim.Statement.Predicate, &s.hint) // what cannot be read claims nothing
}

// read reads a blob whose digest somebody signed or listed. Messages name digests and never paths: they are part of the
// decision, which must be the same on every machine.
func read(st *store.Store, digest string, limit int64, what string) ([]byte, error) {
	b, err := st.Read(digest, limit)
	return b, blobFault(err, digest, what)
}

func blobFault(err error, digest, what string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrMissing):
		return fault.New(fault.Trust, "read %s %s: it is not in the store, so it was taken away; restore it from a copy, or collect again", what, digest)
	case errors.Is(err, store.ErrCorrupt):
		return fault.New(fault.Trust, "read %s %s: its bytes do not match its digest, so it was altered or the disk is failing; restore it from a copy, or collect again", what, digest)
	case fault.ClassOf(err) == fault.Evidence:
		return fault.New(fault.Evidence, "read %s %s: it is larger than is accepted, or cannot be read from the disk", what, digest)
	}
	return err
}

// aboutOf is the one subject of a statement.
func aboutOf(st seal.Statement) About {
	sub := st.Subject[0]
	if commit, ok := sub.Digest["gitCommit"]; ok {
		return About{Kind: AboutRevision, Name: sub.Name, Digest: commit}
	}
	return About{Kind: AboutArtifact, Name: sub.Name, Digest: "sha256:" + sub.Digest["sha256"]}
}

// isCollection says whether the statement claims to list items.
func (s *statement) isCollection() bool {
	return s.claim != nil && s.claim.Statement.PredicateType == CollectionType
}

// kindName is what the statement is called in lists and messages.
func (s *statement) kindName() string {
	switch {
	case s.kind != "":
		return string(s.kind)
	case s.claim != nil:
		return shortType(s.claim.Statement.PredicateType)
	case s.foreign != nil:
		return "attestation"
	}
	return ""
}

// producer, line and release are those of whatever predicate the statement has.
func (s *statement) producer() Producer {
	switch {
	case s.item != nil:
		return s.item.Producer
	case s.build != nil:
		return s.build.Producer
	}
	return Producer{}
}

func (s *statement) line() string {
	switch {
	case s.item != nil:
		return s.item.Line
	case s.build != nil:
		return s.build.Line
	case s.listed != nil:
		return s.listed.Line
	}
	return ""
}

func (s *statement) release() ReleaseRef {
	switch {
	case s.item != nil:
		return s.item.Release
	case s.build != nil:
		return s.build.Release
	}
	return ReleaseRef{}
}

// decode reads the predicate of an opened statement, and when it was collected.
func (s *statement) decode(o *seal.Opened) (err error) {
	s.about = aboutOf(o.Statement)
	var at string
	switch predicate := o.Statement.Predicate; {
	case o.Statement.PredicateType == CollectionType:
		if s.listed, err = decodeCollection(predicate); err == nil {
			at = s.listed.CollectedAt
		}
	case s.kind == evidence.Build:
		if s.about.Kind != AboutArtifact {
			return fmt.Errorf("a build is about an artifact, not about a revision")
		}
		if s.build, err = decodeBuild(predicate); err == nil {
			at = s.build.CollectedAt
		}
	default:
		if s.item, err = decodeItem(s.kind, predicate); err == nil {
			at = s.item.CollectedAt
		}
	}
	if err != nil {
		return err
	}
	if s.at, err = parseTime(at); err != nil {
		return fmt.Errorf("collectedAt: %w", err)
	}
	return nil
}

// short is enough of a digest for people to find it.
func short(digest string) string {
	hex := strings.TrimPrefix(digest, "sha256:")
	if len(hex) > 12 {
		hex = hex[:12]
	}
	return hex
}
