package policy

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/types"
)

// forbidden are built-ins whose result depends on more than their arguments, that reach out of the process, or that a
// context cannot stop.
var forbidden = strings.Fields(`http.send io.jwt.decode_verify io.jwt.encode_sign io.jwt.encode_sign_raw json.match_schema
json.verify_schema net.lookup_ip_addr opa.runtime rand.intn time.now_ns uuid.rfc4122 time.parse_ns
crypto.x509.parse_and_verify_certificates crypto.x509.parse_and_verify_certificates_with_options bits.lsh rego.parse_module
yaml.unmarshal trace net.cidr_expand numbers.range_step io.jwt.decode providers.aws.sign_req`)

// Every built-in of OPA compiles if and only if it is on the pinned list.
func TestOnlyPinnedBuiltins(t *testing.T) {
	caps, err := allowed()
	if err != nil {
		t.Fatal(err)
	}
	if len(ast.Builtins) < 200 {
		t.Fatalf("OPA has only %d built-ins", len(ast.Builtins))
	}
	for _, b := range ast.Builtins {
		pinned := slices.ContainsFunc(caps.Builtins, func(x *ast.Builtin) bool { return x.Name == b.Name })
		if slices.Contains(forbidden, b.Name) && pinned {
			t.Errorf("%s is pinned", b.Name)
		}
		if b.IsNondeterministic() && pinned {
			t.Errorf("%s is pinned and not deterministic", b.Name)
		}
		if b.Infix != "" || strings.HasPrefix(b.Name, "internal.") {
			continue // no name to call it by
		}
		args := make([]string, b.Decl.Arity())
		for i, a := range b.Decl.FuncArgs().Args {
			args[i] = sample(a)
		}
		rule := fmt.Sprintf("package rules.a.b\n\nblock contains \"x\" if {\n\t%s(%s)\n}\n", b.Name, strings.Join(args, ", "))
		c := compile(one(t, rule), options{})
		if pinned && slices.ContainsFunc(c.problems, func(d Diagnostic) bool { return d.Code != "type" }) {
			t.Errorf("%s is pinned and not known: %v", b.Name, c.problems) // samples need not fit every type
		}
		if !pinned {
			refused(t, c.problems.fault(), b.Name)
		}
	}
}

// sample is a value of a type.
func sample(tp types.Type) string {
	if named, ok := tp.(*types.NamedType); ok {
		tp = named.Type
	}
	switch x := tp.(type) {
	case types.Number:
		return "1"
	case types.Boolean:
		return "true"
	case *types.Array, *types.Object, *types.Set:
		return map[bool]string{true: "input.release.subjects", false: "{}"}[strings.HasPrefix(x.String(), "array")]
	case types.Any:
		if len(x) > 0 {
			return sample(x[0])
		}
	}
	return `"x"`
}

// The pinned list says of each built-in what this version of OPA says, and lets nothing reach a network.
func TestPinnedListFitsOPA(t *testing.T) {
	caps, err := allowed()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(caps.AllowNet, []string{""}) || len(caps.FutureKeywords) > 0 || !slices.Equal(caps.Features, []string{"keywords_in_refs", "rego_v1"}) {
		t.Errorf("allow_net %q, future keywords %q, features %q", caps.AllowNet, caps.FutureKeywords, caps.Features)
	}
	pinned, err := ast.LoadCapabilitiesJSON(bytes.NewReader(capabilitiesJSON))
	if err != nil || len(pinned.Builtins) != len(caps.Builtins) {
		t.Fatalf("%d built-ins, %d of them read: %v", len(pinned.Builtins), len(caps.Builtins), err)
	}
	for i, b := range pinned.Builtins {
		want := caps.Builtins[i]
		if b.Name != want.Name || types.Compare(b.Decl, want.Decl) != 0 || b.Infix != want.Infix || b.IsNondeterministic() || want.IsNondeterministic() {
			t.Errorf("%s is declared otherwise than OPA declares it", b.Name)
		}
	}
	again, err := json.Marshal(caps)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ast.LoadCapabilitiesJSON(bytes.NewReader(again))
	if err != nil || !slices.Equal(back.AllowNet, []string{""}) {
		t.Errorf("written and read again allow_net is %q: %v", back.AllowNet, err)
	}
}

var planted = flag.Bool("planted", false, "run as a process with a planted time zone")

// Dates come out the same whatever TZ and ZONEINFO say, because the evaluator cannot open a file.
func TestTimeZonesDoNotDependOnTheMachine(t *testing.T) {
	rule := `package rules.a.b

block contains msg if {
	ns := time.parse_rfc3339_ns("2026-07-01T12:00:00Z")
	msg := sprintf("%v %v %v %v", [
		time.clock([ns, "Europe/Brussels"]), time.clock([ns, "Local"]), time.clock(ns),
		time.format([time.add_date(ns, 0, 1, 0), "America/New_York", "RFC1123Z"]),
	])
}
`
	const want = "[14, 0, 0] [12, 0, 0] [12, 0, 0] Sat, 01 Aug 2026 08:00:00 -0400"
	resp, err := Evaluate(t.Context(), sandbox(t), Request{Program: one(t, rule), Input: []byte(noInput)})
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Rules[0].Findings[0].Msg; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if *planted || runtime.GOOS != "linux" {
		return
	}
	// A zone file that says that Brussels is on Tokyo's time, which Go would read before any other.
	zones := t.TempDir()
	if err := os.MkdirAll(filepath.Join(zones, "Europe"), 0o755); err != nil {
		t.Fatal(err)
	}
	tokyo, err := os.ReadFile("/usr/share/zoneinfo/Asia/Tokyo")
	if err != nil {
		t.Skip("no zone files to plant")
	}
	if err := os.WriteFile(filepath.Join(zones, "Europe/Brussels"), tokyo, 0o644); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestTimeZonesDoNotDependOnTheMachine$", "-planted")
	cmd.Env = append(os.Environ(), "ZONEINFO="+zones, "TZ=Asia/Tokyo", "LC_ALL=tr_TR.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("with planted zones: %v\n%s", err, out)
	}
}
