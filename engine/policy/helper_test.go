package policy

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/evidence"
)

// dir makes a source of files given by path.
func dir(t testing.TB, ref string, files map[string]string) Source {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	src, err := Load(fsys, ref)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// one is a program of one file.
// testTypes are the types of the policy input without own kinds.
func testTypes(t testing.TB) *documentTypes {
	t.Helper()
	types, err := builtInTypes()
	if err != nil {
		t.Fatal(err)
	}
	return types
}

func one(t testing.TB, rego string) Program {
	t.Helper()
	return Program{Sources: []Source{dir(t, "./policies", map[string]string{"rule.rego": rego})}}
}

// inProcess compiles and evaluates here; the sandbox has tests of its own.
func inProcess(p Program, input string) ([]Rule, error) {
	c := compile(p, options{})
	if err := c.problems.fault(); err != nil {
		return nil, err
	}
	doc, err := c.types.decodeInput([]byte(input))
	if err != nil {
		return nil, fault.Wrap(fault.Evidence, err)
	}
	rules, problems := c.evaluateAt(doc, options{})
	return rules, problems.fault()
}

// refused demands an error of class fault.Policy that says every one of words.
func refused(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("accepted")
	}
	if got := fault.ClassOf(err); got != fault.Policy {
		t.Errorf("class %v, want policy fault: %v", got, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error lacks %q:\n%v", w, err)
		}
	}
}

// The policy input with nothing in it, and parts to put into it.
const (
	digestA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	digestB = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

	noInput = `{"now":"2026-11-20T12:00:00Z",` +
		`"release":{"name":"app","version":"1","line":"app","subjects":[{"name":"app","digest":"` + digestA + `","contains":[]}],` +
		`"source":{"repository":"","revision":"","branch":"","authors":[]}},` +
		`"target":{"id":"production","class":"production","trigger":"manual"},"stage":"activate",` +
		`"evidence":{"tests":[],"coverage":[],"scan":[],"sbom":[],"vex":[],"metrics":[],"objective":[],"review":[],"change":[],"deployment":[],` +
		`"check":[],"source":[],"run":[],"manual_test":[],"demo":[],"checklist":[],"customer_acceptance":[],"build":[],"provenance":[],"verification_summary":[]},"notCounted":[]}`

	itemHead = `"id":"` + digestB + `","about":{"kind":"artifact","digest":"` + digestA + `"},"level":"unit","part":"","scope":"artifact",` +
		`"format":"x","tool":{"name":"tool","version":"1"},"attested":false,"signer":{"id":"ci","roles":["tests"]},"collectedAt":"2026-11-20T11:59:00Z",` +
		`"ageSeconds":60,"run":{"system":"github","id":"1","attempt":1,"job":"test"},"warnings":[],"report":{"name":"report","digest":"` + digestB + `"}`

	testsItem = `{` + itemHead + `,"summary":{"total":3,"passed":1,"failed":1,"errored":0,"skipped":1,"flaky":1,"other":0,"problems":0,` +
		`"durationMillis":5,"complete":true,"ok":false},"cases":[` +
		`{"suite":"s","name":"a","status":"passed","flaky":true,"durationMillis":1,"message":""},` +
		`{"suite":"s","name":"b","status":"failed","flaky":false,"durationMillis":1,"message":"no"},` +
		`{"suite":"s","name":"c","status":"skipped","flaky":false,"durationMillis":0,"message":""}]}`

	scanItem = `{` + itemHead + `,"summary":{"open":2,"suppressed":1,"bySeverity":{"critical":1,"high":1,"medium":0,"low":0,"info":0,"unknown":0},` +
		`"complete":true,"looked":true},"findings":[` +
		`{"id":"CVE-1","category":"vulnerability","severity":"critical","status":"open","package":"zlib","version":"1","fixedVersion":"2",` +
		`"purl":"","title":"t","place":"p","aliases":[],"justification":""},` +
		`{"id":"G1","category":"code","severity":"high","status":"open","package":"","version":"","fixedVersion":"",` +
		`"purl":"","title":"t","place":"p","aliases":[],"justification":""},` +
		`{"id":"CVE-2","category":"vulnerability","severity":"critical","status":"suppressed","package":"zlib","version":"1","fixedVersion":"",` +
		`"purl":"","title":"t","place":"p","aliases":[],"justification":"not used"}]}`
)

// kindsBut are the names of the built-in kinds, sorted, without some.
func kindsBut(without ...string) []string {
	out := []string{}
	for _, k := range evidence.Kinds() {
		if !slices.Contains(without, string(k)) {
			out = append(out, string(k))
		}
	}
	slices.Sort(out)
	return out
}

// with puts items of a kind into the input.
func with(input, kind, items string) string {
	return strings.Replace(input, `"`+kind+`":[]`, `"`+kind+`":[`+items+`]`, 1)
}
