package strictjson

import (
	"strings"
	"testing"
)

// TestClosed reads a document of our own, whole and with one fault each.
func TestClosed(t *testing.T) {
	read := func(text string) (word, at string, n int64, err error) {
		r := New(strings.NewReader(text))
		err = r.Closed(Members{"v": r.Is("a/v1"), "word": r.IntoOneOf(&word, "x", "y"), "at": r.IntoTime(&at), "n": r.IntoCount(&n)}, "n")()
		if err == nil {
			err = r.End()
		}
		return word, at, n, err
	}
	word, at, n, err := read(`{"v":"a/v1","word":"x","at":"2026-11-20T12:00:00+01:00","n":3}`)
	if err != nil || word != "x" || at != "2026-11-20T11:00:00Z" || n != 3 {
		t.Errorf("whole: %s %s %d %v", word, at, n, err)
	}
	if _, _, _, err := read(`{"v":"a/v1","word":"y","at":"2026-11-20T12:00:00Z"}`); err != nil {
		t.Errorf("without what is optional: %v", err)
	}
	for text, want := range map[string]string{
		`{"v":"a/v2","word":"x","at":"2026-11-20T12:00:00Z"}`:             `v (byte 11): "a/v2", want "a/v1"`,
		`{"v":"a/v1","word":"z","at":"2026-11-20T12:00:00Z"}`:             `"z", want one of x, y`,
		`{"v":"a/v1","word":"x"}`:                                         `member "at" is missing`,
		`{"v":"a/v1","word":"x","at":"2026-11-20"}`:                       `"2026-11-20" is no time`,
		`{"v":"a/v1","word":"x","at":"2026-11-20T12:00:00Z","n":-1}`:      `-1, want a number of at least 0`,
		`{"v":"a/v1","word":"x","at":"2026-11-20T12:00:00Z","n":null}`:    `null; leave the member out`,
		`{"v":"a/v1","word":"x","at":"2026-11-20T12:00:00Z","N":1}`:       `unknown member "N"; there are at, n, v, word`,
		`{"v":"a/v1","word":"x","word":"y","at":"2026-11-20T12:00:00Z"}`:  `duplicate`,
		`{"v":"a/v1","word":"x","at":"2026-11-20T12:00:00Z"}{"v":"a/v1"}`: `second document`,
		`{"v":"a/v1","word":7,"at":"2026-11-20T12:00:00Z"}`:               `want a string, found a number`,
		`[{"v":"a/v1","word":"x","at":"2026-11-20T12:00:00Z"}]`:           `want an object, found an array`,
		`{"v":"a/v1","word":"x","at":"2026-11-20T12:00:00Z"`:              `cut off`,
	} {
		if _, _, _, err := read(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", text, err, want)
		}
	}
}
