package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/decide"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/record"
	"cdgate.dev/cdgate/evidence/registry"
	"cdgate.dev/cdgate/schemas"
)

const (
	// maxRecordFile and maxProofFile are how long a record and its proof may be, in bytes.
	maxRecordFile = 64 << 20
	maxProofFile  = 1 << 20
)

func (w *world) verifyCommand() *cli.Command {
	return w.command("verify", "FILE | NAME@VERSION", "does this hold, and may it go there now?",
		"Checks any file that cdgate writes, and tells of each check. Of a decision record it asks whether the release may go to\n"+
			"the target now: signature, gate definition, log proof (from RECORD.tlog-proof), artifacts, target, later decisions and\n"+
			"rejections, freshness, outcome; it exits 0 only when the record says allow and every check passed. With NAME@VERSION and\n"+
			"--target it asks that of the newest decision in the log, which is how a job without the record's file asks.\n\n"+
			"FILE can also be a verification summary, a statement of evidence, a collection, an approval or rejection, gate.yaml or\n"+
			"a signature of it, an enrolment, a log proof or checkpoint, the log, or a store: a directory, a .tar or oci://….\n\n"+
			"Of a file that decides nothing --artifact and --target are asked only with --as.\n\n"+
			"Exits 20 for what is in order and does not count (expired, for something else, signed by a stranger), 50 where\n"+
			"something was altered or taken away, 30 for what cannot be read.",
		1, flags(one(artifactFlag()), targetFlags(), placeFlags(), one(asFlag(), outputFlag("text", "json"))), (*call).verify)
}

func asFlag() cli.Flag {
	return text("as", "what the file must be, a `TYPE`: "+strings.Join(engine.AsWords(), ", ")+"; default: with --artifact, --target or --stage a decision-record or its verification-summary, else any")
}

func (w *world) replayCommand() *cli.Command {
	return w.command("replay", "RECORD…", "compute recorded decisions again and compare",
		"Re-executes decisions offline from the inputs the store kept, and compares the results byte for byte. Exits 0 when\n"+
			"they are the same, whatever the outcome was, 50 when one differs, 30 when an input or the engine is another.",
		-1, flags(storeFlags(), one(rootFlag(), outputFlag("text", "json"))), (*call).replay)
}

// checked is the JSON of verify for a decision record, and of one replay.
type checked struct {
	Type        string         `json:"type"`
	Record      string         `json:"record"`
	OK          bool           `json:"ok"`
	ExitCode    int            `json:"exitCode"`
	Outcome     string         `json:"outcome"`
	Basis       decide.Basis   `json:"basis"`
	Digest      string         `json:"digest"`
	Release     record.Release `json:"release"`
	Target      record.Target  `json:"target"`
	Stage       string         `json:"stage"`
	ValidUntil  string         `json:"validUntil"`
	Checks      []check        `json:"checks"`
	Differences []string       `json:"differences,omitempty"`
}

// check is the JSON of one check.
type check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

func newChecked(path, digest string, r record.Result, checks []engine.VerifyCheck, code int) checked {
	out := checked{
		Type: engine.IsRecord, Record: path, OK: code == exitAllow, ExitCode: code, Outcome: r.Outcome, Basis: r.Basis, Digest: digest, Release: r.Release,
		Target: r.Target, Stage: r.Stage, ValidUntil: r.ValidUntil,
	}
	if out.Outcome == "" {
		out.Outcome = decide.Block.String()
	}
	out.Checks = checksOf(checks)
	return out
}

func checksOf(checks []engine.VerifyCheck) (out []check) {
	for _, c := range checks {
		out = append(out, check{Name: c.Name, OK: c.OK, Detail: c.Detail})
	}
	return out
}

// examined is the JSON of verify for everything but decision records.
type examined struct {
	Type     string  `json:"type"`
	File     string  `json:"file"`
	Title    string  `json:"title"`
	OK       bool    `json:"ok"`
	ExitCode int     `json:"exitCode"`
	Digest   string  `json:"digest"`
	Checks   []check `json:"checks"`
}

func (k *call) verify() error {
	outs, err := k.outputs("text", "json")
	if err != nil {
		return err
	}
	path := k.Args().First()
	if path == "" {
		return fault.New(fault.Usage, "no file is named; cdgate evaluate wrote a record, by default as .cdgate/TARGET.sigstore.json")
	}
	o := engine.VerifyOptions{Target: k.String("target"), Stage: k.String("stage"), Now: k.now}
	if o.Places, err = k.places(); err != nil {
		return err
	}
	if o.Artifacts, err = k.artifacts(); err != nil {
		return err
	}
	x, err := k.examine(path, o)
	if err != nil {
		return err
	}
	if v := x.Record; v != nil {
		c := newChecked(path, v.Digest, v.Predicate.Result, v.Checks, v.ExitCode)
		if err := k.deliverJSON(outs, c, func() string { return k.verifyText(c) }); err != nil {
			return err
		}
		return answered(v.ExitCode)
	}
	c := examined{Type: x.What, File: path, Title: x.Title, OK: x.ExitCode == exitAllow, ExitCode: x.ExitCode, Digest: x.Digest, Checks: checksOf(x.Checks)}
	if err := k.deliverJSON(outs, c, func() string { return examinedText(c) }); err != nil {
		return err
	}
	return answered(x.ExitCode)
}

// examine finds out what an argument is: a store, a log, or a file.
func (k *call) examine(path string, o engine.VerifyOptions) (*engine.Examination, error) {
	// Which of the two it is must not depend on the files that happen to be there.
	if strings.Contains(path, "@") && !strings.ContainsAny(path, `/\`) {
		return k.examineNewest(path, o)
	}
	place := k.storeAt(path)
	x := engine.ExamineOptions{VerifyOptions: o, As: k.String("as"), GateAsked: k.String("gate") != ""}
	if words := engine.AsWords(); x.As != "" && !slices.Contains(words, x.As) {
		return nil, fault.New(fault.Usage, "--as %s: %s", x.As, schemas.Suggest(x.As, "types", words))
	}
	switch info, err := os.Stat(k.abs(path)); {
	case strings.HasPrefix(path, registry.Scheme):
		if x.Registries, err = k.registriesFor(path); err != nil {
			return nil, err
		}
		x.Name = path
		return engine.ExamineStore(k.Context.Context, x)
	case err == nil && info.IsDir() && k.exists(filepath.Join(path, "oci-layout")), err == nil && info.Mode().IsRegular() && strings.HasSuffix(path, ".tar"):
		x.Name = place
		return engine.ExamineStore(k.Context.Context, x)
	case err == nil && info.IsDir() && k.exists(filepath.Join(path, "checkpoint")):
		x.Log = place
		return engine.ExamineLog(k.Context.Context, x)
	case err == nil && info.IsDir():
		return nil, fault.New(fault.Usage, "verify %s: it is a directory and neither a store (oci-layout) nor a log (checkpoint); name a file in it", path)
	}
	b, proof, err := k.readRecord(path)
	if err != nil {
		return nil, err
	}
	x.Proof, x.Bytes = proof, b
	if path != "-" {
		x.Name = place
	}
	if record, ok := strings.CutSuffix(path, engine.ProofPath("")); ok && k.exists(record) {
		if x.Record, err = readSmall(k.abs(record), maxRecordFile); err != nil {
			return nil, fault.New(fault.Evidence, "read the record beside the proof: %w", err)
		}
	}
	return engine.Examine(k.Context.Context, x)
}

// examineNewest asks of the newest decision about a release.
func (k *call) examineNewest(spelt string, o engine.VerifyOptions) (*engine.Examination, error) {
	r, err := k.releaseOf(spelt)
	if err != nil {
		return nil, err
	}
	if o.Target == "" {
		return nil, fault.New(fault.Usage, "verify %s: say where to with --target, or name the file of a record", spelt)
	}
	b, proof, err := engine.NewestRecord(k.Context.Context, o.Places, r, o.Target, cmp.Or(o.Stage, engine.DefaultStage), k.now)
	if err != nil {
		return nil, err
	}
	o.Proof = proof
	return engine.Examine(k.Context.Context, engine.ExamineOptions{VerifyOptions: o, Bytes: b})
}

// examinedText says what holds, or why not.
func examinedText(c examined) string {
	var b strings.Builder
	word := "DOES NOT HOLD"
	switch {
	case c.OK:
		word = "HOLDS"
	case c.ExitCode == exitRefused:
		word = "DOES NOT COUNT"
	}
	title := shortDigests(strings.TrimSuffix(c.Type+": "+c.Title, ": "))
	lines := strings.Split(wrap(shown(title), helpWidth-len(word)-2), "\n")
	fmt.Fprintf(&b, "%s  %s\n", word, strings.Join(lines, "\n"+strings.Repeat(" ", len(word)+2)))
	checkLines(&b, c.Checks)
	return b.String()
}

// readRecord reads a record and the proof beside it; "-" is stdin, without a proof.
func (k *call) readRecord(path string) (rec, proof []byte, err error) {
	if path == "" {
		return nil, nil, fault.New(fault.Usage, "no record is named; cdgate evaluate wrote it, by default as .cdgate/TARGET.sigstore.json")
	}
	if path == "-" {
		rec, err = readAll(k.stdin, maxRecordFile)
		return rec, nil, fault.Wrap(fault.Evidence, err)
	}
	path = k.abs(path)
	if rec, err = readSmall(path, maxRecordFile); err != nil {
		return nil, nil, fault.New(fault.Usage, "read file: %w; cdgate evaluate writes the record, and removes the old one when it cannot", err)
	}
	proof, err = readSmall(engine.ProofPath(path), maxProofFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fault.New(fault.Evidence, "read the record's log proof: %w", err)
	}
	return rec, proof, nil
}

func (k *call) verifyText(c checked) string {
	var b strings.Builder
	word, sentence := "NO", "this record does not let it go"
	name := c.Release.Name + "@" + c.Release.Version
	switch {
	case c.OK:
		word, sentence = "YES", fmt.Sprintf("%s may go to %s", shown(name), shown(c.Target.ID))
	case c.ExitCode == 10:
		word, sentence = "NOT YET", fmt.Sprintf("%s still waits for people", shown(name))
	case c.ExitCode > exitRefused && len(c.Checks) > 0 && c.Checks[len(c.Checks)-1].Name == "outcome":
		sentence = fmt.Sprintf("the gate could not judge %s, so it does not go", shown(name))
	case c.ExitCode > exitRefused:
		word, sentence = "NO", "the record cannot be relied on"
	}
	fmt.Fprintf(&b, "%s  %s\n", word, sentence)
	checkLines(&b, c.Checks)
	if !c.OK {
		return b.String()
	}
	var unsaid []string
	if len(k.StringSlice("artifact")) == 0 {
		unsaid = append(unsaid, "--artifact FILE")
	}
	if k.String("target") == "" {
		unsaid = append(unsaid, "--target ID")
	}
	if len(unsaid) > 0 {
		fmt.Fprintf(&b, "\n  Note: this is what the record says. Before you deploy, hold it against what goes\n"+
			"        where: add %s\n", strings.Join(unsaid, " and "))
	}
	return b.String()
}

// longDigest is a digest in full, which is longer than a line has room for beside a name. JSON has it whole.
var longDigest = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

func shortDigests(s string) string {
	return longDigest.ReplaceAllStringFunc(s, func(d string) string { return d[:len("sha256:")+12] + "…" })
}

func checkLines(b *strings.Builder, checks []check) {
	for _, c := range checks {
		mark := "✓"
		if !c.OK {
			mark = "✗"
		}
		lines := strings.Split(wrap(shown(shortDigests(c.Detail)), helpWidth-21), "\n")
		fmt.Fprintf(b, "  %s %-16s %s\n", mark, shown(c.Name), strings.Join(lines, "\n"+strings.Repeat(" ", 21)))
	}
}

func (k *call) replay() error {
	outs, err := k.outputs("text", "json")
	if err != nil {
		return err
	}
	if !k.Args().Present() {
		return fault.New(fault.Usage, "no record is named: cdgate replay RECORD…")
	}
	root, err := k.pinnedRoot()
	if err != nil {
		return err
	}
	registries, err := k.registries()
	if err != nil {
		return err
	}
	var all []checked
	worst := exitAllow
	for _, path := range k.Args().Slice() {
		rec, _, err := k.readRecord(path)
		if err != nil {
			return err
		}
		r, err := engine.Replay(k.Context.Context, engine.ReplayOptions{Store: k.store(), Registries: registries, Root: root, Record: rec, Sandbox: k.sandbox()})
		if err != nil {
			return err
		}
		c := newChecked(path, r.Digest, r.Predicate.Result, r.Checks, r.ExitCode)
		c.Differences = r.Differences
		all = append(all, c)
		worst = max(worst, r.ExitCode)
	}
	type replays struct {
		ExitCode int       `json:"exitCode"`
		Records  []checked `json:"records"`
	}
	if err := k.deliverJSON(outs, replays{worst, all}, func() string { return replayText(all) }); err != nil {
		return err
	}
	return answered(worst)
}

func replayText(all []checked) string {
	var b strings.Builder
	for _, c := range all {
		word := "SAME"
		switch {
		case len(c.Differences) > 0:
			word = "DIFFERS"
		case !c.OK:
			word = "NOT REPLAYED"
		}
		fmt.Fprintf(&b, "%s  %s (%s)\n", word, shown(c.Record), shown(c.Outcome))
		checkLines(&b, c.Checks)
		for _, d := range c.Differences {
			fmt.Fprintf(&b, "    differs at %s\n", shown(d))
		}
	}
	return b.String()
}

// exists says whether an argument names a file.
func (k *call) exists(path string) bool {
	info, err := os.Stat(k.abs(path))
	return err == nil && info.Mode().IsRegular()
}
