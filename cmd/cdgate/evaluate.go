package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/decide"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/record"
	"cdgate.dev/cdgate/engine/report"
)

func (w *world) evaluateCommand() *cli.Command {
	return w.command("evaluate", "[[KIND[/LEVEL]:]PATH…]", "the gate: decide, sign and log the decision",
		"Verifies the evidence about the release, runs the policies of the target, decides, and signs and logs the\n"+
			"record. Exits 0 only when every check passed and the record was read again from the log. Safe to repeat: a\n"+
			"deploy job runs it again just before deploying. With PATH it collects these reports first.",
		-1, flags(targetFlags(), one(artifactFlag()), releaseFlags(), signingFlags(), one(policyFlag(), logKeyFlag(),
			text("record", "write the decision record to `PATH`; default: .cdgate/TARGET.sigstore.json")),
			placeFlags(), sourceFlags(), producerFlags(),
			one(text("part", "as in collect: the `NAME` of one of several jobs"), redactFlag(), outputFlag(report.Formats()...))),
		(*call).evaluate)
}

func (k *call) evaluate() error {
	outs, err := k.outputs(report.Formats()...)
	if err != nil {
		return err
	}
	o, err := k.evaluateOptions()
	if err != nil {
		return k.failed(outs, err, nil)
	}
	ev, err := engine.Evaluate(k.Context.Context, o)
	if err != nil {
		return k.failed(outs, err, ev)
	}
	d := k.document(ev, o)
	if err := k.deliver(outs, d); err != nil {
		return err
	}
	return answered(ev.ExitCode)
}

func (k *call) evaluateOptions() (o engine.EvaluateOptions, err error) {
	if o, err = k.previewOptions(); err != nil {
		return o, err
	}
	if o.Record, err = k.recordPath(); err != nil {
		return o, err
	}
	if o.Signer, err = k.statementSigner(); err != nil {
		return o, err
	}
	if o.LogKey, err = k.logKey(); err != nil {
		return o, err
	}
	if k.Args().Present() {
		c, err := k.collectOptions()
		if err != nil {
			return o, err
		}
		c.Signer = o.Signer
		o.Collect = &c
	}
	return o, nil
}

// previewOptions are the options of an evaluation that nobody signs.
func (k *call) previewOptions() (o engine.EvaluateOptions, err error) {
	if o.Places, err = k.places(); err != nil {
		return o, err
	}
	if o.Release, err = k.release(); err != nil {
		return o, err
	}
	if o.Artifacts, err = k.artifacts(); err != nil {
		return o, err
	}
	o.Source = k.wantedSource(o.Artifacts)
	o.Target, o.Stage = k.String("target"), k.String("stage")
	o.Policies, o.Now, o.Sandbox = k.StringSlice("policy"), k.now, k.sandbox()
	return o, nil
}

// wantedSource is the commit to decide about. Artifacts say themselves, through trusted build evidence, what they were
// built from: then only a commit that somebody names is held against it, and not the checkout that happens to be here.
func (k *call) wantedSource(artifacts []engine.Artifact) engine.Source {
	if len(artifacts) > 0 && k.String("revision") == "" {
		return engine.Source{}
	}
	f := k.ciFacts()
	return engine.Source{Repository: f.repository, Revision: f.revision, Branch: f.branch}
}

// plainID is an id that can be part of a file name.
var plainID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// recordPath is where the record goes: the flag, else a file named for the target beside the store.
func (k *call) recordPath() (string, error) {
	if v := k.String("record"); v != "" {
		// The old record is removed before the run: a device or a pipe would go with it.
		if info, err := os.Lstat(k.abs(v)); err == nil && !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0 {
			return "", fault.New(fault.Usage, "write the record to %q: it is no file; name one, such as .cdgate/TARGET.sigstore.json", v)
		}
		return k.abs(v), makeParent(k.abs(v))
	}
	target := k.String("target")
	if target == "" {
		return "", fault.New(fault.Usage, "no target was named; use --target ID or CDGATE_TARGET, with a target of the gate definition")
	}
	if !plainID.MatchString(target) {
		return "", fault.New(fault.Usage, "target %q is not the id of a target: letters, digits, \".\", \"_\" and \"-\"", target)
	}
	path := filepath.Join(k.root, ".cdgate", target+".sigstore.json")
	return path, makeParent(path)
}

func makeParent(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fault.New(fault.Record, "make the record's directory: %w", err)
	}
	return nil
}

// document is an evaluation to show.
func (k *call) document(ev *engine.Evaluation, o engine.EvaluateOptions) report.Document {
	d := report.Document{Result: ev.Result, Input: k.withViews(ev)}
	if ev.Digest != "" {
		d.Record = report.Record{Path: relative(k.dir, ev.Path), Digest: ev.Digest}
		d.Log = report.Log{Logged: true, Index: ev.Index, Checkpoint: ev.Checkpoint}
	}
	k.addPeople(&d, o.Places)
	addMismatch(&d)
	d.Next = k.next(d)
	return d
}

// withViews is the policy input as policies see it; nil when there is none.
func (k *call) withViews(of interface{ Views() ([]byte, error) }) []byte {
	b, err := of.Views()
	if err != nil {
		k.note("the policy input cannot be shown: %v", err)
		return nil
	}
	return b
}

// failed shows that there is no decision, in every output that was asked for, and gives the error back. Reasons the
// engine already had are kept, and the outcome is block whatever it was going to be.
func (k *call) failed(outs []output, err error, ev *engine.Evaluation) error {
	d := report.Document{}
	if ev != nil {
		d.Result, d.Input = ev.Result, k.withViews(ev)
	}
	d.Result.Outcome, d.Result.Basis, d.Result.ValidUntil = decide.Block.String(), "", ""
	d.Result.ExitCode = engine.ExitCode(err)
	if d.Result.Target.ID == "" {
		d.Result.Target = record.Target{ID: k.String("target")}
	}
	cause := decide.Error
	if fault.ClassOf(err) == fault.Usage {
		cause = decide.Config
	}
	d.Result.Findings = append(d.Result.Findings, decide.Finding{
		Code: "engine." + fault.ClassOf(err).Word(), Effect: policy.Block, Cause: cause, Msg: err.Error(), Status: decide.StatusOpen, Enforced: true,
	})
	// On a terminal the error itself says it all; what was asked for by -o is written.
	if len(k.StringSlice("output")) == 0 && ev == nil {
		outs = nil
	}
	if derr := k.deliver(outs, d); derr != nil {
		k.complain(derr)
	}
	return err
}
