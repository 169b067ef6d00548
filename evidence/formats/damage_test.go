package formats

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// better reports whether a damaged report says more for a release than the whole one. Who the author is may be missing: GitHub
// and GitLab have it only in some of their answers.
func better(part, whole evidence.Summary) bool {
	switch {
	case part.Review != nil:
		return part.Review.Approved && !whole.Review.Approved && part.Review.Author == whole.Review.Author
	case part.Change != nil:
		return part.Change.Approved > whole.Change.Approved || part.Change.Done > whole.Change.Done || part.Change.Declined < whole.Change.Declined
	case part.Deployment != nil:
		return part.Deployment.Latest == "success" && whole.Deployment.Latest != "success"
	}
	return part.Check.OK && !whole.Check.OK
}

// memberName is the name of a member.
var memberName = regexp.MustCompile(`"\w+":`)

// TestDamageNeverApproves misspells every member's name in every sample of what people and platforms said, and cuts every
// sample off at many places: what is left must not say more for a release than the whole without a serious warning.
func TestDamageNeverApproves(t *testing.T) {
	for _, f := range All() {
		if !slices.Contains([]evidence.Kind{evidence.Review, evidence.Change, evidence.Deployment, evidence.Check}, f.Kind) {
			continue
		}
		for name := range samples(t, f) {
			b, err := os.ReadFile(filepath.Join(sampleDir(f), name))
			if err != nil {
				t.Fatal(err)
			}
			_, whole, _, err := readAll(b)
			if err != nil {
				continue
			}
			for _, part := range damaged(b) {
				got, r, _, err := readAll(part)
				if err == nil && got.Name == f.Name && !serious(r) && better(r.Summary, whole.Summary) {
					t.Errorf("%s %s says more as %s", f.Name, name, part)
				}
			}
		}
	}
}

// damaged returns the beginnings of b (a few hundred of them), and b with each name of a member misspelt.
func damaged(b []byte) [][]byte {
	var out [][]byte
	for i := 0; i < len(b); i += 1 + len(b)/300 {
		out = append(out, b[:i])
	}
	for _, at := range memberName.FindAllIndex(b, -1) {
		out = append(out, slices.Concat(b[:at[0]+1], []byte("x"), b[at[0]+1:]))
	}
	return out
}
