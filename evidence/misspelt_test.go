package evidence

import "testing"

// TestMisspelt: one slip is one, other names are other names.
func TestMisspelt(t *testing.T) {
	for _, c := range []struct {
		name, want string
		slip       bool
	}{
		{"Vulnerabilitiez", "Vulnerabilities", true}, {"vulnerabilities", "vulnerabilities", false}, {"qesults", "results", true},
		{"xvulnerabilities", "vulnerabilities", true}, {"ulnerabilities", "vulnerabilities", true}, {"vulnerabilites", "vulnerabilities", true},
		{"results", "result", false}, {"vulnerability", "vulnerabilitys", false}, {"components", "component", false},
		{"line", "like", false}, {"cvssV2", "cvssV3", false}, {"metricV30", "metricV3", false}, {"paths", "patch", false},
		{"level", "levex", true}, {"resutls", "results", false}, {"", "results", false}, {"status", "state", false},
	} {
		if got := Misspelt(c.name, c.want, 5); got != c.slip || Misspelt(c.want, c.name, 5) != c.slip {
			t.Errorf("Misspelt(%q, %q) = %v", c.name, c.want, got)
		}
	}
	if !Misspelt("line", "link", 4) {
		t.Error("a short name")
	}
}
