package tests

import (
	"math/rand"
	"regexp"
	"testing"
)

// TestTAPPoint compares the reading of points with a regular expression that says the same.
func TestTAPPoint(t *testing.T) {
	point := regexp.MustCompile(`^(not )?ok(?:\s+(\d{1,9})(?:\s|$))?\s*(?:- ?)?(.*)$`)
	random := rand.New(rand.NewSource(1))
	parts := []string{"ok", "not ", "not", " ", "  ", "\t", "1", "12", "123456789", "0", "-", "- ", "x", "#", "# skip", "\f", "é"}
	found := 0
	for range 200_000 {
		text := []string{"ok", "not ok", "", "not  ok", "ok "}[random.Intn(5)]
		for range random.Intn(6) {
			text += parts[random.Intn(len(parts))]
		}
		m := point.FindStringSubmatch(text)
		want := m != nil && (len(text) == len(m[1])+2 || text[len(m[1])+2] == ' ' || text[len(m[1])+2] == '\t')
		got, ok := tapPoint(text)
		if ok != want || ok && got != (tapPointLine{m[1] != "", m[2], m[3]}) {
			t.Fatalf("%q is %+v, %v; want %q, %v", text, got, ok, m, want)
		}
		if ok {
			found++
		}
	}
	if found < 10_000 {
		t.Errorf("only %d points", found)
	}
}
