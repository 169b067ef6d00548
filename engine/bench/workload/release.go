package workload

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"strings"
)

var sev = []string{"LOW", "LOW", "LOW", "LOW", "MEDIUM", "MEDIUM", "MEDIUM", "HIGH", "HIGH", "CRITICAL"}
var eco = []string{"golang", "npm", "deb", "pypi", "maven"}
var words = strings.Fields("a flaw was found in the way handles crafted request buffer overflow header parsing allows remote attacker to cause denial of service via memory exhaustion when processing untrusted input integer race condition use after free in component leads information disclosure improper validation certificate path traversal")

func sentence(r *rand.Rand, n int) string {
	b := make([]string, n)
	for i := range b {
		b[i] = words[r.Intn(len(words))]
	}
	return strings.Join(b, " ")
}
func hexs(r *rand.Rand, n int) string {
	const h = "0123456789abcdef"
	b := make([]byte, n)
	for i := range b {
		b[i] = h[r.Intn(16)]
	}
	return string(b)
}

type finding struct {
	ID        string   `json:"id"`
	Package   string   `json:"package"`
	Purl      string   `json:"purl"`
	Version   string   `json:"version"`
	Fixed     string   `json:"fixed_version"`
	Severity  string   `json:"severity"`
	CVSS      float64  `json:"cvss"`
	EPSS      float64  `json:"epss"`
	KEV       bool     `json:"kev"`
	AgeDays   int      `json:"age_days"`
	Scanner   string   `json:"scanner"`
	VEX       string   `json:"vex_status"`
	Locations []string `json:"locations"`
	Title     string   `json:"title"`
}
type testCase struct {
	Suite    string  `json:"suite"`
	Name     string  `json:"name"`
	Status   string  `json:"status"`
	Duration float64 `json:"duration"`
	Flaky    bool    `json:"flaky"`
	File     string  `json:"file"`
}

func newFinding(r *rand.Rand, i int) finding {
	e := eco[r.Intn(5)]
	p := fmt.Sprintf("%s-lib-%d", e, r.Intn(4000))
	v := fmt.Sprintf("%d.%d.%d", r.Intn(9), r.Intn(30), r.Intn(50))
	f := ""
	if r.Intn(3) > 0 {
		f = fmt.Sprintf("%d.%d.%d", r.Intn(9)+1, r.Intn(30), r.Intn(50))
	}
	vx := ""
	if r.Intn(10) == 0 {
		vx = "not_affected"
	}
	return finding{fmt.Sprintf("CVE-%d-%05d", 2015+r.Intn(11), i%100000), p, "pkg:" + e + "/" + p + "@" + v, v, f, sev[r.Intn(10)],
		float64(r.Intn(100)) / 10, float64(r.Intn(10000)) / 10000, r.Intn(200) == 0, r.Intn(400), []string{"trivy", "grype"}[r.Intn(2)], vx,
		[]string{"/usr/lib/" + p + "/" + hexs(r, 8), "sha256:" + hexs(r, 64)}, sentence(r, 14)}
}
func newTest(r *rand.Rand, i int) testCase {
	st := "passed"
	switch r.Intn(500) {
	case 0:
		st = "failed"
	case 1, 2, 3, 4:
		st = "skipped"
	}
	return testCase{fmt.Sprintf("suite.pkg%d.Integration", i/50), fmt.Sprintf("TestCase%06d_%s", i, words[r.Intn(len(words))]), st, float64(r.Intn(3000)) / 1000, r.Intn(300) == 0, fmt.Sprintf("internal/pkg%d/file_%d_test.go", i/50, r.Intn(20))}
}

// release writes the document of W1 to W5: 70 % of the bytes findings, 30 % tests.
func release(cw *count, r *rand.Rand, target int) {
	fmt.Fprintf(cw, `{"release":{"name":"shop","version":"4.2.1","env":"production","commit":"%s","branch":"main","tags":["web","pci"]},"subject":{"name":"registry.example/shop","digest":{"sha256":"%s"}},`, hexs(r, 40), hexs(r, 64))
	fmt.Fprint(cw, `"attestations":[`)
	for i := 0; i < 12; i++ {
		if i > 0 {
			fmt.Fprint(cw, ",")
		}
		fmt.Fprintf(cw, `{"predicate_type":"https://example.test/p%d/v1","signer":"ci-key-%d","verified":true,"age_hours":%d}`, i, i%3, i*2)
	}
	fmt.Fprint(cw, `],"coverage":{"line":81.4,"branch":72.9},"provenance":{"builder":"https://ci.example/builder/1","source":"git+https://git.example/shop","hermetic":true},"approvals":[{"user":"alice","role":"owner"},{"user":"bob","role":"security"}],"metrics":{`)
	for i := 0; i < 50; i++ {
		if i > 0 {
			fmt.Fprint(cw, ",")
		}
		fmt.Fprintf(cw, `"m%d":%d`, i, r.Intn(1000))
	}
	fmt.Fprint(cw, `},"findings":[`)
	// 70 % of the bytes findings, 30 % tests
	nf := 0
	for cw.n < target*7/10 {
		if nf > 0 {
			cw.Write([]byte{','})
		}
		b, _ := json.Marshal(newFinding(r, nf))
		cw.Write(b)
		nf++
	}
	fmt.Fprint(cw, `],"tests":[`)
	nt := 0
	for cw.n < target {
		if nt > 0 {
			cw.Write([]byte{','})
		}
		b, _ := json.Marshal(newTest(r, nt))
		cw.Write(b)
		nt++
	}
	fmt.Fprint(cw, `]}`)
}
