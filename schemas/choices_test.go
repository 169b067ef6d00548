package schemas

import (
	"fmt"
	"strings"
	"testing"
)

// pairs gives the definition of a kind with n pairs of alternatives, put together in one of the ways that CUE knows.
func pairs(n int, way string) string {
	var refs, fields, parts []string
	b := &strings.Builder{}
	b.WriteString("package kinds\n")
	for i := range n {
		pair := fmt.Sprintf("({x%d!: int} | {y%d!: int})", i, i)
		fmt.Fprintf(b, "#P%d: %s\n", i, pair)
		refs, fields, parts = append(refs, fmt.Sprintf("#P%d", i)), append(fields, "a!: "+pair), append(parts, "{"+pair+"}")
	}
	body := map[string]string{"references": "a!: " + strings.Join(refs, " & "), "fields": strings.Join(fields, "\n"), "embedded": "a!: {" + strings.Join(parts, "\n") + "}"}[way]
	return b.String() + "#pentest: {\n" + body + "\n}\n"
}

// TestChoices: alternatives that are unified multiply, and CUE would try every combination. Twins: few of them, and many
// that are independent of each other or plain.
func TestChoices(t *testing.T) {
	for _, way := range []string{"references", "fields", "embedded"} {
		if _, err := ParseOwnKind("kinds/pentest.cue", []byte(pairs(40, way))); err == nil || !strings.Contains(err.Error(), "write definitions that do not multiply") {
			t.Errorf("%s: %v", way, err)
		}
		if _, err := ParseOwnKind("kinds/pentest.cue", []byte(pairs(3, way))); err != nil && strings.Contains(err.Error(), "multiply") {
			t.Errorf("few %s: %v", way, err)
		}
	}
	b := &strings.Builder{}
	b.WriteString("package kinds\n#Word: string & =~\"^[a-z]+$\"\n#pentest: {\n")
	for i := range 40 {
		fmt.Fprintf(b, "a%d: *\"\" | #Word\nb%d!: (\"x\" | \"y\" | \"z\") & #Word\nc%d!: <1 | >5\n", i, i, i)
	}
	if _, err := ParseOwnKind("kinds/pentest.cue", []byte(b.String()+"}\n")); err != nil {
		t.Errorf("alternatives that are independent: %v", err)
	}
}
