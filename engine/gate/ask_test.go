package gate

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/evidence"
)

func TestKeys(t *testing.T) {
	w := newWorld(t)
	d := w.open(goodYAML)
	id := func(name string) string { return w.signers[name].KeyID() }

	s, ok := d.SignerOf(id("ci"))
	if !ok || s.ID != "ci" || !s.MayDo("tests") || s.MayDo(Decision) || !s.Attests() || !s.ForLine("payments") || s.ForLine("billing") || s.ForLine("") {
		t.Errorf("ci: %+v", s)
	}
	g, ok := d.SignerOf(id("gate"))
	if !ok || !g.MayDo(Decision) || g.Attests() || !g.ForLine("billing") {
		t.Errorf("gate: %+v", g)
	}
	for name, want := range map[string]bool{"gate": true, "ci": false, "eva": false, "root": false, "mallory": false} {
		b, err := w.signers[name].Sign(seal.Statement{
			Subject: []seal.Subject{{Digest: map[string]string{"sha256": strings.Repeat("a", 64)}}}, PredicateType: seal.DecisionType, Predicate: []byte(`{}`),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, s, err := d.OpenDecision(b); (err == nil) != want || !want && !errors.Is(err, seal.ErrUnknownKey) || want && s.ID != name {
			t.Errorf("%s may decide: %v", name, err)
		}
	}
	for name, want := range map[string]string{"eva": "eva", "sam": "sam", "sam2": "sam", "ci": "", "mallory": "", "root": ""} {
		p, ok := d.PersonOf(id(name))
		if p.ID != want || ok != (want != "") {
			t.Errorf("%s is person %q", name, p.ID)
		}
	}
	for _, unknown := range []string{id("eva"), id("mallory"), id("root"), ""} {
		if s, ok := d.SignerOf(unknown); ok {
			t.Errorf("%q is signer %s", unknown, s.ID)
		}
	}
}

func TestPersonByEmail(t *testing.T) {
	d := newWorld(t).open(goodYAML)
	tests := []struct {
		email     string
		id        string
		robot, ok bool
	}{
		{"eva@acme.example", "eva", false, true},
		{"EVA@ACME.EXAMPLE", "eva", false, true},
		{"sam@acme.example", "sam", false, true},
		{"noreply@github.com", "github-web", true, true},
		{"12345+eva-p@users.noreply.github.com", "eva", false, true},
		{"eva-p@users.noreply.github.com", "eva", false, true},
		{"12345+Eva-P@users.noreply.GitHub.com", "eva", false, true},
		// Twins that are nobody.
		{"", "", false, false},
		{"eva@acme.example.evil.example", "", false, false},
		{" eva@acme.example", "", false, false},
		{"x+eva-p@users.noreply.github.com", "", false, false},
		{"+eva-p@users.noreply.github.com", "", false, false},
		{"eva-p@users.noreply.github.com.evil.example", "", false, false},
		{"12345+@users.noreply.github.com", "", false, false},
		{"eva-p@users.noreply.gitlab.com", "", false, false},
		{"\u212aeva@acme.example", "", false, false},
	}
	for _, tt := range tests {
		id, robot, ok := d.PersonByEmail(tt.email)
		if id != tt.id || robot != tt.robot || ok != tt.ok {
			t.Errorf("%q: %q %v %v, want %q %v %v", tt.email, id, robot, ok, tt.id, tt.robot, tt.ok)
		}
	}
	if id, ok := d.PersonByLogin("github", "EVA-P"); id != "eva" || !ok {
		t.Errorf("login: %q", id)
	}
	for _, l := range [][2]string{{"gitlab", "eva-p"}, {"github", "eva"}, {"", "eva-p"}, {"github", ""}} {
		if id, ok := d.PersonByLogin(l[0], l[1]); ok {
			t.Errorf("login %v is %q", l, id)
		}
	}
}

func TestRolesOf(t *testing.T) {
	d := newWorld(t).open(goodYAML)
	day := func(s string) time.Time {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	both := []string{"release-manager", "tester"}
	tests := []struct {
		person, line, target string
		at                   time.Time
		want                 []string
	}{
		{"eva", "payments", "production", now, both[:1]},
		{"sam", "payments", "production", now, both},
		{"eva", "billing", "production", now, nil},
		{"eva", "", "production", now, nil},
		{"eva", "payments", "staging", now, nil},
		{"sam", "billing", "staging", now, both[1:]},
		{"nobody", "payments", "production", now, nil},
		{"", "payments", "production", now, nil},
		// Half-open: at from yes, at until no.
		{"sam", "", "staging", day("2026-01-01T00:00:00Z"), both[1:]},
		{"sam", "", "staging", day("2025-12-31T23:59:59Z"), nil},
		{"sam", "", "staging", day("2026-11-30T23:59:59Z"), both[1:]},
		{"sam", "", "staging", day("2026-12-01T00:00:00Z"), nil},
		{"sam", "", "staging", time.Time{}, nil},
	}
	for _, tt := range tests {
		if got := d.RolesOf(tt.person, tt.line, tt.target, tt.at); !slices.Equal(got, tt.want) {
			t.Errorf("%s on %q to %s at %s: %v, want %v", tt.person, tt.line, tt.target, tt.at, got, tt.want)
		}
	}
	if got := (&Definition{}).RolesOf("eva", "", "", now); got != nil {
		t.Errorf("the zero definition gives roles %v", got)
	}
}

func TestTargets(t *testing.T) {
	d := newWorld(t).open(goodYAML)
	p, ok := d.Target("production")
	if !ok || p.ID != "production" || p.Class != "production" || p.Trigger != "manual" || p.ValidForDuration() != 12*time.Hour {
		t.Errorf("production: %+v", p)
	}
	if got := p.Params["tests.coverage_floor"]["line"]; got != 80.0 {
		t.Errorf("parameter %v", got)
	}
	if s := d.SourcesOf("production"); len(s) != 2 || s[0].Ref != "builtin:minimal" || s[1].Ref != "./policies" {
		t.Errorf("sources in the order of the target: %v", s)
	}
	ages := []struct {
		target string
		kind   evidence.Kind
		want   time.Duration
	}{
		{"production", evidence.Scan, 24 * time.Hour},
		{"production", evidence.Tests, 720 * time.Hour},
		{"staging", evidence.Scan, 168 * time.Hour},
		{"staging", evidence.Build, 720 * time.Hour},
		{"staging", evidence.Metrics, 24 * time.Hour},
		{"staging", evidence.VEX, 720 * time.Hour},
		{"staging", evidence.CustomerAcceptance, 720 * time.Hour},
		{"nowhere", evidence.Tests, 0},
	}
	for _, tt := range ages {
		if got := d.MaxAge(tt.target, tt.kind); got != tt.want {
			t.Errorf("%s %s: %v, want %v", tt.target, tt.kind, got, tt.want)
		}
	}
	if d.ValidFor("staging") != 24*time.Hour || d.ValidFor("nowhere") != 0 || (Target{}).ValidForDuration() != 0 {
		t.Error("valid for")
	}
	if _, ok := d.Target("nowhere"); ok || d.SourcesOf("nowhere") != nil {
		t.Error("an unknown target is known")
	}
	if !d.BuiltFrom("payments", "https://git.example/payments") || d.BuiltFrom("payments", "https://git.example/fork") || !d.BuiltFrom("billing", "x") ||
		d.BuiltFrom("billing", "https://git.example/payments") || d.BuiltFrom("", "https://git.example/payments") {
		t.Error("repositories of a line")
	}
	for _, same := range []string{"git@git.example:payments.git", "git+https://git.example/payments.git", "https://ci:token@GIT.example/payments/"} {
		if !d.BuiltFrom("payments", same) || d.BuiltFrom("billing", same) {
			t.Errorf("%s is another repository than https://git.example/payments", same)
		}
	}
	for _, other := range []string{"", "payments", "git@git.example:fork.git", "https://git.example/payments?fork", "https://git.example.evil/payments"} {
		if d.BuiltFrom("payments", other) {
			t.Errorf("%q is https://git.example/payments", other)
		}
	}
	if !(&Definition{}).ExpiresAt().IsZero() {
		t.Error("the zero definition does not expire")
	}
}
