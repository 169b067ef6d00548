package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/ledger"
)

func (w *world) logCommand() *cli.Command {
	f := func() []cli.Flag { return flags(placeFlags(), one(outputFlag("text", "json"))) }
	return group("log", "the decision log",
		w.command("list", "", "list every entry",
			"Verifies the log against its signed head and the store, and lists its entries, oldest first.", 0, f(), (*call).logList),
		w.command("verify", "", "verify the whole log",
			"Re-hashes every entry against the signed head and checks that the log is the one that gave the store its receipts.", 0, f(), (*call).logVerify))
}

func (k *call) logList() error {
	outs, err := k.outputs("text", "json")
	if err != nil {
		return err
	}
	p, err := k.places()
	if err != nil {
		return err
	}
	entries, err := engine.LogList(k.Context.Context, p, k.now)
	if err != nil {
		return err
	}
	type listing struct {
		Entries []engine.LogEntry `json:"entries"`
	}
	return k.deliverJSON(outs, listing{entries}, func() string {
		var b strings.Builder
		for _, e := range entries {
			fmt.Fprintf(&b, "%5d  %s  %-8s  %-14s  %s → %s", e.Index, shown(e.At), shown(e.Type), shown(e.Outcome+e.Verdict), shown(e.Name), shown(e.Target))
			if e.Stage != engine.DefaultStage && e.Stage != "" {
				fmt.Fprintf(&b, " (%s)", shown(e.Stage))
			}
			fmt.Fprintf(&b, "  %s\n", shortDigest(shown(e.Digest)))
		}
		if len(entries) == 0 {
			b.WriteString("the log is empty\n")
		}
		return b.String()
	})
}

func (k *call) logVerify() error {
	outs, err := k.outputs("text", "json")
	if err != nil {
		return err
	}
	p, err := k.places()
	if err != nil {
		return err
	}
	size, root, err := engine.LogVerify(k.Context.Context, p, k.now)
	if errors.Is(err, ledger.ErrNotFound) {
		return fault.New(fault.Record, "verify decision log: there is none at %s; name it with --log", p.Log)
	}
	if err != nil {
		return err
	}
	type head struct {
		Size uint64 `json:"size"`
		Root string `json:"root"`
	}
	return k.deliverJSON(outs, head{size, root}, func() string {
		return fmt.Sprintf("the log is whole: %d entries, root %s\n", size, shown(root))
	})
}
