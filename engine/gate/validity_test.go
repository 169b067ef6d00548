package gate

import (
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine/seal"
)

func instant(text string) time.Time { return sure(parseTime(text)) }

// TestStands holds each refusal against a case beside it that differs in one thing and stands.
func TestStands(t *testing.T) {
	tests := []struct {
		name, key            string // the key's validity in YAML
		stamped, claimed, at string
		want                 string // "", expired or revoked
	}{
		{"no limits", "", "", "2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", ""},
		{"valid until later", "until: 2026-11-21T00:00:00Z", "", "2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", ""},
		{"expired now", "until: 2026-11-20T11:30:00Z", "", "2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", "expired"},
		{"expired this second", "until: 2026-11-20T12:00:00Z", "", "2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", "expired"},
		{"expired now, timestamp before", "until: 2026-11-20T11:30:00Z", "2026-11-20T11:00:00Z", "2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", ""},
		{"expired now, timestamp after", "until: 2026-11-20T11:30:00Z", "2026-11-20T11:31:00Z", "2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", "expired"},
		{"not valid yet", "from: 2026-11-21T00:00:00Z", "", "2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", "expired"},
		{"valid now, says it was signed before", "from: 2026-11-20T11:30:00Z", "", "2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", "expired"},
		{"valid now, says it was signed since", "from: 2026-11-20T11:30:00Z", "", "2026-11-20T11:30:00Z", "2026-11-20T12:00:00Z", ""},
		{"valid now, timestamp before", "from: 2026-11-20T11:30:00Z", "2026-11-20T11:00:00Z", "2026-11-20T11:45:00Z", "2026-11-20T12:00:00Z", "expired"},
		{"revoked", "revoked: {at: 2026-11-20T11:30:00Z, reason: compromise}", "", "2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", "revoked"},
		{"revoked, timestamp before", "revoked: {at: 2026-11-20T11:30:00Z, reason: compromise}", "2026-11-20T11:29:59Z", "2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", ""},
		{"revoked, timestamp that second", "revoked: {at: 2026-11-20T11:30:00Z, reason: compromise}", "2026-11-20T11:30:00Z", "2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", "revoked"},
		{"rotated", "revoked: {at: 2026-11-20T11:30:00Z, reason: rotation}", "", "2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", "revoked"},
		{"revoked tomorrow", "revoked: {at: 2026-11-21T11:30:00Z, reason: rotation}", "", "2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", ""},
		{"revoked tomorrow, says it was signed then", "revoked: {at: 2026-11-21T11:30:00Z, reason: rotation}", "", "2026-11-22T11:00:00Z", "2026-11-20T12:00:00Z", "revoked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			key := "{file: ci.pub, " + tt.key + "}"
			if tt.key == "" {
				key = "ci.pub"
			}
			d := w.open(strings.Replace(goodYAML, "keys: [ci.pub]", "keys: ["+key+"]", 1))
			when := When{Claimed: instant(tt.claimed), Now: instant(tt.at)}
			if tt.stamped != "" {
				when.Stamped = instant(tt.stamped)
			}
			got := ""
			if u := d.Stands(seal.Signatory{KeyID: w.signers["ci"].KeyID()}, when); u != nil {
				got = "expired"
				if u.Revoked {
					got = "revoked"
				}
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	w := newWorld(t)
	if w.open(goodYAML).Stands(seal.Signatory{KeyID: w.signers["mallory"].KeyID()}, When{Now: now}) == nil {
		t.Error("a stranger's key stands")
	}
}

// TestStandsByLog: what the log held before any decision under the version that closed a key was signed before.
func TestStandsByLog(t *testing.T) {
	closed := map[string]string{
		Rotation:   "{file: ci.pub, revoked: {at: 2026-11-20T11:30:00Z, reason: rotation}}",
		Compromise: "{file: ci.pub, revoked: {at: 2026-11-20T11:30:00Z, reason: compromise}}",
		"until":    "{file: ci.pub, until: 2026-11-20T11:30:00Z}",
	}
	for why, key := range closed {
		s := newStory(t)
		s.accept(text(1, "r1.pub", 1), "r1")
		s.accept(text(2, "r1.pub", 1), "r1")
		closing := func(version int) string {
			return strings.Replace(text(version, "r1.pub", 1), "keys: [ci.pub]", "keys: ["+key+"]", 1)
		}
		s.accept(closing(3), "r1")
		d := s.accept(closing(4), "r1")
		for logged, want := range map[int]bool{0: false, 1: why != Compromise, 2: why != Compromise, 3: false, 4: false} {
			when := When{Claimed: instant("2026-11-20T11:00:00Z"), Now: now, Logged: logged}
			if u := d.Stands(seal.Signatory{KeyID: s.signers["ci"].KeyID()}, when); (u == nil) != want {
				t.Errorf("%s, logged under version %d: %v", why, logged, u)
			}
			when.Claimed = instant("2026-11-20T11:45:00Z")
			if d.Stands(seal.Signatory{KeyID: s.signers["ci"].KeyID()}, when) == nil {
				t.Errorf("%s, logged under version %d, says that it was signed afterwards: stands", why, logged)
			}
		}
	}
}
