package collect

import (
	"path"
	"strings"
	"testing"
	"time"
)

// slowMatches says the same as matches in the plainest way.
func slowMatches(pattern, segments []string, prefix bool) bool {
	switch {
	case len(segments) == 0 && prefix:
		return true
	case len(pattern) == 0:
		return len(segments) == 0
	case pattern[0] == "**":
		return slowMatches(pattern[1:], segments, prefix) || len(segments) > 0 && slowMatches(pattern, segments[1:], prefix)
	case len(segments) == 0:
		return false
	}
	ok, err := path.Match(pattern[0], segments[0])
	return err == nil && ok && slowMatches(pattern[1:], segments[1:], prefix)
}

func TestMatchesAsThePlainWay(t *testing.T) {
	words := func(alphabet []string) [][]string {
		all, last := [][]string{{}}, [][]string{{}}
		for range 4 {
			var next [][]string
			for _, w := range last {
				for _, a := range alphabet {
					next = append(next, append(append([]string{}, w...), a))
				}
			}
			all, last = append(all, next...), next
		}
		return all
	}
	paths, n := words([]string{"a", "b"}), 0
	for _, pattern := range words([]string{"a", "*", "**"}) {
		for _, segments := range paths {
			for _, prefix := range []bool{false, true} {
				n++
				if got, want := matches(pattern, segments, prefix), slowMatches(pattern, segments, prefix); got != want {
					t.Errorf("matches(%q, %q, %v) = %v", pattern, segments, prefix, got)
				}
			}
		}
	}
	if n < 5000 || !matches(nil, []string{"a"}, false) {
		t.Errorf("%d cases", n)
	}
}

// TestMatchesIsQuick: a checkout's .cdgate.yaml chooses the patterns, and its folders the paths.
func TestMatchesIsQuick(t *testing.T) {
	pattern := strings.Split(strings.Repeat("**/a/", 40)+"zz", "/")
	segments := strings.Split(strings.Repeat("a/", 1500)+"b", "/")
	done := make(chan bool, 1)
	go func() { done <- matches(pattern, segments, false) }()
	select {
	case got := <-done:
		if got || !matches(pattern, append(segments[:1500], "zz"), false) {
			t.Errorf("matches: %v", got)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
	}
}
