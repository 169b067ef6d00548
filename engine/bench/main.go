// Command bench measures cdgate beside its peers and beside physical limits. Every figure is a ratio of two things that
// ran in turn on the same machine; a ratio that misses its goal is printed as short. It is a development tool.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"cdgate.dev/cdgate/engine/policy"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(70)
	}
}

func run() error {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case sandboxUntyped: // the evaluator, started by the side below
			return policy.ServeUntypedUnsafe(os.Stdin, os.Stdout)
		case "side": // one measured side of a comparison, in a process of its own
			return side(os.Args[2:])
		}
	}
	b := bench{}
	flag.StringVar(&b.cdgate, "cdgate", "bin/cdgate", "the program that is measured")
	flag.StringVar(&b.opa, "opa", "", "opa, the peer for evaluation")
	flag.StringVar(&b.cosign, "cosign", "", "cosign, the peer for signatures")
	flag.IntVar(&b.pairs, "pairs", 7, "pairs of runs for each ratio")
	flag.Parse()
	dir, err := os.MkdirTemp("", "cdgate-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.dir = dir
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.cdgate, err = filepath.Abs(b.cdgate); err != nil {
		return err
	}
	return b.all()
}
