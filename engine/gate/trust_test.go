package gate

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/seal/sealtest"
)

const (
	github     = "https://token.actions.githubusercontent.com"
	repository = "https://github.com/acme/payments"
	release    = ".github/workflows/release.yml"
)

// keyless is goodYAML with a workflow as signer of decisions, identities for people, and a trusted root.
func keyless(edits ...string) string {
	y := strings.NewReplacer(
		"gate: {keys: [gate.pub], may: [decision]}",
		`gate: {identities: [{issuer: `+github+`, repository: `+repository+`, repositoryId: "4711", workflow: `+release+`, refs: [refs/heads/main, "refs/tags/v*"], runner: github-hosted}], may: [decision]}`,
		`logins: ["github:eva-p"]}`, `logins: ["github:eva-p"], identities: [{issuer: https://sso.example, subject: eva@acme.example}]}`,
	).Replace(goodYAML) + "trust: {trustedRoot: trusted_root.json}\n"
	return strings.NewReplacer(edits...).Replace(y)
}

func keylessWorld(t *testing.T) (*world, *sealtest.World) {
	w, authorities := newWorld(t), sealtest.New(t, now)
	w.files["trusted_root.json"] = authorities.TrustedRoot()
	return w, authorities
}

func sealIdentity(i sealtest.Identity) seal.Signatory {
	return seal.Signatory{Identity: seal.Identity{
		Issuer: i.Issuer, Subject: i.Subject, Repository: i.Repository, RepositoryID: i.RepositoryID, Ref: i.Ref, Revision: i.Revision,
		Workflow: i.Workflow, Job: i.Job, Runner: i.Runner, Trigger: i.Trigger,
	}}
}

func TestSignerByCertificate(t *testing.T) {
	w, _ := keylessWorld(t)
	d := w.open(keyless())
	good := sealtest.Workflow(repository, release, "refs/heads/main")
	edit := func(f func(*sealtest.Identity)) sealtest.Identity { i := good; f(&i); return i }
	for name, c := range map[string]struct {
		id  sealtest.Identity
		say string // empty: it is the signer
	}{
		"the workflow":               {good, ""},
		"for a tag":                  {sealtest.Workflow(repository, release, "refs/tags/v1.4"), ""},
		"another branch":             {sealtest.Workflow(repository, release, "refs/heads/dev"), "it says reference refs/heads/dev, and refs/heads/main, refs/tags/v* is let (signers.gate.identities[0])"},
		"the star stands for none":   {sealtest.Workflow(repository, release, "refs/tags/v"), "refs/tags/v,"},
		"a branch that begins alike": {sealtest.Workflow(repository, release, "refs/heads/main2"), "refs/heads/main2"},
		"no reference":               {edit(func(i *sealtest.Identity) { i.Ref = "" }), "reference none"},
		"another workflow":           {sealtest.Workflow(repository, ".github/workflows/test.yml", "refs/heads/main"), "test.yml"},
		"a path that ends alike":     {sealtest.Workflow(repository, "x/"+release, "refs/heads/main"), "x/"},
		"workflow of another ref":    {edit(func(i *sealtest.Identity) { i.Workflow = repository + "/" + release + "@refs/heads/dev" }), "dev"},
		"another repository":         {sealtest.Workflow("https://github.com/mallory/payments", release, "refs/heads/main"), "mallory"},
		"a repository in its name":   {sealtest.Workflow("https://github.com/mallory/"+repository, release, "refs/heads/main"), "mallory"},
		"the name taken over":        {edit(func(i *sealtest.Identity) { i.RepositoryID = "9" }), "it says repositoryId 9, and 4711 is let"},
		"no repository id":           {edit(func(i *sealtest.Identity) { i.RepositoryID = "" }), "repositoryId none"},
		"another issuer":             {edit(func(i *sealtest.Identity) { i.Issuer = "https://evil.example" }), "it says issuer https://evil.example"},
		"called by a workflow": {edit(func(i *sealtest.Identity) {
			i.Job = "https://github.com/acme/shared/.github/workflows/sign.yml@refs/heads/main"
		}), "jobWorkflows"},
		"another runner": {edit(func(i *sealtest.Identity) { i.Runner = "self-hosted" }), "runner self-hosted"},
		"subject alone":  {sealtest.Identity{Issuer: github, Subject: good.Subject}, "repository none"},
	} {
		by := sealIdentity(c.id)
		s, ok := d.SignerBy(by)
		switch {
		case c.say == "" && (!ok || s.ID != "gate"):
			t.Errorf("%s: not the signer: %s", name, d.Unknown(by))
		case c.say != "" && (ok || !strings.Contains(d.Unknown(by), c.say)):
			t.Errorf("%s: signer %q; %s, want %q", name, s.ID, d.Unknown(by), c.say)
		}
	}
	eva := sealIdentity(sealtest.Identity{Issuer: "https://sso.example", Subject: "eva@acme.example"})
	if p, ok := d.PersonBy(eva); !ok || p.ID != "eva" {
		t.Errorf("eva is %q", p.ID)
	}
	if _, ok := d.SignerBy(eva); ok {
		t.Error("a person is a signer")
	}
	for _, i := range []sealtest.Identity{{Issuer: "https://sso.example", Subject: "eva@acme.example.evil"}, {Issuer: "https://evil.example", Subject: "eva@acme.example"}, {Issuer: "https://sso.example", Subject: "EVA@acme.example"}} {
		if p, ok := d.PersonBy(sealIdentity(i)); ok {
			t.Errorf("%+v is %s", i, p.ID)
		}
	}
	if p, ok := d.PersonBy(seal.Signatory{}); ok {
		t.Errorf("nobody is %s", p.ID)
	}
}

// A reusable workflow signs where the definition names it, and GitLab writes two slashes before the path.
func TestJobWorkflows(t *testing.T) {
	w, _ := keylessWorld(t)
	shared := "https://github.com/acme/shared/.github/workflows/sign.yml@refs/tags/v1"
	d := w.open(keyless("runner: github-hosted", `jobWorkflows: ["`+strings.TrimSuffix(shared, "1")+`*"]`))
	i := sealtest.Workflow(repository, release, "refs/heads/main")
	if _, ok := d.SignerBy(sealIdentity(i)); ok {
		t.Error("a job in the workflow itself counts, though only the shared one is let")
	}
	i.Job, i.Subject = shared, shared
	if _, ok := d.SignerBy(sealIdentity(i)); !ok {
		t.Error(d.Unknown(sealIdentity(i)))
	}
	i.Workflow = repository + "//" + release + "@" + i.Ref
	if _, ok := d.SignerBy(sealIdentity(i)); !ok {
		t.Error(d.Unknown(sealIdentity(i)))
	}
}

func TestOfTwoIsNobodys(t *testing.T) {
	w, _ := keylessWorld(t)
	d := w.open(keyless("ci: {keys: [ci.pub]", `ci: {identities: [{issuer: `+github+`, repository: `+repository+`, workflow: `+release+`, refs: ["refs/heads/*"]}]`))
	by := sealIdentity(sealtest.Workflow(repository, release, "refs/heads/main"))
	if s, ok := d.SignerBy(by); ok || !strings.Contains(d.Unknown(by), "nobody could tell") {
		t.Errorf("it is %q; %s", s.ID, d.Unknown(by))
	}
	by = sealIdentity(sealtest.Workflow(repository, release, "refs/heads/dev"))
	if s, ok := d.SignerBy(by); !ok || s.ID != "ci" {
		t.Errorf("twin: %s", d.Unknown(by))
	}
}

func TestTrustRefuses(t *testing.T) {
	identity := func(text string) string {
		return keyless("logins: [\"github:eva-p\"], identities: [{issuer: https://sso.example, subject: eva@acme.example}]", "identities: ["+text+"]")
	}
	gateIs := func(text string) string {
		y := keyless()
		a := strings.Index(y, "gate: {identities: [")
		b := strings.Index(y[a:], "}]")
		return y[:a] + "gate: {identities: [" + text + y[a+b+1:]
	}
	for name, c := range map[string]struct{ yaml, say string }{
		"no trusted root":          {keyless("trust: {trustedRoot: trusted_root.json}\n", ""), "trust"},
		"no such file":             {keyless("trusted_root.json", "elsewhere.json"), "elsewhere.json"},
		"a key as trusted root":    {keyless("trusted_root.json", "ci.pub"), "ci.pub"},
		"timestamps of nobody":     {goodYAML + "require: {timestamp: true}\n", "require.timestamp"},
		"a person's workflow":      {identity("{issuer: https://a.example, repository: x, workflow: y, refs: [z]}"), "people.eva"},
		"everybody at an issuer":   {gateIs("{issuer: https://a.example}"), "everybody"},
		"no refs":                  {gateIs("{issuer: https://a.example, repository: https://r, workflow: w}"), "all three"},
		"no workflow":              {gateIs("{issuer: https://a.example, repository: https://r, refs: [refs/heads/main]}"), "all three"},
		"both":                     {gateIs("{issuer: https://a.example, subject: s, repository: https://r, workflow: w, refs: [refs/heads/main]}"), "both"},
		"a star in the subject":    {gateIs(`{issuer: https://a.example, subject: "*@acme.example"}`), `"*"`},
		"a star in the middle":     {gateIs(`{issuer: https://a.example, repository: https://r, workflow: w, refs: ["refs/*/v1"]}`), "last"},
		"a star alone":             {gateIs(`{issuer: https://a.example, repository: https://r, workflow: w, refs: ["*"]}`), "last"},
		"the subject of a person":  {gateIs("{issuer: https://sso.example, subject: eva@acme.example}"), "also that of"},
		"a pattern":                {gateIs(`{issuer: https://a.example, subjectRegExp: ".*"}`), "subjectRegExp"},
		"neither key nor identity": {keyless("keys: [ci.pub], ", ""), "signers.ci"},
	} {
		w, _ := keylessWorld(t)
		if _, err := w.resolve(c.yaml); err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: %v, want %q", name, err, c.say)
		}
	}
	w, _ := keylessWorld(t)
	for _, twin := range []string{keyless(), keyless() + "require: {timestamp: true}\n", gateIs("{issuer: https://a.example, subject: robot@acme.example}")} {
		if _, err := w.resolve(twin); err != nil {
			t.Errorf("twin: %v", err)
		}
	}
}

// The trusted root is signed with the definition: another file beside it changes nothing.
func TestTrustIsInlined(t *testing.T) {
	w, authorities := keylessWorld(t)
	d := w.open(keyless())
	w.files["trusted_root.json"] = sealtest.New(t, now).TrustedRoot()
	payload := `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"` + strings.Repeat("a", 64) + `"}}],"predicateType":"` + seal.DecisionType + `","predicate":{}}`
	id := sealtest.Workflow(repository, release, "refs/heads/main")
	o, s, err := d.OpenDecision(authorities.Sign(payload, id, now, now.Add(time.Minute)))
	if err != nil || s.ID != "gate" || !o.Timestamped.Equal(now.Add(time.Minute)) {
		t.Errorf("%+v, %v", s, err)
	}
	if _, _, err := d.OpenDecision(sealtest.New(t, now).Sign(payload, id, now, now)); !errors.Is(err, seal.ErrUntrusted) {
		t.Errorf("another authority's certificate: %v", err)
	}
	id.Ref = "refs/heads/dev"
	if _, _, err := d.OpenDecision(authorities.Sign(payload, id, now, now)); !errors.Is(err, seal.ErrUnknownKey) || !strings.Contains(err.Error(), "dev") {
		t.Errorf("another reference: %v", err)
	}
}

func TestRequireTimestamp(t *testing.T) {
	w, authorities := keylessWorld(t)
	plain := strings.Replace(goodYAML, "may: [decision]}", "may: [decision]REQUIRE}", 1) + "trust: {trustedRoot: trusted_root.json}\n"
	record, err := w.signers["gate"].Sign(seal.Statement{
		Subject: []seal.Subject{{Digest: map[string]string{"sha256": strings.Repeat("a", 64)}}}, PredicateType: seal.DecisionType, Predicate: []byte(`{}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		yaml   string
		wanted bool
	}{
		"not wanted": {strings.Replace(plain, "REQUIRE", "", 1), false},
		"of all":     {strings.Replace(plain, "REQUIRE", "", 1) + "require: {timestamp: true}\n", true},
		"of signer":  {strings.Replace(plain, "REQUIRE", ", require: {timestamp: true}", 1), true},
		"said no":    {strings.Replace(plain, "REQUIRE", ", require: {timestamp: false}", 1) + "require: {timestamp: false}\n", false},
		"no exempt":  {strings.Replace(plain, "REQUIRE", ", require: {timestamp: false}", 1) + "require: {timestamp: true}\n", true},
	} {
		d := w.open(c.yaml)
		if got := d.WantsTimestamp(w.signers["gate"].Signatory()); got != c.wanted {
			t.Errorf("%s: wanted %v", name, got)
		}
		if _, _, err := d.OpenDecision(record); c.wanted != errors.Is(err, ErrNoTimestamp) || c.wanted == (err == nil) {
			t.Errorf("%s, without: %v", name, err)
		}
		if _, _, err := d.OpenDecision(authorities.Stamp(record, now)); err != nil {
			t.Errorf("%s, with: %v", name, err)
		}
	}
}
