package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/ledger"
	"cdgate.dev/cdgate/engine/seal"
)

func initFlags() []cli.Flag {
	return one(
		text("project", "the `NAME` of the project and its line; default: the directory's"),
		text("keys", "the `DIR` for private keys; default: cdgate/PROJECT in the user's configuration directory"),
		text("name", "your full `NAME`; default: git's user.name"),
		text("email", "your `E-MAIL`; default: git's user.email"),
	)
}

func (w *world) initCommand() *cli.Command {
	return w.command("init", "", "set up a gate in this repository",
		"Writes a commented .cdgate.yaml, a signed demo gate.yaml with its public keys, a first rule with its parameters\n"+
			"and test, and private keys outside the tree. Overwrites nothing.",
		0, initFlags(), func(k *call) error { return k.setUp(true) })
}

func (k *call) gateInit() error { return k.setUp(false) }

// person is somebody of the demo gate definition.
type person struct{ id, name, email string }

// setup is what init is about to write.
type setup struct {
	project, keys string
	user          person
	// others had a hand in the newest commit; they are named so that their commits are not those of strangers.
	others []person
	files  []newFile
}

// setUp writes the demo gate definition, and with everything also the configuration and the first rule.
func (k *call) setUp(everything bool) error {
	s, err := k.newSetup()
	if err != nil {
		return err
	}
	if err := s.addKeys(k); err != nil {
		return err
	}
	s.add(k, "gate.yaml", gateTemplate(s, k.now.AddDate(1, 0, 0).Truncate(24*time.Hour)))
	s.add(k, "policies/team/release_named/release_named.rego", firstRule)
	s.add(k, "policies/team/release_named/release_named_test.rego", firstRuleTest)
	s.add(k, "policies/team/release_named/params.cue", firstRuleParams)
	if everything {
		s.add(k, ".cdgate.yaml", configTemplate(s))
		s.add(k, ".cdgate/.gitignore", "# evidence, log and records of this machine; a team shares a store, not this directory\n*\n")
	}
	signature := engine.SignaturePath(filepath.Join(k.dir, "gate.yaml"))
	if _, err := os.Lstat(signature); err == nil {
		return fault.New(fault.Usage, "write %q: it exists, and nothing is overwritten; move it away first", signature)
	}
	if err := writeNew(s.files...); err != nil {
		return err
	}
	root, err := k.signDemo(s)
	if err != nil {
		// Nothing of a half-made gate stays behind.
		for _, f := range s.files {
			os.Remove(f.path)
		}
		return err
	}
	k.welcome(s, root, everything)
	return nil
}

func (k *call) newSetup() (*setup, error) {
	s := &setup{project: slug(first(k.String("project"), filepath.Base(k.dir)))}
	if s.project == "" {
		return nil, fault.New(fault.Usage, "the directory's name is no name for a project; use --project NAME")
	}
	git := k.git()
	user := git.user()
	s.user = person{name: first(k.String("name"), user.Name), email: first(k.String("email"), user.Email)}
	local, _, _ := strings.Cut(s.user.email, "@")
	s.user.id = first(slug(local), slug(s.user.name), slug(k.getenv("USER")), "me")
	if s.user.id == "reviewer" {
		s.user.id = "me"
	}
	s.user.name = first(s.user.name, s.user.id)
	if s.user.email == "" {
		k.note("git has no user.email, so your commits cannot be told from a stranger's; set it, or use --email")
	}
	if head := git.head(); head != "" {
		authors, err := git.authors(head)
		if err != nil {
			k.note("who wrote the newest commit is not known: %v", err)
		}
		s.addOthers(authors)
	}
	s.keys = k.String("keys")
	if s.keys == "" {
		base, err := k.keyDir()
		if err != nil {
			return nil, err
		}
		s.keys = filepath.Join(base, s.project)
	}
	s.keys = k.abs(s.keys)
	return s, nil
}

// keyDir is where private keys are kept: cdgate in the user's configuration directory.
func (k *call) keyDir() (string, error) {
	if base := k.getenv("XDG_CONFIG_HOME"); base != "" {
		return filepath.Join(base, "cdgate"), nil
	}
	if home := k.getenv("HOME"); home != "" {
		return filepath.Join(home, ".config", "cdgate"), nil
	}
	return "", fault.New(fault.Usage, "there is no home directory to keep private keys in; say where with --keys DIR, or which key with --key")
}

// addOthers names the authors of the newest commit that are not the user, without keys.
func (s *setup) addOthers(authors []engine.Author) {
	taken := []string{s.user.id, "reviewer"}
	for _, a := range authors {
		known := strings.EqualFold(a.Email, s.user.email) || strings.EqualFold(a.Email, "noreply@github.com") ||
			slices.ContainsFunc(s.others, func(p person) bool { return strings.EqualFold(p.email, a.Email) })
		if known || !strings.Contains(a.Email, "@") || len(s.others) == 20 {
			continue
		}
		local, _, _ := strings.Cut(a.Email, "@")
		id := first(slug(local), slug(a.Name), "author")
		for n, base := 2, id; slices.Contains(taken, id); n++ {
			id = fmt.Sprintf("%s-%d", base, n)
		}
		taken = append(taken, id)
		s.others = append(s.others, person{id, first(strings.TrimSpace(a.Name), id), a.Email})
	}
}

// notSlug is what an id cannot hold.
var notSlug = regexp.MustCompile(`[^a-z0-9-]+`)

// slug is a text as an id of lower-case letters, digits and "-".
func slug(s string) string {
	s = strings.Trim(notSlug.ReplaceAllString(strings.ToLower(s), "-"), "-")
	return strings.Trim(s[:min(len(s), 40)], "-")
}

func (s *setup) add(k *call, path, content string) {
	s.files = append(s.files, newFile{filepath.Join(k.dir, filepath.FromSlash(path)), []byte(content), 0o644})
}

// keyNames are the key pairs of the demo: the root, the two machines, the user and a stand-in for a colleague.
func (s *setup) keyNames() []string { return []string{"root", "ci", "gate", s.user.id, "reviewer"} }

func (s *setup) addKeys(k *call) error {
	for _, name := range s.keyNames() {
		private, public, err := seal.Generate([]byte(k.passwordVariable()))
		if err != nil {
			return fmt.Errorf("make key %s: %w", name, err)
		}
		s.files = append(s.files, newFile{filepath.Join(s.keys, name+".key"), private, 0o600})
		s.add(k, "keys/"+name+".pub", string(public))
	}
	private, verifier, err := ledger.GenerateKey("cdgate/" + s.project)
	if err != nil {
		return fmt.Errorf("make key of the decision log: %w", err)
	}
	s.files = append(s.files, newFile{filepath.Join(s.keys, "log.key"), []byte(private + "\n"), 0o600})
	s.add(k, "keys/log.pub", verifier+"\n")
	return nil
}

func (k *call) signDemo(s *setup) (fingerprint string, err error) {
	path := filepath.Join(s.keys, "root.key")
	pem, err := readSmall(path, maxKeyFile)
	if err != nil {
		return "", fault.New(fault.Record, "read back the root key: %w", err)
	}
	signer, err := seal.LoadSigner(path, pem, k.password(path))
	if err != nil {
		return "", err
	}
	if _, err := engine.GateSign(filepath.Join(k.dir, "gate.yaml"), signer, k.now); err != nil {
		return "", err
	}
	return signer.Public().Fingerprint(), nil
}

// welcome says what was written, what the demo people are, and the next three commands.
func (k *call) welcome(s *setup, root string, everything bool) {
	keys := s.keys
	if home := k.getenv("HOME"); home != "" && strings.HasPrefix(keys, home+string(filepath.Separator)) {
		keys = "~" + strings.TrimPrefix(keys, home)
	}
	if everything {
		k.print("Wrote .cdgate.yaml      what to collect, and where things live")
	}
	k.print("Wrote gate.yaml         who may sign what, targets staging and production;")
	k.print("                        signed")
	k.print("Wrote policies/         your first rule, with parameters and test")
	k.print("Wrote keys/             public keys; commit all of this")
	k.print("Wrote %s", shown(keys))
	k.print("                        private keys: keep them out of the repository")
	k.print("\n%s", wrap(fmt.Sprintf("staging asks for no person. production asks for a release manager who did not write the change: "+
		"for what you (%s) commit yourself, your own signature does not count. reviewer.key stands for a colleague, so that you can try it alone. "+
		"It is you in a second hat: put a real colleague into gate.yaml before you rely on this gate.", shown(s.user.name)), helpWidth))
	k.print("\nNext, with the reports your build writes (JUnit, coverage, SARIF, Trivy, SBOM …):")
	k.print("  cdgate check --target staging REPORT…")
	k.print("  cdgate collect --key %s/ci.key --artifact FILE REPORT…", shown(keys))
	k.print("  cdgate evaluate --key %s/gate.key --artifact FILE --target staging", shown(keys))
	k.note("pin the root key where pipelines are configured: CDGATE_ROOT=%s", root)
}
