package engine

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/engine/verify"
	"cdgate.dev/cdgate/evidence"
)

// document is the policy input as it is archived: rows once, no index views. schemas/input.cue defines it.
type document struct {
	Now        string              `json:"now"`
	Release    documentRelease     `json:"release"`
	Target     documentTarget      `json:"target"`
	Stage      string              `json:"stage"`
	Evidence   documentEvidence    `json:"evidence"`
	NotCounted []verify.NotCounted `json:"notCounted"`
}

type documentRelease struct {
	Name     string            `json:"name"`
	Version  string            `json:"version"`
	Line     string            `json:"line"`
	Subjects []verify.Artifact `json:"subjects"`
	Source   documentSource    `json:"source"`
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

type documentEvidence struct {
	Tests    []documentItem `json:"tests"`
	Coverage []documentItem `json:"coverage"`
	Scan     []documentItem `json:"scan"`
	SBOM     []documentItem `json:"sbom"`
	Build    []documentItem `json:"build"`
}

// documentItem is one item; the rows of its kind are in exactly one of the four row fields.
type documentItem struct {
	ID          string            `json:"id"`
	About       documentAbout     `json:"about"`
	Level       string            `json:"level"`
	Part        string            `json:"part"`
	Scope       string            `json:"scope"`
	Format      string            `json:"format"`
	Tool        evidence.Tool     `json:"tool"`
	Signer      verify.Signer     `json:"signer"`
	CollectedAt string            `json:"collectedAt"`
	AgeSeconds  int64             `json:"ageSeconds"`
	Run         documentRun       `json:"run"`
	Warnings    []documentWarning `json:"warnings"`
	Summary     jsontext.Value    `json:"summary,omitzero"`
	Report      *documentReport   `json:"report,omitempty"`
	Cases       jsontext.Value    `json:"cases,omitzero"`
	Files       jsontext.Value    `json:"files,omitzero"`
	Findings    jsontext.Value    `json:"findings,omitzero"`
	Components  jsontext.Value    `json:"components,omitzero"`
	Artifact    *verify.Artifact  `json:"artifact,omitempty"`
	Source      *documentSource   `json:"source,omitempty"`
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

// writeInput makes the policy input of a case: deterministic bytes, no nulls, every kind an array.
func (c *caseFile) writeInput() ([]byte, error) {
	doc := document{
		Now: rfc3339(c.now),
		Release: documentRelease{
			Name: c.release.Name, Version: c.release.Version, Line: c.release.Line,
			Subjects: c.subjects,
			Source:   c.documentSource(c.source.Repository, c.source.Revision, c.source.Branch, c.source.Authors),
		},
		Target:     documentTarget{ID: c.targetID, Class: c.target.Class, Trigger: string(c.target.Trigger)},
		Stage:      c.stage,
		NotCounted: c.notCounted,
	}
	for _, it := range c.items {
		list, err := doc.Evidence.list(it.Kind)
		if err != nil {
			return nil, err
		}
		*list = append(*list, c.documentItem(it))
	}
	b, err := json.Marshal(doc, json.Deterministic(true), json.FormatNilSliceAsNull(false))
	if err != nil {
		return nil, fmt.Errorf("write policy input: %w", err)
	}
	return b, nil
}

func (e *documentEvidence) list(k evidence.Kind) (*[]documentItem, error) {
	switch k {
	case evidence.Tests:
		return &e.Tests, nil
	case evidence.Coverage:
		return &e.Coverage, nil
	case evidence.Scan:
		return &e.Scan, nil
	case evidence.SBOM:
		return &e.SBOM, nil
	case evidence.Build:
		return &e.Build, nil
	}
	return nil, fmt.Errorf("write policy input: evidence kind %q has no place in the document", k)
}

func (c *caseFile) documentItem(it verify.Item) documentItem {
	d := documentItem{
		ID: it.ID, About: documentAbout{Kind: it.About.Kind, Digest: it.About.Digest},
		Level: it.Level, Part: it.Part, Scope: it.Scope, Format: it.Format, Tool: it.Tool, Signer: it.Signer,
		CollectedAt: rfc3339(it.CollectedAt), AgeSeconds: it.AgeSeconds,
		Run:     documentRun{System: it.Producer.System, ID: it.Producer.Run, Attempt: it.Producer.Attempt, Job: it.Producer.Job},
		Summary: it.Summary,
	}
	for _, w := range it.Warnings {
		d.Warnings = append(d.Warnings, documentWarning(w))
	}
	switch it.Kind {
	case evidence.Tests:
		d.Cases = it.Rows
	case evidence.Coverage:
		d.Files = it.Rows
	case evidence.Scan:
		d.Findings = it.Rows
	case evidence.SBOM:
		d.Components = it.Rows
	case evidence.Build:
		d.Artifact = &verify.Artifact{Name: it.About.Name, Digest: it.About.Digest}
		src := c.documentSource(it.Build.Repository, it.Build.Revision, it.Build.Branch, it.Build.Authors)
		d.Source = &src
		return d
	}
	d.Report = &documentReport{Name: it.Report.Name, Digest: it.Report.Digest}
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

// rfc3339 writes an instant as every document does: UTC, whole seconds.
func rfc3339(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }
