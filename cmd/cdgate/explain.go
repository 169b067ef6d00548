package main

import (
	"github.com/go-json-experiment/json"
	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/record"
	"cdgate.dev/cdgate/engine/report"
)

// recordFormats are the formats that show a record; the policy input is not part of one.
func recordFormats() []string { return []string{"text", "json", "markdown", "junit", "dotenv"} }

func (w *world) explainCommand() *cli.Command {
	return w.command("explain", "[NAME@VERSION | RECORD]", "why, and what would make it pass",
		"Judges the release as it is now, without key and log, and says for every finding what was observed and expected,\n"+
			"where, what to do, who may sign, and the next command. With a record it explains that decision instead. An\n"+
			"explanation is no decision: it exits 0 when it could be given.",
		1, flags(targetFlags(), one(artifactFlag()), releaseFlags(), one(policyFlag()), placeFlags(), sourceFlags(), one(outputFlag(report.Formats()...))),
		(*call).explain)
}

func (w *world) reportCommand() *cli.Command {
	return w.command("report", "RECORD", "show a decision record",
		"Shows a decision record, after checking its signature under the gate definition, as text, JSON, Markdown, JUnit or dotenv.",
		1, flags(one(gateFlag(), rootFlag(), outputFlag(recordFormats()...))), (*call).report)
}

func (k *call) explain() error {
	if arg := k.Args().First(); arg != "" && k.exists(arg) {
		return k.showRecord(arg, true)
	}
	outs, err := k.outputs(report.Formats()...)
	if err != nil {
		return err
	}
	o, err := k.previewOptions()
	if err != nil {
		return err
	}
	if spelt := k.Args().First(); spelt != "" {
		if o.Release, err = k.releaseOf(spelt); err != nil {
			return err
		}
		// The release says itself what it is; the checkout that happens to be here may be another.
		if len(o.Artifacts) == 0 && k.String("revision") == "" {
			o.Source = engine.Source{}
		}
	}
	ev, err := engine.Preview(k.Context.Context, o)
	if err != nil {
		return err
	}
	d := k.document(ev, o)
	d.Preview, d.Detail = true, true
	return k.deliver(outs, d)
}

func (k *call) report() error {
	if !k.Args().Present() {
		return fault.New(fault.Usage, "no record is named: cdgate report RECORD")
	}
	return k.showRecord(k.Args().First(), false)
}

// showRecord shows a record whose signature holds under the gate definition.
func (k *call) showRecord(path string, detail bool) error {
	outs, err := k.outputs(recordFormats()...)
	if err != nil {
		return err
	}
	b, _, err := k.readRecord(path)
	if err != nil {
		return err
	}
	p, err := k.places()
	if err != nil {
		return err
	}
	def, err := k.openGate(p)
	if err != nil {
		return fault.Wrap(fault.Usage, err)
	}
	opened, _, err := def.OpenDecision(b)
	if err != nil {
		return err
	}
	var predicate record.Predicate
	if err := json.Unmarshal(opened.Statement.Predicate, &predicate); err != nil {
		return fault.New(fault.Evidence, "read record %q: %w", path, err)
	}
	d := report.Document{Result: predicate.Result, Record: report.Record{Path: path, Digest: opened.Digest}, Detail: detail}
	k.addPeople(&d, p)
	d.Notes = append(d.Notes, "a report shows what was decided. Whether it still holds says: cdgate verify "+shellWord(path))
	return k.deliver(outs, d)
}
