package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"cdgate.dev/cdgate/engine/bench/workload"
)

// bench is one run of the table.
type bench struct {
	cdgate, opa, cosign, self, dir string
	pairs                          int
	short                          int
}

// goal is a limit for one figure of a comparison; 0 means that the figure has none.
type goal struct{ cpu, wall, peak float64 }

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// all measures every row and prints the table.
func (b *bench) all() error {
	fmt.Println("CPU is user + system of whole processes; each ratio is the median of paired runs A B A B.")
	fmt.Printf("%-44s %22s %22s %22s\n", "", "cpu (goal)", "wall (goal)", "peak memory (goal)")
	for _, row := range []func() error{b.version, b.evaluate, b.pipeline, b.reports, b.ledger} {
		if err := row(); err != nil {
			return err
		}
	}
	if b.short > 0 {
		fmt.Printf("%d figures are short of their goal.\n", b.short)
	} else {
		fmt.Println("every figure reaches its goal.")
	}
	return nil
}

// row compares two commands and prints the ratios beside their goals.
func (b *bench) row(name string, own, peer command, g goal) error {
	r, err := compare(own, peer, b.pairs)
	if err != nil {
		return err
	}
	fmt.Printf("%-44s %22s %22s %22s\n", name, b.figure(r.cpu, g.cpu), b.figure(r.wall, g.wall), b.figure(r.peak, g.peak))
	fmt.Printf("%-44s %22s %22s %22s\n", "", beside(r.a.cpu, r.b.cpu), beside(r.a.wall, r.b.wall), fmt.Sprintf("%d : %d MiB", r.a.peak>>20, r.b.peak>>20))
	return nil
}

func (b *bench) figure(v, goal float64) string {
	if goal == 0 {
		return fmt.Sprintf("%.3f", v)
	}
	if v > goal {
		b.short++
		return fmt.Sprintf("%.3f (%.2f SHORT)", v, goal)
	}
	return fmt.Sprintf("%.3f (%.2f)", v, goal)
}

func beside(a, b time.Duration) string {
	return fmt.Sprintf("%.1f : %.1f ms", float64(a.Microseconds())/1000, float64(b.Microseconds())/1000)
}

// version is W0, goal 1: what starting costs.
func (b *bench) version() error {
	own := command{name: "cdgate", steps: [][]string{{b.cdgate, "version"}}}
	if err := b.row("W0 version : opa version", own, command{name: "opa", steps: [][]string{{b.opa, "version"}}}, goal{cpu: 1.3, peak: 1.1}); err != nil {
		return err
	}
	if err := b.row("W0 version : cosign version", own, command{name: "cosign", steps: [][]string{{b.cosign, "version"}}}, goal{cpu: 0.45}); err != nil {
		return err
	}
	size, err := os.Stat(b.cdgate)
	if err != nil {
		return err
	}
	peer, err := os.Stat(b.opa)
	if err != nil {
		return err
	}
	b.limit("W0 size of the program : opa", float64(size.Size())/float64(peer.Size()), 1.1, "x")
	return nil
}

// evaluate is goal 3: the same rules on the same document, in cdgate's sandbox and in opa eval.
func (b *bench) evaluate() error {
	for _, w := range []struct {
		name  string
		mb    float64
		rules int
		goal  goal
	}{
		{"W3 evaluate 10 MB, 20 rules : opa eval", 10, 20, goal{cpu: 0.55, peak: 0.65}},
		{"W4 evaluate 10 MB, 300 rules : opa eval", 10, 300, goal{cpu: 0.65, wall: 0.45}},
		{"W6 evaluate 10 KB, 2000 rules : opa eval", 0.01, 2000, goal{cpu: 0.65}},
	} {
		doc, rules := b.path(fmt.Sprintf("rel%v.json", w.mb)), b.path(fmt.Sprintf("rules%d", w.rules))
		if err := workload.Write("release", w.mb, doc); err != nil {
			return err
		}
		if err := workload.Rules(w.rules, rules); err != nil {
			return err
		}
		own := command{name: "cdgate", steps: [][]string{{b.self, "side", "evaluate", rules, doc}}}
		opa := command{name: "opa", steps: [][]string{{b.opa, "eval", "-f", "raw", "-d", rules, "-i", doc, "data.main.deny"}}}
		if err := b.row(w.name, own, opa, w.goal); err != nil {
			return err
		}
	}
	return nil
}

// pipeline is goal 2: verify twelve signed statements, evaluate, sign the decision; against cosign and opa in a row.
func (b *bench) pipeline() error {
	for _, w := range []struct {
		name  string
		mb    float64
		rules int
		goal  goal
	}{
		{"W2 gate 1 MB, 20 rules : cosign + opa", 1, 20, goal{cpu: 0.10}},
		{"W3 gate 10 MB, 20 rules : cosign + opa", 10, 20, goal{cpu: 0.15}},
		{"W4 gate 10 MB, 300 rules : cosign + opa", 10, 300, goal{cpu: 0.40}},
	} {
		p, err := b.makePipeline(w.mb, w.rules)
		if err != nil {
			return err
		}
		if err := b.row(w.name, p.own(b), p.peers(b), w.goal); err != nil {
			return err
		}
	}
	return nil
}

// ledger is W9, goal 9: one durable append in one process, against the log library alone.
func (b *bench) ledger() error {
	own := command{name: "cdgate", steps: [][]string{{b.self, "side", "append", b.path("log-own")}}}
	bare := command{name: "tessera", steps: [][]string{{b.self, "side", "append-bare", b.path("log-bare")}}}
	if err := b.row("W9 append to the log : tessera alone", own, bare, goal{cpu: 1.3}); err != nil {
		return err
	}
	// Both logs rest while the other side runs, so that the newest checkpoint is older than the library's interval.
	r, err := compare(own, bare, b.pairs)
	if err != nil {
		return err
	}
	b.limit("W9 append, wall of the whole process", float64(r.a.wall.Microseconds())/1000, 15, "ms")
	check, err := proofCheck(b.path("log-proof"))
	if err != nil {
		return err
	}
	b.limit("W9 check a proof offline", float64(check.Nanoseconds())/1000, 20, "µs")
	return nil
}

// limit prints a figure that has an absolute goal.
func (b *bench) limit(name string, v, goal float64, unit string) {
	word := ""
	if v > goal {
		b.short++
		word = " SHORT"
	}
	fmt.Printf("%-44s %.2f %s (%g %s%s)\n", name, v, unit, goal, unit, word)
}
