package tests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// GoTest is the stream of events of go test -json (go doc test2json), one JSON object per line. Lines that are no JSON
// stand in such files when the error output was mixed in; they are passed over and told.
func GoTest() evidence.Format {
	return evidence.Format{
		Name: "gotest", Title: "go test -json", Kind: evidence.Tests, MediaType: "application/jsonl",
		Recognised: "lines of JSON objects with `Action` and `Package`, `Test`, `ImportPath` or `Output`",
		Tools:      "go test -json, gotestsum --jsonfile, test2json",
		Limits:     "the events, not the text of `go test -v`; a benchmark that ended counts as passed; lines that are no events are passed over and told",
		Match: func(h evidence.Head) bool {
			if h.Syntax == evidence.JSON {
				return h.Has("Action") && h.HasAny("Package", "Test", "Output", "ImportPath", "Elapsed")
			}
			return h.Syntax == evidence.Text && goTestLine(h.Bytes)
		},
		Read: readGoTest,
	}
}

// goTestLine reports whether an event starts one of the lines.
func goTestLine(head []byte) bool {
	for line := range bytes.Lines(head) {
		if (bytes.HasPrefix(line, []byte(`{"Time":"`)) || bytes.HasPrefix(line, []byte(`{"ImportPath":"`)) ||
			bytes.HasPrefix(line, []byte(`{"Action":"`))) && bytes.Contains(line, []byte(`"Action":"`)) {
			return true
		}
	}
	return false
}

// goEvent is one event.
type goEvent struct {
	action, pkg, test, output, failedBuild, importPath string
	elapsed                                            float64
}

// goTest is what is known of one test; status is empty while it runs.
type goTest struct {
	pkg, name string
	status    string
	flaky     bool
	failed    bool
	micros    int64
	output    []byte
}

// goPackage is what is known of one package; verdict is empty while it runs.
type goPackage struct {
	verdict     string
	micros      int64
	failedTests int
	build       string
}

type goTestReader struct {
	json     *strictjson.Reader
	names    *strictjson.Names
	tests    []*goTest
	byName   map[[2]string]*goTest
	packages []string
	byPath   map[string]*goPackage
	// builds are the import paths whose build failed, in order.
	builds []string
	kept   int
	warn   evidence.Warnings
	all    tally
}

func readGoTest(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	g := &goTestReader{
		json:   strictjson.New(bytes.NewReader(nil)),
		names:  strictjson.NewNames("Time", "Action", "Package", "Test", "Elapsed", "Output", "FailedBuild", "ImportPath"),
		byName: map[[2]string]*goTest{}, byPath: map[string]*goPackage{},
	}
	if err := eachLine(r, g.line); err != nil {
		return evidence.Report{}, err
	}
	if err := g.finish(rows); err != nil {
		return evidence.Report{}, err
	}
	summary := g.all.summary(&g.warn)
	return evidence.Report{Tool: evidence.Tool{Name: "go test"}, Summary: summary, Warnings: g.warn}, nil
}

var errCut = errors.New("the report ends in the middle of a line: it was cut off")

// line reads one line. The last one must be complete.
func (g *goTestReader) line(n int, line []byte, last bool) error {
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return nil
	}
	if line[0] != '{' {
		if bytes.IndexByte(line, 0) >= 0 {
			return errors.New("binary data")
		}
		g.warn.Add(evidence.UnreadableLines, place(n), "a line that is no event was passed over")
		return nil
	}
	g.json.Reset(bytes.NewReader(line))
	ev, err := g.event()
	if err != nil {
		if last {
			return fmt.Errorf("%w (%w)", errCut, err)
		}
		return err
	}
	if ev.action == "" {
		g.warn.Add(evidence.UnreadableLines, place(n), "a JSON object that is no event was passed over")
		return nil
	}
	return g.apply(n, ev)
}

// event decodes one event.
func (g *goTestReader) event() (ev goEvent, err error) {
	err = g.json.Object(func(name []byte) (err error) {
		switch string(name) {
		case "Action":
			ev.action, err = g.json.String()
		case "Package":
			ev.pkg, err = g.json.String()
		case "Test":
			ev.test, err = g.json.String()
		case "Output":
			ev.output, err = g.json.Message()
		case "FailedBuild":
			ev.failedBuild, err = g.json.String()
		case "ImportPath":
			ev.importPath, err = g.json.String()
		case "Elapsed":
			ev.elapsed, err = g.json.Float()
		default:
			err = g.json.Other(g.names, name)
		}
		return err
	})
	if err != nil {
		return ev, err
	}
	return ev, g.json.End()
}

// apply moves the state by one event.
func (g *goTestReader) apply(n int, ev goEvent) error {
	switch ev.action {
	case "build-output", "attr", "artifacts":
		return nil
	case "build-fail":
		g.builds = append(g.builds, ev.importPath)
		return nil
	case "start", "run", "pause", "cont", "output", "bench", "pass", "fail", "skip":
	default:
		g.warn.Add(evidence.UnknownStatus, place(n), "event %q is not known; it was passed over", ev.action)
		return nil
	}
	p := g.pkg(ev.pkg)
	if ev.test == "" {
		switch ev.action {
		case "pass", "fail", "skip":
			p.verdict, p.build, p.micros = ev.action, ev.failedBuild, goMicros(ev.elapsed)
		case "start":
			p.verdict = ""
		}
		return nil
	}
	return g.applyTest(p, ev)
}

func (g *goTestReader) applyTest(p *goPackage, ev goEvent) error {
	t := g.byName[[2]string{ev.pkg, ev.test}]
	if t == nil {
		if ev.action == "output" || ev.action == "pause" || ev.action == "cont" {
			return nil
		}
		if len(g.tests) >= evidence.MaxRows {
			return fmt.Errorf("more than %d tests", evidence.MaxRows)
		}
		t = &goTest{pkg: ev.pkg, name: ev.test}
		g.byName[[2]string{ev.pkg, ev.test}] = t
		g.tests = append(g.tests, t)
	}
	switch ev.action {
	case "run":
		t.status = ""
	case "output":
		g.keep(t, ev.output)
	case "pass", "bench", "skip":
		t.status = map[string]string{"pass": passed, "bench": passed, "skip": skipped}[ev.action]
		t.flaky = t.failed && t.status == passed
		t.micros = goMicros(ev.elapsed)
		if t.status == passed {
			g.kept -= len(t.output)
			t.output = nil
		}
	case "fail":
		t.status, t.failed, t.flaky = failed, true, false
		t.micros = goMicros(ev.elapsed)
		p.failedTests++
	}
	return nil
}

// goMicros reads seconds; nonsense counts as none.
func goMicros(seconds float64) int64 {
	if !(seconds > 0 && seconds <= maxSeconds) {
		return 0
	}
	return int64(math.Round(seconds * 1e6))
}

// keep holds the beginning of a test's output for its message.
func (g *goTestReader) keep(t *goTest, output string) {
	trimmed := strings.TrimSpace(output)
	if strings.HasPrefix(trimmed, "=== ") || strings.HasPrefix(trimmed, "--- ") || len(t.output) >= evidence.MaxMessage ||
		g.kept > evidence.MaxKept {
		return
	}
	t.output = append(t.output, output...)
	g.kept += len(output)
}

func (g *goTestReader) pkg(path string) *goPackage {
	p := g.byPath[path]
	if p == nil {
		p = &goPackage{}
		g.byPath[path] = p
		g.packages = append(g.packages, path)
	}
	return p
}

// finish judges what the events left behind and writes the rows.
func (g *goTestReader) finish(rows *evidence.Rows) error {
	for _, t := range g.tests {
		if t.status == "" {
			t.status = errored
			g.all.unfinished = true
			g.warn.Add(evidence.Unfinished, t.pkg, "test %s started and never ended", t.name)
		}
		g.all.add(t.status, t.flaky, 0)
		c := evidence.TestCase{Suite: t.pkg, Name: t.name, Status: t.status, Flaky: t.flaky, DurationMillis: millis(t.micros)}
		if t.status != passed {
			c.Message = evidence.Cut(strings.TrimSpace(string(t.output)))
		}
		if err := rows.Case(c); err != nil {
			return err
		}
	}
	reported := map[string]bool{}
	for _, path := range g.packages {
		p := g.byPath[path]
		reported[p.build] = true
		// The duration is that of the packages: tests of one package run side by side, and parents contain their subtests.
		g.all.micros = plus(g.all.micros, p.micros)
		switch {
		case p.verdict == "":
			g.all.unfinished = true
			g.warn.Add(evidence.Unfinished, path, "package %s never ended: the run stopped half way", path)
		case p.verdict == "fail" && p.build != "":
			g.problem(path, "package does not build")
		case p.verdict == "fail" && p.failedTests == 0:
			g.problem(path, "package failed without a failed test (a panic, or an error outside of a test)")
		}
	}
	for _, path := range g.builds {
		if !reported[path] {
			g.problem(path, "package does not build")
		}
	}
	return nil
}

func (g *goTestReader) problem(pkg, what string) {
	g.all.Problems++
	g.warn.Add(evidence.SuiteProblem, pkg, "%s", what)
}
