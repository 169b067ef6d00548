package secrets

import "bytes"

// rule is one sort of secret: where it may begin, and what it must be to be one.
type rule struct {
	name     string
	literals []string
	// find looks at the text from a literal on, which stands at b[start:rest], and says what of it is to be covered.
	find func(b []byte, start, rest int) (match, bool)
}

// match is a secret that was found. goOn, if set, knows what follows it when it did not end in the buffer.
type match struct {
	spans []span
	goOn  func(c byte) verdict
}

type span struct{ from, to int }

func one(from, to int) (match, bool) { return match{spans: []span{{from, to}}}, true }

// shape is what most tokens are: a prefix and so many characters of a set. A longer run of such characters is none.
type shape struct {
	chars       *set
	least, most int
	// alone is for short prefixes, which may stand in the middle of another word: a letter or digit before it is none.
	alone bool
	// check, if set, has the last word.
	check func(body []byte) bool
}

// token makes a rule of a shape. The prefix stays readable; it says what was there.
func token(name string, s shape, literals ...string) rule {
	return rule{name: name, literals: literals, find: func(b []byte, start, rest int) (match, bool) {
		to := run(b, rest, s.chars)
		if n := to - rest; n < s.least || n > s.most || s.alone && inWord(b, start) {
			return match{}, false
		}
		if body := b[rest:to]; placeholder(body) || s.check != nil && !s.check(body) {
			return match{}, false
		}
		return one(rest, to)
	}}
}

// long is the length of a token without a known end.
const long = lookahead

// shapeRules are the sorts of secrets that are known by their shape. Prefixes, lengths and characters are those that the
// issuers document.
func shapeRules() []rule {
	fixed := func(chars *set, n int) shape { return shape{chars: chars, least: n, most: n} }
	open := func(chars *set, n int) shape { return shape{chars: chars, least: n, most: long} }
	alone := func(s shape) shape { s.alone = true; return s }
	checked := func(s shape, check func([]byte) bool) shape { s.check = check; return s }
	return []rule{
		token("github-token", checked(open(letters, 36), githubToken), "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
		token("github-fine-grained-token", fixed(wordChars, 82), "github_pat_"),
		token("gitlab-token", open(urlDots, 20), "glpat-", "gldt-", "glrt-", "glrtr-", "glptt-", "glft-", "glsoat-", "glcbt-", "glagent-", "gloas-", "glffct-", "GR1348941"),
		token("aws-access-key-id", alone(fixed(base32, 16)), "AKIA", "ASIA", "ABIA", "ACCA"),
		{"aws-secret-access-key", []string{"cret_access_key", "CRET_ACCESS_KEY", "cretAccessKey", "aws_secret_key", "AWS_SECRET_KEY"}, awsSecret},
		token("azure-storage-key", checked(fixed(base64Chars, 88), notAzurite), "AccountKey="),
		token("azure-access-key", fixed(base64Chars, 44), "SharedAccessKey="),
		token("google-api-key", alone(fixed(urlChars, 35)), "AIza"),
		token("google-oauth-secret", fixed(urlChars, 28), "GOCSPX-"),
		token("google-access-token", alone(open(urlDots, 40)), "ya29."),
		token("slack-token", open(urlChars, 24), "xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xapp-"),
		token("slack-webhook", open(urlSlash, 40), "hooks.slack.com/services/", "hooks.slack.com/workflows/"),
		token("npm-token", checked(fixed(letters, 36), crcOfLast6), "npm_"),
		token("pypi-token", open(urlChars, 64), "pypi-AgE"),
		token("rubygems-token", fixed(hexChars, 48), "rubygems_"),
		token("docker-token", open(urlChars, 27), "dckr_pat_", "dckr_oat_"),
		token("stripe-key", open(letters, 24), "sk_live_", "rk_live_"),
		token("vault-token", alone(open(urlChars, 24)), "hvs.", "hvb.", "hvr."),
		{"sendgrid-key", []string{"SG."}, sendGrid},
		token("digitalocean-token", fixed(hexChars, 64), "dop_v1_", "doo_v1_", "dor_v1_"),
		token("shopify-token", fixed(hexChars, 32), "shpat_", "shpca_", "shppa_", "shpss_"),
		token("huggingface-token", alone(fixed(letters, 34)), "hf_"),
		token("openai-key", checked(open(urlChars, 40), openAI), "sk-proj-", "sk-svcacct-", "sk-admin-"),
		token("anthropic-key", open(urlChars, 80), "sk-ant-"),
		token("grafana-token", open(wordChars, 41), "glsa_"),
		token("terraform-token", open(urlChars, 60), ".atlasv1."),
		token("databricks-token", alone(fixed(hexChars, 32)), "dapi"),
		token("postman-key", fixed(urlChars, 59), "PMAK-"),
		token("newrelic-key", fixed(upperChars, 27), "NRAK-"),
		token("sentry-token", open(base64Chars, 64), "sntrys_", "sntryu_"),
		token("pulumi-token", alone(fixed(hexChars, 40)), "pul-"),
		token("linear-key", fixed(letters, 40), "lin_api_"),
		token("planetscale-token", open(urlDots, 32), "pscale_tkn_", "pscale_pw_"),
		token("doppler-token", fixed(letters, 43), "dp.pt."),
		token("atlassian-token", open(urlEqual, 100), "ATATT3xFfGF0", "ATCTT3xFfGF0"),
		token("artifactory-key", alone(fixed(letters, 69)), "AKCp"),
		token("age-key", fixed(upperChars, 58), "AGE-SECRET-KEY-1"),
		{"private-key", []string{"PRIVATE KEY-----", "PRIVATE KEY BLOCK-----"}, privateKey},
		{"jwt", jwtStarts(), jwt},
	}
}

// Rules returns the names of all rules, in the order of the table.
func Rules() []string {
	var names []string
	for _, r := range append(shapeRules(), quoteRules(asJSON)...) {
		names = append(names, r.name)
	}
	return names
}

// placeholder reports whether a body is what documentation writes in place of a secret: the word EXAMPLE, or few
// different characters.
func placeholder(body []byte) bool {
	var seen set
	kinds := 0
	for _, c := range body {
		if !seen[c] {
			seen[c] = true
			kinds++
		}
	}
	return kinds < 7 || bytes.Contains(body, []byte("EXAMPLE"))
}

// inWord reports whether what stands before start belongs to the same word. An escape such as \n, \u003d or %3D does not.
func inWord(b []byte, start int) bool {
	if !letters[b[start-1]] {
		return false
	}
	for _, escape := range []struct {
		lead   string
		length int
	}{{`\`, 1}, {`%`, 2}, {`\u`, 4}, {`\x`, 2}} {
		at := start - escape.length - len(escape.lead)
		if at >= 0 && bytes.HasPrefix(b[at:], []byte(escape.lead)) {
			return false
		}
	}
	return true
}

// sendGrid is SG., 22 characters, a dot and 43.
func sendGrid(b []byte, start, rest int) (match, bool) {
	dot := run(b, rest, urlChars)
	if dot-rest != 22 || dot == len(b) || b[dot] != '.' || inWord(b, start) {
		return match{}, false
	}
	to := run(b, dot+1, urlChars)
	if to-dot-1 != 43 || placeholder(b[dot+1:to]) {
		return match{}, false
	}
	return one(rest, to)
}

// awsSecret is 40 characters behind the name that AWS gives to it; by themselves they look like any other text.
func awsSecret(b []byte, _, rest int) (match, bool) {
	from := rest
	for from < len(b) && from-rest < 24 && (!base64Chars[b[from]] || b[from] == '=') {
		from += max(1, escaped(b, from))
	}
	from = min(from, len(b))
	to := run(b, from, base64Chars)
	if to-from != 40 || placeholder(b[from:to]) || !mixed(b[from:to]) {
		return match{}, false
	}
	return one(from, to)
}
