package main

import (
	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/report"
)

func (w *world) checkCommand() *cli.Command {
	return w.command("check", "[[KIND[/LEVEL]:]PATH…]", "judge reports without key, record or log",
		"For pull requests and laptops. Judges the rules whose evidence is here and lists the others as \"later\".\n"+
			"Exits 0 when nothing that could be judged blocks; it never says allow.",
		-1, flags(targetFlags(), releaseFlags(), one(policyFlag()), placeFlags(), sourceFlags(), producerFlags(), one(redactFlag(), outputFlag(report.Formats()...))),
		(*call).check)
}

func (k *call) check() error {
	outs, err := k.outputs(report.Formats()...)
	if err != nil {
		return err
	}
	o, err := k.checkOptions()
	if err != nil {
		return k.failed(outs, err, nil)
	}
	got, err := engine.Check(k.Context.Context, o)
	if err != nil {
		var ev *engine.Evaluation
		if got != nil {
			ev = &engine.Evaluation{Result: got.Result, Input: got.Input}
		}
		return k.failed(outs, err, ev)
	}
	d := report.Document{Result: got.Result, Check: true, Input: k.withViews(got)}
	for _, l := range got.Later {
		if len(l.Missing) == 0 {
			l.Missing = []string{"an artifact"} // a rule about what was built, which a check has not
		}
		d.Later = append(d.Later, report.Later(l))
	}
	if err := k.deliver(outs, d); err != nil {
		return err
	}
	return answered(got.ExitCode)
}

func (k *call) checkOptions() (o engine.CheckOptions, err error) {
	if o.Places, err = k.places(); err != nil {
		return o, err
	}
	if o.Release, err = k.release(); err != nil {
		return o, err
	}
	if o.Producer, err = k.producer(); err != nil {
		return o, err
	}
	if o.Source, err = k.source(); err != nil {
		return o, err
	}
	o.Reports = k.reports()
	o.Target, o.Stage, o.Policies = k.String("target"), k.String("stage"), k.StringSlice("policy")
	o.Now, o.Sandbox = k.now, k.sandbox()
	return o, nil
}
