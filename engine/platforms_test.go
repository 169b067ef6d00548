package engine_test

import (
	"slices"
	"strings"
	"testing"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/decide"
	"cdgate.dev/cdgate/engine/verify"
)

// TestReleaseOfAnImageIndex: good evidence about one platform is not enough to release the index, bad evidence about one is
// enough to block it, and a sign-off cannot bridge the gap.
func TestReleaseOfAnImageIndex(t *testing.T) {
	image := func(c string) engine.Artifact {
		return engine.Artifact{Name: "shop", Digest: "sha256:" + strings.Repeat(c, 64)}
	}
	amd, arm := image("1"), image("2")
	about := func(a engine.Artifact) func(*engine.CollectOptions) {
		return func(c *engine.CollectOptions) { c.Artifacts, c.Found = []engine.Artifact{a}, true }
	}
	start := func() *org {
		o := newOrg(t, gateText)
		o.collect(func(c *engine.CollectOptions) {
			c.Contains = []verify.Contained{
				{Digest: amd.Digest, Config: image("3").Digest, Platform: "linux/amd64"}, {Digest: arm.Digest, Config: image("4").Digest, Platform: "linux/arm64"},
			}
		}, "junit.xml", "coverage.xml")
		o.collect(about(amd), "scan.sarif", "sbom.json", "trivy.json")
		return o
	}
	o := start()
	ev := o.evaluate(20, "staging", nil)
	i := slices.IndexFunc(ev.Result.Findings, func(f decide.Finding) bool { return f.Code == "engine.platforms" && strings.HasPrefix(f.ID, "scan") })
	if i < 0 || ev.Result.Findings[i].Cause != decide.EvidenceMissing || !strings.Contains(ev.Result.Findings[i].Msg, "linux/amd64 of image index app.tar and none about linux/arm64") {
		t.Errorf("nothing says which platform lacks a scan:\n%s", findings(ev))
	}
	if r := o.replay(); r.ExitCode != 0 {
		t.Errorf("replay: %d %v %+v", r.ExitCode, r.Differences, r.Checks)
	}
	o.evaluate(20, "production", nil) // not 10: no person can make up for it
	o.collect(about(arm), "scan.sarif", "sbom.json", "trivy.json")
	o.evaluate(0, "staging", nil)
	if r := o.replay(); r.ExitCode != 0 {
		t.Errorf("replay: %d %v %+v", r.ExitCode, r.Differences, r.Checks)
	}
	o = start()
	o.collect(about(arm), "scan.sarif", "sbom.json", "trivy-critical.json")
	o.evaluate(20, "staging", nil)
}
