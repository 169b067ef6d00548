package formats

import (
	"errors"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
)

// TestRecognise says what content is taken for, and what the errors say.
func TestRecognise(t *testing.T) {
	const both = `{"version":"2.1.0","runs":[],"results":{"tool":{},"tests":[]}}`
	for _, c := range []struct {
		head string
		kind evidence.Kind
		name string
		err  error
		says string
	}{
		{head: both, err: ErrAmbiguous, says: "it could be CTRF JSON, SARIF; say which: tests:PATH or scan:PATH"},
		{head: both, kind: evidence.Tests, name: "ctrf"},
		{head: both, kind: evidence.Scan, name: "sarif"},
		{head: both, kind: evidence.Coverage, err: ErrUnknown, says: "it is CTRF JSON, SARIF, which is kind tests"},
		{head: `{"bomFormat":"CycloneDX","specVersion":"1.6","spdxVersion":"SPDX-2.3"}`, kind: evidence.SBOM, err: ErrAmbiguous, says: "it could be CycloneDX JSON, SPDX 2 JSON; have the tool write a report of one format"},
		{head: "", err: ErrUnknown, says: "it is empty"},
		{head: " \n", err: ErrUnknown, says: "it is empty"},
		{head: "<html>", err: ErrUnknown, says: "web page"},
		{head: "<!DOCTYPE HTML><p>", err: ErrUnknown, says: "web page"},
		{head: "<pom/>", err: ErrUnknown, says: "root element <pom>"},
		{head: `{"name":"x","version":1}`, err: ErrUnknown, says: `members "name", "version"`},
		{head: "\x7fELF\x00", err: ErrUnknown, says: "binary data"},
		{head: "hello", err: ErrUnknown, says: "it is text"},
		{head: "ok  \tcdgate.dev/cdgate\t0.1s\n", err: ErrUnknown, says: "it is text"},
		{head: "<testsuites", err: ErrUnknown, says: "its first tag is broken or longer than 64 KiB"},
		{head: "<testsuites>\x00\xff", name: "junit"},
		{head: "\xEF\xBB\xBF<testsuites>", name: "junit"},
		{head: "\xFF\xFE<\x00t\x00e\x00s\x00t\x00s\x00u\x00i\x00t\x00e\x00>\x00", name: "junit"},
		{head: `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":[{"message":`, name: "sarif"},
	} {
		f, err := Recognise([]byte(c.head), c.kind)
		if f.Name != c.name || !errors.Is(err, c.err) || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q as %q: %s, %v; want %s, %v with %q", c.head, c.kind, f.Name, err, c.name, c.err, c.says)
		}
	}
}

// TestFormatsAreDescribed: every format says what the table shows, and names are unique.
func TestFormatsAreDescribed(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range All() {
		if seen[f.Name] || f.Name == "" || f.Title == "" || f.Kind == "" || f.MediaType == "" || f.Recognised == "" || f.Tools == "" || f.Limits == "" || f.Match == nil || f.Read == nil {
			t.Errorf("format %+v", f.Name)
		}
		seen[f.Name] = true
	}
}
