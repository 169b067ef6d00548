package verify

import (
	"slices"
	"strings"

	"cdgate.dev/cdgate/evidence"
)

// thing is one statement of a scene.
type thing struct {
	name   string
	kind   evidence.Kind
	about  About
	signer string
	// edit changes the predicate, given as generic JSON, before it is signed.
	edit func(map[string]any)
	// as is the predicate type; empty for that of the kind.
	as string
	// forge changes the bundle after it was signed.
	forge func([]byte) []byte
	// rows replaces the rows.
	rows string
	// unlisted is in no collection; taken is in one, and not in the store.
	unlisted, taken bool
}

// scene is a store's content by name.
type scene struct {
	things []thing
	// editCollection changes the predicate of every collection, collector who signs them instead of the signer.
	editCollection func(map[string]any)
	collector      string
}

// good is a release that everything is known about: a build, three reports about the artifact and one about its commit.
func good() *scene {
	return &scene{things: []thing{
		{name: "build", kind: evidence.Build, about: onApp, signer: "ci"},
		{name: "tests", kind: evidence.Tests, about: onApp, signer: "ci"},
		{name: "scan", kind: evidence.Scan, about: onApp, signer: "ci"},
		{name: "sbom", kind: evidence.SBOM, about: onApp, signer: "ci"},
		{name: "coverage", kind: evidence.Coverage, about: onCommit, signer: "ci"},
	}}
}

// change changes the named thing.
func (s *scene) change(name string, f func(*thing)) {
	i := slices.IndexFunc(s.things, func(x thing) bool { return x.name == name })
	f(&s.things[i])
}

// edit changes one member of a thing's predicate; path is dotted.
func (s *scene) edit(name, path string, value any) {
	s.change(name, func(x *thing) {
		was := x.edit
		x.edit = func(p map[string]any) {
			if was != nil {
				was(p)
			}
			set(p, path, value)
		}
	})
}

// absent as a value takes the member away.
type absent struct{}

func set(p map[string]any, path string, value any) {
	head, rest, deeper := strings.Cut(path, ".")
	switch _, gone := value.(absent); {
	case deeper:
		set(p[head].(map[string]any), rest, value)
	case gone:
		delete(p, head)
	default:
		p[head] = value
	}
}

var rowsOf = map[evidence.Kind]string{
	evidence.Tests:    `{"cases":[{"suite":"s","name":"t","status":"passed","flaky":false,"durationMillis":3,"message":""}]}`,
	evidence.Coverage: `{"files":[{"path":"a.go","line":{"covered":1,"total":2,"percent":50,"measured":true},"branch":{"covered":0,"total":0,"percent":0,"measured":false},"statement":{"covered":0,"total":0,"percent":0,"measured":false}}]}`,
	evidence.Scan:     `{"findings":[]}`,
	evidence.SBOM:     `{"components":[{"name":"zlib","version":"1.3","purl":"pkg:generic/zlib@1.3","type":"library","licences":["Zlib"]}]}`,
}

var summaryOf = map[evidence.Kind]any{
	evidence.Tests:    evidence.TestsSummary{Total: 1, Passed: 1, Complete: true, OK: true},
	evidence.Coverage: evidence.CoverageSummary{Line: evidence.RatioOf(1, 2), Files: 1},
	evidence.Scan:     evidence.ScanSummary{Complete: true, Looked: true},
	evidence.SBOM:     evidence.SBOMSummary{SpecVersion: "1.6", Components: 1},
}

var producer = Producer{System: "github", Repository: "acme/payments", Revision: commit, Branch: "main", Workflow: "ci", Job: "build", Run: "7", Attempt: 1, Actor: "eva"}
