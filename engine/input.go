package engine

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/verify"
	"cdgate.dev/cdgate/evidence"
)

// document is the policy input as it is archived: rows once, no index views. schemas/input.cue defines it.
type document struct {
	Now     string          `json:"now"`
	Release documentRelease `json:"release"`
	Target  documentTarget  `json:"target"`
	Stage   string          `json:"stage"`
	// Evidence holds every built-in kind, those without an item too.
	Evidence   map[evidence.Kind][]documentItem `json:"evidence"`
	NotCounted []verify.NotCounted              `json:"notCounted"`
}

type documentRelease struct {
	Name     string            `json:"name"`
	Version  string            `json:"version"`
	Line     string            `json:"line"`
	Subjects []documentSubject `json:"subjects"`
	Source   documentSource    `json:"source"`
}

// documentSubject is an artifact of the release; Contains is empty but for image indexes.
type documentSubject struct {
	verify.Artifact `json:",inline"`
	Contains        []verify.Contained `json:"contains"`
}

type documentSource struct {
	Repository string           `json:"repository"`
	Revision   string           `json:"revision"`
	Branch     string           `json:"branch"`
	Authors    []documentAuthor `json:"authors"`
}

type documentAuthor struct {
	Name   string `json:"name"`
	Email  string `json:"email"`
	Person string `json:"person"`
}

type documentTarget struct {
	ID      string `json:"id"`
	Class   string `json:"class"`
	Trigger string `json:"trigger"`
}

// documentItem is one item. Rows holds the rows of a report under the name that its kind gives them.
type documentItem struct {
	ID          string                    `json:"id"`
	About       documentAbout             `json:"about"`
	Level       string                    `json:"level"`
	Part        string                    `json:"part"`
	Scope       string                    `json:"scope"`
	Format      string                    `json:"format"`
	Tool        evidence.Tool             `json:"tool"`
	Attested    bool                      `json:"attested"`
	Signer      verify.Signer             `json:"signer"`
	CollectedAt string                    `json:"collectedAt"`
	AgeSeconds  int64                     `json:"ageSeconds"`
	Run         documentRun               `json:"run"`
	Warnings    []documentWarning         `json:"warnings"`
	Summary     jsontext.Value            `json:"summary,omitzero"`
	Report      *documentReport           `json:"report,omitempty"`
	Artifact    *verify.Artifact          `json:"artifact,omitempty"`
	Source      *documentSource           `json:"source,omitempty"`
	Rows        map[string]jsontext.Value `json:",embed"`
}

type documentAbout struct {
	Kind   string `json:"kind"`
	Digest string `json:"digest"`
}

type documentRun struct {
	System  string `json:"system"`
	ID      string `json:"id"`
	Attempt int    `json:"attempt"`
	Job     string `json:"job"`
}

type documentWarning struct {
	Code  string `json:"code"`
	Msg   string `json:"msg"`
	Place string `json:"place"`
}

type documentReport struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
}

func (c *caseFile) documentSubjects() []documentSubject {
	out := []documentSubject{}
	for _, a := range c.subjects {
		out = append(out, documentSubject{a, c.contains[a.Digest]})
	}
	return out
}

// writeInput makes the policy input of a case: deterministic bytes, no nulls, every kind an array.
func (c *caseFile) writeInput() ([]byte, error) {
	doc := document{
		Now: rfc3339(c.now),
		Release: documentRelease{
			Name: c.release.Name, Version: c.release.Version, Line: c.release.Line,
			Subjects: c.documentSubjects(),
			Source:   c.documentSource(c.source.Repository, c.source.Revision, c.source.Branch, c.source.Authors),
		},
		Target:   documentTarget{ID: c.targetID, Class: c.target.Class, Trigger: string(c.target.Trigger)},
		Stage:    c.stage,
		Evidence: map[evidence.Kind][]documentItem{}, NotCounted: c.notCounted,
	}
	for _, k := range append(evidence.Kinds(), sortedKeys(c.kinds)...) {
		doc.Evidence[k] = []documentItem{}
	}
	for _, it := range c.items {
		list, ok := doc.Evidence[it.Kind]
		if !ok {
			return nil, fmt.Errorf("write policy input: evidence kind %q has no place in the document", it.Kind)
		}
		doc.Evidence[it.Kind] = append(list, c.documentItem(it))
	}
	b, err := json.Marshal(doc, json.Deterministic(true), json.FormatNilSliceAsNull(false))
	if err != nil {
		return nil, fmt.Errorf("write policy input: %w", err)
	}
	return b, nil
}

func (c *caseFile) documentItem(it verify.Item) documentItem {
	d := documentItem{
		ID: it.ID, About: documentAbout{Kind: it.About.Kind, Digest: it.About.Digest},
		Level: it.Level, Part: it.Part, Scope: it.Scope, Format: it.Format, Tool: it.Tool, Attested: it.Attested, Signer: it.Signer,
		CollectedAt: rfc3339(it.CollectedAt), AgeSeconds: it.AgeSeconds,
		Run:     documentRun{System: it.Producer.System, ID: it.Producer.Run, Attempt: it.Producer.Attempt, Job: it.Producer.Job},
		Summary: it.Summary,
	}
	for _, w := range it.Warnings {
		d.Warnings = append(d.Warnings, documentWarning(w))
	}
	if it.Build != nil {
		d.Artifact = &verify.Artifact{Name: it.About.Name, Digest: it.About.Digest}
		src := c.documentSource(it.Build.Repository, it.Build.Revision, it.Build.Branch, it.Build.Authors)
		d.Source = &src
		return d
	}
	d.Report = &documentReport{Name: it.Report.Name, Digest: it.Report.Digest}
	if s, ok := evidence.ShapeOf(it.Kind); ok {
		d.Rows = map[string]jsontext.Value{s.Rows: it.Rows}
	} else {
		d.Summary, d.Rows = nil, map[string]jsontext.Value{"data": it.Rows}
	}
	return d
}

func (c *caseFile) documentSource(repository, revision, branch string, authors []verify.Author) documentSource {
	s := documentSource{Repository: repository, Revision: revision, Branch: branch}
	for _, a := range authors {
		person, robot, _ := c.def.PersonByEmail(a.Email)
		if robot {
			person = ""
		}
		s.Authors = append(s.Authors, documentAuthor{Name: a.Name, Email: a.Email, Person: person})
	}
	return s
}

// views shows a policy input as policies see it.
type views struct {
	input   []byte
	sources []policy.Source
}

// Views is the policy input with its index views, as policies see it: deterministic JSON, sorted keys. It is empty when
// there is no input.
func (v views) Views() ([]byte, error) {
	if len(v.input) == 0 {
		return nil, nil
	}
	return policy.Views(v.input, v.sources...)
}

// rfc3339 writes an instant as every document does: UTC, whole seconds.
func rfc3339(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }
