package schemas_test

import (
	"strings"
	"testing"

	"cdgate.dev/cdgate/schemas"
)

const editable = `# head
version: 7   # counts up
roots: [a.pub, 'b.pub']   # two
people:
  eva: {name: "Eva, the first", keys: [eva.pub]}   # "flow"

  # sam is new
  sam:
    name: Sam # block
    keys:
      - sam.pub
      - sam2.pub # second
roles:
  manager: {people: [eva]}
none: {}
last: [
  x,  # a ] in a comment
  y,
]`

func TestEditYAML(t *testing.T) {
	set := func(value string, path ...string) func() ([]byte, error) {
		return func() ([]byte, error) { return schemas.SetYAML("gate.yaml", []byte(editable), value, path...) }
	}
	add := func(value string, path ...string) func() ([]byte, error) {
		return func() ([]byte, error) { return schemas.AppendYAML("gate.yaml", []byte(editable), value, path...) }
	}
	remove := func(path ...string) func() ([]byte, error) {
		return func() ([]byte, error) { return schemas.RemoveYAML("gate.yaml", []byte(editable), path...) }
	}
	tests := []struct {
		name     string
		edit     func() ([]byte, error)
		old, new string // one replacement in the text
	}{
		{"number", set("8", "version"), "version: 7   #", "version: 8   #"},
		{"quoted", set("X", "people", "eva", "name"), `"Eva, the first"`, "X"},
		{"item", set("{file: b.pub, until: 2027-01-01T00:00:00Z}", "roots", "1"), "'b.pub'", "{file: b.pub, until: 2027-01-01T00:00:00Z}"},
		{"block item", set("{file: sam.pub}", "people", "sam", "keys", "0"), "- sam.pub", "- {file: sam.pub}"},
		{"flow item", add("c.pub", "roots"), "'b.pub']", "'b.pub', c.pub]"},
		{"list over lines", add("z", "last"), "  y,\n", "  y, z,\n"},
		{"list in a block", add("sam3.pub", "people", "sam", "keys"), "# second\n", "# second\n      - sam3.pub\n"},
		{"list that is not there", add("github:eva", "people", "eva", "logins"), "[eva.pub]}", "[eva.pub], logins: [github:eva]}"},
		{"entry in a block", set("{name: Kim}", "people", "kim"), "# second\n", "# second\n  kim: {name: Kim}\n"},
		{"entry in a flow", set("x", "roles", "manager", "until"), "[eva]}", "[eva], until: x}"},
		{"entry in nothing", set("x", "none", "a"), "{}", "{a: x}"},
		{"entry that is not there", add("x", "roles", "tester", "people"), "  manager: {people: [eva]}\n", "  manager: {people: [eva]}\n  tester: {people: [x]}\n"},
		{"top", set("3", "threshold"), "  y,\n]", "  y,\n]\nthreshold: 3\n"},
		{"remove first", remove("roots", "0"), "a.pub, 'b", "'b"},
		{"remove last", remove("roots", "1"), ", 'b.pub'", ""},
		{"remove line", remove("people", "sam", "keys", "1"), "      - sam2.pub # second\n", ""},
		{"remove only", remove("roles", "manager", "people", "0"), "[eva]", "[]"},
		{"remove entry", remove("people", "eva"), "  eva: {name: \"Eva, the first\", keys: [eva.pub]}   # \"flow\"\n", ""},
		{"remove flow entry", remove("people", "eva", "keys"), ", keys: [eva.pub]", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if strings.Count(editable, tt.old) != 1 {
				t.Fatalf("%q stands there %d times", tt.old, strings.Count(editable, tt.old))
			}
			want := strings.Replace(editable, tt.old, tt.new, 1)
			got, err := tt.edit()
			if err != nil || string(got) != want {
				t.Errorf("%v\ngot\n%s\nwant\n%s", err, got, want)
			}
		})
	}
	for name, edit := range map[string]func() ([]byte, error){
		"into a text":         set("x", "people", "eva", "name", "first"),
		"several lines":       set("a: 1\nb: 2", "none"),
		"no YAML":             set("{", "none"),
		"append to a mapping": add("x", "people"),
		"remove nothing":      remove("people", "kim"),
		"the only entry":      remove("roles", "manager"),
	} {
		if got, err := edit(); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
	if _, err := schemas.SetYAML("gate.yaml", []byte("a: |\n  b\n  c\n"), "x", "a"); err == nil || !strings.Contains(err.Error(), "by hand") {
		t.Errorf("a text of several lines: %v", err)
	}
}

func TestQuoteYAML(t *testing.T) {
	for in, want := range map[string]string{
		"Eva Peeters": "Eva Peeters", "keys/eva.pub": "keys/eva.pub", "2027-01-01T00:00:00Z": "2027-01-01T00:00:00Z", "no": `"no"`, "a: b": `"a: b"`,
		"": `""`, "x #y": `"x #y"`, "12": `"12"`, "é": `"é"`, "github:eva": `"github:eva"`, "eva@acme.example": "eva@acme.example", " x": `" x"`, "a\nb": `"a\nb"`,
	} {
		if got := schemas.QuoteYAML(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}
