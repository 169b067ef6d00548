package collect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
)

// madeUp is a token that nobody was given: its checksum is right. It is put together here so that no scanner finds it.
func madeUp() string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	entropy, sum := "Tzdeo9mZqJYd3Wk5x0rV8sUa1bHgLf", ""
	for n := crc32.ChecksumIEEE([]byte(entropy)); len(sum) < 6; n /= 62 {
		sum = string(digits[n%62]) + sum
	}
	return "ghp_" + entropy + sum
}

// withSecret are reports with a token in them, by name, and where it is.
func withSecret(token string) map[string][2]string {
	return map[string][2]string{
		"junit.xml":   {`<testsuite name="s"><testcase classname="a" name="t"><failure message="token ` + token + `"/>` + "\n</testcase></testsuite>", "line 1"},
		"trivy.json":  {"{\"SchemaVersion\":2,\n\"ArtifactName\":\"https://" + token + "@host/x\",\"ArtifactType\":\"filesystem\",\"Results\":[]}", "line 2"},
		"gotest.json": {`{"Action":"run","Package":"p","Test":"T"}` + "\n" + `{"Action":"output","Package":"p","Test":"T","Output":"TOKEN=` + token + `\n"}` + "\n" + `{"Action":"pass","Package":"p","Test":"T"}` + "\n" + `{"Action":"pass","Package":"p"}`, "line 2"},
		"report.tap":  {"1..1\nok 1 - uses " + token + "\n", "line 2"},
		"deep.xml":    {`<testsuite name="s"><testcase classname="a" name="t"><system-out>` + strings.Repeat("nothing to see here\n", 20_000) + token + "</system-out></testcase></testsuite>", "line 20001"},
	}
}

// TestSecretsAreRefused: a report with a token is refused, whatever its format; the error says where it is and not what
// it is. The twin has another text of the same length.
func TestSecretsAreRefused(t *testing.T) {
	token := madeUp()
	for name, c := range withSecret(token) {
		dir := tree(t, map[string]string{name: c[0], "packed.gz": packed(c[0])})
		for _, file := range []string{name, "packed.gz"} {
			items, m, err := collectIn(t, dir, file)
			if !errors.Is(err, ErrSecrets) || len(items) > 0 || len(m.blobs) > 0 {
				t.Fatalf("%s: %v, %d blobs", name, err, len(m.blobs))
			}
			for _, want := range []string{file, "github-token", c[1], fmt.Sprintf("byte %d;", strings.Index(c[0], token)), "--redact"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v; want %q in it", name, err, want)
				}
			}
			if strings.Contains(err.Error(), token[4:20]) {
				t.Errorf("%s: the error has the secret in it", name)
			}
		}
		twin := tree(t, map[string]string{name: strings.ReplaceAll(c[0], token, strings.Repeat("x", 40))})
		if items, _, err := collectIn(t, twin, name); err != nil || len(items) != 1 {
			t.Errorf("%s: the twin: %v", name, err)
		}
	}
}

// TestRedact: what is stored is the report without the secret, the rows are read from it, and the item says so.
func TestRedact(t *testing.T) {
	token := madeUp()
	for name, c := range withSecret(token) {
		dir := tree(t, map[string]string{name: c[0], "packed.gz": packed(c[0])})
		for _, file := range []string{name, "packed.gz"} {
			m := &Memory{Limit: 4 << 20}
			items, err := Collect(context.Background(), Request{Args: []string{file}, Dir: dir, Spool: m, Redact: true})
			if err != nil || len(items) != 1 {
				t.Fatalf("%s: %v", name, err)
			}
			want := strings.ReplaceAll(c[0], token, "ghp_"+strings.Repeat("*", 36))
			sum := sha256.Sum256([]byte(want))
			raw, _ := m.Read(items[0].Raw.Digest)
			if string(raw) != want || items[0].Raw.Digest != "sha256:"+hex.EncodeToString(sum[:]) || strings.Contains(items[0].Raw.MediaType, "gzip") {
				t.Errorf("%s: stored %.300q as %s", name, raw, items[0].Raw.MediaType)
			}
			rows, _ := m.Read(items[0].Rows.Digest)
			if all := fmt.Sprintf("%s %+v", rows, items[0]); strings.Contains(all, token[4:20]) {
				t.Errorf("%s: %s", name, all)
			}
			var codes []string
			for _, w := range items[0].Warnings {
				codes = append(codes, w.Code+" "+w.Place)
			}
			if !strings.Contains(strings.Join(codes, ","), "redacted line") {
				t.Errorf("%s: warnings %v", name, codes)
			}
		}
	}
	dir := tree(t, map[string]string{"a.xml": goodTests})
	items, err := Collect(context.Background(), Request{Args: []string{"a.xml"}, Dir: dir, Spool: Discard{}, Redact: true})
	if sum := sha256.Sum256([]byte(goodTests)); err != nil || items[0].Raw.Digest != "sha256:"+hex.EncodeToString(sum[:]) || len(items[0].Warnings) > 0 {
		t.Errorf("a report without secrets: %+v, %v", items, err)
	}
}

// TestErrorsOfReadersHaveNoSecrets: what readers quote of a bad report is masked too, also what they decoded.
func TestErrorsOfReadersHaveNoSecrets(t *testing.T) {
	token := madeUp()
	for _, text := range []string{
		`<testsuite name="s"><testcase name="a"></` + token + `></testsuite>`, `<` + token + `/>`, `{"` + token + `": 1}`,
		`<testsuite name="s"><testcase name="a" time="` + token + `" time="` + token + `"/></testsuite>`,
		`{"SchemaVersion":2,"ArtifactName":"a","` + token + `":1,"` + token + `":2,"Results":[]}`,
		`{"SchemaVersion":2,"ArtifactName":"a","ghp\u005f` + token[4:] + `":1,"ghp\u005f` + token[4:] + `":2,"Results":[]}`,
	} {
		for _, redact := range []bool{false, true} {
			dir := tree(t, map[string]string{"bad": text})
			_, err := Collect(context.Background(), Request{Args: []string{"bad"}, Dir: dir, Spool: Discard{}, Redact: redact})
			if err == nil || strings.Contains(err.Error(), token[4:20]) {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
}

// TestEscapedSecrets: a token that is written with escapes is seen where a reader decodes it, and cannot be redacted.
func TestEscapedSecrets(t *testing.T) {
	token := madeUp()
	for _, text := range []string{
		`<testsuite name="s"><testcase classname="a" name="ghp&#95;` + token[4:] + `"/></testsuite>`,
		`{"SchemaVersion":2,"ArtifactName":"a","Results":[{"Target":"t","Class":"secret","Secrets":[{"RuleID":"x","Severity":"HIGH","Title":"ghp\u005f` + token[4:] + `","StartLine":1}]}]}`,
	} {
		for _, redact := range []bool{false, true} {
			dir := tree(t, map[string]string{"a": text, "twin": strings.ReplaceAll(text, token[4:], strings.Repeat("x", 36))})
			_, err := Collect(context.Background(), Request{Args: []string{"a"}, Dir: dir, Spool: Discard{}, Redact: redact})
			if !errors.Is(err, ErrSecrets) || !strings.Contains(err.Error(), "escapes") || strings.Contains(err.Error(), token[4:20]) {
				t.Errorf("redact %v: %v", redact, err)
			}
			if _, err := Collect(context.Background(), Request{Args: []string{"twin"}, Dir: dir, Spool: Discard{}, Redact: redact}); err != nil {
				t.Errorf("the twin: %v", err)
			}
		}
	}
}

// TestList returns the good reports beside every problem, and stores nothing.
func TestList(t *testing.T) {
	dir := tree(t, map[string]string{
		"r/a.xml": goodTests, "r/notes.txt": "none", "r/broken.xml": goodTests[:40], "r/leak.xml": withSecret(madeUp())["junit.xml"][0], "s.sarif": goodScan,
	})
	skipped := map[string]string{}
	var last Progress
	items, problems := List(context.Background(), Request{Args: []string{"r", "s.sarif", "nowhere.xml", "bogus:x"}, Dir: dir,
		Skipped: func(path, reason string) { skipped[path] = reason }, Progress: func(p Progress) { last = p }})
	if got := names(items); got != "tests/unit:r/a.xml scan/:s.sarif" || !strings.HasPrefix(items[0].Raw.Digest, "sha256:") {
		t.Errorf("listed %s", got)
	}
	var paths []string
	for _, p := range problems {
		paths = append(paths, p.Path)
		if p.Err == nil {
			t.Errorf("%s has no error", p.Path)
		}
	}
	if got := strings.Join(paths, " "); got != "nowhere.xml bogus:x r/broken.xml r/leak.xml" {
		t.Errorf("problems of %s", got)
	}
	if len(skipped) != 1 || !strings.Contains(skipped["r/notes.txt"], "it is text") {
		t.Errorf("skipped %v", skipped)
	}
	if last.Path != "s.sarif" || last.Read == 0 || last.Read > last.Total {
		t.Errorf("progress %+v", last)
	}
	if items, problems := List(context.Background(), Request{Args: []string{"r/a.xml"}, Dir: dir}); len(items) != 1 || len(problems) > 0 {
		t.Errorf("the twin: %v", problems)
	}
}
