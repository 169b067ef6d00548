package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine/decide"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/record"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/store"
	"cdgate.dev/cdgate/engine/verify"
)

// Sign stores and logs a person's verdict on what the newest decision about a release asks for. Whoever may not sign is
// refused with a *Refused error, and then nothing was written.
func Sign(ctx context.Context, o SignOptions) (*Signed, error) {
	if o.Signer == nil {
		return nil, fault.New(fault.Usage, "sign: no key; name your own with --key or CDGATE_KEY")
	}
	if o.LogKey == "" {
		return nil, fault.New(fault.Usage, "write the decision log: no log key; name it with --log-key or CDGATE_LOG_KEY, or keep log.key beside your own key")
	}
	if o.Verdict == "reject" && strings.TrimSpace(o.Comment) == "" {
		return nil, fault.New(fault.Usage, "reject: say why with --comment")
	}
	def, _, err := openGate(o.Places, o.Now)
	if err != nil {
		return nil, err
	}
	if err := mayLog(def, o.LogKey, o.Now); err != nil {
		return nil, err
	}
	st, err := openDepot(ctx, o.Store, o.Registries, false)
	if err != nil {
		return nil, err
	}
	defer st.close()
	if err := st.seekReceipt(ctx); err != nil {
		return nil, err
	}
	ix, err := st.Index()
	if err != nil {
		return nil, err
	}
	log, err := readLog(ctx, o.Log, def, st.Store, ix, o.Now)
	if err != nil {
		return nil, err
	}
	d, err := newestDecision(ctx, log, st, def, query{o.Release, o.Target, o.Stage})
	if err != nil {
		return nil, err
	}
	person, req, role, err := entitled(def, d.predicate.Result, o)
	if err != nil {
		return nil, err
	}
	p := proposal(o, d.predicate.Result, person, req, role)
	if o.Confirm != nil {
		if err := o.Confirm(p); err != nil {
			return nil, err
		}
	}
	return write(ctx, o, def, st, d.predicate.Result, req, p)
}

// openRecord opens a decision record strictly.
func openRecord(b []byte, def *gate.Definition) (*record.Predicate, error) {
	opened, _, err := def.OpenDecision(b)
	if err != nil {
		return nil, err
	}
	var p record.Predicate
	if err := json.Unmarshal(opened.Statement.Predicate, &p, json.RejectUnknownMembers(true)); err != nil {
		return nil, fault.New(fault.Evidence, "read decision record: %w", err)
	}
	return &p, nil
}

// entitled finds who signs, and the requirement they may sign for.
func entitled(def *gate.Definition, r record.Result, o SignOptions) (gate.Person, decide.Requirement, string, error) {
	none := decide.Requirement{}
	by := o.Signer.Signatory()
	person, ok := def.PersonBy(by)
	switch {
	case !ok && by.KeyID != "":
		return person, none, "", &Refused{fmt.Sprintf("the gate definition knows nobody with %s; its owner adds you under people", by)}
	case ok && def.WantsTimestamp(by) && !o.Signer.Timestamps():
		return person, none, "", fault.New(fault.Usage, "sign: the gate definition wants timestamps; name an authority with --timestamp-url or --signing-config")
	case !ok:
		return person, none, "", &Refused{fmt.Sprintf("you are %s, %s", by, def.Unknown(by))}
	}
	if u := def.Stands(by, gate.When{Claimed: o.Now, Now: o.Now}); u != nil {
		return person, none, "", &Refused{"nothing that this key signs counts: " + u.Msg}
	}
	for _, a := range r.Release.Authors {
		if a.Person == person.ID && o.Verdict == "approve" {
			return person, none, "", &Refused{fmt.Sprintf("you had a hand in what is released: %s <%s> is an author of %.12s; somebody else must approve",
				a.Name, a.Email, r.Release.Revision)}
		}
	}
	if len(r.Requirements) == 0 {
		return person, none, "", &Refused{fmt.Sprintf("%s has nothing to sign for: the decision of %s is %s and names no requirement", releaseName(r), r.EvaluatedAt, r.Outcome)}
	}
	roles := def.RolesOf(person.ID, r.Release.Line, r.Target.ID, o.Now)
	var mine []decide.Requirement
	var ids []string
	for _, q := range r.Requirements {
		ids = append(ids, q.ID)
		if (o.Requirement == "" || o.Requirement == q.ID) && (o.Meaning == "" || o.Meaning == q.Meaning) && roleFor(q, roles, o.Verdict) != "" {
			mine = append(mine, q)
		}
	}
	if o.Requirement != "" && !slices.Contains(ids, o.Requirement) {
		return person, none, "", fault.New(fault.Usage, "the decision names no requirement %q; it names: %s", o.Requirement, strings.Join(ids, ", "))
	}
	open := slices.DeleteFunc(slices.Clone(mine), func(q decide.Requirement) bool { return q.State == decide.StateMet })
	if len(open) > 0 {
		mine = open
	}
	switch {
	case len(mine) == 0:
		return person, none, "", &Refused{fmt.Sprintf("%s (%s) has none of the roles that may sign here: %s; roles held for line %q and target %q now: %s",
			person.Name, person.ID, wanted(r.Requirements), r.Release.Line, r.Target.ID, orNone(strings.Join(roles, ", ")))}
	case len(mine) > 1:
		var names []string
		for _, q := range mine {
			names = append(names, q.ID)
		}
		return person, none, "", fault.New(fault.Usage, "several requirements are open for you; say which with one of:\n--requirement %s", strings.Join(names, "\n--requirement "))
	}
	return person, mine[0], roleFor(mine[0], roles, o.Verdict), nil
}

// roleFor is the first role that lets somebody sign for the requirement; a veto role may reject.
func roleFor(q decide.Requirement, roles []string, verdict string) string {
	may := q.Roles
	if verdict == "reject" {
		may = append(slices.Clone(q.VetoRoles), q.Roles...)
	}
	for _, r := range may {
		if slices.Contains(roles, r) {
			return r
		}
	}
	return ""
}

func wanted(qs []decide.Requirement) string {
	var out []string
	for _, q := range qs {
		out = append(out, fmt.Sprintf("%s wants %s", q.ID, strings.Join(q.Roles, " or ")))
	}
	return strings.Join(out, "; ")
}

func releaseName(r record.Result) string { return r.Release.Name + "@" + r.Release.Version }

func proposal(o SignOptions, r record.Result, person gate.Person, q decide.Requirement, role string) Proposal {
	hours := q.ValidHours
	if o.ValidHours > 0 && o.ValidHours < hours {
		hours = o.ValidHours
	}
	return Proposal{
		Person: person.ID, Name: person.Name, Role: role, Verdict: o.Verdict, Comment: o.Comment,
		Requirement: q.ID, Meaning: q.Meaning, Result: r, ValidUntil: rfc3339(o.Now.Add(time.Duration(hours) * time.Hour)),
	}
}

// write signs, stores and logs the verdict, in this order: what the log holds is in the store.
func write(ctx context.Context, o SignOptions, def *gate.Definition, st *depot, r record.Result, q decide.Requirement, p Proposal) (*Signed, error) {
	pred := verify.SignoffPredicate{
		Verdict: p.Verdict, Requirement: q.ID, RequirementDigest: q.Digest, Meaning: q.Meaning, Target: r.Target.ID, Stage: r.Stage,
		Comment: p.Comment, SignedAt: rfc3339(o.Now), ValidUntil: p.ValidUntil,
	}
	for _, s := range r.Release.Subjects {
		pred.Subjects = append(pred.Subjects, verify.Artifact(s))
	}
	pred.Findings = decide.Seen(r.Findings)
	subject := seal.Subject{Name: releaseName(r), Digest: sha256Set(r.Release.ID)}
	bundle, err := signStatement(o.Signer, verify.SignoffType, []seal.Subject{subject}, pred)
	if err != nil {
		return nil, err
	}
	layer, err := statementLayer(st.Store, layerStatement, bundle)
	if err != nil {
		return nil, err
	}
	if _, err := st.Add(ctx, store.Object{
		Type: store.TypeSignoff, Layers: []store.Layer{layer},
		Annotations: map[string]string{"dev.cdgate.kind": "signoff", "dev.cdgate.release": r.Release.ID},
	}); err != nil {
		return nil, err
	}
	receipt, _, err := appendLeaf(ctx, o.Log, o.LogKey, def, st, record.Leaf{
		Type: leafSignoff, Digest: layer.Digest, Release: r.Release.ID, Name: releaseName(r), Target: r.Target.ID, Stage: r.Stage,
		Verdict: p.Verdict, At: rfc3339(o.Now),
	})
	if err != nil {
		return nil, err
	}
	return &Signed{Proposal: p, Digest: layer.Digest, Index: receipt.Index}, nil
}
