package verify

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/store"
)

var releaseID = ReleaseID("payments", "1.4.2", []Artifact{{"app", app}}, "")

// signed is a good sign-off's predicate.
func signed() SignoffPredicate {
	return SignoffPredicate{
		Verdict: "approve", Requirement: "governance.delivery_mode", RequirementDigest: app, Meaning: "release",
		Target: "production", Stage: "activate", Subjects: []Artifact{{"app", app}}, Findings: []string{"governance.delivery_mode#00"},
		Comment: "tried it", SignedAt: "2026-11-20T11:00:00Z", ValidUntil: "2026-11-22T11:00:00Z",
	}
}

// TestSignoffs: the first row is good; each other changes one thing, and the good sign-off of sam beside it still counts.
func TestSignoffs(t *testing.T) {
	type signing struct {
		signer, as string
		about      About
		edit       func(map[string]any)
		forge      func([]byte) []byte
		unlogged   bool
		taken      bool
	}
	tests := []struct {
		name   string
		change func(*signing)
		want   string // person, or reason
		class  fault.Class
	}{
		{"good", func(*signing) {}, "eva", 0},
		{"with her other key", func(s *signing) { s.signer = "eva2" }, "eva", 0},
		{"unknown key", func(s *signing) { s.signer = "mallory" }, "unknown_signer", 0},
		{"a machine", func(s *signing) { s.signer = "ci" }, "wrong_role", 0},
		{"the root", func(s *signing) { s.signer = "root" }, "unknown_signer", 0},
		{"another predicate type", func(s *signing) { s.as = "https://cdgate.dev/signoff/v2" }, "wrong_role", 0},
		{"not in the log", func(s *signing) { s.unlogged = true }, "unlogged", 0},
		{"taken away", func(s *signing) { s.taken = true }, "", fault.Trust},
		{"taken away, never logged", func(s *signing) { s.taken, s.unlogged = true, true }, "", 0},
		{"altered", func(s *signing) { s.forge = payload(`"reject"`, `"approve"`); s.edit = member("verdict", "reject") }, "", fault.Trust},
		{"forged under eva's hint", func(s *signing) { s.signer, s.forge = "mallory", rehint }, "", fault.Trust},
		{"about another release", func(s *signing) { s.about.Digest = other; s.unlogged = true }, "", 0},
		{"about another release, logged for ours", func(s *signing) { s.about.Digest = other }, "", fault.Trust},
		{"no JSON, logged", func(s *signing) { s.forge = func([]byte) []byte { return []byte("{") } }, "", fault.Trust},
		{"no JSON", func(s *signing) { s.unlogged = true; s.forge = func([]byte) []byte { return []byte("{") } }, "", 0},
		{"no verdict", func(s *signing) { s.edit = member("verdict", "approved") }, "", fault.Evidence},
		{"unknown member", func(s *signing) { s.edit = member("role", "release-manager") }, "", fault.Evidence},
		{"absent findings", func(s *signing) { s.edit = member("findings", absent{}) }, "", fault.Evidence},
		{"no time", func(s *signing) { s.edit = member("signedAt", "") }, "", fault.Evidence},
		{"subject without digest", func(s *signing) {
			s.edit = member("subjects", []any{map[string]any{"name": "app", "digest": "latest"}})
		}, "", fault.Evidence},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			logged := map[string]int{}
			add := func(s signing) string {
				p := w.generic(signed())
				if s.edit != nil {
					s.edit(p)
				}
				digest, size := w.sign(s.signer, s.as, s.about, p, func(b []byte) []byte {
					if s.forge != nil {
						b = bytes.ReplaceAll(s.forge(b), []byte("HINT"), []byte(w.signers["eva"].KeyID()))
					}
					return b
				})
				if !s.unlogged {
					logged[digest] = 1
				}
				if !s.taken {
					_, err := w.st.Add(t.Context(), store.Object{Type: store.TypeSignoff, Layers: []store.Layer{statementLayer(digest, size)}})
					w.must(err)
				}
				return digest
			}
			about := About{AboutArtifact, "payments@1.4.2", releaseID}
			sam := add(signing{signer: "sam", as: SignoffType, about: about})
			s := signing{signer: "eva", as: SignoffType, about: about}
			tt.change(&s)
			digest := add(s)
			ix, err := w.st.Index()
			w.must(err)
			got, notCounted, err := Signoffs(w.st, ix, w.def, releaseID, logged, now)
			if fault.ClassOf(err) != tt.class {
				t.Fatalf("class %v of %v, want %v", fault.ClassOf(err), err, tt.class)
			}
			if err != nil && (!strings.Contains(err.Error(), digest) || strings.Contains(err.Error(), w.dir)) {
				t.Errorf("names no digest, or a path: %v", err)
			}
			if !slices.ContainsFunc(got, func(s Signoff) bool { return s.Digest == sam && s.Person == "sam" }) {
				t.Errorf("sam's does not count: %+v", got)
			}
			result := ""
			for _, s := range got {
				if s.Digest == digest {
					result = s.Person
				}
			}
			for _, nc := range notCounted {
				if nc.ID == digest && nc.Kind != "" && nc.Msg != "" && nc.Signer != "" {
					result = string(nc.Reason)
				}
			}
			if result != tt.want {
				t.Errorf("%q, want %q: %+v %+v", result, tt.want, got, notCounted)
			}
		})
	}
}

func member(path string, value any) func(map[string]any) {
	return func(p map[string]any) { set(p, path, value) }
}

func TestSignoff(t *testing.T) {
	w := newWorld(t)
	digest, size := w.sign("eva", SignoffType, About{AboutArtifact, "payments@1.4.2", releaseID}, signed(), nil)
	manifests, err := w.st.Add(t.Context(), store.Object{Type: store.TypeSignoff, Layers: []store.Layer{statementLayer(digest, size)}})
	w.must(err)
	ix, err := w.st.Index()
	w.must(err)
	got, _, err := Signoffs(w.st, ix, w.def, releaseID, map[string]int{digest: 1}, now)
	w.must(err)
	s := got[0]
	if s.Person != "eva" || s.Name != "Eva Peeters" || s.KeyID != w.signers["eva"].KeyID() || s.Manifest != manifests[0] || s.Verdict != "approve" ||
		s.Requirement != "governance.delivery_mode" || s.RequirementDigest != app || s.Meaning != "release" || s.Target != "production" || s.Stage != "activate" ||
		len(s.Subjects) != 1 || len(s.Findings) != 1 || s.Comment != "tried it" || !s.SignedAt.Equal(now.Add(-time.Hour)) || !s.ValidUntil.Equal(now.Add(47*time.Hour)) {
		t.Errorf("%+v", s)
	}
	if m := Manifests(ix, digest); !slices.Equal(m, manifests) {
		t.Errorf("manifests %v", m)
	}
	for _, id := range []string{"", app} {
		if got, nc, err := Signoffs(w.st, ix, w.def, id, nil, now); len(got)+len(nc) != 0 || err != nil {
			t.Errorf("release %q: %v %v %v", id, got, nc, err)
		}
	}
	for _, def := range []*gate.Definition{nil, {People: w.def.People}} {
		if got, _, err := Signoffs(w.st, ix, def, releaseID, map[string]int{digest: 1}, now); got != nil || fault.ClassOf(err) != fault.Trust {
			t.Errorf("unsigned gate definition: %v", err)
		}
	}
	w.corrupt(digest, false)
	if got, _, err := Signoffs(w.st, ix, w.def, releaseID, map[string]int{digest: 1}, now); len(got) != 0 || fault.ClassOf(err) != fault.Trust {
		t.Errorf("flipped bit: %v", err)
	}
}
