package workload

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Rules writes n generated rules into dir: per 20 rules: 4 scans over findings, 2 scans over tests, 1 aggregate,
// 13 scalar/lookup rules on the header of the document. 20 rules per file,
// all in package main, partial set deny.
func Rules(n int, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for f := 0; f*20 < n; f++ {
		var b strings.Builder
		fmt.Fprintf(&b, "package main\n\nimport rego.v1\n\n")
		for k := 0; k < 20 && f*20+k < n; k++ {
			id := f*20 + k
			fmt.Fprintf(&b, "# METADATA\n# title: rule %d\n# description: generated rule %d\n# custom:\n#   severity: high\n", id, id)
			switch {
			case k == 0:
				fmt.Fprintf(&b, "deny contains msg if {\n\tsome f in input.findings\n\tf.severity == \"CRITICAL\"\n\tf.age_days > %d\n\tf.kev\n\tf.vex_status != \"not_affected\"\n\tmsg := sprintf(\"R%d: %%s in %%s is a known exploited critical vulnerability\", [f.id, f.purl])\n}\n\n", 300+id%80, id)
			case k == 1:
				fmt.Fprintf(&b, "deny contains msg if {\n\tsome f in input.findings\n\tf.severity in {\"CRITICAL\", \"HIGH\"}\n\tf.fixed_version != \"\"\n\tf.epss > 0.99\n\tf.age_days > %d\n\tmsg := sprintf(\"R%d: %%s has a fix: %%s\", [f.id, f.fixed_version])\n}\n\n", 300+id%80, id)
			case k == 2:
				fmt.Fprintf(&b, "deny contains msg if {\n\tsome i\n\tf := input.findings[i]\n\tstartswith(f.purl, \"pkg:npm/npm-lib-%d@\")\n\tf.cvss >= 9.9\n\tnot allowed_%d(f)\n\tmsg := sprintf(\"R%d: %%d %%s\", [i, f.id])\n}\n\nallowed_%d(f) if f.vex_status == \"not_affected\"\n\n", id, id, id, id)
			case k == 3:
				fmt.Fprintf(&b, "deny contains msg if {\n\tsome f in input.findings\n\tf.scanner == \"grype\"\n\tf.package == \"deb-lib-%d\"\n\tsome l in f.locations\n\tendswith(l, \"00\")\n\tmsg := sprintf(\"R%d: banned package %%s\", [f.package])\n}\n\n", id, id)
			case k == 4:
				fmt.Fprintf(&b, "deny contains msg if {\n\tsome t in input.tests\n\tt.status == \"failed\"\n\tstartswith(t.suite, \"suite.pkg%d.\")\n\tmsg := sprintf(\"R%d: %%s failed\", [t.name])\n}\n\n", id, id)
			case k == 5:
				fmt.Fprintf(&b, "deny contains msg if {\n\tsome t in input.tests\n\tt.flaky\n\tt.duration > 2.9%d\n\tmsg := sprintf(\"R%d: %%s flaky\", [t.name])\n}\n\n", id%10, id)
			case k == 6:
				fmt.Fprintf(&b, "deny contains msg if {\n\tn := count([1 | some f in input.findings; f.severity == \"CRITICAL\"; f.cvss > %d])\n\tn > 100000000\n\tmsg := sprintf(\"R%d: %%d criticals\", [n])\n}\n\n", id%10, id)
			case k < 12:
				fmt.Fprintf(&b, "deny contains msg if {\n\tinput.release.env == \"production\"\n\tinput.metrics.m%d > %d\n\tmsg := sprintf(\"R%d: metric m%d is %%v\", [input.metrics.m%d])\n}\n\n", id%50, 990+id%10, id, id%50, id%50)
			case k < 16:
				fmt.Fprintf(&b, "default ok_%d := false\n\nok_%d if {\n\tsome a in input.attestations\n\ta.predicate_type == \"https://example.test/p%d/v1\"\n\ta.verified\n\ta.age_hours < 48\n}\n\ndeny contains msg if {\n\tnot ok_%d\n\tmsg := \"R%d: attestation p%d is missing\"\n}\n\n", id, id, id%12, id, id, id%12)
			case k < 18:
				fmt.Fprintf(&b, "deny contains msg if {\n\tnot input.provenance.builder in data_builders_%d\n\tmsg := \"R%d: builder is not allowed\"\n}\n\ndata_builders_%d := {\"https://ci.example/builder/1\", \"https://ci.example/builder/%d\"}\n\n", id, id, id, id)
			default:
				fmt.Fprintf(&b, "deny contains msg if {\n\tcount({u | some a in input.approvals; a.role == \"security\"; u := a.user}) < 1\n\tinput.coverage.line < %d\n\tmsg := \"R%d: approvals\"\n}\n\n", 80+id%20, id)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("p%03d.rego", f)), []byte(b.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
