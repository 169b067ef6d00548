package main

import (
	"slices"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/evidence/collect"
)

// collectorFlags are those of the collectors that make reports themselves.
func collectorFlags() []cli.Flag {
	return []cli.Flag{
		toggle("git", "collect what git says of the commit: its signature, the commits since --base, who wrote them, which files differ"),
		text("base", "with --git, the `REVISION` to compare with; default: the first parent of the commit"),
		toggle("ci", "collect what the CI system says of this run"),
		toggle("run", "run the command that follows --, and collect how it ended; its exit status becomes that of cdgate"),
		text("level", "with --run, the `LEVEL` of what the command checks, such as unit"),
		text("form", "collect what a person fills in, as `FORM[=FILE]`: "+formNames()+"; FILE is YAML or JSON, - is stdin"),
		list("set", "with --form, a field as `FIELD=VALUE`; repeat for several, and for every entry of a list"),
		list("item", "with --form, a step, item or check as `TEXT=STATE`: done, failed, open or not_applicable; repeat for several"),
	}
}

// collectors says which collectors this call asks for, before anything is done.
type collectors struct {
	git, ci, exec, form bool
	// paths are the reports to read, command what --run runs.
	paths, command []string
}

// collectors reads the flags of the collectors and tells the command of --run from the paths.
func (k *call) collectors() (collectors, error) {
	c := collectors{git: k.Bool("git"), ci: k.Bool("ci"), exec: k.Bool("run"), form: k.String("form") != ""}
	c.paths, c.command = k.positional()
	for _, needs := range []struct {
		flag, other string
		missing     bool
	}{
		{"base", "git", k.String("base") != "" && !c.git},
		{"level", "run", k.String("level") != "" && !c.exec},
		{"set", "form", len(k.StringSlice("set")) > 0 && !c.form},
		{"item", "form", len(k.StringSlice("item")) > 0 && !c.form},
	} {
		if needs.missing {
			return c, fault.New(fault.Usage, "--%s is for --%s; add that, or leave --%s out", needs.flag, needs.other, needs.flag)
		}
	}
	if err := collect.CheckLevel(k.String("level")); err != nil {
		return c, fault.New(fault.Usage, "flag --%w", err)
	}
	if c.exec && (len(c.command) == 0 || c.command[0] == "") {
		return c, fault.New(fault.Usage, "--run runs the command that follows --, and there is none: cdgate collect --run [PATH…] -- make test")
	}
	if c.exec && k.Bool("list") {
		return c, fault.New(fault.Usage, "--list stores nothing and --run runs a command; leave one of them out")
	}
	if c.exec && slices.Contains(c.paths, "-") {
		return c, fault.New(fault.Usage, "--run and a report on stdin (-) do not go together; collect the report from a file")
	}
	if c.exec {
		return c, k.beforeCommand()
	}
	return c, nil
}

// beforeCommand finds the mistakes that would otherwise show after a command ran for an hour. The artifacts are not
// looked at: the command may be what builds them.
func (k *call) beforeCommand() error {
	artifacts := len(k.StringSlice("artifact"))
	if artifacts == 0 && k.ciFacts().revision == "" {
		return fault.New(fault.Usage, "say what the command is about: --artifact FILE for what it builds, or --revision COMMIT")
	}
	if artifacts == 0 && k.String("referrers") != "" {
		return fault.New(fault.Usage, "what --referrers finds is about the image; if the command is too, say --artifact, else collect them apart")
	}
	if _, err := k.producer(); err != nil {
		return err
	}
	if spelt := k.String("release"); spelt != "" {
		if _, err := k.releaseOf(spelt); err != nil {
			return err
		}
	}
	_, err := k.openPrometheus()
	return fault.Wrap(fault.Usage, err)
}

// any says whether a collector makes a report in this call. Then only the paths of the command line are read beside it:
// what the configuration lists is for a call that collects files.
func (c collectors) any() bool { return c.git || c.ci || c.exec || c.form }

// makeReports runs the collectors. The command comes last, so that the others see what it starts from; code is its exit status.
func (k *call) makeReports(c collectors) (made []collect.Made, code int, err error) {
	for _, one := range []struct {
		wanted bool
		make   func() (collect.Made, error)
	}{{c.git, k.gitReport}, {c.ci, k.ciReport}, {c.form, k.formReport}} {
		if !one.wanted {
			continue
		}
		m, err := one.make()
		if err != nil {
			return nil, 0, err
		}
		made = append(made, m)
	}
	if c.exec {
		m, status, err := k.commandReport(c.command)
		if err != nil {
			return nil, 0, err
		}
		made, code = append(made, m), status
		k.afterCommand()
	}
	return made, code, nil
}

// collectAll collects what was made and what is read. How a failed command ended is stored whatever became of its
// reports: a build that does not compile writes none.
func (k *call) collectAll(c collectors, made []collect.Made, signer *seal.Signer, code int) (*engine.Collected, []skippedFile, error) {
	o, err := k.collectOptions()
	if err != nil {
		return nil, nil, err
	}
	skipped := watchSkipped(&o.Reports)
	o.Made, o.Signer = made, signer
	if c.any() {
		o.Paths = c.paths
	}
	if err := k.askServers(&o); err != nil {
		return nil, nil, err
	}
	got, err := engine.Collect(k.Context.Context, o)
	if err == nil || code == 0 || len(o.Paths) == 0 || fault.ClassOf(err) != fault.Evidence {
		return got, *skipped, err
	}
	k.complain(err)
	k.note("the command failed; what is collected says so, without these reports")
	o.Paths = nil
	got, err = engine.Collect(k.Context.Context, o)
	return got, *skipped, err
}

// ended is the answer of a call that ran a command with this exit status: it goes before every other.
func (k *call) ended(code int, err error) error {
	if code == 0 {
		return err
	}
	if err != nil {
		k.complain(err)
	}
	k.note("the command ended with exit status %d", code)
	return &answer{code: code}
}
