package formats

import (
	"bytes"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
)

// TestEmptyArrayNeedsItsKind: an empty array could be anybody's; only with the kind named it is a list without entries,
// and that is nothing measured.
func TestEmptyArrayNeedsItsKind(t *testing.T) {
	for _, c := range []struct {
		kind evidence.Kind
		name string
	}{
		{evidence.Review, "github-reviews"}, {evidence.Deployment, "github-deployments"}, {evidence.Check, "github-checks"},
		{"", "gitleaks"}, {evidence.Scan, "gitleaks"}, {evidence.Change, ""}, {evidence.Coverage, ""},
	} {
		for _, empty := range []string{"[]", " [\n] \n"} {
			var rows bytes.Buffer
			f, r, err := Read(strings.NewReader(empty), c.kind, &rows)
			if f.Name != c.name || (err == nil) != (c.name != "") {
				t.Errorf("%q as %q: %s, %v; want %s", empty, c.kind, f.Name, err, c.name)
			}
			if f.Kind != evidence.Scan && err == nil && r.Warnings.Count(evidence.NothingMeasured) != 1 {
				t.Errorf("%q as %q: %v", empty, c.kind, r.Warnings.List())
			}
		}
	}
	for text, name := range map[string]string{
		`{"result":[]}`: "servicenow-change", `{"size":0,"start":0,"limit":50,"isLastPage":true,"values":[]}`: "jsm-approval",
	} {
		f, r, err := Read(strings.NewReader(text), evidence.Change, &bytes.Buffer{})
		if f.Name != name || err != nil || r.Warnings.Count(evidence.NothingMeasured) != 1 {
			t.Errorf("%s: %s, %v, %v", text, f.Name, err, r.Warnings.List())
		}
		if _, _, err := Read(strings.NewReader(text), "", &bytes.Buffer{}); err == nil {
			t.Errorf("%s was read without its kind", text)
		}
	}
}
