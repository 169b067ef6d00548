//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/formats"
)

// goodSamples returns a good report of each format, by "kind:name".
func goodSamples(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, f := range formats.All() {
		if evidence.IsAttested(f.Kind) {
			continue // these come inside a signature, and not as a file
		}
		files, err := filepath.Glob(filepath.Join("..", "..", "evidence", "*", "testdata", f.Name, "good-*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no good sample", f.Name)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(text, []byte("[]")) { // there is nothing to damage in an empty list
				out[string(f.Kind)+":"+f.Name] = string(text)
				break
			}
		}
	}
	return out
}

// damages are attacks on any report of a syntax, by name: what becomes of a good report, or "" where it is of another syntax.
var damages = map[string]func(text string) string{
	"values in one another": func(text string) string {
		if i := strings.LastIndex(text, "}"); isJSON(text) {
			return text[:i] + `, "x": ` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + text[i:]
		}
		return ""
	},
	"one name twice": func(text string) string {
		if i := strings.LastIndex(text, "}"); isJSON(text) {
			return text[:i] + ", " + firstName.FindString(text) + " 1, " + firstName.FindString(text) + " 2" + text[i:]
		}
		return ""
	},
	"elements in one another": func(text string) string {
		if i := strings.LastIndex(text, "</"); isXML(text) {
			return text[:i] + strings.Repeat("<x>", 100_000) + strings.Repeat("</x>", 100_000) + text[i:]
		}
		return ""
	},
	"an entity that is a file": func(text string) string {
		if isXML(text) {
			_, text = cutDeclaration(text)
			return `<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + text
		}
		return ""
	},
	"cut off": func(text string) string {
		if isJSON(text) || isXML(text) {
			return text[:len(text)*2/3]
		}
		return ""
	},
	"something behind the end": func(text string) string {
		if isJSON(text) || isXML(text) {
			return text + "\n]"
		}
		return ""
	},
	"no UTF-8": func(text string) string { return text + "\n\xC3\x28\x00" },
}

// firstName is the first name of a member, with its colon.
var firstName = regexp.MustCompile(`"[^"]*"\s*:`)

// tolerant are the formats that are streams of lines, in which other lines are passed over and told.
var tolerant = map[string]bool{"gotest something behind the end": true}

// cutDeclaration returns an XML declaration and what follows it.
func cutDeclaration(text string) (declaration, rest string) {
	if i := strings.Index(text, "?>"); strings.HasPrefix(text, "<?xml") {
		return text[:i+2], text[i+2:]
	}
	return "", text
}

func isJSON(text string) bool { return strings.ContainsAny(text[:1], "{[") }

func isXML(text string) bool { return strings.HasPrefix(text, "<") }

// TestHostileFormats damages a good report of every format and gives all of them to the program at once: each is refused by its
// name, and nothing is written. Undamaged, all are taken.
func TestHostileFormats(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	good := goodSamples(t)
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			args, files := []string{}, []string{}
			for of, text := range good {
				kind, format, _ := strings.Cut(of, ":")
				if bad := damage(text); bad != "" && !tolerant[format+" "+name] {
					file := strings.ReplaceAll(name, " ", "-") + "." + format
					p.write(t, file, bad)
					args, files = append(args, kind+":"+file), append(files, file)
				}
			}
			if len(files) < 10 {
				t.Fatalf("only %d formats were damaged", len(files))
			}
			before := p.store(t)
			r := p.cheapest(t, nothing, args...)
			for _, file := range files {
				if !strings.Contains(r.says, fmt.Sprintf("collect %q: ", file)) {
					t.Errorf("nothing is said against %s", file)
				}
			}
			if r.code != 30 || p.store(t) != before {
				t.Errorf("exit %d, or something was written:\n%.2000s", r.code, r.says)
			}
		})
	}
	args := []string{}
	for of, text := range good {
		kind, format, _ := strings.Cut(of, ":")
		p.write(t, "good."+format, text)
		args = append(args, kind+":good."+format)
	}
	p.taken(t, nil, args...)
}
