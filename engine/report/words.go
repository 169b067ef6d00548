package report

import (
	"fmt"
	"strings"

	"cdgate.dev/cdgate/engine/decide"
	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/record"
)

// releaseName is the release as people write it; a release without a name is called by its commit.
func releaseName(r record.Release) string {
	switch {
	case r.Name != "" && r.Version != "":
		return r.Name + "@" + r.Version
	case r.Name != "":
		return r.Name
	case r.Revision != "":
		return "commit " + short(r.Revision)
	case len(r.Subjects) > 0:
		return r.Subjects[0].Name
	}
	return "this release"
}

// short is enough of a digest or commit to recognise it.
func short(digest string) string {
	algorithm, hex, found := strings.Cut(digest, ":")
	if !found {
		algorithm, hex = "", digest
	}
	if len(hex) > 12 {
		hex = hex[:12]
	}
	if found {
		return algorithm + ":" + hex
	}
	return hex
}

// findingName is the code and, where it has one, the id of a finding.
func findingName(f decide.Finding) string {
	if f.ID == "" {
		return f.Code
	}
	return f.Code + ":" + f.ID
}

// headline says the answer in two words and one sentence.
func headline(d Document) (word, sentence string) {
	name, target := releaseName(d.Result.Release), d.Result.Target.ID
	if target == "" {
		target = "the target"
	}
	if d.Check {
		switch {
		case d.Result.ExitCode == 20:
			return "WOULD BLOCK", fmt.Sprintf("what is here would keep %s from %s", name, target)
		case d.Result.ExitCode == 10:
			return "WOULD NEED APPROVAL", fmt.Sprintf("nothing here blocks %s on its way to %s, but people would have to sign", name, target)
		case d.Result.ExitCode != 0:
			return "NOT CHECKED", fmt.Sprintf("%s could not be judged", name)
		}
		return "NOTHING BLOCKS", fmt.Sprintf("nothing here keeps %s from %s; this is no decision", name, target)
	}
	if d.Preview {
		switch d.Result.Outcome {
		case decide.Allow.String():
			return "WOULD ALLOW", fmt.Sprintf("nothing keeps %s from %s; this is no decision", name, target)
		case decide.NeedsApproval.String():
			return "WOULD NEED APPROVAL", fmt.Sprintf("people must sign before %s goes to %s", name, target)
		}
		return "WOULD BLOCK", fmt.Sprintf("%s may not go to %s as it is", name, target)
	}
	switch d.Result.Outcome {
	case decide.Allow.String():
		return "ALLOW", fmt.Sprintf("%s may go to %s", name, target)
	case decide.NeedsApproval.String():
		return "NEEDS APPROVAL", fmt.Sprintf("%s waits for people before it goes to %s", name, target)
	}
	return "BLOCK", fmt.Sprintf("%s may not go to %s", name, target)
}

// remedyOf is what to do about a finding and, apart from that, why nobody can sign for it yet.
func remedyOf(f decide.Finding) (remedy, stuck string) {
	remedy, stuck, _ = strings.Cut(f.Remedy, decide.Stuck)
	return strings.TrimSuffix(strings.TrimSpace(remedy), ";"), stuck
}

// maySign says who may sign an open requirement, or why nobody can. A check is about no artifact, so nobody is named.
func maySign(d Document, r decide.Requirement) string {
	if d.Check {
		return ""
	}
	for _, f := range d.Result.Findings {
		if _, stuck := remedyOf(f); stuck != "" {
			return "nobody yet: " + stuck
		}
	}
	return strings.Join(d.Signers[r.ID], ", ")
}

// basis says what an allow stands on.
func basis(r record.Result) string {
	switch r.Basis {
	case decide.Automatic:
		return "every rule passed and the target asks for no person"
	case decide.Approved:
		return "people signed what had to be signed"
	}
	return ""
}

// groups are the findings by what they do to this decision.
type groups struct {
	blocking, waiting, discharged, shown []decide.Finding
}

// grouped sorts findings by what they do: block, wait for people, were discharged by them, or are only shown.
func grouped(findings []decide.Finding) groups {
	var g groups
	for _, f := range findings {
		switch {
		case f.Effect == policy.Warn || !f.Enforced:
			g.shown = append(g.shown, f)
		case f.Status != decide.StatusOpen && f.Status != "":
			g.discharged = append(g.discharged, f)
		case f.Effect == policy.NeedsApproval:
			g.waiting = append(g.waiting, f)
		default:
			g.blocking = append(g.blocking, f)
		}
	}
	return g
}

// causeWords says a cause in words, or nothing where the message says it all.
func causeWords(c decide.Cause) string {
	switch c {
	case decide.EvidenceUntrusted:
		return "there is evidence, but none that may be trusted"
	case decide.Inconclusive:
		return "the rule could not tell"
	case decide.ApprovalRejected:
		return "somebody entitled said no"
	case decide.Config:
		return "the configuration does not work"
	case decide.Error:
		return "the engine could not judge"
	}
	return ""
}

// counted writes a count and its noun.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// passedRules are the rules that ran and found nothing; the others are those that do not apply.
func passedRules(rules []record.Rule) (passed, others []record.Rule) {
	for _, r := range rules {
		switch policy.Result(r.Result) {
		case policy.Passed:
			passed = append(passed, r)
		case policy.NotApplicable:
			others = append(others, r)
		}
	}
	return passed, others
}
