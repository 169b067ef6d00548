package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/decide"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/record"
	"cdgate.dev/cdgate/engine/report"
	"cdgate.dev/cdgate/engine/verify"
)

// addPeople says who may sign, and whether the root key is pinned. The gate definition was verified by the engine a
// moment ago; when it cannot be opened now the names are left out, which decides nothing.
func (k *call) addPeople(d *report.Document, p engine.Places) {
	def, err := k.openGate(p)
	if err != nil {
		return
	}
	if !def.RootPinned() {
		d.Notes = append(d.Notes, "only this checkout vouches for the root key of the gate definition. Pin it where the pipeline is configured: --root "+
			"SHA256:"+def.RootKey()+", or CDGATE_ROOT.")
	}
	authors := map[string]bool{}
	for _, a := range d.Result.Release.Authors {
		authors[a.Person] = a.Person != ""
	}
	d.Signers = map[string][]string{}
	for _, r := range d.Result.Requirements {
		if r.State == decide.StateMet {
			continue
		}
		may, wrote := k.entitled(def, r, d.Result.Release.Line, d.Result.Target.ID, authors)
		d.Signers[r.ID] = may
		switch {
		case len(may) == 0 && len(wrote) > 0:
			d.Notes = append(d.Notes, fmt.Sprintf("nobody may sign %s: %s has the role, but wrote part of this change. "+
				"Give the role to somebody else in gate.yaml, then: cdgate gate sign", r.ID, strings.Join(wrote, " and ")))
		case len(may) == 0:
			d.Notes = append(d.Notes, fmt.Sprintf("nobody may sign %s: no person with a key has the role %s for this line and target. "+
				"Add one in gate.yaml, then: cdgate gate sign", r.ID, strings.Join(r.Roles, " or ")))
		case len(wrote) > 0:
			d.Notes = append(d.Notes, strings.Join(wrote, " and ")+" wrote part of this change and cannot sign for it.")
		}
	}
	d.Notes = slices.Compact(d.Notes)
}

// openGate opens the signed gate definition for display.
func (k *call) openGate(p engine.Places) (*gate.Definition, error) { return engine.OpenGate(p, k.now) }

// entitled are the people who may sign a requirement, and those who have the role but wrote part of the change.
func (k *call) entitled(def *gate.Definition, r decide.Requirement, line, target string, authors map[string]bool) (may, wrote []string) {
	for _, id := range slices.Sorted(maps.Keys(def.People)) {
		person := def.People[id]
		has := slices.ContainsFunc(def.RolesOf(id, line, target, k.now), func(role string) bool { return slices.Contains(r.Roles, role) })
		signed := slices.ContainsFunc(r.By, func(s decide.Signature) bool { return s.Person == id })
		switch {
		case !has || len(person.Keys) == 0 || signed:
		case authors[id]:
			wrote = append(wrote, person.Name+" ("+id+")")
		default:
			may = append(may, person.Name+" ("+id+")")
		}
	}
	return may, wrote
}

// addMismatch says what to do where evidence was collected, but about something else.
func addMismatch(d *report.Document) {
	if lacksEvidence(d.Result.Findings) && slices.ContainsFunc(d.Result.NotCounted, func(n verify.NotCounted) bool { return n.Reason == verify.OtherSubject }) {
		d.Notes = append(d.Notes, "there is evidence, and it is about something else: an artifact that was built again or changed after the build "+
			"is another one. Evaluate what was tested and scanned, or test and scan what you evaluate, and collect that.")
	}
}

// next are the commands that lead on from a decision.
func (k *call) next(d report.Document) []string {
	r := d.Result
	where := k.samePlaces("store", "log", "gate", "root")
	about := "--target " + shellWord(r.Target.ID)
	if r.Stage != "" && r.Stage != engine.DefaultStage {
		about += " --stage " + shellWord(r.Stage)
	}
	name := ""
	if r.Release.Name != "" && r.Release.Version != "" {
		name = " " + shellWord(r.Release.Name+"@"+r.Release.Version)
	}
	artifacts := ""
	for _, a := range k.StringSlice("artifact") {
		artifacts += " --artifact " + shellWord(a)
	}
	switch r.Outcome {
	case decide.Allow.String():
		if d.Record.Path != "" {
			return []string{"cdgate verify " + shellWord(d.Record.Path) + first(artifacts, " --artifact FILE") + " " + about + where}
		}
	case decide.NeedsApproval.String():
		again := "cdgate evaluate"
		if name != "" {
			again += " --release" + name
		}
		var out []string
		open := openRequirements(r)
		for _, id := range open {
			line := "cdgate approve" + name + " " + about
			if len(open) > 1 {
				line += " --requirement " + shellWord(id)
			}
			out = append(out, line+" --key YOUR.key"+where)
		}
		return append(out, again+artifacts+" "+about+" --key GATE.key"+where)
	default:
		var out []string
		if lacksEvidence(r.Findings) {
			flag := ""
			if name != "" {
				flag = " --release" + name
			}
			out = append(out, "cdgate collect --key CI.key"+flag+" --artifact FILE REPORT…"+k.samePlaces("store"))
		}
		if d.Record.Digest != "" && !d.Detail {
			out = append(out, "cdgate explain"+name+" "+about+where)
		}
		return out
	}
	return nil
}

// openRequirements are the ids of what people have still to sign.
func openRequirements(r record.Result) []string {
	var out []string
	for _, q := range r.Requirements {
		if q.State != decide.StateMet {
			out = append(out, q.ID)
		}
	}
	return out
}

// lacksEvidence says whether collecting something could help.
func lacksEvidence(findings []decide.Finding) bool {
	return slices.ContainsFunc(findings, func(f decide.Finding) bool {
		switch f.Cause {
		case decide.EvidenceMissing, decide.EvidenceUntrusted, decide.EvidenceStale:
			return f.Status == decide.StatusOpen && f.Enforced
		}
		return false
	})
}

// samePlaces repeats the flags of this call that say where things live, so that a command can be copied as it is.
func (k *call) samePlaces(names ...string) string {
	var b strings.Builder
	for _, n := range append(names, "config") {
		if v := k.String(n); v != "" && k.getenv("CDGATE_"+strings.ToUpper(n)) != v && !strings.Contains(v, "\n") {
			b.WriteString(" --" + n + " " + shellWord(v))
		}
	}
	return b.String()
}

// plainWord is what no shell interprets.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shellWord quotes foreign text for a shell: people copy the commands we print.
func shellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
