package engine

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/engine/verify"
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/collect"
	"cdgate.dev/cdgate/schemas"
)

// The names of the layers of an item's store object.
const (
	layerStatement = "statement.sigstore.json"
	layerRows      = "rows.json"
	// layerAttestation is the one layer of an attestation of another tool.
	layerAttestation = "attestation.json"
)

// Collect reads reports, signs a statement about each, and stores all of it with one collection statement that lists
// them. Nothing becomes visible in the store unless everything was read and signed.
func Collect(ctx context.Context, o CollectOptions) (*Collected, error) {
	about, err := subjectsOf(o)
	if err != nil {
		return nil, err
	}
	if o.Signer == nil {
		return nil, fault.New(fault.Usage, "sign statements: no key; name one with --key or CDGATE_KEY, or make one with: cdgate keys generate --out ci")
	}
	st, err := openDepot(ctx, o.Store, o.Registries, true)
	if err != nil {
		return nil, err
	}
	defer st.close()
	var items []evidence.Item
	if len(o.Paths)+len(o.Made) > 0 {
		items, err = collect.Collect(ctx, o.request(o.Own, o.Made, spool{st.Store}))
		if err != nil {
			return nil, fault.Wrap(fault.Evidence, err)
		}
	}
	if len(items) == 0 && len(o.Artifacts) == 0 {
		return nil, fault.New(fault.Usage, "nothing to collect: name reports (files, globs, directories or -), or what was built with --artifact")
	}
	warnOfSubjects(items, aboutAll(about, o.Source), o.SHA512)
	c := collection{o: o, store: st, out: &Collected{Store: o.Store}}
	for _, it := range items {
		for _, a := range about {
			if err := c.addItem(it, a); err != nil {
				return nil, err
			}
		}
	}
	for _, a := range about {
		if a.Kind == verify.AboutArtifact && o.Source.Revision != "" && !o.Found {
			if err := c.addBuild(a); err != nil {
				return nil, err
			}
		}
	}
	for _, a := range about {
		if err := c.addCollection(a); err != nil {
			return nil, err
		}
	}
	if _, err := st.Add(ctx, c.objects...); err != nil {
		return nil, err
	}
	return c.out, nil
}

// List reads reports as Collect does and returns what they say, beside the problems of those that cannot be collected. It
// needs no key, signs nothing and writes nothing. Of the options only Reports, Own and Made count, and Artifacts for what attestations are about.
func List(ctx context.Context, o CollectOptions) ([]evidence.Item, []collect.Problem) {
	items, problems := collect.List(ctx, o.request(o.Own, o.Made, nil))
	if about, err := subjectsOf(o); err == nil && len(o.Artifacts) > 0 {
		warnOfSubjects(items, aboutAll(about, o.Source), o.SHA512)
	}
	return items, problems
}

// spool lets the readers write into the store.
type spool struct{ *store.Store }

func (s spool) Blob() (collect.Blob, error) {
	b, err := s.Store.Blob()
	if err != nil {
		return nil, err // not b: a nil *store.Blob in the interface would not be nil
	}
	return b, nil
}

// subjectsOf is what the evidence is about: the artifacts, or the commit when none was named.
func subjectsOf(o CollectOptions) ([]verify.About, error) {
	var out []verify.About
	for _, a := range o.Artifacts {
		out = append(out, verify.About{Kind: verify.AboutArtifact, Name: a.Name, Digest: a.Digest})
	}
	if len(out) == 0 && o.Source.Revision != "" {
		out = append(out, verify.About{Kind: verify.AboutRevision, Name: o.Source.Repository, Digest: o.Source.Revision})
	}
	if len(out) == 0 {
		return nil, fault.New(fault.Usage, "say what the reports are about: --artifact FILE for what was built, or --revision COMMIT (the git checkout and the CI system give it by themselves)")
	}
	return out, nil
}

// collection gathers the objects of one run of collect.
type collection struct {
	o       CollectOptions
	store   *depot
	objects []store.Object
	// listed are the statements so far, by what they are about.
	listed map[verify.About][]string
	out    *Collected
}

func (c *collection) addItem(it evidence.Item, about verify.About) error {
	if it.Attested != nil {
		c.addAttestation(it, about)
		return nil
	}
	summary, err := json.Marshal(it.Summary.Value(), json.Deterministic(true), json.FormatNilSliceAsNull(false))
	if err != nil {
		return fault.New(fault.Internal, "write the summary of %s: %w", it.Path, err)
	}
	digest, layer, err := c.sign("the summary of "+it.Path, verify.PredicateType(it.Kind), about, verify.ItemPredicate{
		Level: it.Level, Part: c.o.Part, Scope: "artifact", Format: it.Format, Tool: it.Tool, CollectedAt: rfc3339(c.o.Now),
		Producer: verify.Producer(c.o.Producer), Line: c.o.Release.Line, Release: c.releaseRef(),
		Summary: summary, Warnings: it.Warnings, Report: it.Raw, Rows: it.Rows,
	})
	if err != nil {
		return err
	}
	c.objects = append(c.objects, store.Object{
		Type: store.TypeItem, Annotations: c.annotations(string(it.Kind), about),
		Layers: []store.Layer{layer,
			{Name: layerRows, MediaType: it.Rows.MediaType, Digest: it.Rows.Digest, Size: it.Rows.Size},
			{Name: it.Raw.Name, MediaType: it.Raw.MediaType, Digest: it.Raw.Digest, Size: it.Raw.Size},
		},
	})
	c.out.Items = append(c.out.Items, CollectedItem{Item: it, Statement: digest, About: about.Kind, AboutDigest: about.Digest})
	return nil
}

func (c *collection) addBuild(about verify.About) error {
	built := verify.Built{Repository: c.o.Source.Repository, Revision: c.o.Source.Revision, Branch: c.o.Source.Branch}
	for _, a := range c.o.Source.Authors {
		built.Authors = append(built.Authors, verify.Author(a))
	}
	digest, layer, err := c.sign("what was built from "+built.Revision, verify.PredicateType(evidence.Build), about, verify.BuildPredicate{
		CollectedAt: rfc3339(c.o.Now), Producer: verify.Producer(c.o.Producer), Line: c.o.Release.Line, Release: c.releaseRef(), Source: built,
		SHA512: c.o.SHA512[about.Digest], Contains: c.o.Contains,
	})
	if err != nil {
		return err
	}
	c.objects = append(c.objects, store.Object{
		Type: store.TypeItem, Annotations: c.annotations(string(evidence.Build), about), Layers: []store.Layer{layer},
	})
	c.out.Builds = append(c.out.Builds, digest)
	return nil
}

func (c *collection) addCollection(about verify.About) error {
	what := fmt.Sprintf("the list of %d reports", len(c.listed[about]))
	digest, layer, err := c.sign(what, verify.CollectionType, about, verify.CollectionPredicate{
		CollectedAt: rfc3339(c.o.Now), Producer: verify.Producer(c.o.Producer), Line: c.o.Release.Line, Items: c.listed[about],
	})
	if err != nil {
		return err
	}
	c.objects = append(c.objects, store.Object{
		Type: store.TypeCollection, Annotations: c.annotations("collection", about), Layers: []store.Layer{layer},
	})
	c.out.Collection = digest
	return nil
}

// sign makes the signed statement of a predicate, stores its bytes, and lists it for the collection. What is larger than an
// evaluation reads is refused here, where somebody can do something about it; what names it for people.
func (c *collection) sign(what, predicateType string, about verify.About, predicate any) (digest string, layer store.Layer, err error) {
	p, err := encodePredicate(predicateType, predicate)
	if err != nil {
		return "", store.Layer{}, err
	}
	if predicateType != verify.CollectionType && len(p) > schemas.MaxPredicate {
		return "", store.Layer{}, fault.New(fault.Evidence, "sign %s: it has %d bytes, and a statement has room for %d; split the report, or shorten the lists in it", what, len(p), schemas.MaxPredicate)
	}
	bundle, err := signPredicate(c.o.Signer, predicateType, []seal.Subject{subject(about)}, p)
	if err != nil {
		return "", store.Layer{}, err
	}
	if len(bundle) > verify.MaxStatement {
		return "", store.Layer{}, fault.New(fault.Evidence, "sign %s: the statement has %d bytes, and an evaluation reads at most %d; collect the reports in several runs", what, len(bundle), verify.MaxStatement)
	}
	layer, err = statementLayer(c.store.Store, layerStatement, bundle)
	if err != nil {
		return "", store.Layer{}, err
	}
	if predicateType != verify.CollectionType {
		if c.listed == nil {
			c.listed = map[verify.About][]string{}
		}
		c.listed[about] = append(c.listed[about], layer.Digest)
	}
	return layer.Digest, layer, nil
}

func (c *collection) releaseRef() verify.ReleaseRef {
	return verify.ReleaseRef{Name: c.o.Release.Name, Version: c.o.Release.Version}
}

// annotations help people and tools to find an object; nothing is ever decided by them.
func (c *collection) annotations(kind string, about verify.About) map[string]string {
	return map[string]string{"dev.cdgate.kind": kind, verify.AnnotationAbout: about.Digest}
}

// subject is the one subject of a statement.
func subject(about verify.About) seal.Subject {
	if about.Kind == verify.AboutRevision {
		return seal.Subject{Name: about.Name, Digest: map[string]string{"gitCommit": about.Digest}}
	}
	return seal.Subject{Name: about.Name, Digest: sha256Set(about.Digest)}
}

// signStatement signs an in-toto statement with the predicate.
func signStatement(signer *seal.Signer, predicateType string, subjects []seal.Subject, predicate any) ([]byte, error) {
	p, err := encodePredicate(predicateType, predicate)
	if err != nil {
		return nil, err
	}
	return signPredicate(signer, predicateType, subjects, p)
}

// encodePredicate writes a predicate as it is signed.
func encodePredicate(predicateType string, predicate any) (jsontext.Value, error) {
	p, err := json.Marshal(predicate, json.Deterministic(true), json.FormatNilSliceAsNull(false))
	if err != nil {
		return nil, fault.New(fault.Internal, "write predicate %s: %w", predicateType, err)
	}
	return p, nil
}

func signPredicate(signer *seal.Signer, predicateType string, subjects []seal.Subject, p jsontext.Value) ([]byte, error) {
	bundle, err := signer.Sign(seal.Statement{Type: seal.StatementType, Subject: subjects, PredicateType: predicateType, Predicate: p})
	return bundle, fault.Wrap(fault.Record, err)
}

// statementLayer writes bytes into the store and describes them.
func statementLayer(st *store.Store, name string, bundle []byte) (store.Layer, error) {
	return blobLayer(st, name, seal.MediaType, bundle)
}

func blobLayer(st *store.Store, name, mediaType string, b []byte) (store.Layer, error) {
	digest, err := st.Write(b)
	if err != nil {
		return store.Layer{}, err
	}
	return store.Layer{Name: name, MediaType: mediaType, Digest: digest, Size: int64(len(b))}, nil
}
