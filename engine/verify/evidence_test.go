package verify

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/evidence"
)

const allGood = "build coverage sbom scan tests"

// TestEvidence starts each row from the good scene, which its first row shows to pass, and changes one thing. What was
// not changed must still count: that is each attack's twin.
func TestEvidence(t *testing.T) {
	tests := []struct {
		name   string
		change func(*scene)
		want   string
		says   string // in the message of what does not count, or of the first fault
	}{
		{"good", func(*scene) {}, allGood, ""},
		// Who signed.
		{"unknown signer", func(s *scene) { s.change("tests", func(x *thing) { x.signer = "mallory" }) },
			"build collection of mallory about app:unknown_signer coverage sbom scan tests:unknown_signer", "belongs to no signer"},
		{"wrong role: not this kind", func(s *scene) { s.change("sbom", func(x *thing) { x.signer = "ci2" }) },
			"build coverage sbom:wrong_role scan tests", "ci2, whose signature counts for build, tests only"},
		{"right role of the other signer", func(s *scene) { s.change("tests", func(x *thing) { x.signer = "ci2" }) }, allGood, ""},
		{"wrong role: signs decisions", func(s *scene) { s.change("tests", func(x *thing) { x.signer = "gate" }) },
			"build collection of gate about app:wrong_role coverage sbom scan tests:wrong_role", "counts for decision only"},
		{"wrong role: a person", func(s *scene) { s.change("tests", func(x *thing) { x.signer = "eva" }) },
			"build collection of eva about app:wrong_role coverage sbom scan tests:wrong_role", "eva, a person"},
		{"wrong role: the root", func(s *scene) { s.change("tests", func(x *thing) { x.signer = "root" }) },
			"build collection of root about app:unknown_signer coverage sbom scan tests:unknown_signer", ""},
		{"no kind of this version", func(s *scene) { s.change("tests", func(x *thing) { x.as = "https://cdgate.dev/tests/v2" }) },
			"build coverage sbom scan tests:wrong_role", ""},
		{"a sign-off for evidence", func(s *scene) { s.change("tests", func(x *thing) { x.as = SignoffType }) },
			"build coverage sbom scan tests:wrong_role", ""},
		// Which line.
		{"line the signer may not attest", func(s *scene) { s.edit("tests", "line", "billing") },
			"build coverage sbom scan tests:wrong_line", "may attest payments only"},
		{"line of another release", func(s *scene) {
			s.change("tests", func(x *thing) { x.signer = "ci2" })
			s.edit("tests", "line", "billing")
		}, "build coverage sbom scan tests:wrong_line", `the release is of line "payments"`},
		{"no line", func(s *scene) { s.edit("tests", "line", "") }, allGood, ""},
		{"built from a fork", func(s *scene) { s.edit("build", "source.repository", "https://git.example/fork") },
			"build:wrong_line coverage:unbound sbom scan tests", "https://git.example/fork"},
		// Altered and forged.
		{"altered after signing", func(s *scene) {
			s.change("tests", func(x *thing) {
				x.forge = payload(`"level":"unit"`, `"level":"acceptance"`)
			})
		}, "build coverage sbom scan !50", "altered after it was signed, or forged"},
		{"forged under ci's hint", func(s *scene) {
			s.change("tests", func(x *thing) { x.signer, x.forge = "mallory", nil })
			s.things[1].forge = rehint
		}, "build collection of mallory about app:unknown_signer coverage sbom scan !50", "claims the key of ci"},
		{"no JSON at all, listed", func(s *scene) {
			s.change("tests", func(x *thing) { x.forge = func([]byte) []byte { return []byte("{") } })
		}, "build coverage sbom scan tests:unknown_signer", "that can be read"},
		// Content of a trusted signer.
		{"unknown member", func(s *scene) { s.edit("tests", "soft", true) }, "build coverage sbom scan !30", "signed by ci"},
		{"absent member", func(s *scene) { s.edit("tests", "summary.failed", absent{}) }, "build coverage sbom scan !30", "summary"},
		{"null", func(s *scene) { s.edit("tests", "warnings", nil) }, "build coverage sbom scan !30", "absent, null or empty"},
		{"text for a count", func(s *scene) { s.edit("tests", "summary.failed", "0") }, "build coverage sbom scan !30", ""},
		{"summary of another kind", func(s *scene) { s.edit("tests", "summary", map[string]any{"open": 0}) }, "build coverage sbom scan !30", ""},
		{"no time", func(s *scene) { s.edit("tests", "collectedAt", "yesterday") }, "build coverage sbom scan !30", "collectedAt"},
		{"time in another zone", func(s *scene) { s.edit("tests", "collectedAt", "2026-11-20T12:00:00+01:00") }, "build coverage sbom scan !30", "UTC"},
		{"rows that are no digest", func(s *scene) { s.edit("tests", "rows.digest", "../../etc/passwd") }, "build coverage sbom scan !30", ""},
		{"build from no commit", func(s *scene) { s.edit("build", "source.revision", "main") }, "coverage:unbound sbom scan tests !30", "no git commit"},
		{"build about a revision", func(s *scene) { s.change("build", func(x *thing) { x.about = onCommit }) },
			"coverage:unbound sbom scan tests !30", ""},
		{"rows of another kind", func(s *scene) { s.change("tests", func(x *thing) { x.rows = `{"files":[]}` }) }, "build coverage sbom scan !30", "rows"},
		{"rows of another size", func(s *scene) { s.edit("tests", "rows.size", 1) }, "build coverage sbom scan !30", "the statement says 1"},
		// Lists.
		{"in no collection", func(s *scene) { s.change("tests", func(x *thing) { x.unlisted = true }) },
			"build coverage sbom scan tests:unlisted", "collect again"},
		{"taken away", func(s *scene) { s.change("tests", func(x *thing) { x.taken = true }) },
			"build coverage sbom scan !50", "taken away"},
		{"taken away, about the commit", func(s *scene) { s.change("coverage", func(x *thing) { x.taken = true }) },
			"build sbom scan tests !50", "taken away"},
		{"all collections by somebody unknown", func(s *scene) { s.collector = "mallory" },
			"build:unlisted collection of ci about app:unknown_signer collection of ci about https://git.example/payments:unknown_signer coverage:unbound sbom:unlisted scan:unlisted tests:unlisted", ""},
		{"all collections by another signer", func(s *scene) { s.collector = "ci2" },
			"build:unlisted coverage:unbound sbom:unlisted scan:unlisted tests:unlisted", ""},
		{"all collections by who signs decisions", func(s *scene) { s.collector = "gate" },
			"build:unlisted collection of ci about app:wrong_role collection of ci about https://git.example/payments:wrong_role coverage:unbound sbom:unlisted scan:unlisted tests:unlisted", ""},
		{"all collections of another line", func(s *scene) { s.editCollection = func(p map[string]any) { p["line"] = "billing" } },
			"build:unlisted collection of ci about app:wrong_line collection of ci about https://git.example/payments:wrong_line coverage:unbound sbom:unlisted scan:unlisted tests:unlisted", ""},
		// What it is about.
		{"about another artifact, named for us", func(s *scene) { s.change("tests", func(x *thing) { x.about = onOther }) },
			"build coverage sbom scan tests:other_subject", "no part of this release"},
		{"about another artifact, not named for us", func(s *scene) {
			s.change("tests", func(x *thing) { x.about = onOther })
			s.edit("tests", "release.version", "1.4.1")
		}, "build coverage sbom scan", ""},
		{"about our artifact, named for another release", func(s *scene) { s.edit("tests", "release.version", "1.4.1") }, allGood, ""},
		{"about the commit, for another product of it", func(s *scene) { s.edit("coverage", "release.name", "billing") },
			"build coverage:other_subject sbom scan tests", `"billing"`},
		{"about another commit", func(s *scene) {
			s.change("coverage", func(x *thing) { x.about.Digest = commit2 })
		}, "build coverage:other_subject sbom scan tests", ""},
		{"no build", func(s *scene) { s.things = s.things[1:] }, "coverage:unbound sbom scan tests", ""},
		{"build by an unknown signer", func(s *scene) { s.change("build", func(x *thing) { x.signer = "mallory" }) },
			"build:unknown_signer collection of mallory about app:unknown_signer coverage:unbound sbom scan tests", ""},
		{"build taken away", func(s *scene) { s.change("build", func(x *thing) { x.taken = true }) },
			"coverage:unbound sbom scan tests !50", ""},
		{"two commits for one artifact", func(s *scene) {
			s.things = append(s.things, thing{name: "build2", kind: evidence.Build, about: onApp, signer: "ci2"})
			s.edit("build2", "source.revision", commit2)
			s.edit("build2", "producer.run", "8")
		}, "build build2 coverage:unbound sbom scan tests !30", "wrong --artifact or in the wrong checkout"},
		{"two builds, one commit", func(s *scene) {
			s.things = append(s.things, thing{name: "build2", kind: evidence.Build, about: onApp, signer: "ci2"})
		}, "build build2 coverage sbom scan tests", ""},
		// When.
		{"too old", func(s *scene) { s.edit("scan", "collectedAt", "2026-11-19T11:59:59Z") },
			"build coverage sbom scan:stale tests", "24h"},
		{"just young enough", func(s *scene) { s.edit("scan", "collectedAt", "2026-11-19T12:00:00Z") }, allGood, ""},
		{"old, of a kind that may be", func(s *scene) { s.edit("tests", "collectedAt", "2026-11-01T12:00:00Z") }, allGood, ""},
		{"from the future", func(s *scene) { s.edit("tests", "collectedAt", "2026-11-20T12:02:01Z") },
			"build coverage sbom scan tests:future", "set the clock"},
		{"clock a little ahead", func(s *scene) { s.edit("tests", "collectedAt", "2026-11-20T12:02:00Z") }, allGood, ""},
		{"build too old", func(s *scene) { s.edit("build", "collectedAt", "2026-10-01T12:00:00Z") },
			"build:stale coverage:unbound sbom scan tests", ""},
		// Attempts.
		{"second attempt", func(s *scene) { s.attempt("tests", 2) }, "build coverage sbom scan tests2 tests:superseded", "attempt 2"},
		{"second attempt by another actor", func(s *scene) { s.attempt("tests", 2); s.edit("tests2", "producer.actor", "sam") },
			"build coverage sbom scan tests2 tests:superseded", ""},
		{"same attempt again", func(s *scene) { s.attempt("tests", 1); s.edit("tests2", "collectedAt", "2026-11-20T11:30:00Z") },
			"build coverage sbom scan tests tests2", ""},
		{"second attempt of another run", func(s *scene) { s.attempt("tests", 2); s.edit("tests2", "producer.run", "8") },
			"build coverage sbom scan tests tests2", ""},
		{"second attempt of another part", func(s *scene) { s.attempt("tests", 2); s.edit("tests2", "part", "2of2") },
			"build coverage sbom scan tests tests2", ""},
		{"second attempt of another level", func(s *scene) { s.attempt("tests", 2); s.edit("tests2", "level", "acceptance") },
			"build coverage sbom scan tests tests2", ""},
		{"second attempt of another report", func(s *scene) { s.attempt("tests", 2); s.edit("tests2", "report.name", "b.xml") },
			"build coverage sbom scan tests tests2", ""},
		{"second attempt by another signer", func(s *scene) {
			s.attempt("tests", 2)
			s.change("tests2", func(x *thing) { x.signer = "ci2" })
		}, "build coverage sbom scan tests tests2", ""},
		{"second attempt by somebody unknown", func(s *scene) {
			s.attempt("tests", 2)
			s.change("tests2", func(x *thing) { x.signer = "mallory" })
		}, "build collection of mallory about app:unknown_signer coverage sbom scan tests tests2:unknown_signer", ""},
		{"no run, so no attempts", func(s *scene) {
			s.edit("tests", "producer.run", "")
			s.attempt("tests", 2)
		}, "build coverage sbom scan tests tests2", ""},
		{"a spoilt second attempt does not bring the first back", func(s *scene) {
			s.attempt("tests", 2)
			s.edit("tests2", "collectedAt", "2026-11-20T13:00:00Z")
		}, "build coverage sbom scan tests2:future tests:superseded", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // most of the time goes into flushing the store to disk
			w := newWorld(t)
			s := good()
			tt.change(s)
			for i := range s.things {
				if f := s.things[i].forge; f != nil {
					s.things[i].forge = func(b []byte) []byte {
						return bytes.ReplaceAll(f(b), []byte("HINT"), []byte(w.signers["ci"].KeyID()))
					}
				}
			}
			digests := w.put(s, nil)
			v := w.evidence(want())
			if got := tell(v, digests); got != tt.want {
				t.Errorf("got  %s\nwant %s\n%+v\n%v", got, tt.want, v.NotCounted(), v.Faults())
			}
			msg := ""
			for _, nc := range v.NotCounted() {
				msg += nc.Msg + "\n"
				if nc.Msg == "" || nc.Signer == "" && !strings.Contains(nc.Msg, "that can be read") {
					t.Errorf("says too little: %+v", nc)
				}
			}
			for _, f := range v.Faults() {
				msg += f.Error() + "\n"
				if strings.Contains(f.Error(), w.dir) {
					t.Errorf("a fault names a path of this machine: %v", f)
				}
			}
			if !strings.Contains(msg, tt.says) {
				t.Errorf("nothing says %q:\n%s", tt.says, msg)
			}
		})
	}
}

// attempt adds a copy of the named thing, "name2", as another attempt of the same run.
func (s *scene) attempt(name string, n int) {
	i := slices.IndexFunc(s.things, func(x thing) bool { return x.name == name })
	c := s.things[i]
	c.name += "2"
	s.things = append(s.things, c)
	s.edit(c.name, "producer.attempt", n)
	s.edit(c.name, "report.name", name+".xml")
}

func TestVerified(t *testing.T) {
	w := newWorld(t)
	digests := w.put(good(), nil)
	v := w.evidence(want())
	if got := v.Subjects(); !reflect.DeepEqual(got, []Artifact{{"app", app}}) {
		t.Errorf("subjects %v", got)
	}
	src := v.Source()
	if src.Revision != commit || src.Repository != "https://git.example/payments" || src.Branch != "main" || !src.AuthorsKnown ||
		!reflect.DeepEqual(src.Authors, []Author{{"Ann", "ann@acme.example"}}) {
		t.Errorf("source %+v", src)
	}
	if len(v.Digests()) != 7 || !slices.IsSorted(v.Digests()) { // five items, two collections
		t.Errorf("%d digests", len(v.Digests()))
	}
	for _, it := range v.Items() {
		if it.ID == digests["tests"] {
			if it.Kind != evidence.Tests || it.About != onApp || it.Signer.ID != "ci" || it.AgeSeconds != 3600 || it.Level != "unit" ||
				string(it.Rows) != rowsOf[evidence.Tests][len(`{"cases":`):len(rowsOf[evidence.Tests])-1] || it.Build != nil ||
				!slices.Equal(it.Signer.Roles, []string{"build", "coverage", "sbom", "scan", "tests"}) {
				t.Errorf("tests %+v", it)
			}
		}
		if it.Kind == evidence.Build && (it.Build == nil || it.Build.Revision != commit || it.Rows != nil) {
			t.Errorf("build %+v", it)
		}
		if it.Kind == evidence.Coverage && it.About != onCommit {
			t.Errorf("coverage %+v", it)
		}
	}
	var zero Verified
	if zero.Items() != nil || zero.Digests() != nil || zero.Subjects() != nil || zero.Source().AuthorsKnown {
		t.Error("the zero Verified holds something")
	}
}

// TestBlobs damages each blob that the release stands on in turn; TestVerified reads the same blobs undamaged.
func TestBlobs(t *testing.T) {
	for _, remove := range []bool{false, true} {
		for _, name := range []string{"build", "tests", "coverage", "collection of ci about app", "rows", "report"} {
			w := newWorld(t)
			digests := w.put(good(), nil)
			d := digests[name]
			for _, it := range w.evidence(want()).Items() {
				if it.Kind == evidence.Tests {
					digests["rows"], digests["report"] = it.RowsFrom.Digest, it.Report.Digest
				}
			}
			if d == "" {
				d = digests[name]
			}
			w.corrupt(d, remove)
			v := w.evidence(want())
			if len(v.Faults()) == 0 || fault.ClassOf(v.Faults()[0]) != fault.Trust || !strings.Contains(v.Faults()[0].Error(), d) {
				t.Errorf("%s (removed %v): %s %v", name, remove, tell(v, digests), v.Faults())
			}
		}
	}
}
