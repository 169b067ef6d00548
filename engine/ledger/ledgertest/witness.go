// Package ledgertest starts a real witness of a decision log on loopback, for tests.
package ledgertest

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Missing names the first program that Litewitness needs and that is not on PATH, "" when all are.
func Missing() string {
	for _, p := range []string{"litewitness", "ssh-agent", "ssh-add", "ssh-keygen", "python3"} {
		if _, err := exec.LookPath(p); err != nil {
			return p
		}
	}
	return ""
}

// CosignatureKey is the verifier key of an Ed25519 key that countersigns: c2sp.org/tlog-cosignature, type 0x04.
func CosignatureKey(name string, public []byte) string {
	raw := append([]byte{4}, public...)
	sum := sha256.Sum256(append([]byte(name+"\n"), raw...))
	return fmt.Sprintf("%s+%08x+%s", name, sum[:4], base64.StdEncoding.EncodeToString(raw))
}

// seed makes the database of a witness that knows one log and has seen nothing of it.
const seed = `import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.executescript("""
CREATE TABLE log (origin TEXT PRIMARY KEY, tree_size INTEGER NOT NULL, tree_hash TEXT NOT NULL);
CREATE TABLE key (origin TEXT NOT NULL, key TEXT NOT NULL, FOREIGN KEY(origin) REFERENCES log(origin));
""")
db.execute("INSERT INTO log VALUES (?, 0, ?)", (sys.argv[2], sys.argv[4]))
db.execute("INSERT INTO key VALUES (?, ?)", (sys.argv[2], sys.argv[3]))
db.commit()`

// Litewitness starts litewitness (filippo.io/torchwood) for the log with this verifier key, its own key in a real ssh-agent. It
// gives the witness's verifier key and address; stop ends it.
func Litewitness(name, logKey string) (key, url string, stop func(), err error) {
	dir, err := os.MkdirTemp("", "witness") // the path of the agent's socket must be short
	if err != nil {
		return "", "", nil, err
	}
	w := witness{dir: dir}
	key, url, err = w.start(name, logKey)
	if err != nil {
		w.stop()
	}
	return key, url, w.stop, err
}

type witness struct {
	dir     string
	running []*exec.Cmd
}

func (w *witness) stop() {
	for _, cmd := range w.running {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	_ = os.RemoveAll(w.dir)
}

func (w *witness) start(name, logKey string) (key, url string, err error) {
	public, fingerprint, err := w.agent()
	if err != nil {
		return "", "", err
	}
	origin, _, _ := strings.Cut(logKey, "+")
	empty := base64.StdEncoding.EncodeToString(sha256.New().Sum(nil)) // root of the empty tree, RFC 6962 section 2.1
	if _, err := w.run("python3", "-c", seed, w.path("db"), origin, logKey, empty); err != nil {
		return "", "", err
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	address := free.Addr().String()
	_ = free.Close()
	if err := w.serve("litewitness", "-name", name, "-db", w.path("db"), "-ssh-agent", w.path("agent"), "-key", fingerprint, "-listen", address); err != nil {
		return "", "", err
	}
	return CosignatureKey(name, public), "http://" + address, until(func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// agent makes a key and gives it to a new ssh-agent.
func (w *witness) agent() (public []byte, fingerprint string, err error) {
	if _, err := w.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", w.path("key")); err != nil {
		return nil, "", err
	}
	if err := w.serve("ssh-agent", "-D", "-a", w.path("agent")); err != nil {
		return nil, "", err
	}
	if err := until(func() bool { _, err := os.Stat(w.path("agent")); return err == nil }); err != nil {
		return nil, "", err
	}
	if _, err := w.run("env", "SSH_AUTH_SOCK="+w.path("agent"), "ssh-add", "-q", w.path("key")); err != nil {
		return nil, "", err
	}
	shown, err := w.run("ssh-keygen", "-lf", w.path("key.pub"))
	if err != nil {
		return nil, "", err
	}
	text, err := os.ReadFile(w.path("key.pub"))
	if err != nil {
		return nil, "", err
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Fields(string(text))[1])
	if err != nil {
		return nil, "", err
	}
	return raw[len(raw)-32:], strings.Fields(shown)[1], nil
}

func (w *witness) path(name string) string { return filepath.Join(w.dir, name) }

func (w *witness) run(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return string(out), nil
}

func (w *witness) serve(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	if err := cmd.Start(); err != nil {
		return err
	}
	w.running = append(w.running, cmd)
	return nil
}

func until(ok func() bool) error {
	for range 1000 {
		if ok() {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("the witness does not start")
}
