package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/ledger"
	"cdgate.dev/cdgate/engine/seal"
)

// maxKeyFile is how long a key file may be, in bytes.
const maxKeyFile = 64 << 10

func (w *world) keysCommand() *cli.Command {
	return group("keys", "make and show keys",
		w.command("generate", "", "make a key pair",
			"Writes PREFIX.key and PREFIX.pub (P-256, PEM). The private key is encrypted, in cosign's format, when\n"+
				"CDGATE_KEY_PASSWORD or COSIGN_PASSWORD is set. Existing files are not overwritten. With --log it is a key for\n"+
				"the decision log instead (Ed25519, a note key), which is never encrypted.",
			0, one(text("out", "write `PREFIX`.key and PREFIX.pub"), toggle("log", "a key for the decision log"),
				text("name", "the `NAME` of the log, as its signatures show it; default: cdgate")), (*call).keysGenerate),
		w.command("public", "", "show the public key of a signing key",
			"Writes the public key of --key as PEM, for gate.yaml; with keys in a key management service too. What is written\n"+
				"there stays good when the service rotates the key: signatures are checked with the public key alone.",
			0, keyFlags(), (*call).keysPublic),
		w.command("enroll", "", "write who you are and your public key, to be added",
			"Writes ID.enrol: your name, addresses, accounts and public key, signed with that key, which proves that you have\n"+
				"it. There is nothing secret in it: send it to the owner of the gate definition, who runs cdgate gate add. Without\n"+
				"--key a key pair is made in the user's configuration directory, or the one that is there is used.",
			0, flags(keyFlags(), one(text("name", "your full `NAME`; default: git's user.name"),
				list("email", "an `E-MAIL` address that you commit with; repeat for several; default: git's user.email"),
				list("login", "an account of yours as `PLATFORM:LOGIN`, such as github:eva; repeat for several"),
				text("out", "write the `FILE`; default: ID.enrol, after the first e-mail address"))), (*call).keysEnroll))
}

func (k *call) keysEnroll() error {
	user := k.git().user()
	e := gate.Enrolment{Name: first(k.String("name"), user.Name), Emails: k.StringSlice("email"), Logins: k.StringSlice("login")}
	if len(e.Emails) == 0 && user.Email != "" {
		e.Emails = []string{user.Email}
	}
	if e.Name == "" || len(e.Emails) == 0 {
		return fault.New(fault.Usage, "say who you are: cdgate keys enroll --name NAME --email E-MAIL")
	}
	local, _, _ := strings.Cut(e.Emails[0], "@")
	id := first(slug(local), slug(e.Name))
	if id == "" {
		return fault.New(fault.Usage, "the e-mail address gives no name for the file; use --out FILE")
	}
	signer, err := k.enrolledKey(id)
	if err != nil {
		return err
	}
	b, err := gate.Enrol(e, signer, k.now)
	if err != nil {
		return err
	}
	out := k.abs(first(k.String("out"), id+".enrol"))
	if err := writeNew(newFile{out, append(b, '\n'), 0o644}); err != nil {
		return err
	}
	k.print("%s  %s, public key %s", shown(relative(k.dir, out)), shown(e.Name), signer.Public().Fingerprint())
	k.note("send it to the owner of the gate definition, and tell them the fingerprint in another way")
	return nil
}

// enrolledKey is the key to enrol: the flag's, else the one of the configuration directory, made where there is none.
func (k *call) enrolledKey(id string) (*seal.Signer, error) {
	if k.String("key") != "" {
		return k.signer()
	}
	dir, err := k.keyDir()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, id+".key")
	pem, err := readSmall(path, maxKeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		if pem, _, err = seal.Generate([]byte(k.passwordVariable())); err == nil {
			err = writeNew(newFile{path, pem, 0o600})
		}
		if err == nil {
			k.print("%s  private key: keep it to yourself", shown(path))
		}
	}
	if err != nil {
		return nil, fault.Wrap(fault.Usage, err)
	}
	return seal.LoadSigner(path, pem, k.password(path))
}

func (k *call) keysPublic() error {
	s, err := k.signer()
	if err != nil {
		return err
	}
	k.note("public key %s", s.Public().Fingerprint())
	k.print("%s", strings.TrimSpace(s.Public().PEM))
	return nil
}

func (k *call) keysGenerate() error {
	prefix := k.String("out")
	if prefix == "" {
		return fault.New(fault.Usage, "say where the keys go: cdgate keys generate --out ci")
	}
	prefix = k.abs(prefix)
	if k.Bool("log") {
		return k.logKeyGenerate(prefix)
	}
	if k.String("name") != "" {
		return fault.New(fault.Usage, "--name is for keys of the decision log; add --log, or leave it out")
	}
	private, public, err := seal.Generate([]byte(k.passwordVariable()))
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	key, err := seal.ParsePublicKey(prefix+".pub", public)
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	if err := writeNew(newFile{prefix + ".key", private, 0o600}, newFile{prefix + ".pub", public, 0o644}); err != nil {
		return err
	}
	encrypted := "not encrypted: set CDGATE_KEY_PASSWORD before making a key to have it encrypted"
	if k.passwordVariable() != "" {
		encrypted = "encrypted with the password of the environment"
	}
	k.print("%s.key  private key (%s)", shown(relative(k.dir, prefix)), encrypted)
	k.print("%s.pub  public key %s", shown(relative(k.dir, prefix)), key.Fingerprint())
	return nil
}

func (k *call) logKeyGenerate(prefix string) error {
	private, verifier, err := ledger.GenerateKey(first(k.String("name"), "cdgate"))
	if err != nil {
		return fault.New(fault.Usage, "make key of the decision log: %w", err)
	}
	if err := writeNew(newFile{prefix + ".key", []byte(private + "\n"), 0o600}, newFile{prefix + ".pub", []byte(verifier + "\n"), 0o644}); err != nil {
		return err
	}
	k.print("%s.key  private key of the decision log (not encrypted)", shown(relative(k.dir, prefix)))
	k.print("%s.pub  verifier key %s", shown(relative(k.dir, prefix)), shown(verifier))
	return nil
}

// passwordVariable is the password of the environment, "" for none.
func (w *world) passwordVariable() string {
	if v := w.getenv("CDGATE_KEY_PASSWORD"); v != "" {
		return v
	}
	return w.getenv("COSIGN_PASSWORD")
}

// password gives the password of an encrypted key: that of the environment, else what a person types.
func (k *call) password(file string) func() ([]byte, error) {
	return func() ([]byte, error) {
		if v := k.passwordVariable(); v != "" {
			return []byte(v), nil
		}
		if !k.stdinTerminal || !k.stderrTerminal {
			return nil, fault.New(fault.Usage, "the key %q is encrypted; set CDGATE_KEY_PASSWORD or COSIGN_PASSWORD", file)
		}
		fmt.Fprintf(k.stderr, "Password for %s: ", shown(file))
		p, err := k.readPassword()
		fmt.Fprintln(k.stderr)
		return p, err
	}
}

// secret reads what a key flag refers to: a file, or a variable of the environment as env://NAME. For file it gives the
// path, for a variable the reference.
func (k *call) secret(flag, ref string) (name string, content []byte, err error) {
	if variable, ok := strings.CutPrefix(ref, "env://"); ok {
		v := k.getenv(variable)
		if v == "" {
			return ref, nil, fault.New(fault.Usage, "read --%s: the environment variable %s is empty or not set", flag, variable)
		}
		return ref, []byte(v), nil
	}
	if strings.Contains(ref, "-----BEGIN") {
		return "", nil, fault.New(fault.Usage, "read --%s: its value is a key itself; keep that in a file, or in a variable named with env://VARIABLE", flag)
	}
	path := k.abs(ref)
	content, err = readSmall(path, maxKeyFile)
	if err != nil {
		return path, nil, fault.New(fault.Usage, "read --%s: %w", flag, err)
	}
	if info, err := os.Stat(path); err == nil && flag == "key" && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 && bytes.Contains(content, []byte("PRIVATE KEY")) {
		k.note("others on this machine can read the private key %s; run: chmod 600 %s", shown(ref), shown(ref))
	}
	return path, content, nil
}

// signer loads the key to sign with.
func (k *call) signer() (*seal.Signer, error) {
	ref := k.String("key")
	if ref == "" {
		return nil, fault.New(fault.Usage, "no key to sign with: use --key FILE or CDGATE_KEY; cdgate init made some, and cdgate keys generate --out PREFIX makes one")
	}
	if seal.IsPluginKey(ref) {
		return k.pluginSigner(ref)
	}
	name, pem, err := k.secret("key", ref)
	if err != nil {
		return nil, err
	}
	s, err := seal.LoadSigner(name, pem, k.password(name))
	return s, fault.Wrap(fault.Usage, err)
}

// pluginSigner is a key in a key management service. Which programs may be run for it is said by a flag or the environment and
// never by a file of the checkout.
func (k *call) pluginSigner(ref string) (*seal.Signer, error) {
	p := seal.Plugins{Dir: k.String("kms-plugins"), Allow: k.StringSlice("kms-allow"), Stderr: k.stderr}
	if len(p.Allow) == 0 {
		p.Allow = seal.Schemes()
	}
	return seal.OpenPlugin(k.Context.Context, ref, p)
}

// logKey loads the private key of the decision log: the flag, else log.key beside the signing key.
func (k *call) logKey() (string, error) {
	ref := k.String("log-key")
	if ref == "" {
		key := k.String("key")
		beside := filepath.Join(filepath.Dir(k.abs(key)), "log.key")
		if _, err := os.Stat(beside); key == "" || strings.Contains(key, "://") || errors.Is(err, fs.ErrNotExist) {
			return "", fault.New(fault.Usage, "no key for the decision log: use --log-key FILE or CDGATE_LOG_KEY, or keep it as log.key beside the signing key")
		}
		ref = beside
	}
	_, b, err := k.secret("log-key", ref)
	return strings.TrimSpace(string(b)), err
}

// readSmall reads a file that is not expected to be long.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := readAll(f, limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// readRegular is readSmall for files that a checkout holds: a link to a device would be endless, a pipe would wait.
func readRegular(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	}
	return readSmall(path, limit)
}

// readAll reads everything up to a limit in bytes; more is an error.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, fmt.Errorf("longer than %d bytes", limit)
	}
	return b, err
}

// newFile is a file that must not exist yet.
type newFile struct {
	path string
	data []byte
	mode fs.FileMode
}

// writeNew writes all files or none, and overwrites nothing.
func writeNew(files ...newFile) (err error) {
	for _, f := range files {
		if _, err := os.Lstat(f.path); !errors.Is(err, fs.ErrNotExist) {
			if err == nil {
				err = errors.New("it exists, and nothing is overwritten; move it away first")
			}
			return fault.New(fault.Usage, "write %q: %w", f.path, err)
		}
	}
	var written []string
	defer func() {
		if err != nil {
			for _, p := range written {
				err = errors.Join(err, os.Remove(p))
			}
		}
	}()
	for _, f := range files {
		if err := os.MkdirAll(filepath.Dir(f.path), f.mode|(f.mode&0o444)>>2); err != nil { // 0600 makes 0700, 0644 makes 0755
			return fault.New(fault.Usage, "make directory: %w", err)
		}
		out, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode)
		if err != nil {
			return fault.New(fault.Usage, "write file: %w", err)
		}
		written = append(written, f.path)
		_, err = io.Copy(out, bytes.NewReader(f.data))
		if err = errors.Join(err, out.Close()); err != nil {
			return fault.New(fault.Record, "write %q: %w", f.path, err)
		}
	}
	return nil
}
