package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/fault"
)

func signFlags() []cli.Flag {
	return flags(targetFlags(), one(
		text("requirement", "the `ID` of the requirement; default: the only one open for you"),
		text("meaning", "the `WORD` for what the signature means, such as approval or release; default: what the requirement says"),
		text("comment", "a `TEXT` that is signed too"),
		text("valid-hours", "how many `HOURS` the sign-off stands; it can only be shorter than the requirement says"),
		toggle("yes", "do not ask", "y"), logKeyFlag()), signingFlags(), placeFlags(), one(outputFlag("text", "json")))
}

func (w *world) approveCommand() *cli.Command {
	return w.command("approve", "[NAME@VERSION]", "sign a requirement of a decision",
		"Signs what the newest logged decision about the release asks for, with your own key, and logs it. Shows what is\n"+
			"signed. Authors of the change, and people without the role, are refused (exit 20) and nothing is written.",
		1, signFlags(), func(k *call) error { return k.sign("approve") })
}

func (w *world) rejectCommand() *cli.Command {
	return w.command("reject", "[NAME@VERSION]", "sign that a release must not go",
		"Signs and logs a rejection; --comment says why. A role with a veto blocks the release.",
		1, signFlags(), func(k *call) error { return k.sign("reject") })
}

func (k *call) sign(verdict string) error {
	outs, err := k.outputs("text", "json")
	if err != nil {
		return err
	}
	o := engine.SignOptions{
		Target: k.String("target"), Stage: k.String("stage"), Requirement: k.String("requirement"), Meaning: k.String("meaning"),
		Verdict: verdict, Comment: k.String("comment"), Now: k.now, Confirm: k.confirm,
	}
	if v := k.String("valid-hours"); v != "" {
		if o.ValidHours, err = integer("valid-hours", v, 1, 24*365*10); err != nil {
			return err
		}
	}
	if spelt := k.Args().First(); spelt != "" {
		if o.Release, err = k.releaseOf(spelt); err != nil {
			return err
		}
	}
	if o.Places, err = k.places(); err != nil {
		return err
	}
	if o.Signer, err = k.statementSigner(); err != nil {
		return err
	}
	if o.LogKey, err = k.logKey(); err != nil {
		return err
	}
	signed, err := engine.Sign(k.Context.Context, o)
	if err != nil {
		return err
	}
	return k.deliverJSON(outs, signedJSON(signed), func() string { return k.signedText(signed) })
}

// signoff is the JSON of a sign-off.
type signoff struct {
	Person      string   `json:"person"`
	Name        string   `json:"name"`
	Role        string   `json:"role"`
	Verdict     string   `json:"verdict"`
	Requirement string   `json:"requirement"`
	Meaning     string   `json:"meaning"`
	Comment     string   `json:"comment"`
	Release     string   `json:"release"`
	Target      string   `json:"target"`
	Stage       string   `json:"stage"`
	ValidUntil  string   `json:"validUntil"`
	Digest      string   `json:"digest"`
	Log         logIndex `json:"log"`
}

type logIndex struct {
	Index uint64 `json:"index"`
}

func signedJSON(s *engine.Signed) signoff {
	r := s.Result
	return signoff{
		Person: s.Person, Name: s.Name, Role: s.Role, Verdict: s.Verdict, Requirement: s.Requirement, Meaning: s.Meaning, Comment: s.Comment,
		Release: r.Release.Name + "@" + r.Release.Version, Target: r.Target.ID, Stage: r.Stage, ValidUntil: s.ValidUntil,
		Digest: s.Digest, Log: logIndex{s.Index},
	}
}

func (k *call) signedText(s *engine.Signed) string {
	r := s.Result
	verb := "approved"
	if s.Verdict == "reject" {
		verb = "rejected"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s@%s for %s (%s, valid until %s, log entry %d)\n",
		shown(s.Name), verb, shown(r.Release.Name), shown(r.Release.Version), shown(r.Target.ID), shown(s.Requirement), s.ValidUntil, s.Index)
	line := "cdgate evaluate --release " + shellWord(r.Release.Name+"@"+r.Release.Version) + " --target " + shellWord(r.Target.ID)
	if r.Stage != engine.DefaultStage {
		line += " --stage " + shellWord(r.Stage)
	}
	fmt.Fprintf(&b, "\n  Next: run the pipeline's gate job again, or\n    %s --key GATE.key%s\n", shown(line), shown(k.samePlaces("store", "log", "gate", "root")))
	return b.String()
}

// confirm shows what is about to be signed, on stderr, and on a terminal asks.
func (k *call) confirm(p engine.Proposal) error {
	r := p.Result
	say := func(name, value string) {
		if value != "" {
			fmt.Fprintf(k.stderr, "  %-12s %s\n", name, shown(value))
		}
	}
	fmt.Fprintf(k.stderr, "You sign as %s (%s), %s:\n", shown(p.Name), shown(p.Person), shown(p.Role))
	say("verdict", p.Verdict)
	say("release", r.Release.Name+"@"+r.Release.Version)
	for _, s := range r.Release.Subjects {
		say("artifact", s.Name+" "+s.Digest)
	}
	say("target", strings.TrimSuffix(r.Target.ID+", stage "+r.Stage, ", stage "+engine.DefaultStage))
	say("requirement", p.Requirement+" ("+p.Meaning+")")
	for _, f := range r.Findings {
		if f.Status == "open" && f.Enforced {
			say("open finding", f.Code+": "+f.Msg)
		}
	}
	if p.Verdict == "approve" && len(r.Release.Authors) == 0 {
		say("warning", "this decision does not know who the authors are, so that no approval counts yet: collect with --artifact where the source is checked out, and evaluate again")
	}
	say("comment", p.Comment)
	say("valid until", p.ValidUntil)
	if k.Bool("yes") || !k.stdinTerminal || !k.stderrTerminal {
		return nil
	}
	fmt.Fprint(k.stderr, "Sign this? [y/N] ")
	answer, err := bufio.NewReader(k.stdin).ReadString('\n')
	if a := strings.ToLower(strings.TrimSpace(answer)); err != nil || (a != "y" && a != "yes") {
		return fault.New(fault.Usage, "nothing was signed")
	}
	return nil
}
