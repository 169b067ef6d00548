package schemas_test

import (
	"strings"
	"testing"

	"cdgate.dev/cdgate/schemas"
)

// TestYAMLDocuments: several documents become JSON, and what YAML lets people write in two ways is refused.
func TestYAMLDocuments(t *testing.T) {
	docs, err := schemas.YAMLDocuments("f", []byte("# c\na: 1.50\nb: [yes, \"2\", null, True]\n---\n---\nc: {d: \"\\u00e9\"}\n"))
	var got []string
	for _, d := range docs {
		got = append(got, string(d))
	}
	if want := `{"a":1.50,"b":["yes","2",null,true]}|null|{"c":{"d":"é"}}`; err != nil || strings.Join(got, "|") != want {
		t.Errorf("got %s (%v), want %s", strings.Join(got, "|"), err, want)
	}
	for src, want := range map[string]string{
		"":                         "is empty",
		"# only a comment\n":       "is empty",
		"a: &x 1\n":                "f:1:4: anchors",
		"a: 1\n---\nb: *x\n":       "f: is not YAML",
		"a: 1\n---\nb: 1\nb: 2\n":  `f:4:1: the key "b" stands here twice`,
		"a: !!str 1\n":             "tags",
		"<<: {a: 1}\n":             "merge keys",
		"a: 010\n":                 "more than one way",
		"a: \xff\n":                "UTF-8",
		strings.Repeat("a", 2<<20): "larger than 1 MiB",
	} {
		if docs, err := schemas.YAMLDocuments("f", []byte(src)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q became %s (%v), want an error with %q", src, docs, err, want)
		}
	}
}
