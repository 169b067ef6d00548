package evidence

import "testing"

func TestRepository(t *testing.T) {
	for in, want := range map[string]string{
		"https://github.com/acme/payments.git":                 "https://github.com/acme/payments",
		"https://user:secret@GitHub.com/acme/payments":         "https://github.com/acme/payments",
		"git@github.com:acme/payments.git":                     "https://github.com/acme/payments",
		"github.com:acme/payments":                             "https://github.com/acme/payments",
		"git+https://github.com/acme/payments.git":             "https://github.com/acme/payments",
		"git+ssh://git@github.com/acme/payments":               "https://github.com/acme/payments",
		"git://github.com/acme/payments/":                      "https://github.com/acme/payments",
		"ssh://git@git.example.org:2222/acme/payments.git":     "https://git.example.org/acme/payments",
		"https://git.example.org:8443/acme/payments.git":       "https://git.example.org:8443/acme/payments",
		"https://git.example.org:443/acme/payments":            "https://git.example.org/acme/payments",
		"https://[::1]:8443/acme/payments":                     "https://[::1]:8443/acme/payments",
		"https://oauth2:glpat-secret@gitlab.com/a/b/c.git/":    "https://gitlab.com/a/b/c",
		"https://x-access-token:ghs_abc@github.com/acme/p.git": "https://github.com/acme/p",
		"https://git.example.org/a%2Fb":                        "https://git.example.org/a%2Fb",
		"https://git.example.org/a/../b":                       "https://git.example.org/a/../b", // as little b as a
		"https://git.example.org/x?repo=a":                     "",
		"https://git.example.org/":                             "",
		"/srv/git/payments.git":                                "",
		"../payments":                                          "",
		"acme/payments":                                        "",
		"":                                                     "",
		"file:///srv/git/payments":                             "",
		"gs://%zz/x":                                           "",
	} {
		if got := Repository(in); got != want || Repository(got) != got {
			t.Errorf("Repository(%q) = %q, want %q, and again %q", in, got, want, Repository(got))
		}
	}
}

func TestSameRepository(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"https://git.example/payments", "git@git.example:payments.git", true},
		{"https://git.example/payments", "https://git.example/payments", true},
		{"payments", "payments", true},
		{"https://git.example/payments", "https://git.example/fork", false},
		{"https://git.example/payments", "https://git.example/Payments", false}, // some hosts tell them apart
		{"https://git.example/payments", "https://git.example/payments?x", false},
		{"../payments", "/srv/payments", false},
		{"", "", false},
		{"", "payments", false},
	} {
		if SameRepository(c.a, c.b) != c.want || SameRepository(c.b, c.a) != c.want {
			t.Errorf("%q and %q: want %v", c.a, c.b, c.want)
		}
	}
}
