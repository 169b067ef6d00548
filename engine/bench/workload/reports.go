package workload

import (
	"encoding/xml"
	"fmt"
	"math/rand"
)

// junit writes a JUnit report with one failure in fifty tests.
func junit(cw *count, r *rand.Rand, target int) {
	fmt.Fprint(cw, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n")
	i := 0
	for cw.n < target {
		fmt.Fprintf(cw, "  <testsuite name=\"suite.pkg%d\" tests=\"50\" failures=\"1\" time=\"12.5\" timestamp=\"2026-01-01T00:00:00Z\" hostname=\"runner-7\">\n    <properties><property name=\"go.version\" value=\"1.26\"/></properties>\n", i)
		for j := 0; j < 50; j++ {
			k := i*50 + j
			if j == 17 {
				fmt.Fprintf(cw, "    <testcase classname=\"suite.pkg%d.Case\" name=\"TestCase%07d_%s\" time=\"%.3f\" file=\"internal/pkg%d/x_test.go\">\n      <failure message=\"expected &quot;a&quot; got &lt;nil&gt;\" type=\"AssertionError\">", i, k, words[r.Intn(len(words))], r.Float64()*3, i)
				for l := 0; l < 8; l++ {
					xml.EscapeText(cw, []byte("at "+sentence(r, 8)+" <line "+hexs(r, 3)+">\n"))
				}
				fmt.Fprint(cw, "</failure>\n    </testcase>\n")
			} else if j == 33 {
				fmt.Fprintf(cw, "    <testcase classname=\"suite.pkg%d.Case\" name=\"TestCase%07d\" time=\"0\"><skipped message=\"not on linux\"/></testcase>\n", i, k)
			} else if j == 40 {
				fmt.Fprintf(cw, "    <testcase classname=\"suite.pkg%d.Case\" name=\"TestCase%07d\" time=\"0.1\"><system-out><![CDATA[%s\n%s]]></system-out></testcase>\n", i, k, sentence(r, 30), sentence(r, 30))
			} else {
				fmt.Fprintf(cw, "    <testcase classname=\"suite.pkg%d.Case\" name=\"TestCase%07d_%s\" time=\"%.3f\" file=\"internal/pkg%d/x_test.go\"/>\n", i, k, words[r.Intn(len(words))], r.Float64()*3, i)
			}
		}
		fmt.Fprint(cw, "  </testsuite>\n")
		i++
	}
	fmt.Fprint(cw, "</testsuites>\n")
}

// sarif writes a SARIF log with 400 rules.
func sarif(cw *count, r *rand.Rand, target int) {
	fmt.Fprint(cw, `{"version":"2.1.0","$schema":"https://json.schemastore.org/sarif-2.1.0.json","runs":[{"tool":{"driver":{"name":"scan","version":"3.1","rules":[`)
	for i := 0; i < 400; i++ {
		if i > 0 {
			fmt.Fprint(cw, ",")
		}
		fmt.Fprintf(cw, `{"id":"RULE%03d","shortDescription":{"text":%q},"fullDescription":{"text":%q},"help":{"text":%q},"properties":{"security-severity":"%.1f","tags":["security","cwe-%d"]}}`, i, sentence(r, 6), sentence(r, 30), sentence(r, 60), float64(i%100)/10, i)
	}
	fmt.Fprint(cw, `]}},"results":[`)
	i := 0
	for cw.n < target {
		if i > 0 {
			cw.Write([]byte{','})
		}
		k := r.Intn(400)
		fmt.Fprintf(cw, `{"ruleId":"RULE%03d","ruleIndex":%d,"level":"%s","message":{"text":%q},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"src/pkg%d/file%d.go","uriBaseId":"%%SRCROOT%%"},"region":{"startLine":%d,"startColumn":%d,"endLine":%d,"endColumn":%d,"snippet":{"text":"x := f(\"%s\")\n\treturn x"}}}}],"partialFingerprints":{"primaryLocationLineHash":"%s:1","primaryLocationStartColumnFingerprint":"%d"},"codeFlows":[{"threadFlows":[{"locations":[{"location":{"physicalLocation":{"artifactLocation":{"uri":"src/a.go"},"region":{"startLine":%d}},"message":{"text":%q}}},{"location":{"physicalLocation":{"artifactLocation":{"uri":"src/b.go"},"region":{"startLine":%d}},"message":{"text":%q}}}]}]}],"suppressions":[]}`,
			k, k, []string{"error", "warning", "note"}[r.Intn(3)], sentence(r, 20), r.Intn(500), r.Intn(50), r.Intn(2000), r.Intn(80), r.Intn(2000), r.Intn(80), hexs(r, 6), hexs(r, 16), r.Intn(100), r.Intn(999), sentence(r, 5), r.Intn(999), sentence(r, 5))
		i++
	}
	fmt.Fprint(cw, `]}]}`)
}

// trivy writes a Trivy image report, 200 vulnerabilities a layer.
func trivy(cw *count, r *rand.Rand, target int) {
	fmt.Fprint(cw, `{"SchemaVersion":2,"CreatedAt":"2026-01-01T00:00:00Z","ArtifactName":"registry.example/shop:4.2.1","ArtifactType":"container_image","Results":[`)
	i := 0
	for cw.n < target {
		if i > 0 {
			cw.Write([]byte{','})
		}
		fmt.Fprintf(cw, `{"Target":"layer%d","Class":"lang-pkgs","Type":"gomod","Vulnerabilities":[`, i)
		for j := 0; j < 200; j++ {
			if j > 0 {
				cw.Write([]byte{','})
			}
			e := eco[r.Intn(5)]
			p := fmt.Sprintf("%s-lib-%d", e, r.Intn(4000))
			fmt.Fprintf(cw, `{"VulnerabilityID":"CVE-%d-%05d","PkgID":"%s@1.2","PkgName":"%s","PkgIdentifier":{"PURL":"pkg:%s/%s@1.2.%d","UID":"%s"},"InstalledVersion":"1.2.%d","FixedVersion":"1.3.%d","Status":"fixed","Layer":{"Digest":"sha256:%s","DiffID":"sha256:%s"},"SeveritySource":"nvd","PrimaryURL":"https://avd.aquasec.com/nvd/cve-x","DataSource":{"ID":"ghsa","Name":"GitHub Security Advisory","URL":"https://github.com/advisories"},"Title":%q,"Description":%q,"Severity":"%s","CweIDs":["CWE-%d"],"VendorSeverity":{"ghsa":3,"nvd":%d},"CVSS":{"nvd":{"V3Vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","V3Score":%.1f}},"References":["https://a.example/%s","https://b.example/%s","https://c.example/%s"],"PublishedDate":"2024-01-01T00:00:00Z","LastModifiedDate":"2024-02-01T00:00:00Z"}`,
				2015+r.Intn(11), r.Intn(99999), p, p, e, p, r.Intn(50), hexs(r, 16), r.Intn(50), r.Intn(50), hexs(r, 64), hexs(r, 64), sentence(r, 10), sentence(r, 80), sev[r.Intn(10)], r.Intn(900), r.Intn(5), float64(r.Intn(100))/10, hexs(r, 20), hexs(r, 20), hexs(r, 20))
		}
		fmt.Fprint(cw, `]}`)
		i++
	}
	fmt.Fprint(cw, `]}`)
}
