package main

import (
	"os"
	"strings"

	"cdgate.dev/cdgate/engine/ledger/ledgertest"
	"github.com/rogpeppe/go-internal/testscript"
)

// witnessServer starts a witness for the log with a verifier key, writes the witness's own and sets WITNESS to its address:
// witness log.pub witness.pub. With "stop" it ends the one that runs.
func witnessServer() func(*testscript.TestScript, bool, []string) {
	var stop func()
	return func(ts *testscript.TestScript, _ bool, args []string) {
		if args[0] == "stop" {
			stop()
			return
		}
		b, err := os.ReadFile(ts.MkAbs(args[0]))
		ts.Check(err)
		key, url, end, err := ledgertest.Litewitness("witness.acme.example/w", strings.TrimSpace(string(b)))
		ts.Check(err)
		ts.Defer(end)
		stop = end
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(key+"\n"), 0o644))
		ts.Setenv("WITNESS", url)
	}
}
