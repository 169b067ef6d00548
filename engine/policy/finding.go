package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"cdgate.dev/cdgate/schemas"
	"github.com/open-policy-agent/opa/v1/ast"
)

// meanings are what a sign-off can mean; #Meaning of schemas/values.cue.
var meanings = []string{"review", "verification", "approval", "responsibility", "authorship", "scheduling", "release"}

// defaultRole signs where a requirement names nobody.
const defaultRole = "release-manager"

// reader reads one object that a rule gives. The first thing wrong with it is kept.
type reader struct {
	obj  ast.Object
	what string
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%s %s", r.what, fmt.Sprintf(format, args...))
	}
}

func (r *reader) get(key string) ast.Value {
	if t := r.obj.Get(ast.InternedTerm(key)); t != nil {
		return t.Value
	}
	return nil
}

// closed refuses keys that are not listed.
func (r *reader) closed(keys ...string) {
	r.obj.Foreach(func(k, _ *ast.Term) {
		s, ok := k.Value.(ast.String)
		if !ok {
			r.fail("has a key that is no text: %v", k)
		} else if !slices.Contains(keys, string(s)) {
			r.fail("has an unknown key %q; %s", string(s), schemas.Suggest(string(s), "valid keys", keys))
		}
	})
}

func (r *reader) text(key string) string {
	switch v := r.get(key).(type) {
	case nil:
		return ""
	case ast.String:
		return r.short(key, string(v))
	default:
		r.fail("%s has to be a text, not %s", key, ast.ValueName(v))
		return ""
	}
}

func (r *reader) short(key, s string) string {
	if len(s) > maxText {
		r.fail("%s is longer than %d bytes", key, maxText)
		return ""
	}
	return s
}

// shown is a text, number or truth value as a text.
func (r *reader) shown(key string) string {
	switch v := r.get(key).(type) {
	case ast.Number:
		return r.short(key, string(v))
	case ast.Boolean:
		return strconv.FormatBool(bool(v))
	}
	return r.text(key)
}

func (r *reader) truth(key string) bool {
	switch v := r.get(key).(type) {
	case nil:
		return false
	case ast.Boolean:
		return bool(v)
	default:
		r.fail("%s has to be true or false, not %s", key, ast.ValueName(v))
		return false
	}
}

// texts is a list or set of texts; given is false when the key is absent.
func (r *reader) texts(key string) (out []string, given bool) {
	out = []string{}
	v := r.get(key)
	each := func(t *ast.Term) {
		s, ok := t.Value.(ast.String)
		if !ok || s == "" {
			r.fail("%s has to hold texts only, not %v", key, t)
			return
		}
		out = append(out, r.short(key, string(s)))
	}
	switch x := v.(type) {
	case nil:
		return out, false
	case *ast.Array:
		x.Foreach(each)
	case ast.Set:
		x.Foreach(each)
	default:
		r.fail("%s has to be a list of texts, not %s", key, ast.ValueName(v))
	}
	slices.Sort(out)
	return slices.Compact(out), true
}

func (r *reader) whole(key string, otherwise, most int) int {
	switch v := r.get(key).(type) {
	case nil:
		return otherwise
	case ast.Number:
		if n, ok := v.Int(); ok && n >= 1 && n <= most {
			return n
		}
	}
	r.fail("%s has to be a whole number from 1 to %d, not %v", key, most, r.get(key))
	return 0
}

// readFinding reads one element of an effect's set: a text, or an object with known keys only.
func readFinding(v ast.Value, h head) (Finding, error) {
	f := Finding{Effect: h.effect, Evidence: []string{}}
	what := "a finding of `" + h.name + "`"
	switch x := v.(type) {
	case ast.String:
		r := reader{what: what}
		f.Msg = r.short("msg", string(x))
		if strings.TrimSpace(f.Msg) == "" {
			r.fail("is an empty text")
		}
		return f, r.err
	case ast.Object:
		r := &reader{obj: x, what: what}
		r.closed("msg", "id", "evidence", "place", "observed", "expected", "remedy", "requirement", "inconclusive")
		f.Msg, f.ID, f.Place, f.Remedy = r.text("msg"), r.text("id"), r.text("place"), r.text("remedy")
		f.Observed, f.Expected, f.Inconclusive = r.shown("observed"), r.shown("expected"), r.truth("inconclusive")
		f.Evidence, _ = r.texts("evidence")
		if r.get("msg") == nil {
			r.fail("has no msg")
		} else if strings.TrimSpace(f.Msg) == "" {
			r.fail("has an empty msg")
		}
		if v := r.get("requirement"); v != nil {
			f.Requirement = r.requirement(v, h.effect)
		}
		return f, r.err
	}
	return f, fmt.Errorf("%s has to be a text or an object, not %s", what, ast.ValueName(v))
}

// requirement reads who has to sign. Left out, the roles are the release managers, and a rejection by any of the roles
// is a veto.
func (r *reader) requirement(v ast.Value, effect Effect) *Requirement {
	if effect != NeedsApproval {
		r.fail("has a requirement: only `needs_approval` may, because no sign-off discharges a %s", effect)
		return nil
	}
	obj, ok := v.(ast.Object)
	if !ok {
		r.fail("requirement has to be an object, not %s", ast.ValueName(v))
		return nil
	}
	q := &reader{obj: obj, what: r.what + ": requirement"}
	q.closed("roles", "count", "meaning", "validHours", "vetoRoles")
	out := &Requirement{Count: q.whole("count", 1, maxCount), Meaning: q.text("meaning"), ValidHours: q.whole("validHours", 72, maxValidHours)}
	var given bool
	if out.Roles, given = q.texts("roles"); !given {
		out.Roles = []string{defaultRole}
	} else if len(out.Roles) == 0 {
		q.fail("roles is empty: nobody could ever sign")
	}
	if out.Meaning == "" {
		out.Meaning = "approval"
	} else if !slices.Contains(meanings, out.Meaning) {
		q.fail("meaning is %q; %s", out.Meaning, schemas.Suggest(out.Meaning, "valid meanings", meanings))
	}
	if out.VetoRoles, given = q.texts("vetoRoles"); !given {
		out.VetoRoles = slices.Clone(out.Roles)
	}
	if q.err != nil && r.err == nil {
		r.err = q.err
	}
	return out
}

// sortFindings orders findings, strongest first, and collapses those that say the same.
func sortFindings(in []Finding) []Finding {
	slices.SortFunc(in, compareFindings)
	return slices.CompactFunc(in, func(a, b Finding) bool { return compareFindings(a, b) == 0 })
}

func compareFindings(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(effectRank(a.Effect), effectRank(b.Effect)), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Msg, b.Msg),
		cmp.Compare(a.Place, b.Place), cmp.Compare(a.Observed, b.Observed), cmp.Compare(a.Expected, b.Expected),
		cmp.Compare(a.Remedy, b.Remedy), slices.Compare(a.Evidence, b.Evidence), compareTruth(a.Inconclusive, b.Inconclusive),
		compareRequirements(a.Requirement, b.Requirement))
}

func compareTruth(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func compareRequirements(a, b *Requirement) int {
	if a == nil || b == nil {
		return compareTruth(a != nil, b != nil)
	}
	return cmp.Or(slices.Compare(a.Roles, b.Roles), cmp.Compare(a.Count, b.Count), cmp.Compare(a.Meaning, b.Meaning),
		cmp.Compare(a.ValidHours, b.ValidHours), slices.Compare(a.VetoRoles, b.VetoRoles))
}

// sameRequirementIDs refuses one id with requirements of different content: a sign-off could not name which it means.
func sameRequirementIDs(findings []Finding) error {
	seen := map[string]*Requirement{}
	for _, f := range findings {
		if f.Effect != NeedsApproval {
			continue
		}
		first, ok := seen[f.ID]
		if ok && compareRequirements(first, f.Requirement) != 0 {
			return fmt.Errorf("two findings with id %q have different requirements", f.ID)
		}
		seen[f.ID] = f.Requirement
	}
	return nil
}

// keys of a map, sorted.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
