package schemas_test

import (
	"strings"
	"testing"

	"cdgate.dev/cdgate/schemas"
)

// TestData reads the three syntaxes to the same JSON, each as strictly as a configuration.
func TestData(t *testing.T) {
	const want = `{"a":"on","n":1,"list":[{"b":true,"at":"2026-11-20T12:00:00Z"}]}`
	for file, src := range map[string]string{
		"x.yaml": "a: on\nn: 1\nlist:\n- {b: true, at: 2026-11-20T12:00:00Z}\n",
		"x.json": `{"a":"on","n":1,"list":[{"b":true,"at":"2026-11-20T12:00:00Z"}]}`,
		"x.cue":  "a: \"on\"\nn: 1\nlist: [{b: true, at: \"2026-11-20T12:00:00Z\"}]\n",
	} {
		if got, err := schemas.Data(file, []byte(src)); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", file, got, err)
		}
	}
	for src, want := range map[string]string{
		"a: 1\na: 2\n":                     "stands here twice",
		"a: &x 1\n":                        "anchors",
		"a: !!str 1\n":                     "tags",
		"":                                 "is empty",
		"a: 1\n---\na: 2\n":                "second document",
		"a: \xff\n":                        "UTF-8",
		strings.Repeat("#", 1<<20) + "\n#": "larger than",
	} {
		if _, err := schemas.Data("x.yaml", []byte(src)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", src, err, want)
		}
	}
}
