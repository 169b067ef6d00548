package sbom

import "testing"

// A document may say more than once when it was made.
func TestMade(t *testing.T) {
	for _, c := range []struct {
		want string
		said []string
	}{
		{"", nil}, {"", []string{""}},
		{"2026-11-20T10:00:00Z", []string{"2026-11-20T10:00:00Z", "", "2026-11-20T10:00:01Z"}},
		{"2026-11-20T11:59:59+02:00", []string{"2026-11-20T10:00:00Z", "2026-11-20T11:59:59+02:00"}},
		{"last week", []string{"2026-11-20T10:00:00Z", "last week", "2020-01-01T00:00:00Z"}},
	} {
		var o output
		for _, text := range c.said {
			o.made(text)
		}
		if o.at != c.want {
			t.Errorf("%q: %q, want %q", c.said, o.at, c.want)
		}
	}
}
