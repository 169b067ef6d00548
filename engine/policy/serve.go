package policy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/open-policy-agent/opa/v1/ast"
)

// Serve is the evaluator's main function: it limits its own process, reads a program and an input from r, and writes
// the response to w. It must be the only thing its process does. An error is one of the pipe, not of the policy; when r
// ends before the answer is written, because the parent is gone, it returns and the process is to exit.
func Serve(r io.Reader, w io.Writer) error { return serve(r, w, options{}) }

// ServeUntypedUnsafe is Serve for documents of any shape: neither types nor missing evidence are checked. It is for
// benchmarks beside tools that know no types; no gate may use it.
func ServeUntypedUnsafe(r io.Reader, w io.Writer) error { return serve(r, w, options{untyped: true}) }

func serve(r io.Reader, w io.Writer, opt options) error {
	var b budget
	if err := readJSON(r, 1<<10, &b); err != nil {
		return fmt.Errorf("read limits: %w", err)
	}
	limits := b.limits()
	if err := confine(limits); err != nil {
		return fmt.Errorf("limit the evaluator: %w", err)
	}
	tuneGC(limits.Memory)
	var p Program
	if err := readJSON(r, 2*maxSource*4/3, &p); err != nil {
		return fmt.Errorf("read program: %w", err)
	}
	types, err := typesOf(p.Sources)
	if err != nil { // compile says so, and that is the answer
		if types, err = builtInTypes(); err != nil {
			return err
		}
	}
	answers := make(chan reply, 2)
	program := make(chan *compiled, 1)
	go func() {
		c := compile(p, opt)
		if err := c.problems.fault(); err != nil {
			answers <- reply{Problems: problemsOf(err)}
		}
		program <- c
	}()
	lost := make(chan error, 1)
	go func() {
		input, err := readFrame(r, maxInput)
		if err != nil {
			lost <- fmt.Errorf("read input: %w", err)
			return
		}
		go func() {
			if a, ok := answer(program, types, input, opt); ok {
				answers <- a
			}
		}()
		_, err = io.Copy(io.Discard, r)
		lost <- fmt.Errorf("wait for the parent: %w", errors.Join(err, io.EOF))
	}()
	select {
	case a := <-answers:
		return send(w, a, limits.Output)
	case err := <-lost:
		return err
	}
}

// answer decodes the input while the program compiles, then evaluates. ok is false when the program has faults: they
// are the answer then.
func answer(program <-chan *compiled, types *documentTypes, input []byte, opt options) (a reply, ok bool) {
	var doc ast.Value
	var err error
	if opt.untyped {
		doc, err = decodeJSON(input)
	} else {
		doc, err = types.decodeInput(input)
	}
	c := <-program
	if len(c.problems) > 0 {
		return reply{}, false
	}
	if err != nil {
		return reply{Class: "input", Problems: Problems{{Code: "input", Msg: err.Error()}}}, true
	}
	rules, problems := c.evaluateAt(doc, opt)
	if err := problems.fault(); err != nil {
		return reply{Problems: problemsOf(err)}, true
	}
	return reply{Response: Response{Rules: rules, Params: c.params}}, true
}

func (c *compiled) evaluateAt(doc ast.Value, opt options) ([]Rule, Problems) {
	if opt.untyped {
		return c.evaluate(context.Background(), doc, time.Time{}, "")
	}
	now, stage, err := nowAndStage(doc)
	if err != nil {
		return nil, Problems{{Code: "input", Msg: err.Error()}}
	}
	if c.vulnerabilities {
		addVulnerabilities(doc)
	}
	return c.evaluate(context.Background(), doc, now, stage)
}

// problemsOf takes the problems out of the error that Problems.fault makes.
func problemsOf(err error) Problems {
	var p Problems
	if errors.As(err, &p) {
		return p
	}
	return Problems{{Code: "compile", Msg: err.Error()}}
}

// send writes the answer unless it is larger than allowed; then it says so instead.
func send(w io.Writer, a reply, limit int64) error {
	b, err := json.Marshal(a, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("write response: %w", err)
	}
	if int64(len(b)) > limit {
		msg := fmt.Sprintf("budget exceeded: the findings take %d bytes, %d are allowed", len(b), limit)
		b, err = json.Marshal(reply{Problems: Problems{{Code: "budget", Msg: msg}}})
		if err != nil {
			return fmt.Errorf("write response: %w", err)
		}
	}
	if err := writeFrame(w, b); err != nil {
		return fmt.Errorf("write response: %w", err)
	}
	return nil
}

// tuneGC lets the heap grow to quietHeap before the first collection, which most evaluations never reach, and then
// collects seldom, with the memory limit in view. The limit itself is the kernel's.
func tuneGC(memory int64) {
	debug.SetMaxStack(int(min(memory/4, 256<<20)))
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(min(quietHeap, memory/2))
	first := new([16]byte)
	runtime.AddCleanup(first, func(limit int64) {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(400)
	}, memory/8*7)
}
