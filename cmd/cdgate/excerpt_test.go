package main

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

// TestExcerpt writes outputs of every length around the bounds, in pieces of several sizes, and wants the same excerpt.
func TestExcerpt(t *testing.T) {
	for _, n := range []int{0, 1, excerptPart - 1, excerptPart, excerptPart + 1, 2*excerptPart - 1, 2 * excerptPart, 2*excerptPart + 1, 5*excerptPart + 7} {
		whole := make([]byte, n)
		for i := range whole {
			whole[i] = "abcdefghijklmnopqrstuvwxyz\n"[i%27]
		}
		want := outputDocument{Text: string(whole), Bytes: int64(n)}
		if n > 2*excerptPart {
			want = outputDocument{Bytes: int64(n), Cut: true, Text: fmt.Sprintf("%s\n… %d bytes left out …\n%s", whole[:excerptPart], n-2*excerptPart, whole[n-excerptPart:])}
		}
		for _, piece := range []int{1000, excerptPart, 1 << 20} {
			var e excerpt
			for rest := whole; len(rest) > 0; {
				some := rest[:min(piece, len(rest))]
				e.add(some)
				rest = rest[len(some):]
			}
			if got := e.document(); got != want {
				t.Errorf("%d bytes in pieces of %d: %d bytes, cut %v", n, piece, len(got.Text), got.Cut)
			}
			if cap(e.tail) > 8*excerptPart && piece < 1<<20 {
				t.Errorf("%d bytes are held", cap(e.tail))
			}
		}
	}
	var e excerpt
	e.add([]byte("caf\xe9"))
	if got := e.document(); got.Text != "caf\uFFFD" || got.Bytes != 4 || got.Cut {
		t.Errorf("%+v", got)
	}
}

// TestSharedOutput: a reader that went away does not stop the command, and nothing of what is kept is lost.
func TestSharedOutput(t *testing.T) {
	var keep excerpt
	var out bytes.Buffer
	closed := &tee{&shared{w: failing{}}, &keep}
	open := &tee{&shared{w: &out}, &keep}
	for _, w := range []*tee{closed, open} {
		if n, err := w.Write([]byte("x\n")); n != 2 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if keep.document().Text != "x\nx\n" || out.String() != "x\n" {
		t.Errorf("kept %q, shown %q", keep.document().Text, out.String())
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("nobody reads") }
