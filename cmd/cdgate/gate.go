package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/gate"
)

func (w *world) gateCommand() *cli.Command {
	return group("gate", "the gate definition: who may sign what, targets and their policies",
		w.command("init", "", "write a demo gate definition with its keys, signed",
			"Writes gate.yaml, its signature and the public keys, and the private keys outside the tree. Overwrites nothing.",
			0, initFlags(), (*call).gateInit),
		w.command("check", "[FILE]", "check a gate definition before it is signed",
			"Checks gate.yaml, the keys it names and the policies and parameters of its targets, and says whether the signature fits.",
			1, one(gateFlag(), rootFlag(), outputFlag("text", "json")), (*call).gateCheck),
		w.command("show", "", "show the signed gate definition",
			"Opens the signed gate definition as an evaluation would, and shows what counts.",
			0, one(gateFlag(), rootFlag(), outputFlag("text", "json")), (*call).gateShow),
		w.command("sign", "[FILE]", "sign the gate definition with a root key",
			"Pins the keys it names and the content of every policy source, and writes gate.sigstore.json beside it. Where\n"+
				"the definition asks for several signatures, each owner runs it with their own key, and the further ones lie beside\n"+
				"the first (gate.2.sigstore.json …), over exactly the same text; a change starts over. A definition that was signed\n"+
				"before gets the next version, and the signatures of the one before are kept in gate.history. New root keys count\n"+
				"when those before have signed, too.",
			1, flags(keyFlags(), one(gateFlag())), (*call).gateSign),
		w.command("diff", "[OLD [NEW]]", "what a change of the gate definition means",
			"Says in words what gate.yaml means now that the definition signed last does not: who may do what more or less.\n"+
				"What loosens, or may, is marked. OLD and NEW are gate.yaml files; OLD may be a signature, such as\n"+
				"gate.history/7.sigstore.json.",
			2, one(gateFlag(), outputFlag("text", "json")), (*call).gateDiff),
		w.command("add", "FILE.enrol", "add a person or a signer",
			"Adds whoever made the enrolment (cdgate keys enroll) to gate.yaml with their key, and shows the change; comments and\n"+
				"layout stay. The enrolment proves that its author has the key, not who they are: be sure that it is from them.\n"+
				"Lines and targets are those of a new role; a role that exists keeps its own. It counts once it is signed.",
			1, one(gateFlag(), text("id", "the `ID` of the person or signer; default: from the e-mail address"),
				list("role", "a `ROLE` to give the person; one that does not exist is made; repeat for several"),
				text("line", "the `LINE` that a new role or a signer is for"), text("target", "the `ID` of the target that a new role is for"),
				text("until", "the `DATE` at which the key ends"), toggle("signer", "a machine, not a person"),
				list("may", "a kind of evidence that a signer may sign (`KIND`), or decision; repeat for several")), (*call).gateAdd),
		w.command("remove", "person|signer|key NAME", "close keys, and take a person out of roles",
			"Ends the validity of the keys of a person or signer, or of one key by its file, and takes a person out of roles and\n"+
				"lines. Older records still verify, so nothing is deleted. With --compromised nothing that the key ever signed counts\n"+
				"any more, unless a timestamp proves that it was before. It counts once it is signed.",
			2, one(gateFlag(), toggle("compromised", "somebody else may have the key"), text("until", "the `DATE` at which the keys end; default: now")), (*call).gateRemove),
		w.command("rotate", "root|signer|person|log [NAME]", "put a new key in the place of an old one",
			"Puts a new public key beside those of a signer or person, which end after --overlap; or in the place of a root key (NAME\n"+
				"is its file), and then the owners of the roots before sign the change as well as those after. The new key of the\n"+
				"decision log has the log's own name, and the log goes on under it.",
			2, one(gateFlag(), text("with", "the new public key `FILE`"), text("overlap", "how `LONG` the old keys stay valid; default: 168h")), (*call).gateRotate))
}

// gateFile is the gate definition: the argument, else the flag, else the configuration's.
func (k *call) gateFile() string {
	if a := k.Args().First(); a != "" {
		return relative(k.dir, k.abs(a))
	}
	return k.place("gate", k.config.Gate)
}

// gateSummary is the JSON of gate check and gate show.
type gateSummary struct {
	File       string           `json:"file"`
	OK         bool             `json:"ok"`
	Signed     bool             `json:"signed"`
	Signature  string           `json:"signature"`
	RootPinned bool             `json:"rootPinned"`
	Root       string           `json:"root"`
	Digest     string           `json:"digest"`
	SignedAt   string           `json:"signedAt"`
	Previous   string           `json:"previous"`
	Roots      []gate.Tally     `json:"roots"`
	Sources    []gate.Source    `json:"sources"`
	Definition *gate.Definition `json:"definition"`
}

func (k *call) gateCheck() error {
	outs, err := k.outputs("text", "json")
	if err != nil {
		return err
	}
	path := k.gateFile()
	def, err := engine.GateCheck(path)
	if err != nil {
		return err
	}
	s := gateSummary{File: path, OK: true, Definition: def, Sources: def.Sources, Digest: def.Digest(), Signature: "fits"}
	root, err := k.pinnedRoot()
	if err != nil {
		return err
	}
	if _, err := os.Stat(engine.SignaturePath(path)); errors.Is(err, fs.ErrNotExist) {
		s.Signature = "none yet; sign it with: cdgate gate sign --key root.key"
	} else if signed, err := engine.GateShow(engine.Places{Gate: path, Root: root}, k.now); err != nil {
		s.Signature = "does not fit: " + err.Error()
		s.tallies(path)
	} else {
		s.Signed, s.RootPinned, s.Root, s.SignedAt, s.Previous = true, signed.RootPinned(), "SHA256:"+signed.RootKey(), signed.SignedAt, signed.Previous
		s.tallies(path)
	}
	return k.deliverJSON(outs, s, func() string {
		return fmt.Sprintf("%s is sound: version %d, %s, %s\nsignature: %s\n%s", shown(path), def.Version,
			count(len(def.Targets), "target"), people(len(def.People)), shown(s.Signature), tallyText(s.Roots))
	})
}

// tallies adds who signed and who is missing, as far as the signatures can be read.
func (s *gateSummary) tallies(path string) {
	if is, err := engine.GateSigning(path); err == nil && is != nil {
		s.Roots = is.Tallies
	}
}

func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}

func (k *call) gateShow() error {
	outs, err := k.outputs("text", "json")
	if err != nil {
		return err
	}
	p, err := k.places()
	if err != nil {
		return err
	}
	def, err := engine.GateShow(p, k.now)
	if err != nil {
		return err
	}
	s := gateSummary{
		File: p.Gate, OK: true, Signed: true, Signature: "fits", RootPinned: def.RootPinned(), Root: "SHA256:" + def.RootKey(), Digest: def.Digest(),
		SignedAt: def.SignedAt, Previous: def.Previous, Sources: def.Sources, Definition: def,
	}
	s.tallies(p.Gate)
	return k.deliverJSON(outs, s, func() string { return gateText(s) })
}

func gateText(s gateSummary) string {
	d := s.Definition
	var b strings.Builder
	pinned := "not pinned: only this checkout vouches for it; pin it with --root"
	if s.RootPinned {
		pinned = "pinned"
	}
	fmt.Fprintf(&b, "%s  version %d, expires %s\n", shown(s.File), d.Version, shown(d.Expires))
	fmt.Fprintf(&b, "  root      %s (%s)\n  signed    %s\n", shown(s.Root), pinned, shown(s.SignedAt))
	if s.Previous != "" {
		fmt.Fprintf(&b, "  follows   version %d, %s\n", d.Version-1, shown(s.Previous))
	}
	if d.Threshold > 1 || len(s.Roots) > 1 {
		b.WriteString(tallyText(s.Roots))
	}
	b.WriteString("\n  Signers\n")
	for _, id := range slices.Sorted(maps.Keys(d.Signers)) {
		v := d.Signers[id]
		fmt.Fprintf(&b, "    %-16s may attest %s%s\n", shown(id), shown(strings.Join(v.May, ", ")), scope(" for line ", v.Lines))
	}
	b.WriteString("\n  People\n")
	for _, id := range slices.Sorted(maps.Keys(d.People)) {
		v := d.People[id]
		keys := "no key: cannot sign"
		if len(v.Keys) > 0 {
			keys = count(len(v.Keys), "key")
		}
		fmt.Fprintf(&b, "    %-16s %s (%s) %s\n", shown(id), shown(v.Name), keys, shown(strings.Join(v.Emails, ", ")))
	}
	b.WriteString("\n  Roles\n")
	for _, id := range slices.Sorted(maps.Keys(d.Roles)) {
		v := d.Roles[id]
		fmt.Fprintf(&b, "    %-16s %s%s%s\n", shown(id), shown(strings.Join(v.People, ", ")), scope(" for line ", v.Lines), scope(" on target ", v.Targets))
	}
	b.WriteString("\n  Targets\n")
	for _, id := range slices.Sorted(maps.Keys(d.Targets)) {
		v := d.Targets[id]
		fmt.Fprintf(&b, "    %-16s %s, trigger %s, policies %s, an allow stands %s\n", shown(id), shown(v.Class), shown(v.Trigger), shown(strings.Join(v.Policies, ", ")), shown(v.ValidFor))
	}
	b.WriteString("\n  Policies as signed\n")
	for _, v := range s.Sources {
		fmt.Fprintf(&b, "    %-16s %s\n", shown(v.Ref), shown(v.Digest))
	}
	return b.String()
}

func scope(words string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return words + shown(strings.Join(names, ", "))
}

// tallyText says who of the roots signed and who is missing.
func tallyText(tallies []gate.Tally) string {
	var b strings.Builder
	for _, t := range tallies {
		fmt.Fprintf(&b, "  roots of version %d: %d of %d signatures\n", t.Version, t.Have, t.Need)
		for _, name := range t.Signed {
			fmt.Fprintf(&b, "    signed   %s\n", shown(name))
		}
		for _, name := range t.Missing {
			fmt.Fprintf(&b, "    missing  %s\n", shown(name))
		}
	}
	return b.String()
}

func (k *call) gateSign() error {
	signer, err := k.signer()
	if err != nil {
		return err
	}
	path := k.gateFile()
	s, err := engine.GateSign(path, signer, k.now)
	if err != nil {
		return err
	}
	key := signer.Public().Fingerprint()
	switch {
	case s.Already:
		k.print("%s version %d is signed with root %s already; nothing was changed", shown(path), s.Version, key)
	case s.Joined:
		k.print("signed %s version %d with root %s, over what was signed at %s", shown(path), s.Version, key, shown(s.SignedAt))
	default:
		k.print("signed %s version %d with root %s", shown(path), s.Version, key)
	}
	for _, p := range s.Sources {
		k.print("  pinned  %s  %s", shown(p.Ref), shown(p.Digest))
	}
	if s.Raised {
		k.note("version %d is signed with other content, so %s is version %d now", s.Version-1, shown(path), s.Version)
	}
	if s.Restarted {
		k.note("gate.yaml, a key or a policy was changed after others had signed: their signatures are gone, and they sign again")
	}
	if !s.Complete() || s.Threshold > 1 {
		k.print("%s", strings.TrimRight(tallyText(s.Tallies), "\n"))
	}
	if !s.Complete() {
		k.note("nothing is decided under it before the missing have signed: cdgate gate sign --key THEIR.key, with the same gate.yaml and signatures")
		return nil
	}
	if k.getenv("CDGATE_ROOT") == "" {
		k.note("pin the root where pipelines are configured: CDGATE_ROOT=%s", pinOf(s.Definition))
	}
	return nil
}

// pinOf is the pin of a definition's roots as strong as the definition.
func pinOf(d *gate.Definition) string {
	var keys []string
	for _, r := range d.Roots {
		keys = append(keys, "SHA256:"+r.ID)
	}
	if len(keys) == 1 {
		return keys[0]
	}
	return fmt.Sprintf("%d/%s", max(d.Threshold, 1), strings.Join(keys, ","))
}
