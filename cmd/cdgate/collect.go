package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/evidence"
)

func (w *world) collectCommand() *cli.Command {
	return w.command("collect", "[KIND[/LEVEL]:]PATH…", "read reports, sign and store what they say",
		"Reads reports (files, globs, directories, - for stdin), recognises them by content, and stores a signed\n"+
			"statement about each. KIND is tests, coverage, scan or sbom; LEVEL says which level of tests, such as unit.\n"+
			"With --artifact the statements are about what was built, and the build itself is attested too; without it\n"+
			"they are about the commit. Without PATH it reads what .cdgate.yaml lists for the line.",
		-1, flags(one(artifactFlag(), text("part", "the `NAME` of one of several jobs that write the same kind of report")),
			releaseFlags(), sourceFlags(), producerFlags(), one(keyFlag(), storeFlag(), outputFlag("text", "json"))),
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
	o.Part, o.Now = k.String("part"), k.now
	o.Store = k.place("store", k.config.Store)
	return o, nil
}

// collectedItem is the JSON of one report that was collected.
type collectedItem struct {
	Path        string             `json:"path"`
	Kind        evidence.Kind      `json:"kind"`
	Level       string             `json:"level"`
	Format      string             `json:"format"`
	Tool        evidence.Tool      `json:"tool"`
	Summary     any                `json:"summary"`
	Warnings    []evidence.Warning `json:"warnings"`
	About       string             `json:"about"`
	AboutDigest string             `json:"aboutDigest"`
	Statement   string             `json:"statement"`
	Report      string             `json:"report"`
}

// collected is the JSON of a collection.
type collected struct {
	Items      []collectedItem `json:"items"`
	Builds     []string        `json:"builds"`
	Collection string          `json:"collection"`
	Store      string          `json:"store"`
}

func collectedJSON(c *engine.Collected) collected {
	out := collected{Builds: c.Builds, Collection: c.Collection, Store: c.Store}
	for _, it := range c.Items {
		out.Items = append(out.Items, collectedItem{
			Path: it.Path, Kind: it.Kind, Level: it.Level, Format: it.Format, Tool: it.Tool, Summary: summaryOf(it.Item), Warnings: it.Warnings,
			About: it.About, AboutDigest: it.AboutDigest, Statement: it.Statement, Report: it.Raw.Digest,
		})
	}
	return out
}

func summaryOf(it evidence.Item) any {
	switch s := it.Summary; {
	case s.Tests != nil:
		return s.Tests
	case s.Coverage != nil:
		return s.Coverage
	case s.Scan != nil:
		return s.Scan
	case s.SBOM != nil:
		return s.SBOM
	}
	return struct{}{}
}

// collectedText tells a person what was read: one line a report, warnings below it.
func collectedText(c *engine.Collected) string {
	var b strings.Builder
	for _, it := range c.Items {
		kind := string(it.Kind)
		if it.Level != "" {
			kind += "/" + it.Level
		}
		fmt.Fprintf(&b, "  %-14s %s  %s\n", shown(kind), shown(it.Path), summaryWords(it.Item))
		for _, w := range it.Warnings {
			fmt.Fprintf(&b, "  %-14s warning: %s\n", "", shown(strings.TrimSpace(w.Msg+" "+w.Place)))
		}
	}
	if n := len(c.Builds); n > 0 {
		fmt.Fprintf(&b, "  %-14s %s tied to the commit\n", "build", count(n, "artifact"))
	}
	about := ""
	if len(c.Items) > 0 {
		about = fmt.Sprintf(" about %s %s", c.Items[0].About, shortDigest(c.Items[0].AboutDigest))
	}
	fmt.Fprintf(&b, "Signed and stored %s%s in %s\n", count(len(c.Items)+len(c.Builds), "statement"), shown(about), shown(c.Store))
	return b.String()
}

// count writes a number and its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func shortDigest(s string) string {
	s = strings.TrimPrefix(s, "sha256:")
	return s[:min(12, len(s))]
}

// summaryWords says in a few words what a report says.
func summaryWords(it evidence.Item) string {
	switch s := it.Summary; {
	case s.Tests != nil:
		return fmt.Sprintf("%s, %d failed, %d errored, %d skipped", count(int(s.Tests.Total), "test"), s.Tests.Failed, s.Tests.Errored, s.Tests.Skipped)
	case s.Coverage != nil:
		for _, r := range []struct {
			name  string
			ratio evidence.Ratio
		}{{"lines", s.Coverage.Line}, {"statements", s.Coverage.Statement}, {"branches", s.Coverage.Branch}} {
			if r.ratio.Measured {
				return fmt.Sprintf("%d of %d %s covered, %s", r.ratio.Covered, r.ratio.Total, r.name, count(int(s.Coverage.Files), "file"))
			}
		}
		return "nothing measured"
	case s.Scan != nil:
		b := s.Scan.BySeverity
		return fmt.Sprintf("%d open (critical %d, high %d, medium %d, low %d)", s.Scan.Open, b.Critical, b.High, b.Medium, b.Low)
	case s.SBOM != nil:
		return count(int(s.SBOM.Components), "component")
	}
	return shown(it.Format)
}
