package secrets

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	mathrand "math/rand"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// body makes n characters of a range, always the same; no token stands in this file, so that no scanner finds one.
func body(n int, ranges string) string {
	var all []byte
	for c, in := range chars(ranges) {
		if in {
			all = append(all, byte(c))
		}
	}
	r := mathrand.New(mathrand.NewSource(int64(n)))
	out := make([]byte, n)
	for i := range out {
		out[i] = all[r.Intn(len(all))]
	}
	return string(out)
}

// checksum is the end that GitHub and npm give to a token, computed in another way than crcOfLast6.
func checksum(entropy string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	out := ""
	for n := crc32.ChecksumIEEE([]byte(entropy)); n > 0; n /= 62 {
		out = string(digits[n%62]) + out
	}
	return strings.Repeat("0", 6-len(out)) + out
}

func pemKey(t testing.TB, kind string, bits int) string {
	t.Helper()
	if bits == 0 {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: x509.MarshalPKCS1PrivateKey(k)}))
}

// webToken makes a signed JSON Web Token.
func webToken(header, payload string) string {
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(header)) + "." + e([]byte(payload)) + "." + body(43, "azAZ09__--")
}

// samples are made-up secrets by rule, and how many characters at their beginning stay readable.
func samples() map[string][]struct {
	text  string
	plain int
} {
	type one = struct {
		text  string
		plain int
	}
	tok := func(prefix, body string) one { return one{prefix + body, len(prefix)} }
	word := body(30, "azAZ09")
	return map[string][]one{
		"github-token":              {tok("ghp_", word+checksum(word)), tok("ghs_", word+checksum(word)), tok("gho_", body(60, "azAZ09"))},
		"github-fine-grained-token": {tok("github_pat_", body(22, "azAZ09")+"_"+body(59, "azAZ09"))},
		"gitlab-token":              {tok("glpat-", body(20, "azAZ09__--")), tok("glcbt-", "64_"+body(20, "azAZ09")), tok("glpat-", body(27, "azAZ09")+".01."+body(9, "az09"))},
		"aws-access-key-id":         {tok("AKIA", body(16, "AZ27")), tok("ASIA", body(16, "AZ27"))},
		"aws-secret-access-key":     {tok("aws_secret_access_key = ", body(40, "azAZ09++//")), tok("AWS_SECRET_ACCESS_KEY=", body(40, "azAZ09++"))},
		"azure-storage-key":         {tok("AccountKey=", body(86, "azAZ09++//")+"==")},
		"azure-access-key":          {tok("SharedAccessKey=", body(43, "azAZ09++//")+"=")},
		"google-api-key":            {tok("AIza", body(35, "azAZ09__--"))},
		"google-oauth-secret":       {tok("GOCSPX-", body(28, "azAZ09__--"))},
		"google-access-token":       {tok("ya29.", body(120, "azAZ09__--"))},
		"slack-token":               {tok("xoxb-", "123456789012-123456789013-"+body(24, "azAZ09"))},
		"slack-webhook":             {tok("hooks.slack.com/services/", "T"+body(8, "AZ09")+"/B"+body(10, "AZ09")+"/"+body(24, "azAZ09"))},
		"npm-token":                 {tok("npm_", word+checksum(word))},
		"pypi-token":                {one{"pypi-AgE" + body(150, "azAZ09__--"), len("pypi-AgE")}},
		"rubygems-token":            {tok("rubygems_", body(48, "af09"))},
		"docker-token":              {tok("dckr_pat_", body(27, "azAZ09__--"))},
		"stripe-key":                {tok("sk_live_", body(24, "azAZ09")), tok("rk_live_", body(99, "azAZ09"))},
		"vault-token":               {tok("hvs.", body(90, "azAZ09__--"))},
		"sendgrid-key":              {tok("SG.", body(22, "azAZ09__--")+"."+body(43, "azAZ09__--"))},
		"digitalocean-token":        {tok("dop_v1_", body(64, "af09"))},
		"shopify-token":             {tok("shpat_", body(32, "af09"))},
		"huggingface-token":         {tok("hf_", body(34, "azAZ"))},
		"openai-key":                {tok("sk-proj-", body(74, "azAZ09__--")+"T3Blbk"+"FJ"+body(74, "azAZ09__--"))},
		"anthropic-key":             {tok("sk-ant-", "api03-"+body(93, "azAZ09__--")+"AA")},
		"grafana-token":             {tok("glsa_", body(32, "azAZ09")+"_"+body(8, "af09"))},
		"terraform-token":           {tok(".atlasv1.", body(67, "azAZ09"))},
		"databricks-token":          {tok("dapi", body(32, "af09"))},
		"postman-key":               {tok("PMAK-", body(24, "af09")+"-"+body(34, "af09"))},
		"newrelic-key":              {tok("NRAK-", body(27, "AZ09"))},
		"sentry-token":              {tok("sntryu_", body(64, "af09"))},
		"pulumi-token":              {tok("pul-", body(40, "af09"))},
		"linear-key":                {tok("lin_api_", body(40, "azAZ09"))},
		"planetscale-token":         {tok("pscale_tkn_", body(43, "azAZ09"))},
		"doppler-token":             {tok("dp.pt.", body(43, "azAZ09"))},
		"atlassian-token":           {tok("ATATT3xFfGF0", body(180, "azAZ09__--"))},
		"artifactory-key":           {tok("AKCp", body(69, "azAZ09"))},
		"age-key":                   {tok("AGE-SECRET-KEY-1", body(58, "AZ09"))},
		"jwt":                       {tok("", webToken(`{"alg":"HS256","typ":"JWT"}`, `{"sub":"7","iat":1}`)), tok("", webToken(`{"kid":"1","alg":"RS256"}`, `{"iss":"https://a.example"}`))},
	}
}

// masked reads a text through a Reader.
func masked(t *testing.T, text string) (string, []Finding) {
	t.Helper()
	r := NewReader(strings.NewReader(text))
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if r.Count() < len(r.Findings()) || len(out) != len(text) {
		t.Fatalf("%d findings of %d, %d bytes of %d", len(r.Findings()), r.Count(), len(out), len(text))
	}
	return string(out), r.Findings()
}

// TestRules finds a secret of every sort, wherever reports have it, and leaves its surroundings alone.
func TestRules(t *testing.T) {
	for _, rule := range Rules() {
		list := samples()[rule]
		if list == nil && rule != "private-key" && !strings.HasPrefix(rule, "gitleaks-") {
			t.Errorf("no sample of %s", rule)
		}
		for _, s := range list {
			hidden := s.text[:s.plain] + strings.Repeat("*", len(s.text)-s.plain)
			if i := strings.IndexByte(hidden, ' '); i >= 0 {
				hidden = s.text[:s.plain] + strings.Repeat("*", len(s.text)-s.plain)
			}
			for _, around := range []string{"%s", "a %s b", `{"Output":"token\n%s\n"}`, `<testcase name="%s"/>`, "TOKEN=%s\n", `curl -H 'x: %s'`, "https://%s@host/", `\u003d%s`, "x%%3D%s&y", "odd %s", "\n%s"} {
				got, found := masked(t, fmt.Sprintf(around, s.text))
				if want := fmt.Sprintf(around, hidden); got != want || len(found) != 1 || found[0].Rule != rule {
					t.Errorf("%s in %q: %q %v", rule, around, got, found)
				}
			}
		}
	}
}

// TestTwins holds that what only looks like a secret is none.
func TestTwins(t *testing.T) {
	word := body(30, "azAZ09")
	other := []byte(checksum(word))
	other[5] ^= 1
	example := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"1234567890","name":"John Doe","iat":1516239022}`))
	for _, text := range []string{
		"AKIAIOSFODNN7" + "EXAMPLE", "ASIAIOSFODNN7" + "EXAMPLE", "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY",
		"ghp_" + word + string(other), "npm_" + word + string(other), "ghp_" + word, "ghp_" + strings.Repeat("x", 36), "glpat-" + strings.Repeat("x", 20),
		"AKIA" + body(15, "AZ27"), "AKIA" + body(17, "AZ27"), "XAKIA" + body(16, "AZ27"), "AIza" + body(34, "azAZ09"), "sk_test_" + body(24, "azAZ09"),
		"xoxb-" + "your-token", "hooks.slack.com/services/T00000000/B00000000/" + strings.Repeat("X", 24), "hvs.short", "SG." + body(22, "azAZ09"),
		"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." + example + "." + body(43, "azAZ09"),
		webToken(`{"alg":"none"}`, `{"sub":"7"}`), webToken(`{"typ":"other"}`, `{"sub":"7"}`), "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9.eyJ9",
		"AccountKey=" + "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/" + "KBHBeksoGMGw==",
		"-----BEGIN RSA PRIVATE" + " KEY-----", "-----BEGIN PRIVATE" + " KEY-----\n****************\n-----END PRIVATE KEY-----",
		"-----BEGIN PUBLIC KEY-----\n" + body(64, "azAZ09") + "\n-----END PUBLIC KEY-----",
		`{"Match":"-----BEGIN RSA PRIVATE` + ` KEY-----","Commit":"` + body(40, "af09") + `","File":"src/test/resources/some/very/long/path/of/a/key/in/a/test/x"}`,
		`["contains -----BEGIN PRIVATE` + ` KEY-----"],"sha256":"` + body(64, "af09") + `"`,
		`{"kind":"Secret","Secret":"name"}`,
	} {
		if got, found := masked(t, text); got != text || len(found) > 0 {
			t.Errorf("%q: %v", text, found)
		}
	}
}

// TestPublishedToken holds the checksum against a token that GitHub revoked and its owner published.
func TestPublishedToken(t *testing.T) {
	if !crcOfLast6([]byte("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ" + "0mLq17")) {
		t.Error("the checksum of a real token is wrong")
	}
}

// TestPrivateKeys finds keys as tools print them, and leaves their first and last line, which say what was there.
func TestPrivateKeys(t *testing.T) {
	small, large := pemKey(t, "PRIVATE KEY", 0), pemKey(t, "RSA PRIVATE KEY", 2048)
	quote := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	escape := func(s string) string { var b bytes.Buffer; _ = xml.EscapeText(&b, []byte(s)); return b.String() }
	lines := func(s string) string {
		var b strings.Builder
		for line := range strings.Lines(s) {
			fmt.Fprintf(&b, `{"Time":"2026-01-02T03:04:05.678Z","Action":"output","Package":"example.com/a/b","Test":"TestKey","Output":%s}`+"\n", quote(line))
		}
		return b.String()
	}
	for _, key := range []string{small, large} {
		for name, write := range map[string]func(string) string{
			"plain": strings.Clone, "json": quote, "xml": escape, "go test -json": lines, "crlf": func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
			"twice quoted": func(s string) string { return quote(quote(s)) }, "php": func(s string) string { return strings.ReplaceAll(quote(s), "/", `\/`) },
			"indented": func(s string) string { return "# " + strings.ReplaceAll(s, "\n", "\n  ") }, "truncated": func(s string) string { return s[:len(s)/2] + "\nok 2 - next\n" },
		} {
			text := write(key)
			got, found := masked(t, text)
			if len(found) != 1 || found[0].Rule != "private-key" {
				t.Errorf("%s: %v", name, found)
			}
			for line := range strings.Lines(key) {
				if line = strings.TrimSpace(line); len(line) >= 60 && !strings.Contains(line, "-") && strings.Contains(got, line[2:30]) {
					t.Errorf("%s: a line is still there in %q", name, got)
				}
			}
			if strings.Count(got, "\n") != strings.Count(text, "\n") || !strings.Contains(got, "PRIVATE KEY-----") || name == "truncated" && !strings.HasSuffix(got, "\nok 2 - next\n") {
				t.Errorf("%s: %q", name, got)
			}
			for line := range strings.Lines(got) {
				if name == "go test -json" && !json.Valid([]byte(line)) || (name == "json" || name == "twice quoted" || name == "php") && !json.Valid([]byte(got)) {
					t.Errorf("%s: no JSON any more: %q", name, line)
				}
			}
		}
	}
}

// TestBoundaries moves a secret over the places where one buffer ends and the next begins.
func TestBoundaries(t *testing.T) {
	word := body(30, "azAZ09")
	token := "ghp_" + word + checksum(word)
	for _, edge := range []int{bufferSize - lookahead - lookback, bufferSize - lookahead, bufferSize, 2*bufferSize - lookahead} {
		for at := edge - 50; at < edge+10; at++ {
			text := strings.Repeat(".", at) + token + strings.Repeat(",\n", bufferSize/2)
			got, found := masked(t, text)
			if want := strings.Replace(text, token[4:], strings.Repeat("*", 36), 1); got != want || len(found) != 1 || found[0].Byte != int64(at) || found[0].Line != 1 {
				t.Fatalf("at %d: %v", at, found)
			}
		}
	}
	text := strings.Repeat("line\n", 60_000) + token + "\n" + strings.Repeat("line\n", 60_000) + token
	if _, found := masked(t, text); len(found) != 2 || found[0].Line != 60_001 || found[1].Line != 120_002 || found[1].Byte != int64(len(text)-40) {
		t.Errorf("%v", found)
	}
	r := NewReader(iotest.OneByteReader(strings.NewReader(text)))
	if _, err := io.Copy(io.Discard, r); err != nil || r.Count() != 2 {
		t.Errorf("byte by byte: %d, %v", r.Count(), err)
	}
	w := NewWriter()
	for part := range slices.Chunk([]byte(text), 777) {
		_, _ = w.Write(part)
	}
	if _ = w.Close(); !slices.Equal(w.Findings(), r.Findings()) {
		t.Errorf("a Writer finds %v, a Reader %v", w.Findings(), r.Findings())
	}
}

// TestLongSecrets covers secrets that are longer than what is held to the end.
func TestLongSecrets(t *testing.T) {
	huge := webToken(`{"alg":"HS256"}`, `{"x":"`+strings.Repeat("abcdefgh", 40_000)+`"}`)
	key := "-----BEGIN PGP PRIVATE" + " KEY BLOCK-----\n\n"
	for range 4000 {
		key += body(64, "azAZ09") + "\n"
	}
	field := `[{"RuleID":"x","Match":"none","Secret":"` + strings.Repeat(`ab\"c`, 60_000) + `","File":"f"}]`
	for _, c := range []struct{ text, rest string }{{huge, " and more"}, {key, "-----END PGP PRIVATE" + " KEY BLOCK-----\n"}, {field, ""}} {
		got, found := masked(t, c.text+c.rest)
		if !strings.HasSuffix(got, c.rest) || len(found) == 0 || strings.Count(got, "*") < len(c.text)*9/10 {
			t.Errorf("%v, %d covered of %d, ends %q", found, strings.Count(got, "*"), len(c.text), got[len(got)-40:])
		}
	}
	if got, _ := masked(t, field); !json.Valid([]byte(got)) || !strings.HasSuffix(got, `*","File":"f"}]`) {
		t.Errorf("ends %q", got[len(got)-40:])
	}
}

// TestGitleaks: a report of Gitleaks holds what it found, whatever its shape, unless Gitleaks redacted it.
func TestGitleaks(t *testing.T) {
	secret := "correct horse \\\"battery"
	for _, c := range []struct {
		text string
		n    int
	}{
		{`[{"RuleID":"generic","StartLine":1,"Match":"p = ` + secret + `","Secret":"` + secret + `","File":"a"}]`, 2},
		{"[\n {\n  \"Description\": \"x\",\n  \"Match\": \"" + secret + "\",\n  \"Secret\": \"" + secret + "\"\n }\n]", 2},
		{`[{"line":"p = ` + secret + `","lineNumber":7,"offender":"` + secret + `","rule":"r"}]`, 2},
		{`{"runs":[{"tool":{"driver":{"name": "gitleaks"}},"results":[{"region":{"snippet": {"text": "` + secret + `"}}}]}]}`, 1},
		{`<testsuite name="gitleaks"><failure>{&#34;Secret&#34;: &#34;` + "hush" + `&#34;}</failure></testsuite>`, 1},
		{`[{"RuleID":"generic","Match":"p = REDACTED","Secret":"REDACTED"}]`, 0},
		{`[{"RuleID":"generic","Match":"AKIAIOSFODNN7` + `EXAMPLE","Secret":"AKIAIOSFODNN7` + `EXAMPLE"}]`, 0},
		{`[{"RuleID":"generic","Match":"","Secret":""}]`, 0},
		{`{"runs":[{"tool":{"driver":{"name":"other"}},"results":[{"region":{"snippet":{"text":"` + secret + `"}}}]}]}`, 0},
	} {
		got, found := masked(t, c.text)
		if len(found) != c.n || c.n > 0 && (strings.Contains(got, "horse") || strings.Contains(got, "hush")) {
			t.Errorf("%s: %v", got, found)
		}
		if again, more := masked(t, got); again != got || len(more) > 0 {
			t.Errorf("%s: found again: %v", got, more)
		}
		if json.Valid([]byte(c.text)) && !json.Valid([]byte(got)) {
			t.Errorf("no JSON any more: %s", got)
		}
	}
}

// TestQuotationsEnd: a quotation that has no end covers nothing beyond its element, attribute or line. Else --redact would
// take a failed test out of a report whose names somebody chose so.
func TestQuotationsEnd(t *testing.T) {
	const suite = `<testsuite name="gitleaks">`
	for text, want := range map[string]string{
		suite + `<t n="&#34;Match&#34;: &#34;xy"/><t><failure/></t><t n="&#34;"/>`:    suite + `<t n="&#34;Match&#34;: &#34;**"/><t><failure/></t><t n="&#34;"/>`,
		suite + `<t n='"Match": "xy'><failure/></t><t n="">`:                          suite + `<t n='"Match": "**'><failure/></t><t n="">`,
		suite + `<t n="&#34;line&#34;:&#34;xy\" r="failed" m="&#34;"/>`:               suite + `<t n="&#34;line&#34;:&#34;***" r="failed" m="&#34;"/>`,
		suite + `<t n="&#34;line&#34;:&#34;xy&" r="no;" m="&#34;"/>`:                  suite + `<t n="&#34;line&#34;:&#34;***" r="no;" m="&#34;"/>`,
		suite + `<![CDATA["Match": "xy]]><failure/><![CDATA["]]>`:                     suite + `<![CDATA["Match": "**]]><failure/><![CDATA["]]>`,
		suite + `<f>{&#34;Secret&#34;: &#34;x\&#34;y &amp; z&#34;}</f>`:               suite + `<f>{&#34;Secret&#34;: &#34;******** ***** *&#34;}</f>`,
		"\uFEFF" + suite + `<f>{"Secret": "xy"}</f>`:                                  "\uFEFF" + suite + `<f>{"Secret": "**"}</f>`,
		suite + `<!-- "Match": "xy--><failure/><!-- " -->`:                            suite + `<!-- "Match": "**--><failure/><!-- " -->`,
		`[{"name":"gitleaks","a":"&#34;Match&#34;: &#34;xy","failed":1,"b":"&#34;"}]`: `[{"name":"gitleaks","a":"&#34;Match&#34;: &#34;xy","failed":1,"b":"&#34;"}]`,
		`[{"name":"gitleaks","Match":"xy&","a;":"failed"}]`:                           `[{"name":"gitleaks","Match":"***","a;":"failed"}]`,
		"1..2\nok 1 - name=\"gitleaks\" \"Match\": \"xy\nnot ok 2\n# \"":              "1..2\nok 1 - name=\"gitleaks\" \"Match\": \"**\nnot ok 2\n# \"",
	} {
		if got, _ := masked(t, text); got != want {
			t.Errorf("%s\n got  %s\n want %s", text, got, want)
		}
	}
	text := suite + `<f><![CDATA["Match": "` + strings.Repeat("x", 2*bufferSize) + `]]></f><t><failure/></t><![CDATA["]]>`
	if got, _ := masked(t, text); !strings.HasSuffix(got, `***]]></f><t><failure/></t><![CDATA["]]>`) {
		t.Errorf("a long CDATA section ends %q", got[len(got)-60:])
	}
	long := suite + `<t n="&#34;Match&#34;: &#34;` + strings.Repeat("x", 3*bufferSize) + `"/><t><failure/></t><t n="&#34;"/>`
	if got, _ := masked(t, long); !strings.HasSuffix(got, `***"/><t><failure/></t><t n="&#34;"/>`) {
		t.Errorf("a long one ends %q", got[len(got)-60:])
	}
}

// TestEscapes tells escapes that hide a token from those that writers make.
func TestEscapes(t *testing.T) {
	for text, want := range map[string]bool{
		`glpat\u002dabc`: true, `ghp&#95;abc`: true, `ghp&#x5F;abc`: true, `&#0095;`: true, `\u0041KIA`: true,
		`a \u003c b \u0026 \u0027 \u000a`: false, `a &#10; &#xA; &#34; &#39; &lt;`: false, "plain": false, `\u00e9`: false,
	} {
		r := NewReader(strings.NewReader(text))
		if _, err := io.Copy(io.Discard, r); err != nil || r.Escapes() != want || r.Count() > 0 {
			t.Errorf("%q: %v, want %v", text, r.Escapes(), want)
		}
	}
}

// FuzzReader holds that masking keeps length and lines, that a masked text holds nothing, and that the size of reads does
// not matter.
func FuzzReader(f *testing.F) {
	for _, list := range samples() {
		for _, s := range list {
			f.Add([]byte(s.text))
		}
	}
	f.Add([]byte(pemKey(f, "PRIVATE KEY", 0)))
	f.Add([]byte(`[{"RuleID":"x","Match":"a\"b","Secret":"c"}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := NewReader(bytes.NewReader(text))
		out, err := io.ReadAll(r)
		if err != nil || len(out) != len(text) || bytes.Count(out, []byte("\n")) != bytes.Count(text, []byte("\n")) {
			t.Fatalf("%d bytes of %d, %v", len(out), len(text), err)
		}
		if r.Count() == 0 && !bytes.Equal(out, text) {
			t.Error("changed without a finding")
		}
		small := NewReader(iotest.HalfReader(bytes.NewReader(text)))
		if again, _ := io.ReadAll(small); !bytes.Equal(again, out) || small.Count() != r.Count() {
			t.Error("smaller reads give another result")
		}
	})
}

func BenchmarkReader(b *testing.B) {
	text := []byte(strings.Repeat(`{"VulnerabilityID":"CVE-2024-12345","PkgName":"npm-lib-7","InstalledVersion":"1.2.3","Severity":"HIGH","Title":"a memory problem in the parser"},`, 20_000))
	r := NewReader(nil)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r.Reset(bytes.NewReader(text))
		if _, err := io.Copy(io.Discard, r); err != nil || r.Count() > 0 {
			b.Fatal(r.Findings(), err)
		}
	}
}
