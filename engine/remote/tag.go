package remote

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Key says what an object is about, as far as tags say it: a letter for what kind of thing, and a hash for which.
type Key string

// Other is the key of what nobody can tell: it is fetched with everything.
const Other Key = "x"

const (
	// prefix begins every tag that is ours; a repository may hold images too.
	prefix = "cdgate."
	// hashLength is how much of a digest stands in a tag, in hexadecimal digits: a tag has 128 characters, and the object's
	// digest is written whole.
	hashLength = 40
)

// About is the key of evidence about an artifact ("sha256:…") or a commit.
func About(digest string) Key {
	if hex, ok := strings.CutPrefix(digest, "sha256:"); ok {
		return Key("a-" + cut(hex))
	}
	return Key("c-" + cut(digest))
}

// Release is the key of evidence that says which release it is for.
func Release(name, version string) Key { return Key("r-" + hashOf(name+"@"+version)) }

// Signoffs is the key of what people said about a release.
func Signoffs(release string) Key { return Key("s-" + hashOf(release)) }

// Decisions is the key of the records about a release.
func Decisions(release string) Key { return Key("d-" + hashOf(release)) }

// Entry is the key of the receipt for an entry of the decision log.
func Entry(index uint64) Key { return Key(fmt.Sprintf("l-%020d", index)) }

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return cut(hex.EncodeToString(sum[:]))
}

func cut(hex string) string { return hex[:min(len(hex), hashLength)] }

// tag is the name of an object under a key.
func (k Key) tag(digest string) string {
	return prefix + string(k) + "." + strings.TrimPrefix(digest, "sha256:")
}

// parseTag reads a tag of ours. Foreign tags are not ours; strange is one that begins like ours and was not written by us.
func parseTag(tag string) (key Key, digest string, ours, strange bool) {
	rest, ours := strings.CutPrefix(tag, prefix)
	if !ours {
		return "", "", false, false
	}
	k, hex, found := strings.Cut(rest, ".")
	if !found || len(hex) != 64 || strings.Trim(hex, "0123456789abcdef") != "" || !isKey(k) {
		return "", "", true, true
	}
	return Key(k), "sha256:" + hex, true, false
}

// Valid says whether the key can be part of a tag.
func (k Key) Valid() bool { return isKey(string(k)) }

func isKey(k string) bool {
	if k == string(Other) {
		return true
	}
	kind, hash, found := strings.Cut(k, "-")
	digits, longest := "0123456789abcdef", hashLength
	if kind == "l" {
		digits, longest = "0123456789", 20
	}
	return found && strings.Contains("acrsdl", kind) && len(kind) == 1 && len(hash) == longest && strings.Trim(hash, digits) == ""
}
