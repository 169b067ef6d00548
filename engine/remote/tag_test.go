package remote

import (
	"regexp"
	"strings"
	"testing"
)

// tagForm is what the distribution specification lets a tag be.
var tagForm = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)

// TestTags: every key makes a tag that registries take and that is read back, and nothing else is read as ours.
func TestTags(t *testing.T) {
	object := "sha256:" + strings.Repeat("0f", 32)
	keys := map[string]Key{
		"artifact": About("sha256:" + strings.Repeat("ab", 32)), "commit": About(strings.Repeat("1a", 20)), "long commit": About(strings.Repeat("2b", 32)),
		"release": Release("päyments/x", "1.4.2+b@rc"), "signoffs": Signoffs("a@1"), "decisions": Decisions("a@1"), "log": Entry(1<<64 - 1), "other": Other,
	}
	seen := map[Key]string{}
	for name, k := range keys {
		tag := k.tag(object)
		got, digest, ours, strange := parseTag(tag)
		if !tagForm.MatchString(tag) || !k.Valid() || got != k || digest != object || !ours || strange {
			t.Errorf("%s: tag %q is read as %q, %q, %v, %v", name, tag, got, digest, ours, strange)
		}
		if seen[k] != "" {
			t.Errorf("%s and %s have the same key", name, seen[k])
		}
		seen[k] = name
	}
	if Entry(9) >= Entry(10) {
		t.Error("receipts are not in the order of their entries")
	}
	hex, hash := strings.Repeat("0f", 32), strings.Repeat("a", 40)
	for _, tag := range []string{"cdgate.", "cdgate.x", "cdgate.x." + hex[:63], "cdgate.x." + hex + "0", "cdgate.x." + strings.ToUpper(hex), "cdgate.x.." + hex,
		"cdgate.a-" + hash[:39] + "." + hex, "cdgate.a-" + hash + "a." + hex, "cdgate.z-" + hash + "." + hex, "cdgate.ac-" + hash + "." + hex, "cdgate.-" + hash + "." + hex,
		"cdgate.l-" + strings.Repeat("a", 20) + "." + hex, "cdgate.l-" + strings.Repeat("1", 19) + "." + hex, "cdgate.a-" + strings.Repeat("g", 40) + "." + hex} {
		if _, _, ours, strange := parseTag(tag); !ours || !strange {
			t.Errorf("%q is read as one of ours", tag)
		}
	}
	for _, tag := range []string{"latest", "1.2", "sha256-" + hex, "Cdgate.x." + hex, "cdgate-x." + hex} {
		if _, _, ours, _ := parseTag(tag); ours {
			t.Errorf("%q is taken for ours", tag)
		}
	}
	if About("HEAD").Valid() || About("../../"+hash).Valid() || About("").Valid() {
		t.Error("what is no commit makes a key")
	}
}
