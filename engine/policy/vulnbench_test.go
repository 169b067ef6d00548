package policy

import (
	"fmt"
	"strings"
	"testing"
)

// manyFindings is a policy input with n findings in one scan, about six in ten of them different.
func manyFindings(n int) []byte {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		severity := []string{"critical", "high", "medium", "medium", "medium", "low", "low", "low", "low", "unknown"}[i%10]
		fmt.Fprintf(&b, `{"id":"CVE-2024-%05d","category":"vulnerability","severity":%q,"status":"open","package":"lib%d","version":"1.%d",`+
			`"fixedVersion":"2.%d","purl":"pkg:npm/lib%d@1.%d","title":"what is wrong with it, in a line for people",`+
			`"place":"usr/lib/node_modules/lib%d/package.json","aliases":["GHSA-%d"],"justification":""}`,
			i%30000, severity, i%4000, i%50, i%60, i%4000, i%50, i%4000, i%30000)
	}
	rows := strings.Index(grypeItem, `"findings":[`) + len(`"findings":[`)
	return []byte(with(noInput, "scan", grypeItem[:rows]+b.String()+"]}"))
}

// BenchmarkVulnerabilities compares reading a large input with building the view, which should take no longer.
func BenchmarkVulnerabilities(b *testing.B) {
	doc := manyFindings(100_000)
	input, err := testTypes(b).decodeInput(doc)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := testTypes(b).decodeInput(doc); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("view", func(b *testing.B) {
		for b.Loop() {
			addVulnerabilities(input)
		}
	})
}
