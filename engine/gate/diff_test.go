package gate

import (
	"slices"
	"strings"
	"testing"
)

// TestCompare makes one change at a time; the same change backwards must not loosen, and nothing else may be told.
func TestCompare(t *testing.T) {
	tests := []struct {
		name, from, to   string
		there, back      string // part of what is told
		looser, backLoos bool
	}{
		{"role of a person", "tester: {people: [sam],", "tester: {people: [sam, eva],", "eva may now act as tester", "eva may no longer act as tester", true, false},
		{"role on more targets", "targets: [production]}", "targets: [production, staging]}", "release-manager is for the target staging too", "no longer for the target staging", true, false},
		{"role everywhere", ", targets: [production]}", "}", "release-manager is for every target", "for the targets production only", true, false},
		{"role for longer", "until: 2026-12-01T00:00:00Z", "until: 2027-12-01T00:00:00Z", "tester is held from 2026-01-01T00:00:00Z until 2027-12", "until 2026-12", true, false},
		{"age", "maxAge: {scan: 24h}", "maxAge: {scan: 720h}", "scan evidence for production may be 720h0m0s old instead of 24h0m0s", "24h0m0s old instead of 720h", true, false},
		{"trigger", "trigger: manual", "trigger: automatic", "production has the trigger automatic instead of manual", "manual instead of automatic", true, false},
		{"allow stands longer", "validFor: 12h", "validFor: 48h", "an allow for production stands 48h", "stands 12h", true, false},
		{"fewer policies", "policies: [builtin:minimal, ./policies], params", "policies: [./policies], params", "production is no longer judged by builtin:minimal", "is judged by builtin:minimal too", true, false},
		{"parameter", "{line: 80}", "{line: 60}", "the parameter line of tests.coverage_floor is 60 instead of 80", "is 80 instead of 60", true, true},
		{"duty", "may: [decision]", "may: [decision, scan]", "gate may now sign scan", "gate may no longer sign scan", true, false},
		{"line of a signer", ", lines: [payments]}\n  gate", "}\n  gate", "ci may sign for every line", "for the lines payments only", true, false},
		{"key", "keys: [ci.pub]", "keys: [ci.pub, mallory.pub]", "ci signs with a new key", "is unknown now", true, false},
		{"key closed", "keys: [ci.pub]", "keys: [{file: ci.pub, until: 2026-12-01T00:00:00Z}]", "valid until 2026-12-01T00:00:00Z instead of without limit", "without limit instead of until", false, true},
		{"key revoked", "keys: [ci.pub]", "keys: [{file: ci.pub, revoked: {at: 2026-12-01T00:00:00Z, reason: rotation}}]", "revoked at 2026-12-01", "without limit", false, true},
		{"address of a person", "emails: [sam@acme.example]", "emails: []", "commits of sam@acme.example are no longer sam's", "are sam's now", true, false},
		{"address of a robot", "emails: [noreply@github.com]", "emails: [noreply@github.com, bot@acme.example]", "commits of bot@acme.example are a robot's now", "no longer a robot's", true, false},
		{"root", "roots: [root.pub]", "roots: [root.pub, mallory.pub]", "(mallory.pub) is a root key now", "is no root key any more", true, false},
		{"repository", "repositories: [https://git.example/payments]", "repositories: []", "payments may be built from any repository", "may be built from https://git.example/payments", true, false},
		{"expiry", "expires: 2027-06-01T00:00:00Z", "expires: 2029-06-01T00:00:00Z", "expires at 2029-06-01", "expires at 2027-06-01", true, false},
		{"comment", "log: log.pub", "log: log.pub # the log", "", "", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			if strings.Count(goodYAML, tt.from) != 1 {
				t.Fatalf("%q stands there %d times", tt.from, strings.Count(goodYAML, tt.from))
			}
			other := strings.Replace(goodYAML, tt.from, tt.to, 1)
			cfg := sure(Parse("gate.yaml", []byte(other)))
			b := sure(Resolve(cfg, w.read, slices.DeleteFunc(sources(), func(s Source) bool { return !slices.Contains(cfg.Policies(), s.Ref) })))
			a := sure(w.resolve(goodYAML))
			told(t, Compare(a, b), tt.there, tt.looser)
			told(t, Compare(b, a), tt.back, tt.backLoos)
			told(t, Compare(b, b), "", false)
		})
	}
}

func told(t *testing.T, changes []Change, want string, looser bool) {
	t.Helper()
	switch {
	case want == "" && len(changes) == 0:
	case len(changes) != 1 || want == "" || !strings.Contains(changes[0].Text, want) || changes[0].Loosens != looser:
		t.Errorf("%+v, want %q, loosens %v", changes, want, looser)
	}
}

func TestComparePolicies(t *testing.T) {
	w := newWorld(t)
	a, b := sure(w.resolve(goodYAML)), sure(w.resolve(goodYAML))
	b.Sources[0].Digest = "sha256:" + strings.Repeat("3", 64)
	told(t, Compare(a, b), "the rules of ./policies have other content", true)
}
