package engine

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cdgate.dev/cdgate/engine/decide"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/record"
	"cdgate.dev/cdgate/engine/verify"
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/schemas"
)

// caseFile is everything one decision is computed from. Evaluate fills it from the store as it is now, Replay from what
// a record names; judge does the same with both.
type caseFile struct {
	def      *gate.Definition
	sources  []policy.Source
	kinds    map[evidence.Kind]*schemas.OwnKind
	release  Release
	targetID string
	target   gate.Target
	stage    string
	now      time.Time

	// What verification found.
	items      []verify.Item
	notCounted []verify.NotCounted
	subjects   []verify.Artifact
	source     verify.Source
	releaseID  string
	signoffs   []verify.Signoff
	gaps       []verify.Gap
	contains   map[string][]verify.Contained
	faults     []error
}

// outcome is what judge computes. input and params are empty where the policies could not be asked.
type outcome struct {
	result record.Result
	input  []byte
	params []byte
}

// judge computes the decision of a case. It never fails: whatever goes wrong is a fault of the decision, and a decision
// with a fault is a block.
func (c *caseFile) judge(child evaluator) outcome {
	var out outcome
	var rules []policy.Rule
	faults := c.faults
	input, err := c.writeInput()
	if err == nil {
		out.input = input
		var resp *policy.Response
		if resp, err = child.Evaluate(input); err == nil {
			rules, out.params = resp.Rules, resp.Params
		}
	}
	if err != nil {
		faults = append(faults[:len(faults):len(faults)], fault.Wrap(fault.Policy, err))
	}
	d := c.decide(rules, faults)
	out.result = c.result(rules, d)
	return out
}

// decide applies people's sign-offs to what the rules found.
func (c *caseFile) decide(rules []policy.Rule, faults []error) decide.Decision {
	return decide.Decide(decide.In{
		Rules: rules, NotCounted: c.notCounted, Faults: faults, Gaps: c.gaps, Signoffs: c.signoffs,
		Authors: c.authors(), AuthorsKnown: c.source.AuthorsKnown, People: c.def,
		Line: c.release.Line, Target: c.targetID, Stage: c.stage, Subjects: digests(c.subjects),
		Now: c.now, ValidFor: c.def.ValidFor(c.targetID), Expiries: c.expiries(),
	})
}

// evaluator asks the policies; policy.Child does.
type evaluator interface {
	Evaluate(input []byte) (*policy.Response, error)
}

// result writes the decision in the form that is recorded; every list is there, even when it is empty.
func (c *caseFile) result(rules []policy.Rule, d decide.Decision) record.Result {
	r := record.Result{
		Outcome: d.Outcome.String(), Basis: d.Basis, Recommendation: d.Recommendation.String(), ExitCode: d.ExitCode(),
		Release: record.Release{
			Name: c.release.Name, Version: c.release.Version, Line: c.release.Line, ID: c.releaseID,
			Revision: c.source.Revision, Repository: c.source.Repository, Subjects: []record.Subject{}, Authors: []record.Author{},
		},
		Target: record.Target{ID: c.targetID, Class: c.target.Class, Trigger: c.target.Trigger}, Stage: c.stage,
		EvaluatedAt: rfc3339(c.now), ValidUntil: rfc3339(d.ValidUntil),
		Rules: []record.Rule{}, Findings: d.Findings, Requirements: d.Requirements,
		Obligations: []record.Obligation{}, NotCounted: append(c.notCounted[:len(c.notCounted):len(c.notCounted)], d.NotCounted...),
	}
	for _, s := range c.subjects {
		r.Release.Subjects = append(r.Release.Subjects, record.Subject(s))
	}
	for _, a := range c.authors() {
		r.Release.Authors = append(r.Release.Authors, record.Author{Name: a.Name, Email: a.Email, Person: a.Person})
	}
	for _, rule := range rules {
		r.Rules = append(r.Rules, record.Rule{
			Code: rule.Code, Title: rule.Title, Digest: rule.Digest, Result: string(rule.Result),
			Enforced: rule.Enforced, EffectiveOn: rule.EffectiveOn,
		})
	}
	return r
}

// authors are all who may not approve: the authors of the source, and who started the runs that built it.
func (c *caseFile) authors() []decide.Author {
	var out []decide.Author
	for _, a := range c.source.Authors {
		person, robot, known := c.def.PersonByEmail(a.Email)
		if robot {
			person = ""
		}
		out = append(out, decide.Author{Name: a.Name, Email: a.Email, Person: person, Robot: robot, Known: known})
	}
	for _, it := range c.items {
		if it.Producer.Actor == "" || it.Build == nil {
			continue
		}
		if person, ok := c.def.PersonByLogin(it.Producer.System, it.Producer.Actor); ok {
			out = append(out, decide.Author{Name: it.Producer.Actor, Person: person, Known: true})
		}
	}
	return out
}

// expiries are the instants at which counted evidence becomes stale: an allow must not outlive what it stands on.
func (c *caseFile) expiries() []time.Time {
	var out []time.Time
	for _, it := range c.items {
		out = append(out, it.CollectedAt.Add(c.def.MaxAge(c.targetID, it.Kind)))
	}
	return out
}

// readKinds reads the own kinds of evidence that the policies define, once.
func (c *caseFile) readKinds() (err error) {
	if c.kinds == nil {
		c.kinds, err = policy.OwnKinds(c.sources)
	}
	return err
}

// kindsFor gives own kinds as the reader that a package wants.
func kindsFor[R any](kinds map[evidence.Kind]*schemas.OwnKind) map[evidence.Kind]R {
	out := make(map[evidence.Kind]R, len(kinds))
	for name, k := range kinds {
		out[name] = any(k).(R)
	}
	return out
}

func digests(as []verify.Artifact) []string {
	out := []string{}
	for _, a := range as {
		out = append(out, a.Digest)
	}
	return out
}

// openGate reads and verifies the gate definition and its signatures.
func openGate(p Places, now time.Time) (def *gate.Definition, text []byte, err error) {
	if text, err = readRegular(p.Gate); err != nil {
		return nil, nil, fault.New(fault.Usage, "read gate definition: %w; name it with --gate, or start with: cdgate init", err)
	}
	sigs, err := readSignatures(p.Gate)
	if err != nil {
		return nil, nil, fault.New(fault.Usage, "read the gate definition's signature: %w; its owner makes it with: cdgate gate sign --key root.key", err)
	}
	pin, err := gate.ParsePin(p.Root)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Usage, err)
	}
	def, err = gate.Open(text, sigs, fileHistory(p.Gate), pin, now)
	return def, text, err
}

// OpenGate opens the signed gate definition as an evaluation at now would, without its policies.
func OpenGate(p Places, now time.Time) (*gate.Definition, error) {
	def, _, err := openGate(p, now)
	return def, err
}

// readRegular reads a file that a checkout holds: a link to a device would be endless, a pipe would wait.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > maxRecord:
		return nil, fmt.Errorf("%s is not a file, or larger than %d bytes", path, maxRecord)
	}
	return os.ReadFile(path)
}

// checkStage refuses a stage that does not exist: rules for other stages would not apply.
func checkStage(stage string) error {
	if !policy.IsStage(stage) {
		return fault.New(fault.Usage, "%q is no stage; there are: %s", stage, policy.Stages)
	}
	return nil
}

// loadSource reads one policy source; a directory is relative to the gate definition's own.
func loadSource(ref, dir string) (policy.Source, error) {
	if policy.IsBuiltin(ref) {
		return policy.Builtin(ref)
	}
	path := ref
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return policy.Source{}, fault.New(fault.Policy, "load policies %q: %s is not a directory", ref, path)
	}
	if err != nil {
		return policy.Source{}, fault.New(fault.Policy, "load policies %q: %w", ref, err)
	}
	return policy.Load(os.DirFS(path), ref)
}

// loadSources reads the policies of a target and holds each against the digest that the gate definition pins; further
// ones are added as they are.
func loadSources(def *gate.Definition, t gate.Target, further []string, gatePath string) ([]policy.Source, error) {
	pinned := map[string]string{}
	for _, s := range def.Sources {
		pinned[s.Ref] = s.Digest
	}
	var out []policy.Source
	for _, ref := range t.Policies {
		s, err := loadSource(ref, filepath.Dir(gatePath))
		if err != nil {
			return nil, err
		}
		if pinned[ref] != s.Digest {
			return nil, fault.New(fault.Trust, "load policies %q: their content is %s, but the signed gate definition pins %s; "+
				"a change to the rules takes effect when the gate's owner has run: cdgate gate sign", ref, s.Digest, orNone(pinned[ref]))
		}
		out = append(out, s)
	}
	for _, ref := range further {
		s, err := loadSource(ref, ".")
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// program is what the policies' child evaluates for a target: the gate definition's parameters are the one layer.
func program(sources []policy.Source, t gate.Target) policy.Program {
	return policy.Program{Sources: sources, Params: []policy.Layer{{Name: "gate.yaml targets." + t.ID + ".params", Values: t.Params}}}
}

func orNone(s string) string {
	if s == "" {
		return "nothing for it"
	}
	return s
}

// findTarget is the target with the id; the error lists those there are.
func findTarget(def *gate.Definition, id string) (gate.Target, error) {
	t, ok := def.Target(id)
	if ok {
		return t, nil
	}
	if id == "" {
		return t, fault.New(fault.Usage, "no target was named; use --target with one of: %s", strings.Join(sortedKeys(def.Targets), ", "))
	}
	return t, fault.New(fault.Usage, "the gate definition has no target %q; it has: %s", id, strings.Join(sortedKeys(def.Targets), ", "))
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
