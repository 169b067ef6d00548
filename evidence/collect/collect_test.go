package collect

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
)

const (
	goodTests = `<testsuite name="s"><testcase classname="a" name="t" time="1.5"/></testsuite>`
	goodCover = "mode: set\nexample.com/a/a.go:1.1,2.2 3 1\n"
	goodScan  = `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":[]}]}`
	goodSBOM  = `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"a","version":"1","purl":"pkg:npm/a@1"}]}`
)

// tree writes files into a new directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func collectIn(t *testing.T, dir string, args ...string) ([]evidence.Item, *Memory, error) {
	t.Helper()
	m := &Memory{Limit: 1 << 20}
	items, err := Collect(context.Background(), Request{Args: args, Dir: dir, Spool: m})
	return items, m, err
}

func names(items []evidence.Item) string {
	var out []string
	for _, it := range items {
		out = append(out, string(it.Kind)+"/"+it.Level+":"+it.Path)
	}
	return strings.Join(out, " ")
}

// TestArguments says which files an argument names and what they are taken for.
func TestArguments(t *testing.T) {
	dir := tree(t, map[string]string{
		"out/b/TEST-2.xml": goodTests, "out/a/TEST-1.xml": goodTests, "out/a/notes.txt": "nothing", "out/.hidden/TEST-3.xml": goodTests,
		"out/store/oci-layout": "{}", "out/store/blobs/x": goodTests, "cover.out": goodCover, "s.sarif": goodScan, "bom.json": goodSBOM, "[x].xml": goodTests,
	})
	for _, c := range []struct {
		args string
		want string
	}{
		{"cover.out", "coverage/:cover.out"},
		{"out", "tests/unit:out/a/TEST-1.xml tests/unit:out/b/TEST-2.xml"},
		{"out/", "tests/unit:out/a/TEST-1.xml tests/unit:out/b/TEST-2.xml"},
		{"tests/e2e:out/**/*.xml", "tests/e2e:out/a/TEST-1.xml tests/e2e:out/b/TEST-2.xml"},
		{"out/*/TEST-?.xml", "tests/unit:out/a/TEST-1.xml tests/unit:out/b/TEST-2.xml"},
		{"out/.hidden/*.xml", "tests/unit:out/.hidden/TEST-3.xml"},
		{"s.sarif bom.json", "scan/:s.sarif sbom/:bom.json"},
		{"out tests/e2e:out/a/TEST-1.xml", "tests/e2e:out/a/TEST-1.xml tests/unit:out/b/TEST-2.xml"},
		{"tests/e2e:out/a/TEST-1.xml out", "tests/e2e:out/a/TEST-1.xml tests/unit:out/b/TEST-2.xml"},
		{"cover.out cover.out ./cover.out", "coverage/:cover.out"},
		{"[x].xml", "tests/unit:[x].xml"},
		{"scan:s.sarif", "scan/:s.sarif"},
		{"coverage/unit:cover.out", "coverage/unit:cover.out"},
		{"**/*.sarif", "scan/:s.sarif"},
	} {
		items, _, err := collectIn(t, dir, strings.Fields(c.args)...)
		if err != nil {
			t.Errorf("%s: %v", c.args, err)
		} else if got := names(items); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.args, got, c.want)
		}
	}
}

// TestRefusedArguments says which arguments are errors, and that the error says why.
func TestRefusedArguments(t *testing.T) {
	dir := tree(t, map[string]string{"a.xml": goodTests, "notes.txt": "nothing", "empty.xml": "", "d/notes.txt": "nothing", "cover.out": goodCover,
		"page.xml": "<html><body>log in</body></html>", "cut.xml": `<testsuite><testcase name="a"`})
	for arg, want := range map[string]string{
		"missing.xml":                 "no such file",
		"missing/**/*.xml":            "no such file",
		"*.nothing":                   "no file matches",
		"notes.txt":                   "no known report format",
		"*.txt":                       "no known report format",
		"empty.xml":                   "it is empty",
		"page.xml":                    "web page",
		"d":                           "none of 1 files is a known report",
		"test:a.xml":                  `"test" is no kind`,
		"tests/:a.xml":                "level",
		"tests/Unit:a.xml":            "level",
		"scan:a.xml":                  "which is kind tests",
		"tests:":                      "no path",
		"cut.xml":                     "line 1: the report ends inside a tag",
		"[":                           "broken pattern",
		"tests/a:a.xml tests/b:a.xml": "only one",
		"-":                           "no standard input",
		"":                            "no path",
	} {
		args := strings.Fields(arg)
		if arg == "" {
			args = nil
		}
		items, m, err := collectIn(t, dir, args...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", arg, err, want)
		}
		if len(items) > 0 || len(m.blobs) > 0 {
			t.Errorf("%q: %d items and %d blobs in spite of the error", arg, len(items), len(m.blobs))
		}
	}
}

// TestEveryBadFileIsNamed: one call tells of all bad files, and keeps nothing of the good ones.
func TestEveryBadFileIsNamed(t *testing.T) {
	dir := tree(t, map[string]string{"1.xml": goodTests, "2.xml": "<testsuite>", "3.xml": goodTests, "4.xml": "<testsuite><a></b></testsuite>"})
	_, m, err := collectIn(t, dir, "*.xml", "missing")
	for _, want := range []string{`"2.xml"`, `"4.xml"`, `"missing"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s in it", err, want)
		}
	}
	if len(m.blobs) > 0 || m.used > 0 {
		t.Errorf("%d blobs, %d bytes are left", len(m.blobs), m.used)
	}
}

// TestSkippedIsTold: what a directory holds besides reports is passed over and told.
func TestSkippedIsTold(t *testing.T) {
	dir := tree(t, map[string]string{"r/a.xml": goodTests, "r/notes.txt": "nothing"})
	var skipped []string
	_, err := Collect(context.Background(), Request{Args: []string{"r"}, Dir: dir, Spool: Discard{},
		Skipped: func(path, _ string) { skipped = append(skipped, path) }})
	if err != nil || !slices.Equal(skipped, []string{"r/notes.txt"}) {
		t.Errorf("skipped %q, error %v", skipped, err)
	}
}

// TestBytesAndRows: the raw blob is the file, byte for byte, and the digests are those of the blobs.
func TestBytesAndRows(t *testing.T) {
	big := "<testsuite>" + strings.Repeat(`<testcase classname="c" name="n" time="0.001"/>`+"\n", 20000) + "</testsuite>"
	dir := tree(t, map[string]string{"a.xml": "\uFEFF" + goodTests, "big.xml": big})
	m := &Memory{Limit: 16 << 20}
	items, err := Collect(context.Background(), Request{Args: []string{"a.xml", "big.xml", "-"}, Dir: dir, Spool: m, Stdin: strings.NewReader(goodScan)})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"\uFEFF" + goodTests, big, goodScan} {
		raw, ok := m.Read(items[i].Raw.Digest)
		sum := sha256.Sum256([]byte(want))
		if !ok || string(raw) != want || items[i].Raw.Digest != "sha256:"+hex.EncodeToString(sum[:]) || items[i].Raw.Size != int64(len(want)) {
			t.Errorf("%s: the raw blob is not the file", items[i].Path)
		}
		rows, ok := m.Read(items[i].Rows.Digest)
		if !ok || !json.Valid(rows) || items[i].Rows.Size != int64(len(rows)) {
			t.Errorf("%s: rows %.80s", items[i].Path, rows)
		}
	}
	if items[1].Summary.Tests.Total != 20000 {
		t.Errorf("summary %+v", items[1].Summary.Tests)
	}
}

func packed(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s)) // in memory
	_ = z.Close()
	return b.String()
}

// TestGzip: a compressed report is read, its bytes are kept as they are; bombs, cut ones and trailing bytes are refused.
func TestGzip(t *testing.T) {
	noise := make([]byte, 4<<10)
	rand.New(rand.NewSource(1)).Read(noise)
	bomb := packed("<testsuite><!--" + strings.Repeat("a", 32<<20) + "--></testsuite>")
	dir := tree(t, map[string]string{"a.xml.gz": packed(goodTests), "cut.gz": packed(goodTests)[:40], "bomb.gz": bomb, "more.gz": packed(goodTests) + "x", "zeros.gz": packed(goodTests) + strings.Repeat("\x00", 512),
		"many.gz": packed(goodTests) + strings.Repeat(packed(""), maxMembers+1), "some.gz": packed(goodTests) + strings.Repeat(packed(""), 200), "half.gz": packed("<testsuite>") + packed("</testsuite>")[:9],

		"two.gz": packed("<testsuite>") + packed("</testsuite>"), "broken.gz": "\x1f\x8b" + string(noise)})
	items, m, err := collectIn(t, dir, "a.xml.gz", "two.gz", "some.gz")
	if err != nil {
		t.Fatal(err)
	}
	if raw, _ := m.Read(items[0].Raw.Digest); string(raw) != packed(goodTests) || items[0].Raw.MediaType != "application/xml+gzip" {
		t.Errorf("raw %d bytes, %s", len(raw), items[0].Raw.MediaType)
	}
	for file, want := range map[string]string{"cut.gz": "cut off", "bomb.gz": "times its size", "more.gz": "not compressed follows", "zeros.gz": "not compressed follows", "many.gz": "one after the other", "half.gz": "cut off", "broken.gz": "unpack"} {
		if _, _, err := collectIn(t, dir, file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", file, err, want)
		}
	}
}

// failing is a spool whose n-th commit fails.
type failing struct {
	Memory
	n int
}

func (f *failing) Blob() (Blob, error) {
	b, err := f.Memory.Blob()
	return &failingBlob{b, f}, err
}

type failingBlob struct {
	Blob
	f *failing
}

func (b *failingBlob) Commit() (string, int64, error) {
	if b.f.n--; b.f.n < 0 {
		return "", 0, errors.New("disk full")
	}
	return b.Blob.Commit()
}

// TestSpoolFails: an error of the spool is an error of the collection.
func TestSpoolFails(t *testing.T) {
	dir := tree(t, map[string]string{"a.xml": goodTests})
	for n := range 3 {
		f := &failing{Memory{Limit: 1 << 20}, n}
		items, err := Collect(context.Background(), Request{Args: []string{"a.xml"}, Dir: dir, Spool: f})
		if n == 2 && (err != nil || len(items) != 1) || n < 2 && (err == nil || len(items) > 0) {
			t.Errorf("%d good commits: %d items, error %v", n, len(items), err)
		}
	}
	small := &Memory{Limit: 10}
	if _, err := Collect(context.Background(), Request{Args: []string{"a.xml"}, Dir: dir, Spool: small}); !errors.Is(err, ErrMemory) {
		t.Errorf("error %v, want ErrMemory", err)
	}
}

// TestCancelled: a cancelled context ends the collection.
func TestCancelled(t *testing.T) {
	dir := tree(t, map[string]string{"a.xml": goodTests})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Collect(ctx, Request{Args: []string{"a.xml"}, Dir: dir, Spool: Discard{}}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestLabels: names of files are shown on one line, without control or direction characters.
func TestLabels(t *testing.T) {
	for in, want := range map[string]string{
		"a/b c.xml": "a/b c.xml", "\x1b[2Jx": `\u{1b}[2Jx`, "a\nb": `a\u{a}b`, "\u202Eevil": `\u{202e}evil`, "bad\xff": `bad\xff`, "é": "é", "\u200b": `\u{200b}`,
	} {
		if got := label(in); got != want {
			t.Errorf("label(%q) = %q, want %q", in, got, want)
		}
	}
	dir := tree(t, map[string]string{"\x1b[2J.xml": goodTests})
	items, _, err := collectIn(t, dir, ".")
	if err != nil || names(items) != `tests/unit:\u{1b}[2J.xml` {
		t.Errorf("%s %v", names(items), err)
	}
}
