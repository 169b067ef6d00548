package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/evidence/registry"
)

func (w *world) storeCommand() *cli.Command {
	return group("store", "the evidence store",
		w.command("list", "[NAME@VERSION]", "list what is there about a release, an artifact or a commit",
			"Lists the signed statements: kind, tool, what they are about, who signed them and how old they are. Without\n"+
				"a release, --artifact and --revision it lists everything. With --target it says what counts for that\n"+
				"target and why the rest does not, and what the target's rules still miss.",
			1, flags(one(artifactFlag(), text("release", "what is released, as `NAME@VERSION`"), text("line", "the `LINE` (product or service); default: the only one in .cdgate.yaml"),
				text("revision", "the git `COMMIT`"), text("repository", "the `URL` of the repository")),
				targetFlags(), placeFlags(), one(outputFlag("text", "json"))), (*call).storeList),
		w.command("show", "DIGEST", "show one statement, or with --raw its report",
			"Decodes a statement, named by its digest as list shows it or by that of its object. --raw writes the report\n"+
				"itself, after its bytes were compared with their digest.",
			1, flags(one(toggle("raw", "write the raw report to stdout")), placeFlags(), one(outputFlag("text", "json"))), (*call).storeShow),
		w.command("check", "[STORE]", "read everything again and compare it with its digest",
			"Hashes every byte, holds every collection against the items it lists, and in a registry every tag against the\n"+
				"object in its name. Exits 50 for what was altered or taken away, 30 for what cannot be read. What belongs to\n"+
				"nothing is told and is no fault.",
			1, flags(storeFlags(), one(outputFlag("text", "json"))), (*call).storeCheck),
		w.command("copy", "SOURCE DESTINATION", "copy a store: DIR, oci://REGISTRY/REPOSITORY or FILE.tar",
			"SOURCE and DESTINATION are each a directory, oci://REGISTRY/REPOSITORY, or FILE.tar, an OCI image layout as one file.\n"+
				"Copies every object, byte for byte and under the same digest. What is there already stays. The same objects give the same tar.",
			2, flags(one(text("registry-ca", "a `FILE` with the certificate authorities of the registries (PEM)"), outputFlag("text", "json"))), (*call).storeCopy))
}

// shownStatement is the JSON of store show.
type shownStatement struct {
	Digest     string         `json:"digest"`
	SignedWith string         `json:"signedWith"`
	Signer     string         `json:"signer"`
	Signed     bool           `json:"signed"`
	Statement  seal.Statement `json:"statement"`
}

func (k *call) storeShow() error {
	digest := k.Args().First()
	if len(digest) == 64 {
		digest = "sha256:" + digest
	}
	if !sha256Digest.MatchString(digest) {
		return fault.New(fault.Usage, "name a statement by its whole digest, sha256: and 64 hexadecimal digits; cdgate store list -o json shows them")
	}
	outs, err := k.outputs("text", "json")
	if err != nil {
		return err
	}
	o := engine.EvaluateOptions{Now: k.now}
	if o.Places, err = k.places(); err != nil {
		return err
	}
	if k.Bool("raw") {
		return engine.StoreRaw(k.Context.Context, o, digest, k.stdout)
	}
	s, err := engine.StoreShow(k.Context.Context, o, digest)
	if err != nil {
		return err
	}
	return k.deliverJSON(outs, shownStatement{s.Digest, signedWith(s.Claims), s.Signer, s.Signed, s.Statement}, func() string { return shownText(s) })
}

func shownText(s *engine.Shown) string {
	var b strings.Builder
	say := func(name, value string) {
		if strings.TrimSpace(value) != "" {
			fmt.Fprintf(&b, "%-12s %s\n", name, shown(value))
		}
	}
	say("statement", s.Digest)
	say("type", s.PredicateType)
	for _, sub := range s.Statement.Subject {
		for algorithm, hex := range sub.Digest {
			say("about", sub.Name+" "+algorithm+":"+hex)
		}
	}
	switch {
	case s.Signed:
		say("signed by", s.Signer)
	case s.Signer != "":
		say("signed by", "not by "+s.Signer+", as it claims: it was altered or forged")
	default:
		say("signed by", signedWith(s.Claims)+", which no gate definition here knows")
	}
	say("made", s.CollectedAt)
	say("tool", s.Tool.Name+" "+s.Tool.Version)
	say("report", strings.TrimSpace(s.Report.Name+" "+s.Report.Digest))
	predicate := s.Statement.Predicate.Clone()
	if err := predicate.Indent(); err == nil {
		b.WriteByte('\n')
		for line := range strings.SplitSeq(string(predicate), "\n") {
			b.WriteString(shown(strings.ReplaceAll(line, "\t", "  ")) + "\n")
		}
	}
	return b.String()
}

// storeChecked is the JSON of store check.
type storeChecked struct {
	Store    string   `json:"store"`
	OK       bool     `json:"ok"`
	ExitCode int      `json:"exitCode"`
	Objects  int      `json:"objects"`
	Blobs    int      `json:"blobs"`
	Problems []string `json:"problems"`
	Orphans  []string `json:"orphans"`
}

func (k *call) storeCheck() error {
	outs, err := k.outputs("text", "json")
	if err != nil {
		return err
	}
	name := k.store()
	if arg := k.Args().First(); arg != "" {
		name = k.storeAt(arg)
	}
	registries, err := k.registriesFor(name)
	if err != nil {
		return err
	}
	c, err := engine.StoreCheck(k.Context.Context, name, registries)
	if err != nil {
		return err
	}
	out := storeChecked{Store: name, OK: c.ExitCode == exitAllow, ExitCode: c.ExitCode, Objects: c.Objects, Blobs: c.Blobs, Orphans: c.Orphans}
	for _, p := range c.Problems {
		out.Problems = append(out.Problems, p.Error())
	}
	if err := k.deliverJSON(outs, out, func() string { return storeCheckedText(out) }); err != nil {
		return err
	}
	return answered(c.ExitCode)
}

func storeCheckedText(c storeChecked) string {
	var b strings.Builder
	for _, p := range c.Problems {
		fmt.Fprintf(&b, "✗ %s\n", shown(p))
	}
	for _, o := range c.Orphans {
		fmt.Fprintf(&b, "- %s\n", shown(o))
	}
	word := "every byte is what its digest says, and nothing that is listed is missing"
	if !c.OK {
		word = "the store cannot be relied on"
	}
	fmt.Fprintf(&b, "%s and %s read in %s: %s\n", count(c.Objects, "object"), count(c.Blobs, "blob"), shown(c.Store), word)
	return b.String()
}

// storeCopied is the JSON of store copy.
type storeCopied struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Objects int    `json:"objects"`
}

func (k *call) storeCopy() error {
	outs, err := k.outputs("text", "json")
	if err != nil {
		return err
	}
	if k.Args().Len() != 2 {
		return fault.New(fault.Usage, "name where to copy from and where to: cdgate store copy .cdgate/store oci://ghcr.io/acme/evidence")
	}
	from, to := k.storeAt(k.Args().Get(0)), k.storeAt(k.Args().Get(1))
	registries, err := k.registriesFor(from, to)
	if err != nil {
		return err
	}
	n, err := engine.StoreCopy(k.Context.Context, from, to, registries)
	if err != nil {
		return err
	}
	return k.deliverJSON(outs, storeCopied{from, to, n}, func() string {
		return fmt.Sprintf("%s copied from %s to %s\n", count(n, "object"), shown(from), shown(to))
	})
}

// storeAt is a store that an argument names.
func (k *call) storeAt(spelt string) string {
	if strings.HasPrefix(spelt, registry.Scheme) {
		return spelt
	}
	return relative(k.dir, k.abs(spelt))
}
