package verify

import (
	"fmt"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
)

// TestImageIndex: the release names an image index. What is about a platform counts when trusted build evidence says that the
// index contains it, for that platform only: the others need their own.
func TestImageIndex(t *testing.T) {
	hex := func(c string) string { return "sha256:" + strings.Repeat(c, 64) }
	amd, arm, amdConfig, armConfig := hex("1"), hex("2"), hex("3"), hex("4")
	contains := []any{
		map[string]any{"digest": amd, "config": amdConfig, "platform": "linux/amd64"},
		map[string]any{"digest": arm, "config": armConfig, "platform": "linux/arm64"},
	}
	scan := func(name, about string) thing {
		return thing{name: name, kind: evidence.Scan, about: About{AboutArtifact, "shop", about}, signer: "ci"}
	}
	build := func(name, about, signer string) thing {
		return thing{name: name, kind: evidence.Build, about: About{AboutArtifact, "app", about}, signer: signer}
	}
	for _, tt := range []struct {
		name   string
		things []thing
		change func(*scene)
		tell   string
		gaps   string
	}{
		{name: "each platform", things: []thing{scan("amd", amd), scan("arm", arm)}, tell: "amd arm build"},
		{name: "one platform", things: []thing{scan("amd", amd)}, tell: "amd build", gaps: "scan/unit [linux/amd64] not [linux/arm64]"},
		{name: "the other platform", things: []thing{scan("arm", arm)}, tell: "arm build", gaps: "scan/unit [linux/arm64] not [linux/amd64]"},
		{name: "by configuration", things: []thing{scan("amd", amdConfig), scan("arm", arm)}, tell: "amd arm build"},
		{name: "one by both names", things: []thing{scan("amd", amdConfig), scan("amd2", amd)}, tell: "amd amd2 build", gaps: "scan/unit [linux/amd64] not [linux/arm64]"},
		{name: "one platform and the index", things: []thing{scan("amd", amd), scan("all", app)}, tell: "all amd build"},
		{name: "one platform and the commit", things: []thing{scan("amd", amd), {name: "all", kind: evidence.Scan, about: onCommit, signer: "ci"}}, tell: "all amd build"},
		{name: "the commit at another level", things: []thing{scan("amd", amd), {name: "all", kind: evidence.Scan, about: onCommit, signer: "ci"}},
			change: func(s *scene) { s.edit("all", "level", "source") }, tell: "all amd build", gaps: "scan/unit [linux/amd64] not [linux/arm64]"},
		{name: "another kind", things: []thing{scan("amd", amd), {name: "arm", kind: evidence.Tests, about: About{AboutArtifact, "shop", arm}, signer: "ci"}}, tell: "amd arm build",
			gaps: "scan/unit [linux/amd64] not [linux/arm64]; tests/unit [linux/arm64] not [linux/amd64]"},
		{name: "too old for one", things: []thing{scan("amd", amd), scan("arm", arm)}, change: func(s *scene) { s.edit("arm", "collectedAt", "2026-11-01T11:00:00Z") },
			tell: "amd arm:stale build", gaps: "scan/unit [linux/amd64] not [linux/arm64]"},
		{name: "of a stranger for one", things: []thing{scan("amd", amd), scan("arm", arm)}, change: func(s *scene) { s.change("arm", func(x *thing) { x.signer = "mallory" }) },
			tell: "amd arm:unknown_signer build collection of mallory about shop:unknown_signer", gaps: "scan/unit [linux/amd64] not [linux/arm64]"},
		{name: "taken away for one", things: []thing{scan("amd", amd), scan("arm", arm)}, change: func(s *scene) { s.change("arm", func(x *thing) { x.taken = true }) },
			tell: "amd build !50", gaps: "scan/unit [linux/amd64] not [linux/arm64]"},
		{name: "an image that the index does not contain", things: []thing{scan("amd", hex("5")), scan("all", app)}, tell: "all amd:other_subject build"},
		{name: "nobody says what the index contains", things: []thing{scan("amd", amd), scan("arm", arm)}, change: func(s *scene) { s.edit("build", "contains", absent{}) },
			tell: "amd:other_subject arm:other_subject build"},
		{name: "a stranger says so", things: []thing{scan("amd", amd), scan("arm", arm), build("says", app, "mallory")}, change: func(s *scene) {
			s.edit("build", "contains", absent{})
			s.edit("says", "contains", contains)
		}, tell: "amd:other_subject arm:other_subject build collection of mallory about app:unknown_signer says:unknown_signer"},
		{name: "another signer says the same", things: []thing{scan("amd", amd), scan("arm", arm), build("again", app, "ci2")}, change: func(s *scene) { s.edit("again", "contains", []any{contains[1], contains[0]}) },
			tell: "again amd arm build"},
		{name: "another signer says otherwise", things: []thing{scan("amd", amd), scan("arm", arm), build("again", app, "ci2")}, change: func(s *scene) { s.edit("again", "contains", contains[:1]) },
			tell: "again amd:other_subject arm:other_subject build !30"},
		{name: "it contains nothing", things: []thing{scan("all", app)}, change: func(s *scene) { s.edit("build", "contains", []any{}) }, tell: "all !30"},
		{name: "a platform is built from the commit", things: []thing{scan("amd", amd), scan("arm", arm), build("part", amd, "ci2")}, tell: "amd arm build part"},
		{name: "a platform is built from another commit", things: []thing{scan("amd", amd), scan("arm", arm), build("part", amd, "ci2")}, change: func(s *scene) { s.edit("part", "source.revision", commit2) },
			tell: "amd arm build !30"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s := &scene{things: append([]thing{build("build", app, "ci")}, tt.things...)}
			s.edit("build", "contains", contains)
			if tt.change != nil {
				tt.change(s)
			}
			digests := w.put(s, nil)
			v := w.evidence(want())
			var gaps []string
			for _, g := range v.Gaps() {
				gaps = append(gaps, fmt.Sprintf("%s %v not %v", g.What(), g.Have, g.Missing))
			}
			if got := strings.Join(gaps, "; "); got != tt.gaps || tell(v, digests) != tt.tell {
				t.Errorf("%q, want %q\n%q, want %q\n%+v %v", tell(v, digests), tt.tell, got, tt.gaps, v.NotCounted(), v.Faults())
			}
		})
	}
}
