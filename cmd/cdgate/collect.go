package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/seal"
)

func (w *world) collectCommand() *cli.Command {
	return w.command("collect", "[KIND[/LEVEL]:]PATH…", "read reports, sign and store what they say",
		"Reads reports (files, globs, directories, - for stdin), recognises them by content, and stores a signed\n"+
			"statement about each. KIND is tests, coverage, scan or sbom; LEVEL says which level of tests, such as unit.\n"+
			"With --artifact the statements are about what was built, and the build itself is attested too; without it\n"+
			"they are about the commit. --prometheus and --referrers ask servers for more reports. When nothing is named\n"+
			"it reads what .cdgate.yaml lists for the line.",
		-1, flags(one(artifactFlag(), text("part", "the `NAME` of one of several jobs that write the same kind of report")),
			serverFlags(), releaseFlags(), sourceFlags(), producerFlags(), one(keyFlag(), storeFlag(), outputFlag("text", "json"))),
		(*call).collect)
}

func (k *call) collect() error {
	outs, err := k.outputs("text", "json")
	if err != nil {
		return err
	}
	o, err := k.collectOptions()
	if err != nil {
		return err
	}
	if o.Signer, err = k.signer(); err != nil {
		return err
	}
	if err := k.askServers(&o); err != nil {
		return err
	}
	got, err := engine.Collect(k.Context.Context, o)
	if err != nil {
		return err
	}
	k.warnOfKey(o.Signer, got)
	return k.deliverJSON(outs, collectedJSON(got), func() string { return collectedText(got) })
}

// warnOfKey says so when the gate definition that lies here lets the key attest less than was collected. It is a remark:
// the definition that counts may be another, and what is not entitled is not counted at evaluation.
func (k *call) warnOfKey(key *seal.Signer, got *engine.Collected) {
	p, err := k.places()
	if err != nil {
		return
	}
	def, err := k.openGate(p)
	if err != nil {
		return
	}
	signer, known := def.SignerOf(key.KeyID())
	if p, ok := def.PersonOf(key.KeyID()); ok {
		signer, known = gate.Signer{ID: p.ID, May: def.PersonMay(p)}, true
	}
	var idle []string
	for _, it := range got.Items {
		if kind := string(it.Kind); !slices.Contains(signer.May, kind) && !slices.Contains(idle, kind) {
			idle = append(idle, kind)
		}
	}
	switch {
	case !known:
		k.note("this will not count: the gate definition knows no signer with key SHA256:%s", key.KeyID())
	case len(idle) > 0:
		k.note("this will not count: the gate definition lets %s attest %s, not %s", signer.ID, strings.Join(signer.May, ", "), strings.Join(idle, ", "))
	}
}

// collectOptions gathers everything but the key.
func (k *call) collectOptions() (o engine.CollectOptions, err error) {
	if o.Artifacts, err = k.artifacts(); err != nil {
		return o, err
	}
	if o.Producer, err = k.producer(); err != nil {
		return o, err
	}
	// Evidence says its release only when somebody said so: a default would bind it to a name nobody chose.
	if spelt := k.String("release"); spelt != "" {
		if o.Release, err = k.releaseOf(spelt); err != nil {
			return o, err
		}
	} else {
		o.Release.Line = k.line()
	}
	o.Reports = k.reports()
	if o.Source, err = k.source(); err != nil {
		return o, err
	}
	if o.Own, err = engine.OwnKinds(k.place("gate", k.config.Gate)); err != nil {
		k.note("the own kinds of evidence cannot be read: %v", err) // reports of built-in kinds need none
	}
	o.Part, o.Now = k.String("part"), k.now
	o.Store = k.place("store", k.config.Store)
	return o, nil
}
