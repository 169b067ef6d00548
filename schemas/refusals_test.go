package schemas_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cdgate.dev/cdgate/schemas"
)

// refusal is one block of a bad.txt: a change of the good sample and the messages it must bring.
type refusal struct{ name, old, new, want string }

func readRefusals(t *testing.T, file string) []refusal {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []refusal
	for i, block := range strings.Split("\n"+string(text), "\n-- ") {
		if i == 0 {
			continue
		}
		name, rest, _ := strings.Cut(block, "\n")
		old, rest, ok := strings.Cut(rest, "\n++\n")
		if !ok {
			t.Fatalf("%s: block %q has no ++", file, name)
		}
		var r refusal
		r.name, r.old = name, old
		var lines, want []string
		for _, line := range strings.Split(rest, "\n") {
			if w, ok := strings.CutPrefix(line, "== "); ok {
				want = append(want, w)
			} else if len(want) == 0 {
				lines = append(lines, line)
			}
		}
		r.new, r.want = strings.Join(lines, "\n"), strings.Join(want, "\n")
		out = append(out, r)
	}
	return out
}

// TestRefusals makes every change of testdata/*/bad.txt and compares the whole message. The unchanged sample must pass.
func TestRefusals(t *testing.T) {
	for doc, name := range map[schemas.Document]string{schemas.Gate: "gate.yaml", schemas.Config: ".cdgate.yaml"} {
		src, err := os.ReadFile(filepath.Join("testdata", string(doc), "good.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		good := string(src)
		if err := schemas.Decode(doc, name, []byte(good), nil); err != nil {
			t.Fatalf("the unchanged sample: %v", err)
		}
		for _, r := range readRefusals(t, filepath.Join("testdata", string(doc), "bad.txt")) {
			t.Run(string(doc)+"/"+r.name, func(t *testing.T) {
				if n := strings.Count(good, r.old); n != 1 {
					t.Fatalf("%q occurs %d times in the sample", r.old, n)
				}
				err := schemas.Decode(doc, name, []byte(strings.Replace(good, r.old, r.new, 1)), nil)
				if err == nil {
					t.Fatal("accepted")
				}
				if err.Error() != r.want {
					t.Errorf("got\n%s\nwant\n%s", err, r.want)
				}
				noJargon(t, err)
			})
		}
	}
}

// noJargon fails when an error speaks CUE.
func noJargon(t *testing.T, err error) {
	t.Helper()
	for _, word := range []string{"conflicting values", "not allowed:", "field not allowed", "incomplete value", "disjunction", "#", "_|_", "unify"} {
		if strings.Contains(err.Error(), word) {
			t.Errorf("%q is a word for people who know CUE: %v", word, err)
		}
	}
	var e *schemas.Error
	if !errors.As(err, &e) || e.Msg == "" || e.File == "" {
		t.Errorf("not an *Error with file and message: %#v", err)
	}
}

// TestStrictJSON refuses JSON that two readers could read differently; each text has a twin without the flaw.
func TestStrictJSON(t *testing.T) {
	const good = `{"apiVersion": "cdgate.dev/v1", "gate": "gate.yaml"}`
	for name, c := range map[string]struct{ text, want string }{
		"duplicate key":    {`{"apiVersion": "cdgate.dev/v1", "gate": "a", "gate": "b"}`, `c.json:1:46: the key "gate" stands here twice`},
		"wrong case":       {`{"apiVersion": "cdgate.dev/v1", "Gate": "a"}`, `c.json:1:33: Gate: unknown key; did you mean "gate"? valid keys: apiVersion, gate, lines, log, store`},
		"trailing data":    {good + ` {}`, `c.json:1:54: something follows the end of the document`},
		"trailing comma":   {`{"apiVersion": "cdgate.dev/v1",}`, `c.json:1:32: is not JSON: invalid character ',' at start of value`},
		"comment":          {"// why\n" + good, `c.json:1:1: is not JSON: invalid character '/' at start of value`},
		"invalid UTF-8":    {`{"apiVersion": "cdgate.dev/v1", "gate": "` + "\xff" + `"}`, `c.json:1:42: is not JSON: invalid UTF-8`},
		"lone surrogate":   {`{"apiVersion": "cdgate.dev/v1", "gate": "\ud800"}`, `c.json:1:42: is not JSON: invalid surrogate pair ` + "`" + `\ud800"}` + "`" + ` in string`},
		"truncated":        {good[:20], `c.json:1:21: ends too early`},
		"empty":            {``, `c.json:1:1: is empty`},
		"nothing":          {`null`, `c.json:1:1: must be an object, not nothing`},
		"second on line 2": {good + "\n" + good, `c.json:2:1: something follows the end of the document`},
	} {
		t.Run(name, func(t *testing.T) {
			err := schemas.ValidateJSON(schemas.Config, "c.json", []byte(c.text))
			if err == nil {
				t.Fatal("accepted")
			}
			if err.Error() != c.want {
				t.Errorf("got  %s\nwant %s", err, c.want)
			}
			if err := schemas.Decode(schemas.Config, "c.json", []byte(c.text), nil); err == nil || err.Error() != c.want {
				t.Errorf("Decode: got %v, want %s", err, c.want)
			}
		})
	}
	if err := schemas.ValidateJSON(schemas.Config, "c.json", []byte(good)); err != nil {
		t.Errorf("the twin: %v", err)
	}
}

// TestDataOnlyCUE refuses a configuration in CUE that computes or refers to anything.
func TestDataOnlyCUE(t *testing.T) {
	const good = "apiVersion: \"cdgate.dev/v1\"\ngate: \"gate.yaml\"\n"
	if err := schemas.Decode(schemas.Config, "c.cue", []byte(good), nil); err != nil {
		t.Fatalf("the twin: %v", err)
	}
	const hint = "; a configuration in CUE may hold data only: keys, texts, numbers, true, false, lists and structs"
	for name, c := range map[string]struct{ text, want string }{
		"import":        {"import \"strings\"\n" + good, "c.cue:1:1: this is not data"},
		"reference":     {good + "store: gate\n", "c.cue:3:8: this is not data"},
		"expression":    {good + "store: \"a\" + \"b\"\n", "c.cue:3:8: this is not data"},
		"interpolation": {good + "store: \"\\(gate)x\"\n", "c.cue:3:8: this is not data"},
		"constraint":    {good + "store: string\n", "c.cue:3:8: this is not data"},
		"default":       {good + "store: *\"a\" | \"b\"\n", "c.cue:3:8: this is not data"},
		"definition":    {good + "#store: \"a\"\n", "c.cue:3:1: this key is not plain data"},
		"hidden field":  {good + "_store: \"a\"\n", "c.cue:3:1: this key is not plain data"},
		"optional":      {good + "store?: \"a\"\n", "c.cue:3:1: this is not data"},
		"comprehension": {good + "if true {store: \"a\"}\n", "c.cue:3:1: this is not data"},
		"open list":     {good + "lines: a: evidence: [...]\n", "c.cue:3:22: this is not data"},
		"bytes":         {good + "store: 'a'\n", "c.cue:3:8: this is not a text"},
		"twice":         {good + "gate: \"gate.yaml\"\n", "c.cue:3:1: the key \"gate\" stands here twice"},
	} {
		t.Run(name, func(t *testing.T) {
			err := schemas.Decode(schemas.Config, "c.cue", []byte(c.text), nil)
			if err == nil {
				t.Fatal("accepted")
			}
			if err.Error() != c.want+hint {
				t.Errorf("got  %s\nwant %s", err, c.want+hint)
			}
		})
	}
}

// TestYAMLWords: words that older YAML takes for booleans are texts.
func TestYAMLWords(t *testing.T) {
	src := "apiVersion: cdgate.dev/v1\nlines:\n  on: {path: no, evidence: [yes, off, 1.2.3, 2026-01-01]}\n"
	if err := schemas.Decode(schemas.Config, ".cdgate.yaml", []byte(src), nil); err != nil {
		t.Fatal(err)
	}
	var raw map[string]any
	if err := schemas.Decode(schemas.Config, ".cdgate.yaml", []byte(src), &raw); err != nil {
		t.Fatal(err)
	}
	line := raw["lines"].(map[string]any)["on"].(map[string]any)
	if line["path"] != "no" || strings.Join(texts(line["evidence"]), " ") != "yes off 1.2.3 2026-01-01" {
		t.Errorf("got %v", line)
	}
}

func texts(v any) []string {
	var out []string
	for _, x := range v.([]any) {
		out = append(out, x.(string))
	}
	return out
}
