package policy

import (
	"fmt"
	"os"
	"testing"
)

// untypedArgument starts an evaluator that knows no types, for comparisons with tools that know none either.
const untypedArgument = "policy-sandbox-untyped"

// TestMain makes the test binary its own evaluator.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && (os.Args[1] == SandboxArgument || os.Args[1] == untypedArgument) {
		run := Serve
		if os.Args[1] == untypedArgument {
			run = ServeUntypedUnsafe
		}
		if err := run(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(70)
		}
		return
	}
	os.Exit(m.Run())
}

func sandbox(t testing.TB) Sandbox {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Sandbox{Path: path}
}
