package policy

import (
	"slices"
	"strings"

	"cdgate.dev/cdgate/schemas"
	"github.com/open-policy-agent/opa/v1/ast"
)

// validHeads is what messages say about the heads there are.
const validHeads = "valid heads are `block contains …` and `needs_approval contains …`, and conftest's `deny contains …`, " +
	"`violation contains …` and `warn contains …`, these three also with _suffix; start the names of helpers with _"

// effectOf is the effect of a rule name; false for names without one.
func effectOf(name string) (Effect, bool) {
	base, _, _ := strings.Cut(name, "_")
	switch {
	case name == string(Block):
		return Block, true
	case name == string(NeedsApproval):
		return NeedsApproval, true
	case base == "deny" || base == "violation":
		return Block, true
	case base == "warn":
		return Warn, true
	}
	return "", false
}

// effectWords are names that people give to rules with an effect and that have none. They are refused whatever kind of
// rule has them, because such a rule would never be asked.
var effectWords = []string{
	"blocks", "blocked", "blocking", "blocker", "blockers", "denies", "denied", "denial", "denials", "reject", "rejects", "rejected",
	"violations", "violate", "violates", "violated", "warns", "warning", "warnings", "warned",
	"needsapproval", "needsapprovals", "needapproval", "needapprovals", "needsapprove", "needapprove", "approvalneeded", "approvalsneeded",
	"needsreview", "requiresapproval", "requireapproval",
}

// looksLikeEffect says whether a name without an effect was probably meant to have one. Sets are suspected sooner than
// other rules, because only a set can be a misspelt head that otherwise works.
func looksLikeEffect(name string, set bool) bool {
	if strings.HasPrefix(name, "_") {
		return false
	}
	flat := strings.ToLower(strings.ReplaceAll(name, "_", ""))
	if slices.Contains(effectWords, flat) {
		return true
	}
	for _, prefix := range []string{"block_", "needs_approval_", "blocks_", "denies_"} {
		if strings.HasPrefix(strings.ToLower(name), prefix) {
			return true
		}
	}
	for _, word := range []string{"needsapproval", "violation"} {
		if schemas.Distance(flat, word) <= 2 {
			return true
		}
	}
	for _, word := range []string{"block", "deny", "warn"} {
		if d := schemas.Distance(flat, word); d == 0 || set && d == 1 {
			return true
		}
	}
	return false
}

// head is one rule head with an effect.
type head struct {
	name   string
	effect Effect
	loc    *ast.Location
}

// heads are the effect heads of a module, each name once in order of appearance. What is named like one and is none is
// a problem.
func (p *parsed) heads(m *module) []head {
	var out []head
	for _, r := range m.mod.Rules {
		ref := r.Head.Ref()
		name := headName(ref[0])
		set := r.Head.RuleKind() == ast.MultiValue
		for _, t := range ref[1:] {
			inner := headName(t)
			if _, ok := effectOf(inner); ok || looksLikeEffect(inner, set) {
				p.problems = append(p.problems, at(r.Head.Location, "shape", "rule %s: a head with an effect is one plain name in the rule's own package; %s",
					ref, validHeads))
			}
		}
		effect, ok := effectOf(name)
		switch {
		case ok && set && len(ref) == 1 && !r.Default:
			if !slices.ContainsFunc(out, func(h head) bool { return h.name == name }) {
				out = append(out, head{name: name, effect: effect, loc: r.Head.Location})
			}
		case ok:
			p.problems = append(p.problems, at(r.Head.Location, "shape", "%q has to be a set of findings: write `%s contains finding if { … }`, not %s; %s",
				name, name, kindOf(r), validHeads))
		case looksLikeEffect(name, set):
			p.problems = append(p.problems, at(r.Head.Location, "shape", "%q is named like a rule with an effect and has none; %s", name, validHeads))
		}
	}
	return out
}

// kindOf names the kind of rule for messages.
func kindOf(r *ast.Rule) string {
	switch {
	case r.Default:
		return "a rule with a default"
	case len(r.Head.Args) > 0:
		return "a function"
	case len(r.Head.Ref()) > 1:
		return "an object (in Rego v1 `" + headName(r.Head.Ref()[0]) + "[x] if` is one)"
	}
	return "a single value"
}

func headName(t *ast.Term) string {
	switch v := t.Value.(type) {
	case ast.Var:
		return string(v)
	case ast.String:
		return string(v)
	}
	return ""
}
