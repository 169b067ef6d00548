//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// hostile is an input that attacks the program, and its twin without the attack. Each is read from standard input, except
// those that are files. The twin nil stands for a sample.
type hostile struct {
	name, kind   string
	attack, twin func() io.Reader
	says         string
}

func given(s string) func() io.Reader { return func() io.Reader { return strings.NewReader(s) } }

// inserted puts an attack into a text at a mark.
func inserted(s, mark, attack string) string {
	before, after, ok := strings.Cut(s, mark)
	if !ok {
		panic("no " + mark)
	}
	return before + attack + mark + after
}

func hostiles(t *testing.T) []hostile {
	junit := sample(t, "tests/testdata/junit/good-mixed.xml")
	cobertura := sample(t, "coverage/testdata/cobertura/good-lies.xml")
	cyclonedx := sample(t, "sbom/testdata/cyclonedx-json/good-nested.json")
	trivy := sample(t, "scan/testdata/trivy/good-everything.json")
	openvex := sample(t, "vex/testdata/openvex/good-statements.json")
	csaf := sample(t, "vex/testdata/csaf/good-vex.json")
	k6 := sample(t, "metrics/testdata/k6/good-export-kept.json")
	jmeter := sample(t, "metrics/testdata/jmeter/good-plain.csv")
	openslo := sample(t, "objective/testdata/openslo/good-v1.yaml")
	gotest := sample(t, "tests/testdata/gotest/good-passed.json")
	tap := sample(t, "tests/testdata/tap/good-passed.tap")
	lcov := sample(t, "coverage/testdata/lcov/good-branches.info")
	deep := strings.Repeat("[", 100_000)
	long := strings.Repeat("x", 20<<20)
	branches := strings.Repeat(`{"category":"vendor","name":"a","branches":[`, 5000)
	return []hostile{
		{"an entity that is a file", "tests", given(strings.Replace(inserted(junit, "<testsuites", `<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]>`), "rejects zero", "&x;", 1)), given(junit), "DOCTYPE"},
		{"an entity of the network", "coverage", given(`<!DOCTYPE coverage [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x"> %x;]>` + cobertura[strings.Index(cobertura, "<coverage"):]), given(cobertura), "DOCTYPE"},
		{"a DOCTYPE with definitions", "tests", given(inserted(junit, "<testsuites", `<!DOCTYPE t [<!ATTLIST testcase name CDATA "x">]>`)), given(inserted(junit, "<testsuites", `<!DOCTYPE t>`)), "DOCTYPE"},
		{"entities in entities", "tests", given(inserted(junit, "<testsuites", bombDTD())), given(junit), "DOCTYPE"},
		{"XML elements in one another", "tests", given("<testsuites>" + strings.Repeat("<testsuite>", 100_000)), given(junit), "inside one another"},
		{"an XML tag without an end", "tests", given(`<testsuite name="` + long), given(junit), "first tag"},
		{"an XML tag without an end, inside", "tests", given(`<testsuite><testcase name="` + long), given(junit), "more than"},
		{"many attributes", "tests", given(`<testsuite` + numbered(` a%d=""`, 100_000) + `/>`), given(junit), "first tag"},
		{"many attributes, inside", "tests", given(`<testsuite><testcase` + numbered(` a%d=""`, 100_000) + `/>`), given(junit), "attributes"},
		{"JSON arrays in one another", "scan", given(inserted(trivy, `"Results"`, `"x": `+deep+strings.Repeat("]", 100_000)+", ")), given(trivy), "byte"},
		{"a text without an end", "scan", given(inserted(trivy, `"Results"`, `"x": "`+long)), given(trivy), "more than"},
		{"components in one another", "sbom", given(inserted(cyclonedx, `"components"`, `"components": [`+strings.Repeat(`{"name":"a","type":"library","components":[`, 5000))), given(cyclonedx), "inside one another"},
		{"branches of products in one another", "vex", given(inserted(csaf, `"full_product_names"`, `"branches2": [], "branches": [`+branches)), given(csaf), "duplicate"},
		{"only branches", "vex", given(strings.Replace(csaf, `"branches": [{`, `"branches": [`+branches+`{`, 1)), given(csaf), "inside one another"},
		{"a group of everything in every remediation", "vex", func() io.Reader { return csafGroups(20_000, 20_000) }, func() io.Reader { return csafGroups(20, 20) }, "too"},
		{"products of everything", "vex", func() io.Reader { return openvexProducts(2000, 2000) }, given(openvex), "more than"},
		{"YAML anchors", "objective", given(strings.Replace(openslo, "name: search", "name: &a search\n  x: *a", 1)), given(openslo), "anchor"},
		{"YAML that multiplies", "objective", given(laughs() + openslo), given(openslo), "anchor"},
		{"YAML lists in one another", "objective", given(openslo + "x: " + deep + "\n"), given(openslo), "max depth"},
		{"YAML with many documents", "objective", func() io.Reader {
			return newRepeated(openslo, 3_000_000, func(int) string { return "---\n{}\n" }, "")
		}, given(openslo), "larger than"},
		{"millions of series", "metrics", func() io.Reader {
			return newRepeated(`{"status":"success","data":{"resultType":"matrix","result":[`, 3_000_000, func(i int) string {
				return fmt.Sprintf(`{"metric":{"n":"%d"},"values":[[1795195900,"1"]]},`, i)
			}, `{"metric":{},"values":[[1795195900,"1"]]}]}}`)
		}, given(sample(t, "metrics/testdata/prometheus/good-range.json")), "more than"},
		{"weights of nothing", "objective", func() io.Reader { return canary(300_000) }, func() io.Reader { return canary(3) }, "more than"},
		{"vulnerabilities of one package", "scan", func() io.Reader { return osv(1_000_000) }, func() io.Reader { return osv(3) }, "of one package"},
		{"vulnerabilities of one dependency", "scan", func() io.Reader { return dependencyCheck(1_000_000) }, func() io.Reader { return dependencyCheck(3) }, "of one dependency"},
		{"blocks of many files", "coverage", func() io.Reader {
			return newRepeated("mode: set\n", 3_000_000, func(i int) string { return fmt.Sprintf("f%d.go:1.1,1.2 1 1\n", i) }, "")
		}, given("mode: set\nf.go:1.1,1.2 1 1\n"), "more"},
		{"lines of one file", "coverage", func() io.Reader {
			return newRepeated("SF:a.c\n", 6_000_000, func(i int) string { return fmt.Sprintf("DA:%d,1\n", i) }, "end_of_record\n")
		}, given(lcov), "more than"},
		{"results before their rules", "scan", func() io.Reader { return results(1_000_000) }, func() io.Reader { return results(3) }, "more than"},
		{"numbers without an end", "metrics", given(strings.Replace(k6, `"count":200`, `"count":`+strings.Repeat("9", 20<<20), 1)), given(k6), "more than"},
		{"numbers out of range", "metrics", given(strings.Replace(k6, `"count":200`, `"count":1e999999999`, 1)), given(k6), "out of range"},
		{"small numbers out of range", "metrics", given(strings.Replace(k6, `"avg":12.5`, `"avg":1e-999999999`, 1)), given(k6), "no decimal number"},
		{"a quote without an end", "metrics", given(jmeter + `1795195934000,100,"` + strings.Repeat("home,\n", 8<<20)), given(jmeter), "more than"},
		{"a line without an end", "coverage", given(inserted(lcov, "DA:1,3", "DA:"+strings.Repeat("1", 20<<20))), given(lcov), "line"},
		{"a line of TAP without an end", "tests", given(strings.Replace(tap, "ok 2", "ok 2 "+long, 1)), given(tap), "longer than"},
		{"a line of go test without an end", "tests", given(inserted(gotest, `{"Action":"pass"`, `{"Action":"output","Output":"`+long)), given(gotest), "longer than"},
		{"millions of tests", "tests", func() io.Reader {
			return newRepeated("<testsuite>", 3_000_000, func(i int) string { return `<testcase name="a"/>` }, "</testsuite>")
		}, given(junit), "more than"},
		{"a bomb", "tests", given(zipped(junit + "<!--" + strings.Repeat("x", 32<<20) + "-->")), given(zipped(junit)), "times its size"},
		{"packed twice", "tests", given(zipped(zipped(junit))), given(zipped(junit)), "binary"},
		{"packed, with more behind", "tests", given(zipped(junit) + "x"), given(zipped(junit)), "follows the end"},
		{"packed and cut off", "tests", given(zipped(junit)[:200]), given(zipped(junit)), "cut off"},
		{"two packed reports in one file", "tests", given(zipped(junit) + zipped(junit)), given(zipped(junit[:100]) + zipped(junit[100:])), "two documents in one file"},
		{"packed nothings", "tests", given(zipped(junit) + strings.Repeat(zipped(""), 100_000)), given(zipped(junit) + zipped("")), "one after the other"},
	}
}

// bombDTD defines entities that become a thousand million words.
func bombDTD() string {
	b := "<!DOCTYPE t [<!ENTITY e0 \"ha\">"
	for i := 1; i < 10; i++ {
		b += fmt.Sprintf("<!ENTITY e%d \"%s\">", i, strings.Repeat(fmt.Sprintf("&e%d;", i-1), 10))
	}
	return b + "]>"
}

// laughs is YAML whose aliases become a thousand million words.
func laughs() string {
	b := "a0: &a0 [ha]\n"
	for i := 1; i < 10; i++ {
		b += fmt.Sprintf("a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), i-1)
	}
	return b
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

const csafHead = `{"document":{"category":"csaf_vex","csaf_version":"2.0","publisher":{"name":"Acme"},"title":"t","tracking":{"current_release_date":"2026-02-01T12:00:00Z","id":"A","status":"final","version":"1"}},"product_tree":{`

// csafGroups is an advisory with a group of products, and vulnerabilities that each have a remediation for the group.
func csafGroups(products, vulnerabilities int) io.Reader {
	head := csafHead + `"full_product_names":[` + strings.TrimSuffix(numbered(`{"name":"n%[1]d","product_id":"P%[1]d"},`, products), ",") +
		`],"product_groups":[{"group_id":"G","product_ids":[` + strings.TrimSuffix(numbered(`"P%d",`, products), ",") + `]}]},"vulnerabilities":[`
	return newRepeated(head, vulnerabilities, func(i int) string {
		s := fmt.Sprintf(`{"cve":"CVE-2026-%d","product_status":{"known_affected":["P1"]},"remediations":[{"category":"vendor_fix","details":"x","group_ids":["G"]}]}`, i)
		if i < vulnerabilities-1 {
			s += ","
		}
		return s
	}, `]}`)
}

// csafRow is an advisory about a product that is a part of a product, and so on; with round, the last is a part of the first.
func csafRow(n int, round bool) io.Reader {
	head := csafHead + `"full_product_names":[{"name":"n","product_id":"P0"}],"relationships":[`
	last := "P0"
	if round {
		last = fmt.Sprintf("R%d", n-1)
	}
	return newRepeated(head, n, func(i int) string {
		of, comma := fmt.Sprintf("R%d", i-1), ","
		if i == 0 {
			of = last
		}
		if i == n-1 {
			comma = ""
		}
		return fmt.Sprintf(`{"category":"default_component_of","product_reference":"P0","relates_to_product_reference":"%s","full_product_name":{"name":"r","product_id":"R%d"}}%s`, of, i, comma)
	}, fmt.Sprintf(`]},"vulnerabilities":[{"cve":"CVE-2026-1","product_status":{"fixed":["R%d"]}}]}`, n-1))
}

// openvexProducts is a document whose statements are each about many products.
func openvexProducts(statements, products int) io.Reader {
	list := strings.TrimSuffix(numbered(`{"@id":"pkg:generic/p%d@1"},`, products), ",")
	return newRepeated(`{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"a","timestamp":"2026-01-01T00:00:00Z","version":1,"statements":[`, statements, func(i int) string {
		s := fmt.Sprintf(`{"vulnerability":{"name":"CVE-2026-%d"},"status":"fixed","products":[%s]}`, i, list)
		if i < statements-1 {
			s += ","
		}
		return s
	}, `]}`)
}

// newList is n parts with commas between them, between a head and a tail.
func newList(head string, n int, format, tail string) io.Reader {
	return newRepeated(head, n, func(i int) string {
		comma := ","
		if i == n-1 {
			comma = ""
		}
		return fmt.Sprintf(format, i) + comma
	}, tail)
}

// canary is a configuration with a metric for each of n groups, and weights of n others.
func canary(n int) io.Reader {
	return io.MultiReader(newList(`{"name":"c","judge":{"name":"j"},"metrics":[`, n, `{"name":"m%[1]d","groups":["g%[1]d"]}`, `],`),
		newList(`"classifier":{"groupWeights":{`, n, `"w%d":0`, `},"scoreThresholds":{"pass":90,"marginal":50}}}`))
}

// osv is a report about n vulnerabilities of one package.
func osv(n int) io.Reader {
	return newList(`{"results":[{"source":{"path":"go.mod"},"packages":[{"package":{"name":"a","version":"1","ecosystem":"Go"},"vulnerabilities":[`, n, `{"id":"GO-%d"}`, `]}]}]}`)
}

// dependencyCheck is a report about n vulnerabilities of one dependency.
func dependencyCheck(n int) io.Reader {
	return newList(`{"reportSchema":"1.1","dependencies":[{"fileName":"a.jar","vulnerabilities":[`, n, `{"name":"CVE-%d","severity":"HIGH"}`, `]}]}`)
}

// results is a log whose results stand before the tool with the rules they are about.
func results(n int) io.Reader {
	return newList(`{"version":"2.1.0","runs":[{"results":[`, n, `{"ruleId":"R%d","message":{"text":"x"}}`, `],"tool":{"driver":{"name":"t"}}}]}`)
}

// TestHostileInput gives the program what attacks a reader: it is refused with exit 30, in bounded time and memory, and
// nothing is written. The same report without the attack is taken.
func TestHostileInput(t *testing.T) {
	unraced(t)
	t.Parallel()
	p := newProject(t)
	for _, h := range hostiles(t) {
		t.Run(h.name, func(t *testing.T) {
			if h.says == "" {
				r := p.collect(t, h.attack(), h.kind+":-")
				t.Log(r.says)
			}
			p.refused(t, h.says, h.attack, h.kind+":-")
			p.taken(t, h.twin(), h.kind+":-")
		})
	}
}

// TestHostileCircle gives advisories whose products are parts of one another in a circle, or in a row that is longer than anybody
// follows. The format is kept, so they are read; but what nobody can follow silences nothing, and that is said.
func TestHostileCircle(t *testing.T) {
	unraced(t)
	t.Parallel()
	p := newProject(t)
	for name, attack := range map[string]func() io.Reader{
		"circle": func() io.Reader { return csafRow(200_000, true) }, "row": func() io.Reader { return csafRow(200_000, false) },
	} {
		r := p.cheapest(t, attack, "--list", "vex:-")
		if r.code != 0 || !strings.Contains(r.says, "1 unknown, incomplete") || !strings.Contains(r.says, "does not define clearly") {
			t.Errorf("%s: exit %d:\n%.600s", name, r.code, r.says)
		}
	}
	r := p.collect(t, csafRow(10, false), "--list", "vex:-")
	if r.code != 0 || !strings.Contains(r.says, "1 fixed") || strings.Contains(r.says, "unknown") || strings.Contains(r.says, "warning") {
		t.Errorf("the twin: exit %d:\n%.600s", r.code, r.says)
	}
}

// TestHostileFiles names what is no file in the directory: links that lead out of it, pipes, devices. Names that hold
// commands to a terminal are shown harmless.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	junit := sample(t, "tests/testdata/junit/good-mixed.xml")
	outside := filepath.Join(p.home, "outside.xml")
	if err := os.WriteFile(outside, []byte(junit), 0o644); err != nil {
		t.Fatal(err)
	}
	p.write(t, "inside.xml", junit)
	for link, to := range map[string]string{"out.xml": outside, "in.xml": "inside.xml", "up.xml": "../../../../../../../../" + outside, "zero.xml": "/dev/zero", "round.xml": "round.xml"} {
		if err := os.Symlink(to, filepath.Join(p.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(p.dir, "pipe.xml"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.write(t, "\x1b[31mred\x07\r.xml", "<testsuite>")
	p.write(t, "\x1b[32mgreen.xml", junit)
	for name, says := range map[string]string{"out.xml": "leads out", "up.xml": "leads out", "zero.xml": "leads out", "round.xml": "round.xml", "pipe.xml": "no regular file",
		"/dev/zero": "no regular file", "\x1b[31mred\x07\r.xml": "cut off", "../../nowhere/../x.xml": "no such file"} {
		t.Run(strings.ToValidUTF8(filepath.Base(name), ""), func(t *testing.T) { p.refused(t, says, nothing, "tests:"+name) })
	}
	p.taken(t, nil, "tests:in.xml")
	p.taken(t, nil, "tests:"+outside)
	if r := p.collect(t, nil, "\x1b[32mgreen.xml"); r.code != 0 || strings.Contains(r.says, "\x1b") {
		t.Errorf("exit %d: %q", r.code, r.says)
	}
}

// TestHostileForm gives forms that people fill in the same attacks.
func TestHostileForm(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	form := "title: Go-live\nreference: CHG-9\nby: Eva\nenvironment: production\nat: 2026-11-20T15:00:00Z\nitems:\n- text: Backup taken\n  state: done\n"
	says := map[string]string{"anchor": "anchor", "laughs": "anchor", "deep": "max depth", "twice": "by", "merge": "merge keys",
		"second document": "second document", "unknown": "approved", "tag": "tags", "long": "longer than", "many": "more than 10000 items"}
	for name, attack := range map[string]string{
		"anchor": strings.Replace(form, "by: Eva", "by: &a Eva\nnotes: *a", 1), "laughs": laughs() + form, "deep": form + "notes: " + strings.Repeat("[", 100_000) + "\n",
		"twice": form + "by: Max\n", "merge": form + "<<: {by: Max}\n", "second document": form + "---\n" + form, "unknown": form + "approved: true\n",
		"tag": strings.Replace(form, "by: Eva", "by: !!binary RXZh", 1), "long": form + "notes: " + strings.Repeat("x", 20<<20),
		"many": form + numbered("- text: n%d\n", 10_001),
	} {
		t.Run(name, func(t *testing.T) {
			p.refused(t, says[name], given(attack), "--form", "checklist=-")
		})
	}
	p.taken(t, strings.NewReader(form), "--form", "checklist=-")
}
