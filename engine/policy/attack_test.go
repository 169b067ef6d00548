package policy

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine/fault"
)

// small is a budget that attacks use up quickly.
var small = Limits{Memory: 256 << 20, CPU: 2 * time.Second, Wall: 8 * time.Second, Output: 1 << 20}

// doubling is a chain of n steps, each twice as large as the one before.
func doubling(n int, first, step string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\tx0 := %s\n", first)
	for i := range n {
		fmt.Fprintf(&b, "\tx%d := %s\n", i+1, strings.NewReplacer("X", fmt.Sprintf("x%d", i)).Replace(step))
	}
	return b.String()
}

func attackRule(body string) string {
	return "package rules.attack.now\n\nblock contains \"x\" if {\n" + body + "}\n"
}

// attacks are policies that would run for ever, take all memory or answer without end. twin is the same policy at a
// size that is harmless.
var attacks = []struct{ name, attack, twin string }{
	{"string doubling", attackRule(doubling(32, `"0123456789abcdef"`, `concat("", [X, X])`) + "\tcount(x32) > 0\n"),
		attackRule(doubling(4, `"0123456789abcdef"`, `concat("", [X, X])`) + "\tcount(x4) > 0\n")},
	{"multiplication chain", attackRule(doubling(40, "123456789123456789", "X * X") + "\tx40 > 0\n"),
		attackRule(doubling(3, "123456789123456789", "X * X") + "\tx3 > 0\n")},
	{"array doubling", attackRule(doubling(40, "[1, 2]", "array.concat(X, X)") + "\tcount(x40) > 0\n"),
		attackRule(doubling(4, "[1, 2]", "array.concat(X, X)") + "\tcount(x4) > 0\n")},
	{"replace doubling", attackRule(doubling(12, `"aaaaaaaaaaaaaaaa"`, `replace(X, "a", "aaaaaaaa")`) + "\tcount(x12) > 0\n"),
		attackRule(doubling(2, `"aaaaaaaaaaaaaaaa"`, `replace(X, "a", "aaaaaaaa")`) + "\tcount(x2) > 0\n")},
	{"huge comprehension", attackRule("\tcount([1 | some i in numbers.range(1, 100000); some j in numbers.range(1, 100000); i + j > 0]) > 0\n"),
		attackRule("\tcount([1 | some i in numbers.range(1, 10); some j in numbers.range(1, 10); i + j > 0]) > 0\n")},
	{"huge range", attackRule("\tcount(numbers.range(1, 1000000000)) > 0\n"), attackRule("\tcount(numbers.range(1, 10)) > 0\n")},
	{"format width", attackRule("\tcount([x | some i in numbers.range(1, 100000); x := sprintf(\"%999999d\", [i])]) > 0\n"),
		attackRule("\tcount([x | some i in numbers.range(1, 10); x := sprintf(\"%9d\", [i])]) > 0\n")},
	{"walk of walks", attackRule("\tx := {\"a\": numbers.range(1, 300)}\n\tcount([1 | walk(x, [_, a]); walk(x, [_, b]); walk(x, [_, c]); walk(x, [_, d]); a != b; c != d]) > 0\n"),
		attackRule("\tx := {\"a\": numbers.range(1, 3)}\n\tcount([1 | walk(x, [_, a]); walk(x, [_, b]); a != b]) > 0\n")},
	{"reachable paths", attackRule("\tg := {i: [j | some j in numbers.range(1, 24)] | some i in numbers.range(1, 24)}\n\tcount(graph.reachable_paths(g, {1})) > 0\n"),
		attackRule("\tg := {i: [j | some j in numbers.range(1, 3)] | some i in numbers.range(1, 3)}\n\tcount(graph.reachable_paths(g, {1})) > 0\n")},
	{"regular expression", attackRule(doubling(22, `"aaaaaaaa"`, `concat("", [X, X])`) + "\tcount(regex.find_n(`(a|aa)+(a?){900}b`, x22, -1)) == 0\n"),
		attackRule("\tcount(regex.find_n(`(a|aa)+(a?){9}b`, \"aaaaaaaa\", -1)) == 0\n")},
	{"catastrophic output", "package rules.attack.now\n\nblock contains msg if {\n\tsome i in numbers.range(1, 9000)\n\tmsg := sprintf(\"%8000d\", [i])\n}\n",
		"package rules.attack.now\n\nblock contains msg if {\n\tsome i in numbers.range(1, 90)\n\tmsg := sprintf(\"%80d\", [i])\n}\n"},
	{"endless findings", "package rules.attack.now\n\nblock contains msg if {\n\tsome i in numbers.range(1, 20000)\n\tmsg := sprintf(\"%d\", [i])\n}\n",
		"package rules.attack.now\n\nblock contains msg if {\n\tsome i in numbers.range(1, 20)\n\tmsg := sprintf(\"%d\", [i])\n}\n"},
	{"deep nesting in the text", attackRule("\tx := " + strings.Repeat("[", 300000) + strings.Repeat("]", 300000) + "\n\tcount(x) > 0\n"),
		attackRule("\tx := " + strings.Repeat("[", 30) + "1" + strings.Repeat("]", 30) + "\n\tcount(x) > 0\n")},
}

func TestAttacksEndWithAPolicyFault(t *testing.T) {
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			start := time.Now()
			sb := sandbox(t)
			sb.Limits = small
			_, err := Evaluate(t.Context(), sb, Request{Program: one(t, a.attack), Input: []byte(noInput)})
			took := time.Since(start)
			refused(t, err)
			if took > small.Wall+3*time.Second {
				t.Errorf("took %v", took)
			}
			t.Logf("%-26s %6.2fs  %.120s", a.name, took.Seconds(), strings.SplitN(err.Error(), "\n", 2)[0])
			resp, err := Evaluate(t.Context(), sb, Request{Program: one(t, a.twin), Input: []byte(noInput)})
			if err != nil {
				t.Fatalf("twin: %v", err)
			}
			if resp.Rules[0].Result != Failed {
				t.Errorf("twin: result %q", resp.Rules[0].Result)
			}
		})
	}
}

func TestShiftIsNotAvailable(t *testing.T) {
	_, err := Evaluate(t.Context(), sandbox(t), Request{Program: one(t, attackRule("\tbits.lsh(1, 100000000) > 0\n")), Input: []byte(noInput)})
	refused(t, err, "bits.lsh is not available", "policies/rule.rego:4")
	if _, err := Evaluate(t.Context(), sandbox(t), Request{Program: one(t, attackRule("\tbits.rsh(8, 1) > 0\n")), Input: []byte(noInput)}); err != nil {
		t.Errorf("twin: %v", err)
	}
}

func TestParametersCannotRunAway(t *testing.T) {
	rule := "package rules.a.b\n\nblock contains \"x\" if data.params.a.b.p == 1\n"
	bomb := "package params\n\n// p\np: int | *1\n#a: [1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
	prev := "#a"
	for i := 'b'; i < 'k'; i++ {
		next := "#" + string(i)
		bomb += fmt.Sprintf("%s: [%s]\n", next, strings.TrimSuffix(strings.Repeat(prev+", ", 9), ", "))
		prev = next
	}
	bomb += "// q\nq: " + prev + "\n"
	sb := sandbox(t)
	sb.Limits = small
	src := dir(t, "./policies", map[string]string{"a/rule.rego": rule, "a/params.cue": bomb})
	start := time.Now()
	_, err := Evaluate(t.Context(), sb, Request{Program: Program{Sources: []Source{src}}, Input: []byte(noInput)})
	refused(t, err)
	t.Logf("%v %v", time.Since(start), err)
	src = dir(t, "./policies", map[string]string{"a/rule.rego": rule, "a/params.cue": "package params\n\n// p\np: int | *1\n"})
	if _, err := Evaluate(t.Context(), sb, Request{Program: Program{Sources: []Source{src}}, Input: []byte(noInput)}); err != nil {
		t.Errorf("twin: %v", err)
	}
}

// An evaluator that never answers ends at the wall clock, one that dies or talks nonsense is a policy fault.
func TestEvaluatorsThatMisbehave(t *testing.T) {
	req := Request{Program: one(t, attackRule("\ttrue\n")), Input: []byte(noInput)}
	for name, tt := range map[string]struct {
		script string
		words  string
	}{
		"sleeps":           {"sleep 60", "budget exceeded: no answer"},
		"exits 0 silently": {"exit 0", "evaluator died"},
		"exits 2":          {"echo fatal error: out of memory >&2; exit 2", "budget exceeded: more than"},
		"is killed":        {"kill -9 $$", "evaluator died: signal: killed"},
		"talks nonsense":   {"printf '\\0\\0\\0\\0\\0\\0\\0\\5hello'", ""},
		"talks too much":   {"printf '\\177\\0\\0\\0\\0\\0\\0\\5hello'; sleep 60", "budget exceeded"},
		"breaks off":       {"printf '\\0\\0\\0\\0\\0\\0\\0\\377hello'; sleep 60", "budget exceeded"},
		"answers, exits 1": {`printf '\0\0\0\0\0\0\0\2{}'; exit 1`, "evaluator died: exit status 1"},
		"answers nothing":  {`printf '\0\0\0\0\0\0\0\2{}'; exit 0`, "no rule"},
		"leaves a child":   {"sleep 60 & sleep 60", "budget exceeded: no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := Evaluate(t.Context(), Sandbox{Path: "/bin/sh", Args: []string{"-c", tt.script}, Limits: Limits{Wall: time.Second}}, req)
			refused(t, err, tt.words)
			if took := time.Since(start); took > 4*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
	if _, err := Evaluate(t.Context(), sandbox(t), req); err != nil {
		t.Errorf("twin: %v", err)
	}
}

func TestCancelledEvaluation(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := Evaluate(ctx, sandbox(t), Request{Program: one(t, attacks[4].attack), Input: []byte(noInput)})
	refused(t, err, "cancelled")
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestEvaluatorThatCannotStart(t *testing.T) {
	_, err := Evaluate(t.Context(), Sandbox{Path: "/nonexistent/cdgate"}, Request{Program: one(t, attackRule("\ttrue\n"))})
	refused(t, err, "start evaluator")
	_, err = Start(t.Context(), Sandbox{Path: "cdgate"}, Program{})
	if fault.ClassOf(err) != fault.Internal {
		t.Errorf("relative path: %v", err)
	}
}
