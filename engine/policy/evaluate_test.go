package policy

import (
	"testing"
)

const emptyInput = `{"now":"2026-11-20T12:00:00Z","release":{"name":"app","version":"1","line":"app","subjects":[],"source":{"repository":"","revision":"","branch":"","authors":[]}},
"target":{"id":"production","class":"production","trigger":"manual"},"stage":"activate","evidence":{"tests":[],"coverage":[],"scan":[],"sbom":[],"build":[]},"notCounted":[]}`

func TestSmoke(t *testing.T) {
	src, err := Builtin("builtin:minimal")
	if err != nil {
		t.Fatal(err)
	}
	p := Program{Sources: []Source{src}}
	for _, d := range Check(p) {
		t.Log(d.Warning, d.Code, d)
	}
	r, err := Test(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range r.Tests {
		if !x.Passed {
			t.Log(x)
		}
	}
	t.Log(r.OK, r.Percent, len(r.Tests))
	for _, f := range r.Files {
		t.Log(f)
	}
	resp, err := Evaluate(t.Context(), sandbox(t), Request{Program: p, Input: []byte(emptyInput)})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(string(resp.Params))
	for _, x := range resp.Rules {
		t.Logf("%+v", x)
	}
}
