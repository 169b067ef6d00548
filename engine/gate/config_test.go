package gate

import (
	"strings"
	"testing"

	"cdgate.dev/cdgate/engine/fault"
)

// TestParseRefuses alters the good definition in one place each; TestParse is the twin that passes.
func TestParseRefuses(t *testing.T) {
	tests := []struct {
		name, from, to string
		want           []string
	}{
		{"version zero", "version: 3", "version: 0", []string{"gate.yaml:2"}},
		{"unknown key", "log: log.pub", "logs: log.pub", []string{"logs"}},
		{"one root twice", "roots: [root.pub]", "roots: [root.pub, root.pub]", []string{"roots"}},
		{"more signatures than roots", "roots: [root.pub]", "roots: [root.pub, eva.pub]\nthreshold: 3", []string{"threshold", "nobody could ever sign"}},
		{"key is never valid", "keys: [ci.pub]", "keys: [{file: ci.pub, from: 2026-02-01T00:00:00Z, until: 2026-02-01T00:00:00Z}]", []string{"signers.ci.keys[0].until", "never"}},
		{"revoked for no reason", "keys: [ci.pub]", "keys: [{file: ci.pub, revoked: {at: 2026-02-01T00:00:00Z}}]", []string{"reason"}},
		{"no root", "roots: [root.pub]", "roots: []", []string{"roots"}},
		{"expires is no time", "expires: 2027-06-01T00:00:00Z", "expires: soon", []string{"expires"}},
		{"impossible date", "expires: 2027-06-01T00:00:00Z", "expires: 2027-02-30T00:00:00Z", []string{"expires", "2027-02-30"}},
		{"role of nobody", "people: [eva, sam], lines", "people: [eva, sim], lines", []string{"roles.release-manager.people", `"sim"`, "eva, sam"}},
		{"role for no line", "sam], lines: [payments]", "sam], lines: [paymets]", []string{"roles.release-manager.lines", "paymets", "payments"}},
		{"role for no target", "targets: [production]}", "targets: [prod]}", []string{"roles.release-manager.targets", "production, staging"}},
		{"role ends before it starts", "until: 2026-12-01T00:00:00Z", "until: 2025-12-01T00:00:00Z", []string{"roles.tester.until", "nobody"}},
		{"signer for no line", "build], lines: [payments]", "build], lines: [paymnts]", []string{"signers.ci.lines", "payments"}},
		{"signer of no kind", "may: [decision]", "may: [decisions]", []string{"signers.gate.may"}},
		{"owner is nobody", "owners: [eva]", "owners: [ева]", []string{"owners"}},
		{"one address, two people", "emails: [sam@acme.example]", "emails: [eva@ACME.example]", []string{"people.sam.emails", "people.eva.emails"}},
		{"address of robot and person", "emails: [noreply@github.com]", "emails: [sam@acme.example]", []string{"robots.github-web.emails", "people.sam.emails"}},
		{"trigger", "trigger: manual", "trigger: sometimes", []string{"trigger"}},
		{"no policies", "policies: [builtin:minimal]}", "policies: []}", []string{"targets.staging.policies"}},
		{"age of nothing", "maxAge: {scan: 24h}", "maxAge: {scan: 0h}", []string{"maxAge"}},
		{"own kind with the word for all", "version: 3", "version: 3\nkinds: {all: {}}", []string{"kinds.all", "taken"}},
		{"age of unknown kind", "maxAge: {scan: 24h}", "maxAge: {scans: 24h}", []string{"scans"}},
		{"valid for nothing", "validFor: 12h", "validFor: 0s", []string{"validFor"}},
		{"duplicate key", "version: 3", "version: 3\nversion: 4", []string{"version"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if strings.Count(goodYAML, tt.from) != 1 {
				t.Fatalf("the definition has %q %d times", tt.from, strings.Count(goodYAML, tt.from))
			}
			_, err := Parse("gate.yaml", []byte(strings.Replace(goodYAML, tt.from, tt.to, 1)))
			if fault.ClassOf(err) != fault.Usage {
				t.Fatalf("class %v of %v, want usage", fault.ClassOf(err), err)
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error does not say %q:\n%v", w, err)
				}
			}
		})
	}
}

func TestParse(t *testing.T) {
	cfg, err := Parse("gate.yaml", []byte(goodYAML))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(cfg.Policies(), " "); got != "./policies builtin:minimal" {
		t.Errorf("policies %q", got)
	}
	if cfg.Version() != 3 || len(cfg.Targets()) != 2 {
		t.Errorf("version %d, %d targets", cfg.Version(), len(cfg.Targets()))
	}
}

// TestResolveRefuses alters files or sources; TestResolve is the twin that passes.
func TestResolveRefuses(t *testing.T) {
	tests := []struct {
		name  string
		alter func(*world) (string, []Source)
		want  []string
	}{
		{"key file absent", func(w *world) (string, []Source) {
			delete(w.files, "eva.pub")
			return goodYAML, sources()
		}, []string{"gate.yaml", "people.eva.keys[0]", "eva.pub", "cdgate keys generate"}},
		{"key file is none", func(w *world) (string, []Source) {
			w.files["ci.pub"] = []byte("hello")
			return goodYAML, sources()
		}, []string{"signers.ci.keys[0]", "ci.pub"}},
		{"one key of two people", func(w *world) (string, []Source) {
			w.files["sam.pub"] = w.files["eva.pub"]
			return goodYAML, sources()
		}, []string{"people.sam.keys[0]", "people.eva.keys[0]"}},
		{"one key of a person and a signer", func(w *world) (string, []Source) {
			w.files["eva.pub"] = w.files["ci.pub"]
			return goodYAML, sources()
		}, []string{"people.eva.keys[0]", "signers.ci.keys[0]"}},
		{"one key of two signers", func(w *world) (string, []Source) {
			w.files["gate.pub"] = w.files["ci.pub"]
			return goodYAML, sources()
		}, []string{"signers.gate.keys[0]", "signers.ci.keys[0]"}},
		{"the root key signs evidence", func(w *world) (string, []Source) {
			w.files["ci.pub"] = w.files["root.pub"]
			return goodYAML, sources()
		}, []string{"signers.ci.keys[0]", "roots[0]"}},
		{"one key twice", func(w *world) (string, []Source) {
			w.files["sam2.pub"] = w.files["sam.pub"]
			return goodYAML, sources()
		}, []string{"people.sam.keys[1]", "people.sam.keys[0]"}},
		{"log key is none", func(w *world) (string, []Source) {
			w.files["log.pub"] = w.files["ci.pub"]
			return goodYAML, sources()
		}, []string{"log.pub", "name+hash+base64"}},
		{"source not read", func(w *world) (string, []Source) {
			return goodYAML, sources()[:1]
		}, []string{"./policies", "pinned"}},
		{"source without digest", func(w *world) (string, []Source) {
			return goodYAML, []Source{{Ref: "builtin:minimal", Digest: "sha256:12"}, sources()[1]}
		}, []string{"builtin:minimal"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			src, from := tt.alter(w)
			cfg, err := Parse("gate.yaml", []byte(src))
			if err != nil {
				t.Fatal(err)
			}
			_, err = Resolve(cfg, w.read, from)
			if fault.ClassOf(err) != fault.Usage {
				t.Fatalf("class %v of %v, want usage", fault.ClassOf(err), err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error does not say %q:\n%v", want, err)
				}
			}
		})
	}
}

func TestResolve(t *testing.T) {
	w := newWorld(t)
	d, err := w.resolve(goodYAML)
	if err != nil {
		t.Fatal(err)
	}
	if d.Signed() || d.RootPinned() || d.RootKey() != "" {
		t.Error("a definition that nobody signed says that it is signed")
	}
	for _, k := range d.keys() {
		if want := w.signers[strings.TrimSuffix(k.key.File, ".pub")].Public(); k.key.Public() != want {
			t.Errorf("%s: key %v, want %v", k.place, k.key.Public(), want)
		}
	}
	if d.LogKey() != logVkey {
		t.Errorf("log key %q", d.LogKey())
	}
	// A person may hold the root key: it signs another kind of statement.
	w.files["eva.pub"] = w.files["root.pub"]
	if _, err := w.resolve(goodYAML); err != nil {
		t.Errorf("root key of a person: %v", err)
	}
}
