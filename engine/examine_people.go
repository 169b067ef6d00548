package engine

import (
	"fmt"
	"slices"

	"cdgate.dev/cdgate/engine/decide"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/record"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/verify"
)

// signoff examines a person's approval or rejection.
func (x *examining) signoff() {
	x.run("gate definition", x.gateDefinition)
	x.run("store and log", func() (string, error) {
		if err := x.openLog(x.ctx); err != nil {
			return "", err
		}
		if c, ok := verify.Claimed(x.o.Bytes); ok && x.st.remote != nil {
			if err := x.st.seekSignoffs(x.ctx, c.About.Name); err != nil {
				return "", err
			}
			var err error
			if x.ix, err = x.st.Index(); err != nil {
				return "", err
			}
		}
		return fmt.Sprintf("the log has %d entries and is the one that gave the store its receipts", x.log.size), nil
	})
	if x.err != nil {
		return
	}
	c, _ := verify.Claimed(x.o.Bytes)
	x.out.Digest = seal.Digest(x.o.Bytes)
	checks, so := verify.ExplainSignoff(x.st.Store, x.ix, x.def, x.o.Bytes, verify.Question{
		Artifacts: artifacts(x.o.Artifacts), Target: x.o.Target, Logged: x.log.signoffs(c.About.Digest), Now: x.o.Now,
	})
	x.out.Title = fmt.Sprintf("%s of %s by %s", map[string]string{"approve": "approval", "reject": "rejection"}[so.Verdict], c.About.Name, so.Name)
	if so.Person == "" {
		x.out.Title = "approval or rejection of " + c.About.Name
	}
	x.explain(checks)
	x.run("requirement", func() (string, error) { return x.requirement(c.About.Digest, so) })
	x.run("nothing later", func() (string, error) { return x.notTakenBack(c.About.Digest, so) })
}

// requirement looks up what was signed in the newest decision about the release: is it still asked for, and may they sign it?
func (x *examining) requirement(releaseID string, so verify.Signoff) (string, error) {
	for i, l := range slices.Backward(x.log.leaves) {
		if l.Type != leafDecision || l.Release != releaseID || l.Target != so.Target || l.Stage != so.Stage {
			continue
		}
		b, err := x.st.read(x.ctx, l.Digest, maxRecord)
		if err != nil {
			return "", fault.New(fault.Trust, "read the newest decision about the release: log entry %d names %s, but the store does not hold it: %w", i, l.Digest, err)
		}
		p, err := openRecord(b, x.def)
		if err != nil {
			return "", err
		}
		detail, err := x.mayHaveSigned(p.Result.Requirements, p.Result.Release.Line, so)
		if err != nil {
			return "", err
		}
		counted, err := countedIn(*p, so, x.log)
		return detail + "; " + counted, err
	}
	return "", no("the log holds no decision about the release for %s, stage %s, that it could be about", so.Target, so.Stage)
}

// countedIn says whether the decision let a sign-off count that it had seen.
func countedIn(p record.Predicate, so verify.Signoff, log logState) (string, error) {
	for _, q := range p.Result.Requirements {
		is := func(s decide.Signature) bool { return s.Digest == so.Digest }
		if slices.ContainsFunc(q.By, is) {
			return "the newest decision counts it", nil
		}
		if i := slices.IndexFunc(q.NotCounted, is); i >= 0 {
			return "", no("the newest decision does not count it: %s", q.NotCounted[i].Reason)
		}
	}
	if i := slices.IndexFunc(log.leaves, func(l record.Leaf) bool { return l.Digest == so.Digest }); i >= 0 && uint64(i) < p.Log.Size {
		return "", no("the newest decision saw it and does not count it")
	}
	return "the newest decision is from before it; evaluate again to see whether it counts", nil
}

func (x *examining) mayHaveSigned(all []decide.Requirement, line string, so verify.Signoff) (string, error) {
	i := slices.IndexFunc(all, func(q decide.Requirement) bool { return q.ID == so.Requirement })
	switch {
	case i < 0:
		return "", no("the newest decision names no requirement %q", so.Requirement)
	case all[i].Digest != so.RequirementDigest:
		return "", no("requirement %s has changed since it was signed; have it signed again", so.Requirement)
	}
	role := roleFor(all[i], x.def.RolesOf(so.Person, line, so.Target, so.SignedAt), so.Verdict)
	if role == "" {
		return "", no("%s (%s) had none of the roles that may sign %s when it was signed", so.Name, so.Person, wanted(all[i:i+1]))
	}
	return fmt.Sprintf("%s, as %s", so.Requirement, role), nil
}

// notTakenBack looks for a later word of the same person on the same thing.
func (x *examining) notTakenBack(releaseID string, so verify.Signoff) (string, error) {
	all, _, err := verify.Signoffs(x.st.Store, x.ix, x.def, releaseID, x.log.signoffs(releaseID), x.o.Now)
	if err != nil {
		return "", err
	}
	mine := slices.IndexFunc(x.log.leaves, func(l record.Leaf) bool { return l.Digest == so.Digest })
	for i, l := range x.log.leaves {
		for _, s := range all {
			if i > mine && s.Digest == l.Digest && s.Person == so.Person && s.Requirement == so.Requirement && s.Target == so.Target && s.Stage == so.Stage && s.Verdict != so.Verdict {
				return "", no("%s said otherwise later: %s (log entry %d, %s)", so.Name, s.Verdict, i, l.At)
			}
		}
	}
	return "the same person has not said otherwise since", nil
}

// enrolment examines what somebody says about themselves to be added to a gate definition.
func (x *examining) enrolment() {
	var e *gate.Enrolment
	x.out.Digest = seal.Digest(x.o.Bytes)
	x.run("bundle", func() (string, error) {
		return bundleOf(x.o.Bytes)
	})
	x.run("signature", func() (detail string, err error) {
		if e, err = gate.ReadEnrolment(orStdin(x.o.Name), x.o.Bytes); err != nil {
			return "", err
		}
		x.out.Title = fmt.Sprintf("of %s (%s)", e.Name, e.Key.Fingerprint())
		return "made with the key that it is about, so its author has that key; who that is, ask them", nil
	})
	x.run("time", func() (string, error) {
		if err := e.Fresh(orStdin(x.o.Name), x.o.Now); err != nil {
			return "", no("%v", err)
		}
		return fmt.Sprintf("made at %s, and counts until %s", e.At, rfc3339(e.Until())), nil
	})
}
