package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/evidence"
)

func (w *world) collectCommand() *cli.Command {
	return w.command("collect", "[KIND[/LEVEL]:]PATH… [-- COMMAND…]", "read reports, sign and store what they say",
		"Reads reports (files, globs, directories, - for stdin), recognises them by content, and stores a signed\n"+
			"statement about each. KIND is one of\n"+kindLines()+
			"or a kind of your own; LEVEL says which level of tests, such as unit. Attestations of other tools (Sigstore\n"+
			"bundles, DSSE envelopes) are stored as they are, with their own signature, and listed. When nothing is named it reads what\n"+
			".cdgate.yaml lists for the line. --list shows what would be collected, without a key, and stores nothing.\n\n"+
			"With --artifact the statements are about what was built, and the build itself is attested too; without it\n"+
			"they are about the commit. A report with a token or private key in it is refused, unless --redact takes it out.\n\n"+
			"--prometheus and --referrers ask servers for more reports; --git, --ci, --run and --form make reports of\n"+
			"this machine, of a command and of what a person says. The command of --run has no standard input, does not see\n"+
			"the signing key, and writes to stderr; its exit status becomes that of cdgate.",
		-1, flags(one(toggle("list", "show what the reports say; sign and store nothing"), redactFlag(),
			toggle("verbose", "name each file in a directory that is no report", "v"), artifactFlag(), text("part", "the `NAME` of one of several jobs that write the same kind of report")),
			collectorFlags(), serverFlags(), releaseFlags(), sourceFlags(), producerFlags(), signingFlags(), storeFlags(), one(outputFlag("text", "json"))),
		(*call).collect)
}

// kindLines lists the kinds of reports for the help.
func kindLines() string {
	line, out := " ", ""
	for _, k := range evidence.ReportKinds() {
		if len(line)+len(k) > 78 {
			out, line = out+line+"\n", " "
		}
		line += " " + string(k)
	}
	return out + line + "\n"
}

func (k *call) collect() error {
	outs, err := k.outputs("text", "json")
	if err != nil {
		return err
	}
	c, err := k.collectors()
	if err != nil {
		return err
	}
	if k.Bool("list") {
		return k.listReports(c, outs)
	}
	signer, err := k.statementSigner() // before a command runs for an hour
	if err != nil {
		return err
	}
	made, code, err := k.makeReports(c)
	if err != nil {
		return err
	}
	got, skipped, err := k.collectAll(c, made, signer, code)
	if err != nil {
		return k.ended(code, err)
	}
	k.warnOfKey(signer, got)
	return k.ended(code, k.deliverJSON(outs, collectedJSON(got, skipped), func() string { return k.collectedText(got, skipped) }))
}

// listReports says what the reports are, and asks for no key.
func (k *call) listReports(c collectors, outs []output) error {
	made, _, err := k.makeReports(c)
	if err != nil {
		return err
	}
	o := engine.CollectOptions{Reports: k.reports(), Made: made, Now: k.now}
	if c.any() {
		o.Paths = c.paths
	}
	if o.Artifacts, err = k.artifacts(); err != nil {
		return err
	}
	o.SHA512 = k.sha512
	k.addOwnKinds(&o)
	if err := k.askServers(&o); err != nil {
		return err
	}
	skipped := watchSkipped(&o.Reports)
	items, problems := engine.List(k.Context.Context, o)
	err = k.deliverJSON(outs, listedJSON(items, problems, *skipped), func() string { return k.listedText(items, problems, *skipped) })
	for _, p := range problems {
		err = errors.Join(err, fault.Wrap(fault.Evidence, p.Err))
	}
	return err
}

// watchSkipped notes the files that are no reports.
func watchSkipped(r *engine.Reports) *[]skippedFile {
	list := &[]skippedFile{}
	r.Skipped = func(path, reason string) { *list = append(*list, skippedFile{path, reason}) }
	return list
}

// warnOfKey says so when the gate definition that lies here lets the key attest less than was collected, or not now. It is a remark:
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
	by := key.Signatory()
	signer, known := def.SignerBy(by)
	if p, ok := def.PersonBy(by); ok {
		signer, known = gate.Signer{ID: p.ID, May: def.PersonMay(p)}, true
	}
	var idle []string
	for _, it := range got.Items {
		if kind := string(it.Kind); it.Attested == nil && !slices.Contains(signer.May, kind) && !slices.Contains(idle, kind) {
			idle = append(idle, kind)
		}
	}
	var closed *gate.Unsound
	if known {
		closed = def.Stands(by, gate.When{Claimed: k.now, Now: k.now})
	}
	switch {
	case closed != nil:
		k.note("this will not count: %s; sign with a key of %s that is valid now, or have the owner of the gate definition add one: cdgate gate rotate", closed.Msg, signer.ID)
	case known && def.WantsTimestamp(by) && !key.Timestamps():
		k.note("this will not count: the gate definition wants timestamps; name an authority with --timestamp-url or --signing-config")
	case !known && by.KeyID == "":
		k.note("this will not count: it is signed by %s, %s", by, def.Unknown(by))
	case !known:
		k.note("this will not count: the gate definition knows no signer with %s; sign with the key of a signer, or add this one under signers in gate.yaml, "+
			"and sign gate.yaml again", by)
	case len(idle) > 0:
		kinds, may := strings.Join(idle, ", "), strings.Join(signer.May, ", ")
		k.note("this will not count: the gate definition lets %s attest %s, not %s; sign with another key, or add %s to the may list of a signer or role in gate.yaml, "+
			"and sign gate.yaml again", signer.ID, first(may, "nothing"), kinds, kinds)
	}
}

// collectOptions gathers everything but the key.
func (k *call) collectOptions() (o engine.CollectOptions, err error) {
	if o.Artifacts, err = k.artifacts(); err != nil {
		return o, err
	}
	o.SHA512 = k.sha512
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
	k.addOwnKinds(&o)
	o.Part, o.Now = k.String("part"), k.now
	o.Store = k.store()
	o.Registries, err = k.registries()
	return o, err
}

// addOwnKinds adds the own kinds of evidence that the gate definition here has.
func (k *call) addOwnKinds(o *engine.CollectOptions) {
	var err error
	if o.Own, err = engine.OwnKinds(k.place("gate", k.config.Gate)); err != nil {
		k.note("the own kinds of evidence cannot be read: %v", err) // reports of built-in kinds need none
	}
}
