package decide

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/policy"
)

// What is required where a rule asks for an approval and says nothing else.
const (
	defaultRole       = "release-manager"
	defaultMeaning    = "approval"
	defaultValidHours = 72
)

// asked is a requirement with the instant until which it stays met by the sign-offs it has.
type asked struct {
	Requirement
	until  time.Time
	vetoes []Signature
}

// requirements are those of the findings that gate and need people, sorted by id. The same id with different content is
// a fault: nobody could tell which of the two was signed.
func requirements(findings []stated) ([]asked, []error) {
	var faults []error
	byID := map[string]asked{}
	for _, s := range findings {
		r, err := require(requirementID(s.finding), s.ask)
		if err != nil {
			faults = append(faults, err)
		}
		was, ok := byID[r.ID]
		if ok && was.Digest != r.Digest {
			faults = append(faults, fault.New(fault.Policy, "requirement %q is stated twice with different content; give the findings different ids", r.ID))
		}
		if !ok || r.Digest < was.Digest {
			byID[r.ID] = asked{Requirement: r}
		}
	}
	out := []asked{}
	for _, r := range byID {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b asked) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(faults, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return out, faults
}

// require fills in what the rule did not say. A requirement that nobody could meet, or that anybody would, is a fault.
func require(id string, ask *policy.Requirement) (Requirement, error) {
	if ask == nil {
		ask = &policy.Requirement{Roles: []string{defaultRole}}
	}
	r := Requirement{
		ID: id, Roles: set(ask.Roles), Count: cmp.Or(ask.Count, 1), Meaning: cmp.Or(ask.Meaning, defaultMeaning),
		ValidHours: cmp.Or(ask.ValidHours, defaultValidHours), VetoRoles: set(ask.VetoRoles),
		State: StateOpen, By: []Signature{}, NotCounted: []Signature{},
	}
	if ask.VetoRoles == nil {
		r.VetoRoles = r.Roles
	}
	var err error
	switch {
	case len(r.Roles) == 0 || slices.Contains(r.Roles, ""):
		err = fault.New(fault.Policy, "requirement %q names no role that may sign", id)
	case r.Count < 1:
		err = fault.New(fault.Policy, "requirement %q asks for %d people; it takes at least one", id, r.Count)
	case r.ValidHours < 1:
		err = fault.New(fault.Policy, "requirement %q is valid for %d hours", id, r.ValidHours)
	}
	r.Open = max(r.Count, 1)
	r.Digest = r.contentDigest()
	return r, err
}

// contentDigest is the SHA-256 of the canonical JSON of what a sign-off agrees to: members sorted, roles sorted.
func (r Requirement) contentDigest() string {
	b, err := json.Marshal(map[string]any{
		"id": r.ID, "roles": r.Roles, "count": r.Count, "meaning": r.Meaning, "validHours": r.ValidHours, "vetoRoles": r.VetoRoles,
	}, json.Deterministic(true))
	if err != nil { // invalid UTF-8: a digest that no sign-off can name
		return ""
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// set is a sorted copy without duplicates, never nil.
func set(in []string) []string {
	out := list(in)
	slices.Sort(out)
	return slices.Compact(out)
}

// Stuck begins the part of a remedy, its last, that says why no sign-off can count yet.
const Stuck = "nobody can approve yet: "

// settle discharges the findings whose requirement is met, adds one that blocks for each rejection that stands, and says
// why nobody can sign where that is so.
func (l *findingList) settle(reqs []asked, stuck string) {
	var rejected []Finding
	for i := range l.list {
		f := &l.list[i]
		if !f.Enforced || f.Effect != policy.NeedsApproval {
			continue
		}
		at := slices.IndexFunc(reqs, func(r asked) bool { return r.ID == requirementID(*f) })
		if at < 0 {
			continue // as good as open
		}
		r := reqs[at]
		switch {
		case r.State == StateMet:
			f.Status = StatusDischarged
		case stuck != "":
			f.Remedy = joinSentences(f.Remedy, Stuck+stuck)
		}
		for _, v := range r.vetoes {
			rejected = append(rejected, rejection(*f, v))
		}
	}
	slices.SortFunc(rejected, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Msg, b.Msg))
	})
	l.list = append(l.list, slices.CompactFunc(rejected, func(a, b Finding) bool { return a.Code == b.Code && a.ID == b.ID && a.Msg == b.Msg })...)
}

// rejection is the finding that a standing rejection makes.
func rejection(f Finding, v Signature) Finding {
	msg := v.Name + " (" + v.Role + ") rejected it at " + v.SignedAt
	if v.Comment != "" {
		msg += ": " + v.Comment
	}
	return Finding{
		Code: f.Code, ID: f.ID, Effect: policy.Block, Cause: ApprovalRejected, Msg: msg, Status: StatusOpen, Enforced: true,
		Evidence: []string{v.Digest}, Observed: "rejected", Expected: "approved",
		Remedy: "mend what was rejected and build again, or have the same person approve", Controls: list(f.Controls),
	}
}

func joinSentences(a, b string) string {
	if b == "" {
		return a
	}
	return a + "; " + b
}
