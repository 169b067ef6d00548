package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/verify"
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/collect"
)

// maxCheckMemory bounds the reports that check holds, in bytes: it stores nothing.
const maxCheckMemory = 512 << 20

// checkSigner is the signer that check shows for reports nobody signed.
const checkSigner = "unsigned"

// Check judges the rules whose evidence is present, for pull requests and laptops: no key, no record, no log. It never
// says allow; 0 means that nothing that could be judged blocks.
func Check(ctx context.Context, o CheckOptions) (*Checked, error) {
	def, _, err := openGate(o.Places, o.Now)
	if err != nil {
		return nil, err
	}
	target, err := findTarget(def, o.Target)
	if err != nil {
		return nil, err
	}
	if o.Stage == "" {
		o.Stage = DefaultStage
	}
	if err := checkStage(o.Stage); err != nil {
		return nil, err
	}
	c := &caseFile{
		def: def, release: o.Release, targetID: o.Target, target: target, stage: o.Stage, now: o.Now,
		source: verify.Source{Repository: o.Source.Repository, Revision: o.Source.Revision, Branch: o.Source.Branch, AuthorsKnown: true},
	}
	for _, a := range o.Source.Authors {
		c.source.Authors = append(c.source.Authors, verify.Author(a))
	}
	c.releaseID = verify.ReleaseID(o.Release.Name, o.Release.Version, nil, o.Source.Revision)
	if c.sources, err = loadSources(def, target, o.Policies, o.Gate); err != nil {
		return nil, err
	}
	if err := c.readKinds(); err != nil {
		return nil, err
	}
	child, err := policy.Start(ctx, o.Sandbox, program(c.sources, target))
	if err != nil {
		return nil, err
	}
	defer child.Close()
	memory := &collect.Memory{Limit: maxCheckMemory}
	items, err := collect.Collect(ctx, o.Reports.request(kindsFor[collect.OwnKind](c.kinds), nil, memory))
	if err != nil {
		return nil, fault.Wrap(fault.Evidence, err)
	}
	if len(items) == 0 {
		return nil, fault.New(fault.Evidence, "nothing to judge: name the reports to check (files, globs, directories or -)")
	}
	if err := c.addUnsigned(items, memory, o); err != nil {
		return nil, err
	}
	return c.check(child, items)
}

// addUnsigned gives the case the reports as they were read, as if about the revision.
func (c *caseFile) addUnsigned(items []evidence.Item, memory *collect.Memory, o CheckOptions) error {
	for _, it := range items {
		if it.Attested != nil {
			continue // what it is worth depends on who signed it, which only a decision asks
		}
		rows, ok := memory.Read(it.Rows.Digest)
		if !ok {
			return fault.New(fault.Internal, "check %s: its rows are gone", it.Path)
		}
		list, err := rowsArray(rows)
		if err != nil {
			return fault.New(fault.Internal, "check %s: %w", it.Path, err)
		}
		summary, err := json.Marshal(it.Summary.Value(), json.Deterministic(true), json.FormatNilSliceAsNull(false))
		if err != nil {
			return fault.New(fault.Internal, "check %s: %w", it.Path, err)
		}
		id := sha256.Sum256([]byte(it.Raw.Digest + "\x00" + it.Path))
		c.items = append(c.items, verify.Item{
			ID: "sha256:" + hex.EncodeToString(id[:]), Kind: it.Kind,
			About:  verify.About{Kind: verify.AboutRevision, Name: o.Source.Repository, Digest: revisionOrZero(o.Source.Revision)},
			Signer: verify.Signer{ID: checkSigner}, Level: it.Level, Scope: "artifact", Format: it.Format, Tool: it.Tool,
			CollectedAt: o.Now, Producer: verify.Producer(o.Producer), Warnings: it.Warnings, Summary: summary, Rows: list, Report: it.Raw,
		})
	}
	return nil
}

// revisionOrZero is the revision, or the null commit outside a repository.
func revisionOrZero(revision string) string {
	if revision == "" {
		return "0000000000000000000000000000000000000000"
	}
	return revision
}

// rowsArray is the array in a rows document {"cases": […]}.
func rowsArray(doc []byte) (jsontext.Value, error) {
	var m map[string]jsontext.Value
	if err := json.Unmarshal(doc, &m); err != nil {
		return nil, err
	}
	for _, v := range m {
		return v, nil
	}
	return nil, nil
}

// check judges and keeps what could be judged: what only misses evidence comes later, and what only people can give is
// no block.
func (c *caseFile) check(child evaluator, items []evidence.Item) (*Checked, error) {
	input, err := c.writeInput()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err)
	}
	resp, err := child.Evaluate(input)
	if err != nil {
		return nil, err
	}
	out := &Checked{Items: items, Input: input, views: views{input, c.sources}, Later: []LaterRule{}}
	var judged []policy.Rule
	for _, r := range resp.Rules {
		if len(r.Missing) > 0 || r.Artifacts {
			out.Later = append(out.Later, LaterRule{Code: r.Code, Title: r.Title, Missing: r.Missing})
			continue
		}
		judged = append(judged, r)
	}
	if len(judged) == 0 {
		return nil, fault.New(fault.Evidence, "nothing could be judged: no rule of target %s uses what these reports hold", c.targetID)
	}
	d := c.decide(judged, nil)
	out.Result = c.result(judged, d)
	out.ExitCode = d.ExitCode()
	if out.ExitCode == exitNeedsApproval {
		out.ExitCode = 0
	}
	return out, nil
}
