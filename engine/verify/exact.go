package verify

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/evidence"
)

// decodeExact decodes JSON that must have exactly the members of out: none unknown, none absent, none null. An absent
// count is not 0, and an absent list is not empty.
func decodeExact(in jsontext.Value, out any) error {
	if err := json.Unmarshal(in, out, json.RejectUnknownMembers(true)); err != nil {
		return err
	}
	again, err := json.Marshal(out)
	if err != nil {
		return err
	}
	was, is := in.Clone(), jsontext.Value(again)
	if err := was.Canonicalize(); err != nil {
		return err
	}
	if err := is.Canonicalize(); err != nil {
		return err
	}
	if !bytes.Equal(was, is) {
		return fmt.Errorf("a member is absent, null or empty that must say something")
	}
	return nil
}

// decodeItem decodes the predicate of a report of the kind.
func decodeItem(kind evidence.Kind, in jsontext.Value) (*ItemPredicate, error) {
	p := &ItemPredicate{}
	if err := decodeExact(in, p); err != nil {
		return nil, err
	}
	if _, builtIn := evidence.ShapeOf(kind); !builtIn { // an own kind has a document and no summary
		if string(p.Summary) != "{}" {
			return nil, fmt.Errorf("summary: kind %q has none, want {}", kind)
		}
	} else if err := checkSummary(kind, p.Summary); err != nil {
		return nil, fmt.Errorf("summary: %w", err)
	}
	for _, d := range []evidence.Descriptor{p.Report, p.Rows} {
		if !isDigest(d.Digest) || d.Size < 0 {
			return nil, fmt.Errorf("%q is described by digest %q and size %d", d.Name, d.Digest, d.Size)
		}
	}
	return p, nil
}

// decodeBuild decodes the predicate of a build.
func decodeBuild(in jsontext.Value) (*BuildPredicate, error) {
	p := &BuildPredicate{}
	if err := decodeExact(in, p); err != nil {
		return nil, err
	}
	if !isCommit(p.Source.Revision) {
		return nil, fmt.Errorf("source.revision %q is no git commit", p.Source.Revision)
	}
	if p.SHA512 != "" && !isSHA512(p.SHA512) {
		return nil, fmt.Errorf("sha512 is %.200q, want 128 lower-case hexadecimal digits", p.SHA512)
	}
	if p.Contains != nil && len(p.Contains) == 0 || len(p.Contains) > MaxContained {
		return nil, fmt.Errorf("contains has %d images, want 1 to %d, or leave it out", len(p.Contains), MaxContained)
	}
	for _, c := range p.Contains {
		if !isDigest(c.Digest) || !isDigest(c.Config) || strings.TrimSpace(c.Platform) == "" {
			return nil, fmt.Errorf("contains names image %q of platform %q with configuration %q", c.Digest, c.Platform, c.Config)
		}
	}
	return p, nil
}

func isSHA512(s string) bool { return len(s) == 128 && strings.Trim(s, "0123456789abcdef") == "" }

// decodeCollection decodes the predicate of a collection.
func decodeCollection(in jsontext.Value) (*CollectionPredicate, error) {
	p := &CollectionPredicate{}
	if err := decodeExact(in, p); err != nil {
		return nil, err
	}
	for _, d := range p.Items {
		if !isDigest(d) {
			return nil, fmt.Errorf("it lists %q, which is no digest", d)
		}
	}
	return p, nil
}

// parseTime reads an RFC 3339 time in UTC.
func parseTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err == nil && !strings.HasSuffix(text, "Z") {
		err = fmt.Errorf("time %q is not in UTC", text)
	}
	return t, err
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

// isDigest says whether s is "sha256:" and 64 lower-case hexadecimal digits.
func isDigest(s string) bool {
	hex, ok := strings.CutPrefix(s, "sha256:")
	return ok && len(hex) == 64 && isHex(hex)
}

// isCommit says whether s is a git commit of SHA-1 or SHA-256.
func isCommit(s string) bool { return (len(s) == 40 || len(s) == 64) && isHex(s) }
