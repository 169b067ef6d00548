package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// signature is that of the newest commit.
func (c checkout) signature() gitSignature {
	head := c.repo.head()
	return c.repo.signature(head, c.git("cat-file", "commit", head))
}

// TestSSHSignature signs commits with ssh-keygen, which says independently of git what a signature is.
func TestSSHSignature(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("there is no ssh-keygen")
	}
	c := newCheckout(t)
	keys := t.TempDir()
	key := filepath.Join(keys, "eva")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "eva", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	allowed := filepath.Join(keys, "allowed")
	if err := os.WriteFile(allowed, []byte("eva@example.org "+string(public)), 0o644); err != nil {
		t.Fatal(err)
	}
	c.commit("ann", "unsigned")
	if s := c.signature(); s.Status != "none" || s.By != "" {
		t.Errorf("unsigned: %+v", s)
	}
	c.git("config", "gpg.format", "ssh")
	c.commit("eva", "signed", "-S"+key+".pub")
	if s := c.signature(); s.Status != "untrusted" || !strings.HasPrefix(s.By, "SHA256:") {
		t.Errorf("a key that nobody vouches for: %+v", s)
	}
	// The repository itself cannot vouch for the key, neither with a file of the checkout.
	c.git("config", "gpg.ssh.allowedSignersFile", allowed)
	if s := c.signature(); s.Status != "untrusted" {
		t.Errorf("the repository's own list of keys counts: %+v", s)
	}
	c.git("config", "--unset", "gpg.ssh.allowedSignersFile")
	if err := os.WriteFile(filepath.Join(c.repo.dir, "allowed"), []byte("eva@example.org "+string(public)), 0o644); err != nil {
		t.Fatal(err)
	}
	c.git("config", "--global", "gpg.ssh.allowedSignersFile", "allowed")
	if s := c.signature(); s.Status != "untrusted" {
		t.Errorf("a list of keys of the checkout counts: %+v", s)
	}
	c.git("config", "--global", "gpg.ssh.allowedSignersFile", allowed)
	if s := c.signature(); s.Status != "good" || s.By != "eva@example.org" {
		t.Errorf("a key that the machine vouches for: %+v", s)
	}
	// A program of the repository does not judge, and where there is none nothing is judged.
	c.git("config", "gpg.ssh.program", "/bin/true")
	if s := c.signature(); s.Status != "good" {
		t.Errorf("the repository's own program judges: %+v", s)
	}
	c.git("config", "--global", "gpg.ssh.program", "/nowhere/ssh-keygen")
	if s := c.signature(); s.Status != "unverified" {
		t.Errorf("without a program: %+v", s)
	}
	c.git("config", "--global", "--unset", "gpg.ssh.program")
	// Revoked, and changed after it was signed.
	c.git("config", "--global", "gpg.ssh.revocationFile", key+".pub")
	if s := c.signature(); s.Status != "bad" {
		t.Errorf("a revoked key: %+v", s)
	}
	c.git("config", "--global", "--unset", "gpg.ssh.revocationFile")
	raw := c.git("cat-file", "commit", "HEAD")
	cmd := exec.Command("git", "hash-object", "-t", "commit", "-w", "--stdin")
	cmd.Dir, cmd.Env, cmd.Stdin = c.repo.dir, c.repo.env, strings.NewReader(strings.Replace(raw, "\n\nsigned", "\n\nforged", 1)+"\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	c.git("update-ref", "HEAD", strings.TrimSpace(string(out)))
	if s := c.signature(); s.Status != "bad" {
		t.Errorf("changed after it was signed: %+v", s)
	}
}

// TestGPGSignature does the same with GnuPG, where there is one.
func TestGPGSignature(t *testing.T) {
	if _, err := exec.LookPath("gpg"); err != nil {
		t.Skip("there is no gpg")
	}
	c := newCheckout(t)
	home, err := os.MkdirTemp("", "g") // short: the agent's socket has to fit
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run() // its own agent only
		_ = os.RemoveAll(home)
	})
	c.repo.env = append(c.repo.env, "GNUPGHOME="+home)
	cmd := exec.Command("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "Eva <eva@example.org>", "ed25519", "sign", "never")
	cmd.Env = c.repo.env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("gpg makes no key here: %v\n%s", err, out)
	}
	c.git("-c", "user.name=Eva", "-c", "user.email=eva@example.org", "-c", "user.signingkey=eva@example.org", "commit", "-q", "--allow-empty", "-S", "-m", "signed")
	if s := c.signature(); s.Status != "good" || s.By != "Eva <eva@example.org>" {
		t.Errorf("good: %+v", s)
	}
	c.repo.env = slices.DeleteFunc(c.repo.env, func(s string) bool { return strings.HasPrefix(s, "GNUPGHOME=") })
	empty := t.TempDir()
	c.repo.lookup = func(name string) (string, bool) { return empty, name == "GNUPGHOME" }
	if s := c.signature(); s.Status != "unverified" {
		t.Errorf("without the key: %+v", s)
	}
	c.repo.lookup = func(name string) (string, bool) { return home, name == "GNUPGHOME" }
	if s := c.signature(); s.Status != "good" {
		t.Errorf("with the user's keys: %+v", s)
	}
}
