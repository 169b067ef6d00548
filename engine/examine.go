package engine

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/record"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/verify"
	"cdgate.dev/cdgate/evidence"
)

// What a file that cdgate writes can be.
const (
	IsRecord        = "decision record"
	IsSummary       = "verification summary"
	IsEvidence      = "evidence statement"
	IsCollection    = "collection"
	IsSignoff       = "sign-off"
	IsGate          = "gate definition"
	IsGateSignature = "signature of a gate definition"
	IsEnrolment     = "enrolment"
	IsProof         = "log proof"
	IsCheckpoint    = "log checkpoint"
	IsLog           = "decision log"
	IsStore         = "evidence store"
)

// known says what can be examined, for people who named something else.
const known = "a decision record, verification summary, statement of evidence, sign-off, collection, gate.yaml or a signature of it, " +
	"an enrolment, a log proof or checkpoint, a log, or a store (directory, .tar or oci://…)"

// ExamineOptions are the inputs of Examine.
type ExamineOptions struct {
	VerifyOptions
	// Name is the file, directory or oci://… as people write it; Bytes are those of a file.
	Name  string
	Bytes []byte
	// GateAsked says that Places.Gate was asked for; otherwise the gate definition is the one beside a signature of one.
	GateAsked bool
	// As is the type that the caller takes it for, as one of AsWords; "" is a decision record or its summary wherever an artifact,
	// a target or a stage is named, and anything elsewhere.
	As string
}

// AsWord is the word for a type on the command line.
func AsWord(what string) string { return strings.ReplaceAll(what, " ", "-") }

// AsWords are the words for what a file can be.
func AsWords() (out []string) {
	for _, what := range []string{IsRecord, IsSummary, IsEvidence, IsCollection, IsSignoff, IsGate, IsGateSignature, IsEnrolment, IsProof, IsCheckpoint, IsLog, IsStore} {
		out = append(out, AsWord(what))
	}
	return out
}

// Examination is every check that was made of a file, in order; the first that failed is the last.
type Examination struct {
	// What it is, one of the Is… words.
	What string
	// Title says in a line what it says.
	Title    string
	Digest   string
	Checks   []VerifyCheck
	ExitCode int
	// Record is set for a decision record.
	Record *Verification
}

// Examine checks any file that cdgate writes, as whoever relies on it would, and tells of each check. The exit code is that
// of the first that failed: 20 for what is in order and does not count, 50 where somebody may be lying. An error means that it
// is nothing that can be examined.
func Examine(ctx context.Context, o ExamineOptions) (*Examination, error) {
	what, err := recognise(o.Name, o.Bytes)
	if err != nil {
		return nil, err
	}
	x := &examining{o: o, ctx: ctx, verifying: verifying{o: o.VerifyOptions, out: &Verification{ExitCode: int(fault.Internal)}}, out: &Examination{What: what}}
	defer func() {
		if x.st != nil {
			x.st.close()
		}
	}()
	if err := o.mayAsk(what); err != nil {
		return nil, err
	}
	switch what {
	case IsRecord:
		o.Record = o.Bytes
		v, err := Verify(ctx, o.VerifyOptions)
		if err != nil {
			return nil, err
		}
		x.out.Record, x.out.Digest, x.out.ExitCode, x.out.Checks = v, v.Digest, v.ExitCode, v.Checks
		return x.out, nil
	case IsSummary:
		x.summary()
	case IsSignoff:
		x.signoff()
	case IsGate, IsGateSignature:
		x.gateFile()
	case IsEnrolment:
		x.enrolment()
	case IsProof:
		x.proof()
	case IsCheckpoint:
		x.checkpoint()
	default:
		x.statement()
	}
	return x.finish(), nil
}

// called is a type with its article.
func called(what string) string {
	if strings.ContainsRune("aeio", rune(what[0])) {
		return "an " + what
	}
	return "a " + what
}

// mayAsk refuses to ask of a file that decides nothing whether an artifact may go somewhere: what stands in the file chooses what
// it is, and a caller who acts on the answer must not be led by that.
func (o ExamineOptions) mayAsk(what string) error {
	switch {
	case o.As != "" && o.As != AsWord(what):
		return fault.New(fault.Usage, "verify %s: it is %s, and --as says %s", orStdin(o.Name), called(what), o.As)
	case o.As == "" && what != IsRecord && what != IsSummary && (len(o.Artifacts) > 0 || o.Target != "" || o.Stage != ""):
		return fault.New(fault.Usage, "verify %s: it is %s, which does not say whether an artifact may go to a target; name a decision record or its summary, or say --as %s if you want only that checked",
			orStdin(o.Name), called(what), AsWord(what))
	}
	return nil
}

// examining is one examination under way.
type examining struct {
	verifying
	checklist
	o   ExamineOptions
	ctx context.Context
	out *Examination
	// signing is what one signature of a gate definition is over.
	signing *gate.Signing
}

func (x *examining) finish() *Examination {
	x.out.Checks, x.out.ExitCode = x.checks, ExitCode(x.err)
	if len(x.checks) == 0 {
		x.out.ExitCode = int(fault.Internal)
	}
	return x.out
}

// recognise says by its content what a file is.
func recognise(name string, b []byte) (string, error) {
	text := bytes.TrimSpace(b)
	no := func(class fault.Class, format string, args ...any) (string, error) {
		return "", fault.New(class, "verify %s: %w; it can check %s", orStdin(name), fmt.Errorf(format, args...), known)
	}
	switch {
	case len(text) == 0:
		return no(fault.Evidence, "it is empty")
	case bytes.HasPrefix(b, []byte("c2sp.org/tlog-proof@")):
		return IsProof, nil
	case bytes.HasPrefix(text, []byte("-----BEGIN ")):
		return no(fault.Usage, "it is a key or certificate, about which there is nothing to check")
	case text[0] == '{':
		return recogniseJSON(text, no)
	case bytes.Contains(text, []byte(gate.APIVersion)):
		return IsGate, nil
	case bytes.Contains(b, []byte("\n\n— ")):
		return IsCheckpoint, nil
	}
	return no(fault.Evidence, "it is none of the files that cdgate writes, or cut off")
}

func orStdin(name string) string {
	if name == "" {
		return "what came on stdin"
	}
	return name
}

// recogniseJSON tells bundles apart by what they claim to sign; whether they do is asked afterwards.
func recogniseJSON(text []byte, no func(fault.Class, string, ...any) (string, error)) (string, error) {
	var f struct {
		APIVersion string         `json:"apiVersion"`
		MediaType  string         `json:"mediaType"`
		Outcome    jsontext.Value `json:"outcome"`
		Envelope   struct {
			Payload string `json:"payload"`
		} `json:"dsseEnvelope"`
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return no(fault.Evidence, "it is no JSON that can be read, or it is cut off: %w", err)
	}
	switch {
	case f.APIVersion == gate.APIVersion:
		return IsGate, nil
	case f.Outcome != nil:
		return no(fault.Usage, "it is a result for programs, which nobody signed; verify the decision record that stands in it under record.path")
	case !strings.HasPrefix(f.MediaType, "application/vnd.dev.sigstore.bundle"):
		return no(fault.Usage, "it is JSON and no Sigstore bundle (mediaType is %.80q)", f.MediaType)
	}
	var st struct {
		PredicateType string `json:"predicateType"`
	}
	payload, err := base64.StdEncoding.DecodeString(f.Envelope.Payload)
	if err == nil {
		err = json.Unmarshal(payload, &st, jsontext.AllowDuplicateNames(true))
	}
	if err != nil {
		return no(fault.Evidence, "it is a Sigstore bundle, and what it signs cannot be read: %w", err)
	}
	switch st.PredicateType {
	case record.PredicateType:
		return IsRecord, nil
	case vsaType:
		return IsSummary, nil
	case verify.CollectionType:
		return IsCollection, nil
	case verify.SignoffType:
		return IsSignoff, nil
	case gate.PredicateType:
		return IsGateSignature, nil
	case gate.EnrolmentType:
		return IsEnrolment, nil
	}
	if verify.IsEvidenceType(st.PredicateType) {
		return IsEvidence, nil
	}
	return no(fault.Usage, "it is a Sigstore bundle of a statement of another program, %.120q; collect reads such reports", st.PredicateType)
}

// statement examines evidence and collections as an evaluation does.
func (x *examining) statement() {
	x.run("gate definition", x.gateDefinition)
	x.run("store", x.openStore)
	if x.err != nil {
		return
	}
	c, _ := verify.Claimed(x.o.Bytes)
	x.out.Digest, x.out.Title = seal.Digest(x.o.Bytes), titleOf(c)
	q := verify.Question{Artifacts: artifacts(x.o.Artifacts), Target: x.o.Target, Now: x.o.Now}
	kinds, err := x.ownKinds()
	if err != nil {
		x.run("policies", func() (string, error) { return "", err })
		return
	}
	q.Kinds = kinds
	x.explain(verify.Explain(x.st.Store, x.ix, x.def, x.o.Bytes, q))
}

// titleOf says what a statement says of itself.
func titleOf(c verify.Claims) string {
	what := c.Kind
	if c.PredicateType == verify.CollectionType {
		what = fmt.Sprintf("%d statements", len(c.Items))
	}
	if c.Level != "" {
		what += "/" + c.Level
	}
	about := strings.TrimSpace(c.About.Name + " " + c.About.Digest)
	return fmt.Sprintf("%s about %s", what, about)
}

// explain adds the checks of a statement.
func (x *examining) explain(checks []verify.Explanation) {
	for _, c := range checks {
		x.run(c.Name, func() (string, error) {
			if refused, ok := c.Err.(*verify.Refusal); ok {
				return "", no("%s", refused.Msg)
			}
			return c.Detail, c.Err
		})
	}
}

// openStore opens the store and fetches what is about the same thing as the statement.
func (x *examining) openStore() (string, error) {
	if x.o.Target != "" {
		if _, err := findTarget(x.def, x.o.Target); err != nil {
			return "", err
		}
	}
	var err error
	if x.st, err = openDepot(x.ctx, x.o.Store, x.o.Registries, false); err != nil {
		return "", err
	}
	if c, ok := verify.Claimed(x.o.Bytes); ok && x.st.remote != nil {
		want := verify.Want{Artifacts: artifacts(x.o.Artifacts), Revision: c.Revision, Name: c.Release.Name, Version: c.Release.Version}
		if c.About.Kind == verify.AboutArtifact {
			want.Artifacts = append(want.Artifacts, verify.Artifact{Name: c.About.Name, Digest: c.About.Digest})
		} else {
			want.Revision = c.About.Digest
		}
		if err := x.st.seek(x.ctx, want, nil); err != nil {
			return "", err
		}
	}
	if x.ix, err = x.st.Index(); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, which holds what the statement names", x.st.name()), nil
}

// ownKinds are the own kinds of evidence that the policies of the target define; of every target where none was asked about.
func (x *examining) ownKinds() (map[evidence.Kind]verify.OwnKind, error) {
	if len(x.def.Kinds) == 0 {
		return nil, nil
	}
	var sources []policy.Source
	for _, id := range sortedKeys(x.def.Targets) {
		t, _ := x.def.Target(id)
		if x.o.Target != "" && x.o.Target != id {
			continue
		}
		more, err := loadSources(x.def, t, nil, x.o.Places.Gate)
		if err != nil {
			return nil, err
		}
		for _, s := range more {
			if !slices.ContainsFunc(sources, func(have policy.Source) bool { return have.Ref == s.Ref }) {
				sources = append(sources, s)
			}
		}
	}
	kinds, err := policy.OwnKinds(sources)
	return kindsFor[verify.OwnKind](kinds), err
}
