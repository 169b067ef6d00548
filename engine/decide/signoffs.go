package decide

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"cdgate.dev/cdgate/engine/verify"
)

// skew is how far the clock of a signer may be ahead.
const skew = 120 * time.Second

// The verdicts of a sign-off.
const (
	approve = "approve"
	reject  = "reject"
)

// office counts sign-offs. Everything it holds is the same for all requirements of one decision.
type office struct {
	in       In
	signoffs []verify.Signoff
	subjects []string
	// seen are the findings that gate; a sign-off whose signer did not see one of them is void.
	seen []string
	// authors are the people who had a hand in the change and may not approve it.
	authors map[string]bool
	// stuck says why nobody can approve at all; empty when people can.
	stuck string
}

func newOffice(in In, seen []string) *office {
	o := &office{in: in, seen: seen, subjects: set(in.Subjects), authors: map[string]bool{}}
	var unknown []string
	for _, a := range in.Authors {
		switch {
		case a.Known && a.Person != "":
			o.authors[a.Person] = true
		case a.Known && a.Robot:
		default:
			unknown = append(unknown, strings.TrimSpace(fmt.Sprintf("%s <%s>", a.Name, a.Email)))
		}
	}
	switch unknown = set(unknown); {
	case len(o.subjects) == 0:
		o.stuck = "the release has no artifact that could be signed for; name what was built with --artifact"
	case !in.AuthorsKnown || len(in.Authors) == 0:
		o.stuck = "no trusted build evidence says who the authors are, so anybody could be one; collect with --artifact where the source is checked out"
	case len(unknown) > 0:
		o.stuck = fmt.Sprintf("the gate definition does not know the author %s, who could be anybody; add the address under people or robots", quoted(unknown))
	}
	for _, s := range in.Signoffs {
		if !slices.ContainsFunc(o.signoffs, func(was verify.Signoff) bool { return was.Digest == s.Digest }) {
			o.signoffs = append(o.signoffs, s)
		}
	}
	slices.SortFunc(o.signoffs, func(a, b verify.Signoff) int {
		return cmp.Or(a.SignedAt.Compare(b.SignedAt), cmp.Compare(a.Digest, b.Digest))
	})
	return o
}

// unasked are the sign-offs for this target and stage whose requirement the decision does not have.
func (o *office) unasked(reqs []asked) []verify.NotCounted {
	var out []verify.NotCounted
	for _, s := range o.signoffs {
		if s.Target != o.in.Target || s.Stage != o.in.Stage || slices.ContainsFunc(reqs, func(r asked) bool { return r.ID == s.Requirement }) {
			continue
		}
		out = append(out, verify.NotCounted{
			ID: s.Digest, Kind: "signoff", Reason: verify.OtherSubject, Signer: s.Person,
			Msg: fmt.Sprintf("%s signed %q, which this decision does not require", cmp.Or(s.Name, s.Person), s.Requirement),
		})
	}
	slices.SortFunc(out, func(a, b verify.NotCounted) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// count counts distinct people. Of one person the last verdict stands: a rejection takes back that person's earlier
// approvals, a later approval takes back the rejection. At the same second the rejection stands.
func (o *office) count(r *asked) {
	rejectedAt, approvedAt := o.lastVerdicts(r.ID)
	best := map[string]verify.Signoff{}
	for _, s := range o.signoffs {
		if s.Requirement != r.ID {
			continue
		}
		reason := ""
		switch {
		case s.Verdict == reject:
			reason = o.rejectionStands(r, s, approvedAt)
		default:
			reason = o.approvalStands(r, s, rejectedAt)
		}
		if reason != "" {
			r.NotCounted = append(r.NotCounted, o.signature(r, s, reason))
			continue
		}
		if s.Verdict == reject {
			v := o.signature(r, s, "")
			r.vetoes = append(r.vetoes, v)
			r.By = append(r.By, v)
			continue
		}
		was, ok := best[s.Person]
		if ok && !o.until(r, s).Before(o.until(r, was)) {
			was, s = s, was
		}
		if ok {
			r.NotCounted = append(r.NotCounted, o.signature(r, s, "the same person's approval of "+stamp(was.SignedAt)+" counts already"))
			s = was
		}
		best[s.Person] = s
	}
	o.tally(r, best)
}

// tally sets how far the requirement is.
func (o *office) tally(r *asked, best map[string]verify.Signoff) {
	var untils []time.Time
	for _, s := range best {
		r.By = append(r.By, o.signature(r, s, ""))
		untils = append(untils, o.until(r, s))
	}
	r.Have, r.Open = len(best), max(r.Count-len(best), 0)
	switch {
	case len(r.vetoes) > 0:
		r.State = StateVetoed
	case r.Count >= 1 && r.Have >= r.Count && len(r.Roles) > 0:
		r.State = StateMet
		// It stays met for as long as enough of the approvals stand, so that one more never shortens it.
		slices.SortFunc(untils, func(a, b time.Time) int { return b.Compare(a) })
		r.until = untils[r.Count-1]
	case r.Have > 0:
		r.State = StatePartiallyMet
	}
	order := func(a, b Signature) int {
		return cmp.Or(cmp.Compare(a.SignedAt, b.SignedAt), cmp.Compare(a.Digest, b.Digest))
	}
	slices.SortFunc(r.By, order)
	slices.SortFunc(r.NotCounted, order)
	slices.SortFunc(r.vetoes, order)
}

// lastVerdicts are, by person, when they last rejected the requirement, and when they last approved it. An approval from
// the future takes nothing back.
func (o *office) lastVerdicts(requirement string) (rejected, approved map[string]time.Time) {
	rejected, approved = map[string]time.Time{}, map[string]time.Time{}
	for _, s := range o.signoffs { // in the order of signing
		switch {
		case s.Requirement != requirement || o.elsewhere(s) != "":
		case s.Verdict == reject:
			rejected[s.Person] = s.SignedAt
		case s.Verdict == approve && !s.SignedAt.After(o.in.Now.Add(skew)):
			approved[s.Person] = s.SignedAt
		}
	}
	return rejected, approved
}

// elsewhere says what else the sign-off is for, if not for these artifacts, this target and this stage.
func (o *office) elsewhere(s verify.Signoff) string {
	var subjects []string
	for _, a := range s.Subjects {
		subjects = append(subjects, a.Digest)
	}
	switch {
	case s.Target != o.in.Target:
		return fmt.Sprintf("it is for target %q", s.Target)
	case s.Stage != o.in.Stage:
		return fmt.Sprintf("it is for stage %q", s.Stage)
	case !slices.Equal(set(subjects), o.subjects):
		return "it is for other artifacts: " + quoted(set(subjects))
	}
	return ""
}

// rejectionStands is the reason why a rejection does not block; empty when it does. It needs a veto role when it was
// signed or now, so that nobody's rejection goes away by leaving, and a later approval by the same person lifts it.
func (o *office) rejectionStands(r *asked, s verify.Signoff, approvedAt map[string]time.Time) string {
	if why := o.elsewhere(s); why != "" {
		return why
	}
	if o.vetoRole(r, s) == "" {
		return fmt.Sprintf("only a %s may stop a release; it takes back the person's own approval", quoted(r.VetoRoles))
	}
	if at, ok := approvedAt[s.Person]; ok && at.After(s.SignedAt) {
		return "the same person approved at " + stamp(at)
	}
	return ""
}

// approvalStands is the reason why an approval does not count; empty when it does.
func (o *office) approvalStands(r *asked, s verify.Signoff, rejectedAt map[string]time.Time) string {
	if s.Verdict != approve {
		return fmt.Sprintf("%q is no verdict", s.Verdict)
	}
	if why := o.elsewhere(s); why != "" {
		return why
	}
	switch {
	case s.RequirementDigest != r.Digest || r.Digest == "":
		return "the requirement has changed since it was signed"
	case s.Meaning != r.Meaning:
		return fmt.Sprintf("it means %q, but %q is required", s.Meaning, r.Meaning)
	case s.SignedAt.IsZero() || s.SignedAt.After(o.in.Now.Add(skew)):
		return "it is signed at " + stamp(s.SignedAt) + ", in the future"
	case !o.until(r, s).After(o.in.Now):
		return "it expired at " + stamp(o.until(r, s))
	}
	if at, ok := rejectedAt[s.Person]; ok && !at.Before(s.SignedAt) {
		return "the same person rejected at " + stamp(at)
	}
	if o.role(r.Roles, s.Person, s.SignedAt, o.in.Now) == "" {
		return o.notEntitled(r, s)
	}
	switch {
	case o.stuck != "":
		return o.stuck
	case o.authors[s.Person]:
		return "the signer is an author of the change, and nobody approves their own work"
	}
	if unseen := o.unseen(s); len(unseen) > 0 {
		return "the signer had not seen: " + quoted(unseen)
	}
	return ""
}

// notEntitled says which role is missing, and whether that was so when it was signed or is so now.
func (o *office) notEntitled(r *asked, s verify.Signoff) string {
	then, now := o.role(r.Roles, s.Person, s.SignedAt), o.role(r.Roles, s.Person, o.in.Now)
	need := fmt.Sprintf("for target %q and line %q", o.in.Target, o.in.Line)
	switch {
	case then == "" && now != "":
		return fmt.Sprintf("the signer was no %s %s when it was signed; sign again", quoted(r.Roles), need)
	case then != "" && now == "":
		return fmt.Sprintf("the signer is no longer %s %s", quoted(r.Roles), need)
	}
	return fmt.Sprintf("the signer is not %s %s", quoted(r.Roles), need)
}

// unseen are the findings that gate now and that the signer did not see.
func (o *office) unseen(s verify.Signoff) []string {
	var out []string
	for _, f := range o.seen {
		if !slices.Contains(s.Findings, f) {
			out = append(out, f)
		}
	}
	return out
}

// until is when a sign-off ends: what it says, and never longer than the requirement lets it stand.
func (o *office) until(r *asked, s verify.Signoff) time.Time {
	longest := s.SignedAt.Add(time.Duration(min(max(r.ValidHours, 0), 1<<20)) * time.Hour)
	if s.ValidUntil.Before(longest) {
		return s.ValidUntil
	}
	return longest
}

// role is the first of the wanted roles that the person has at all of the instants, or "".
func (o *office) role(wanted []string, person string, at ...time.Time) string {
	if o.in.People == nil || person == "" {
		return ""
	}
	have := slices.Clone(wanted)
	for _, t := range at {
		roles := o.in.People.RolesOf(person, o.in.Line, o.in.Target, t)
		have = slices.DeleteFunc(have, func(w string) bool { return w == "" || !slices.Contains(roles, w) })
	}
	if len(have) == 0 {
		return ""
	}
	return have[0]
}

// vetoRole is the veto role the person had when they signed, or has now, or "".
func (o *office) vetoRole(r *asked, s verify.Signoff) string {
	return cmp.Or(o.role(r.VetoRoles, s.Person, s.SignedAt), o.role(r.VetoRoles, s.Person, o.in.Now))
}

// signature is a sign-off as the decision shows it.
func (o *office) signature(r *asked, s verify.Signoff, reason string) Signature {
	out := Signature{
		Person: s.Person, Name: cmp.Or(s.Name, s.Person), Verdict: s.Verdict, SignedAt: stamp(s.SignedAt), ValidUntil: stamp(o.until(r, s)),
		Comment: s.Comment, Digest: s.Digest, Reason: reason,
	}
	if s.Verdict == reject {
		out.Role = o.vetoRole(r, s)
	} else {
		out.Role = o.role(r.Roles, s.Person, s.SignedAt, o.in.Now)
	}
	return out
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
