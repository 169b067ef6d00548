package attestation

import (
	"cmp"
	"io"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

const (
	typeProvenance02 = "https://slsa.dev/provenance/v0.2"
	typeProvenance1  = "https://slsa.dev/provenance/v1"
)

// Provenance02 is SLSA provenance v0.2 (slsa.dev/spec/v0.2/provenance).
func Provenance02() evidence.Format {
	return evidence.Format{
		Name: "slsa-provenance-v0.2", Title: "SLSA provenance v0.2", Kind: evidence.Provenance, MediaType: "application/json",
		Predicates: []string{typeProvenance02},
		Recognised: "predicate type `" + typeProvenance02 + "`",
		Tools:      "slsa-github-generator, npm, GitLab Runner, Tekton Chains, Azure Pipelines",
		Limits:     "only inside an attestation; parameters, environment and build steps are not read; more than one commit among the materials, and none in the repository of the build's configuration, is no commit",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && h.Has("builder") && h.HasAny("buildType", "invocation", "materials")
		},
		Read: readProvenance02,
	}
}

// Provenance1 is SLSA provenance v1 (slsa.dev/spec/v1.2/build-provenance; 1.0 and 1.1 have the same form).
func Provenance1() evidence.Format {
	return evidence.Format{
		Name: "slsa-provenance-v1", Title: "SLSA provenance v1", Kind: evidence.Provenance, MediaType: "application/json",
		Predicates: []string{typeProvenance1},
		Recognised: "predicate type `" + typeProvenance1 + "`",
		Tools:      "GitHub artifact attestations, slsa-github-generator, GitLab, Tekton Chains, Google Cloud Build, BuildKit",
		Limits:     "only inside an attestation; of the parameters only source, workflow and configuration are read; several commits are none unless the parameters name one's repository",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && h.HasAny("buildDefinition", "runDetails.builder") && !h.Has("predicateType")
		},
		Read: readProvenance1,
	}
}

// provenanceReader reads either version.
type provenanceReader struct {
	*strictjson.Reader
	rows *evidence.Rows
	out  evidence.ProvenanceSummary

	entries []entry
	// named is the source that the parameters name, namedRef a reference that they name by themselves.
	named    named
	namedRef string
}

func newProvenance(r io.Reader, rows *evidence.Rows) *provenanceReader {
	return &provenanceReader{Reader: strictjson.New(r), rows: rows}
}

// entry returns a function that reads a resource into e.
func (p *provenanceReader) entry(e *entry) func() error {
	record := p.Record(strictjson.Members{"uri": p.Into(&e.uri), "name": p.Into(&e.name), "digest": p.digests(e)})
	return func() error {
		*e = entry{digests: map[string]string{}}
		return record()
	}
}

// digests returns a function that reads digests by algorithm into e.
func (p *provenanceReader) digests(e *entry) func() error {
	algorithm := ""
	return p.Each(func(name string) { algorithm = name }, func() error {
		v, err := p.String()
		if err == nil && len(e.digests) >= evidence.MaxList {
			err = p.Errorf("more than %d digests", evidence.MaxList)
		}
		if err == nil {
			e.digests[algorithm] = v
		}
		return err
	})
}

// materials returns a function that reads the list of what a build used, and writes the rows.
func (p *provenanceReader) materials() func() error {
	var e entry
	one := p.entry(&e)
	return p.List(func() error {
		if err := one(); err != nil {
			return err
		}
		if e.commit() != "" { // only commits are kept
			p.entries = append(p.entries, e)
			if len(p.entries) > evidence.MaxList {
				return p.Errorf("more than %d commits", evidence.MaxList)
			}
		}
		p.out.Materials++
		if err := p.rows.Row(evidence.Material{URI: e.uri, Name: e.name, Digests: e.digests}); err != nil {
			return p.Errorf("%w", err)
		}
		return nil
	})
}

// once returns a function that reads a text which may have one of several names, and stands there once.
func (p *provenanceReader) once(s *string) func() error {
	seen := false
	return func() error {
		if seen {
			return p.Errorf("it is there twice, in two spellings")
		}
		seen = true
		return p.Into(s)()
	}
}

// time returns a function that reads a time, or null.
func (p *provenanceReader) time(s *string) func() error {
	return func() error {
		if null, err := p.Null(); null || err != nil {
			return err
		}
		return p.IntoTime(s)()
	}
}

func readProvenance02(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	p := newProvenance(r, rows)
	invocationID := p.once(&p.out.Invocation)
	err := p.Record(strictjson.Members{
		"builder":   p.Record(strictjson.Members{"id": p.Into(&p.out.BuilderID)}),
		"buildType": p.Into(&p.out.BuildType),
		"invocation": p.Record(strictjson.Members{
			"configSource": p.configSource(), "parameters": p.Skip, "environment": p.Skip,
		}),
		"buildConfig": p.Skip,
		"metadata": p.Record(strictjson.Members{
			// The specification has the first; the Go library of in-toto wrote the second for years.
			"buildInvocationId": invocationID, "buildInvocationID": invocationID,
			"buildStartedOn": p.time(&p.out.StartedAt), "buildFinishedOn": p.time(&p.out.FinishedAt),
			"completeness": p.Skip, "reproducible": p.Skip,
		}),
		"materials": p.materials(),
	})()
	return p.report(err, "builder.id")
}

// configSource returns a function that reads where the configuration of a build came from.
func (p *provenanceReader) configSource() func() error {
	p.named.digests = map[string]string{}
	return p.Record(strictjson.Members{"uri": p.Into(&p.named.uri), "entryPoint": p.Into(&p.out.Workflow), "digest": p.digests(&p.named.entry)})
}

func readProvenance1(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	p := newProvenance(r, rows)
	p.named.built = true
	invocationID := p.once(&p.out.Invocation)
	err := p.Record(strictjson.Members{
		"buildDefinition": p.Record(strictjson.Members{
			"buildType": p.Into(&p.out.BuildType), "externalParameters": p.parameters(), "internalParameters": p.Skip,
			"resolvedDependencies": p.materials(),
		}),
		"runDetails": p.Record(strictjson.Members{
			"builder": p.Record(strictjson.Members{"id": p.Into(&p.out.BuilderID), "version": p.Skip, "builderDependencies": p.Skip}),
			"metadata": p.Record(strictjson.Members{
				"invocationId": invocationID, "invocationID": invocationID, // the same in the library of v1
				"startedOn": p.time(&p.out.StartedAt), "finishedOn": p.time(&p.out.FinishedAt),
			}),
			"byproducts": p.Skip,
		}),
	})()
	return p.report(err, "runDetails.builder.id")
}

// parameters returns a function that reads those parameters that say what was built. They are the words of build types: GitHub
// (workflow), container-based builds and GitLab (source), Google Cloud Build (buildConfigSource). The names of others are data.
func (p *provenanceReader) parameters() func() error {
	workflow := p.OnlyIf('{', p.Record(strictjson.Members{"repository": p.Into(&p.named.url), "ref": p.Into(&p.namedRef), "path": p.Into(&p.out.Workflow)}))
	source := p.OnlyIf('{', p.entry(&p.named.entry))
	return func() error {
		return p.ObjectOrNull(func(name []byte) error {
			switch string(name) {
			case "workflow", "buildConfigSource":
				return workflow()
			case "source":
				if p.Kind() == '"' {
					return p.Into(&p.named.url)()
				}
				return source()
			case "configPath", "entryPoint":
				return p.OnlyIf('"', p.Into(&p.out.Workflow))()
			}
			return p.Skip()
		})
	}
}

// report ends a provenance.
func (p *provenanceReader) report(err error, builder string) (evidence.Report, error) {
	if err == nil {
		err = p.End()
	}
	if err == nil && strings.TrimSpace(p.out.BuilderID) == "" {
		err = p.Errorf("%s is missing: nobody says who built it", builder)
	}
	if err != nil {
		return evidence.Report{}, err
	}
	o := &p.out
	why := ""
	o.Repository, o.Ref, o.Revision, why = source(p.entries, p.named)
	if o.Repository != "" && o.Repository == evidence.Repository(p.named.url) {
		o.Ref = cmp.Or(o.Ref, p.namedRef)
	}
	var warn evidence.Warnings
	if why != "" {
		warn.Add(evidence.NoSource, "", "%s", why)
	}
	if err := checkTexts(o.BuilderID, o.BuildType, o.Repository, o.Ref, o.Workflow, o.Invocation); err != nil {
		return evidence.Report{}, err
	}
	return evidence.Report{Tool: evidence.Tool{Name: o.BuilderID}, Summary: evidence.Summary{Provenance: o}, Warnings: warn, At: cmp.Or(o.FinishedAt, o.StartedAt)}, nil
}
