package schemas_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cdgate.dev/cdgate/schemas"
)

// opaPath finds the opa command on PATH or where `make tools` puts it.
func opaPath(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("opa"); err == nil {
		return path
	}
	if home, err := os.UserHomeDir(); err == nil {
		path := filepath.Join(home, ".cache", "cdgate", "tools", "opa")
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skip("SKIPPED: no opa command on PATH or in ~/.cache/cdgate/tools: nobody checks that OPA understands the types")
	return ""
}

// TestOPAUsesTypes lets stock `opa check --schema` judge policies by the types of the input: each misspelt field must be
// an error that names the right one, and its twin must pass.
func TestOPAUsesTypes(t *testing.T) {
	opa := opaPath(t)
	dir := t.TempDir()
	types, err := schemas.TypeSchema(schemas.Input)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(types)
	if err != nil {
		t.Fatal(err)
	}
	schema := filepath.Join(dir, "schema.json")
	if err := os.WriteFile(schema, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ good, bad, names string }{
		"top level":   {"input.now == \"\"", "input.nou == \"\"", "now"},
		"release":     {"input.release.version == \"1\"", "input.release.versoin == \"1\"", "version"},
		"kind":        {"count(input.evidence.tests) > 0", "count(input.evidence.test) > 0", "tests"},
		"item":        {"some i in input.evidence.tests; i.level == \"unit\"", "some i in input.evidence.tests; i.levle == \"unit\"", "level"},
		"shared item": {"input.evidence.scan[_].signer.id == \"ci\"", "input.evidence.scan[_].signer.name == \"ci\"", "id"},
		"summary":     {"input.evidence.tests[_].summary.failed == 0", "input.evidence.tests[_].summary.fails == 0", "failed"},
		"ratio":       {"input.evidence.coverage[_].summary.line.percent < 80", "input.evidence.coverage[_].summary.lines.percent < 80", "line"},
		"row":         {"input.evidence.tests[_].cases[_].name == \"x\"", "input.evidence.tests[_].cases[_].nam == \"x\"", "name"},
		"view":        {"count(input.evidence.scan[_].bySeverity.critical) > 0", "count(input.evidence.scan[_].bySeverity.crit) > 0", "critical"},
		"view row":    {"input.evidence.scan[_].bySeverity.high[_].id == \"x\"", "input.evidence.scan[_].bySeverity.high[_].cve == \"x\"", "id"},
		"status view": {"count(input.evidence.tests[_].byStatus.failed) > 0", "count(input.evidence.tests[_].byStatus.fail) > 0", "failed"},
		"free key":    {"input.evidence.scan[_].byPackage.openssl[_].id == \"x\"", "input.evidence.scan[_].byPackages.openssl[_].id == \"x\"", "byPackage"},
		"build":       {"input.evidence.build[_].source.authors[_].person == \"\"", "input.evidence.build[_].source.author[_].person == \"\"", "authors"},
		"not counted": {"input.notCounted[_].reason == \"stale\"", "input.notCounted[_].why == \"stale\"", "reason"},
		"wrong type":  {"input.release.name == \"x\"", "input.release.name == 1", "match error"},
		"wrong kind":  {"input.evidence.tests[0].summary.ok == true", "input.evidence.tests.summary.ok == true", "summary"},
	} {
		t.Run(name, func(t *testing.T) {
			if out, err := check(t, opa, schema, c.good); err != nil {
				t.Errorf("the twin %q: %v\n%s", c.good, err, out)
			}
			out, err := check(t, opa, schema, c.bad)
			if err == nil {
				t.Fatalf("%q was accepted", c.bad)
			}
			if !strings.Contains(out, "rego_type_error") || !strings.Contains(out, c.names) {
				t.Errorf("%q: the message does not name %q:\n%s", c.bad, c.names, out)
			}
		})
	}
}

func check(t *testing.T, opa, schema, body string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rule.rego")
	module := "package rules.x.y\n\nblock contains \"no\" if {\n\t" + strings.ReplaceAll(body, "; ", "\n\t") + "\n}\n"
	if err := os.WriteFile(file, []byte(module), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), opa, "check", "--strict", "--schema", schema, file).CombinedOutput()
	return string(out), err
}
