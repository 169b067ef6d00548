package strictxml

import (
	"strings"
	"testing"
)

// TestShape: a tag is read the same whatever stood before it.
func TestShape(t *testing.T) {
	tags := []string{
		`<t a="1" b="2" c="3"/>`, `<t a="1" b="2"/>`, `<t a="1" b="2" c="3" d="4"/>`, `<t a='1' b='2' c='3'/>`, `<t  a="1"  b = "2" c="3"/>`,
		`<t a="1" b="x &amp; y" c="3"/>`, "<t a=\"1\" b=\"x\ny\" c=\"'\"/>", `<t a="" b="" c=""/>`, `<t b="1" a="2" c="3"/>`, `<t ab="1" b="2" c="3"/>`,
		`<t a="1" b="2" c="3" xml:lang="en"/>`, `<t a="#" b="long enough to need a second look at 32 bytes, and more # of them" c="3"></t>`,
	}
	for _, first := range tags {
		for _, second := range tags {
			doc := "<r>" + first + second + first + "</r>"
			got, err := trace(strings.NewReader(doc))
			want, werr := standard([]byte(doc))
			if err != nil || werr != nil || got != want {
				t.Errorf("%s:\n%s\n%v, want\n%s\n%v", doc, got, err, want, werr)
			}
		}
		for bad, says := range map[string]string{
			`<t a="1" b="2" a="3"/>`: "attribute a twice", `<t a="1" b="2" c="3" a="4"/>`: "attribute a twice", `<t a="1" b="<" c="3"/>`: `"<" in its value`,
			`<t a="1"b="2" c="3"/>`: "white space", `<t a="1" b="2" c="3`: "inside a tag", `<t a="1" b="2" p:c="3"/>`: "not declared", `<t a="1" b=2 c="3"/>`: "no quotes",
		} {
			if _, err := trace(strings.NewReader("<r>" + first + bad + "</r>")); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s after %s: %v, want %q", bad, first, err, says)
			}
		}
	}
}

// TestPlainEnd compares what looks at 32 bytes at once with a look at each, for every character at every place.
func TestPlainEnd(t *testing.T) {
	text := []byte(strings.Repeat("plain text\x80#%()", 5))
	for i := range text {
		for c := range 256 {
			for _, behind := range []byte{'a', '"', '&', '!', '#', '\n'} {
				b := append(append([]byte{}, text[:i]...), byte(c), behind)
				b = append(b, text[i:]...)
				want := 0
				for want < len(b) && classes[b[want]]&specialByte == 0 {
					want++
				}
				if c < ' ' && classes[c]&specialByte == 0 {
					continue // a control character, which no report that came this far has
				}
				if got := plainEnd(b); got != want {
					t.Fatalf("%q: %d, want %d", b, got, want)
				}
			}
		}
	}
}

// TestControlAt does the same for control characters.
func TestControlAt(t *testing.T) {
	text := []byte(strings.Repeat("text\n\t\r!\x80 ", 8))
	if at := controlAt(text); at >= 0 {
		t.Error(at)
	}
	for i := range text {
		for c := range ' ' {
			b := append(append(append([]byte{}, text[:i]...), byte(c)), text[i:]...)
			want := i
			if !isControl(byte(c)) {
				want = -1
			}
			if got := controlAt(b); got != want {
				t.Fatalf("%q: %d, want %d", b, got, want)
			}
		}
	}
}
