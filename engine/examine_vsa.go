package engine

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/record"
	"cdgate.dev/cdgate/engine/seal"
)

// summary examines a verification summary. It says in a few words what a decision record says, so the record is looked up in the
// store and the log, and every check of a record is made of that.
func (x *examining) summary() {
	var v vsa
	x.out.Digest = seal.Digest(x.o.Bytes)
	x.verifying.o.Record = x.o.Bytes
	x.run("bundle", x.bundle)
	x.run("gate definition", x.gateDefinition)
	x.run("signer", x.signer)
	x.run("signature", func() (string, error) { return x.summarySignature() })
	x.run("timestamp", func() (string, error) {
		if x.opened.Timestamped.IsZero() && x.def.WantsTimestamp(x.opened.Signatory()) {
			x.unstamped = true
		}
		return x.timestamp()
	})
	x.run("content", func() (detail string, err error) { v, detail, err = x.summaryContent(); return detail, err })
	x.run("record", func() (string, error) { return x.summarised(v) })
	x.run("key", x.key)
	x.run("subject", func() (string, error) { return x.summarySubject() })
	x.run("target", x.target)
	x.run("nothing later", x.nothingLater)
	x.run("fresh", x.fresh)
	x.run("outcome", func() (string, error) {
		if detail, err := x.outcome(); err != nil || x.verifying.out.Predicate.Result.ExitCode == 0 {
			return detail, err
		}
		return "", no("the decision is %s", x.verifying.out.Predicate.Result.Outcome)
	})
}

func (x *examining) summarySignature() (string, error) {
	by, err := seal.ClaimedBy(x.o.Bytes)
	if err != nil {
		return "", err
	}
	if x.opened, err = x.def.TrustIn(by).Open(x.o.Bytes); err != nil {
		return "", err
	}
	return "fits the signed bytes", nil
}

func (x *examining) summaryContent() (v vsa, detail string, err error) {
	if err := json.Unmarshal(x.opened.Statement.Predicate, &v, json.RejectUnknownMembers(true)); err != nil {
		return v, "", fault.New(fault.Evidence, "read verification summary: %w", err)
	}
	sub := x.opened.Statement.Subject[0]
	x.out.Title = fmt.Sprintf("%s for %s of %s", v.VerificationResult, v.ResourceURI, sub.Name)
	if v.Verifier.ID != verifierID {
		return v, "", no("it is a summary of verifier %q, and not of %s", v.Verifier.ID, verifierID)
	}
	return v, fmt.Sprintf("%s about %s sha256:%s", v.VerificationResult, sub.Name, sub.Digest["sha256"]), nil
}

// summarised finds the record that a summary was made of, and makes the summary again.
func (x *examining) summarised(v vsa) (string, error) {
	i := slices.IndexFunc(v.InputAttestations, func(r vsaResource) bool { return r.URI == "decision" })
	if i < 0 {
		return "", fault.New(fault.Evidence, "read verification summary: inputAttestations names no decision")
	}
	digest := "sha256:" + v.InputAttestations[i].Digest["sha256"]
	if err := x.openLog(x.ctx); err != nil {
		return "", err
	}
	at := slices.IndexFunc(x.log.leaves, func(l record.Leaf) bool { return l.Type == leafDecision && l.Digest == digest })
	if at < 0 {
		return "", fault.New(fault.Trust, "the decision that it names, %s, is not in the log", digest)
	}
	b, err := x.st.read(x.ctx, digest, maxRecord)
	if err != nil {
		return "", fault.New(fault.Trust, "the decision that it names is entry %d of the log, and the store does not hold it: %w", at, err)
	}
	p, err := openRecord(b, x.def)
	if err != nil {
		return "", err
	}
	out := x.verifying.out
	out.Predicate, out.Digest, out.Index = *p, digest, uint64(at)
	if x.st.remote != nil {
		if err := x.st.seekSignoffs(x.ctx, releaseName(p.Result)); err != nil {
			return "", err
		}
		if x.ix, err = x.st.Index(); err != nil {
			return "", err
		}
	}
	sub := "sha256:" + x.opened.Statement.Subject[0].Digest["sha256"]
	if !slices.ContainsFunc(p.Result.Release.Subjects, func(s record.Subject) bool { return s.Digest == sub }) {
		return "", fault.New(fault.Trust, "the record %s is not about %s", digest, sub)
	}
	if err := x.recordStands(b, *p); err != nil {
		return "", err
	}
	want, final := summaryOf(*p, digest)
	want.InputAttestations, v.InputAttestations = nil, nil // the statements that counted: the record names their objects
	if !final || !reflect.DeepEqual(v, want) {
		return "", fault.New(fault.Trust, "it does not say what the record %s says: %s instead of %s", digest, v.VerificationResult, p.Result.Outcome)
	}
	return fmt.Sprintf("entry %d of the log, and it says the same", at), nil
}

// recordStands asks of the record what verify would: its content, and its key, since a summary may have been signed with another.
func (x *examining) recordStands(b []byte, p record.Predicate) error {
	mine := x.opened
	defer func() { x.opened = mine }()
	var err error
	if x.opened, _, err = x.def.OpenDecision(b); err != nil {
		return err
	}
	if err := x.decidedUnder(p, x.opened); err != nil {
		return err
	}
	_, err = x.key()
	return err
}

// summarySubject demands that the one artifact of the summary is each that was asked for.
func (x *examining) summarySubject() (string, error) {
	s := x.opened.Statement.Subject[0]
	for _, a := range x.o.Artifacts {
		if a.Digest != "sha256:"+s.Digest["sha256"] {
			return "", no("the summary is about sha256:%s, not about %s (%s)", s.Digest["sha256"], a.Digest, a.Name)
		}
	}
	if len(x.o.Artifacts) == 0 {
		return s.Name + "; compared with no artifact: name what you deploy with --artifact", nil
	}
	return s.Name + ", as asked", nil
}
