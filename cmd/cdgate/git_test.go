package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cdgate.dev/cdgate/engine"
)

// checkout is a repository made by the git executable.
type checkout struct {
	t    *testing.T
	repo repo
}

func newCheckout(t *testing.T) checkout {
	t.Helper()
	dir := t.TempDir()
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C"}
	c := checkout{t, repo{ctx: context.Background(), dir: dir, env: env}}
	c.git("init", "-q", "-b", "main")
	return c
}

func (c checkout) git(args ...string) string {
	c.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = c.repo.dir, c.repo.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (c checkout) commit(who, message string, more ...string) string {
	c.t.Helper()
	c.repo.env = append(c.repo.env, "GIT_AUTHOR_NAME="+who, "GIT_AUTHOR_EMAIL="+who+"@example.org", "GIT_COMMITTER_NAME=bot", "GIT_COMMITTER_EMAIL=bot@example.org")
	c.git(append([]string{"commit", "-q", "--allow-empty", "-m", message}, more...)...)
	return c.git("rev-parse", "HEAD")
}

func names2(as []engine.Author) []string {
	var out []string
	for _, a := range as {
		out = append(out, a.Name+" <"+a.Email+">")
	}
	slices.Sort(out)
	return out
}

func TestAuthors(t *testing.T) {
	c := newCheckout(t)
	c.commit("ann", "first")
	c.git("checkout", "-q", "-b", "side")
	c.commit("bea", "side one\n\nco-authored-BY: Cas <cas@example.org>\nnot a trailer paragraph\n\nlast words")
	c.commit("dee", "side two")
	c.git("checkout", "-q", "main")
	c.repo.env = append(c.repo.env, "GIT_AUTHOR_NAME=eve", "GIT_AUTHOR_EMAIL=eve@example.org", "GIT_COMMITTER_NAME=GitHub", "GIT_COMMITTER_EMAIL=noreply@github.com")
	c.git("merge", "-q", "--no-ff", "-m", "merge side", "side")
	head := c.repo.head()
	got, err := c.repo.authors(head)
	want := []string{"Cas <cas@example.org>", "GitHub <noreply@github.com>", "bea <bea@example.org>", "bot <bot@example.org>", "dee <dee@example.org>", "eve <eve@example.org>"}
	if err != nil || !slices.Equal(names2(got), want) {
		t.Errorf("merge: %q, %v; want %q", names2(got), err, want)
	}
	got, err = c.repo.authors(c.git("rev-parse", "HEAD^1"))
	if want := []string{"ann <ann@example.org>", "bot <bot@example.org>"}; err != nil || !slices.Equal(names2(got), want) {
		t.Errorf("ordinary commit: %q, %v; want %q", names2(got), err, want)
	}

	// A shallow clone hides what a merge brought in: better no list than a short one.
	for depth, whole := range map[string]bool{"1": false, "2": false, "50": true} {
		dir := t.TempDir()
		c.git("clone", "-q", "--depth", depth, "file://"+c.repo.dir, dir)
		shallow := repo{ctx: context.Background(), dir: dir, env: c.repo.env}
		got, err := shallow.authors(head)
		if whole != (err == nil) || (whole && !slices.Equal(names2(got), want)) {
			t.Errorf("depth %s: %q, %v", depth, names2(got), err)
		}
		if err != nil && !strings.Contains(err.Error(), "fetch-depth: 0") {
			t.Errorf("depth %s: the error does not say what to do: %v", depth, err)
		}
	}
}

func TestGitIsOnlyAsked(t *testing.T) {
	empty := repo{ctx: context.Background(), dir: t.TempDir(), env: []string{"PATH=" + os.Getenv("PATH"), "GIT_CEILING_DIRECTORIES=/"}}
	if h, b, r := empty.head(), empty.branch(), empty.repository(); h+b+r != "" {
		t.Errorf("no repository, and yet %q %q %q", h, b, r)
	}
	if _, err := empty.authors("--output=/tmp/x"); err == nil {
		t.Error("an option was taken for a commit")
	}
	none := repo{ctx: context.Background(), dir: t.TempDir(), env: []string{"PATH=/nowhere"}}
	if none.head() != "" {
		t.Error("no repository, and yet a head")
	}
	// A checkout's configuration must not run programs.
	c := newCheckout(t)
	marker := filepath.Join(t.TempDir(), "ran")
	script := filepath.Join(t.TempDir(), "run.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\ntouch "+marker+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	head := c.commit("ann", "first")
	for _, key := range []string{"core.fsmonitor", "core.pager", "gpg.program", "diff.external", "core.sshCommand"} {
		c.git("config", key, script)
	}
	c.git("config", "log.showSignature", "true")
	if _, err := c.repo.authors(head); err != nil || c.repo.head() != head {
		t.Errorf("authors: %v", err)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("the checkout's configuration ran a program")
	}
}

// TestFolderThatLooksLikeARepository: a pull request can add files that make git take a folder for a bare repository,
// with grafts that hide who wrote what was merged, and with a remote that is a program.
func TestFolderThatLooksLikeARepository(t *testing.T) {
	c := newCheckout(t)
	c.commit("ann", "first")
	c.git("checkout", "-q", "-b", "side")
	c.commit("mallory", "side")
	c.git("checkout", "-q", "main")
	c.commit("ann", "second")
	c.repo.env = append(c.repo.env, "GIT_AUTHOR_NAME=ann", "GIT_AUTHOR_EMAIL=ann@example.org", "GIT_COMMITTER_NAME=bot", "GIT_COMMITTER_EMAIL=bot@example.org")
	c.git("merge", "-q", "--no-ff", "-m", "merge side", "side")
	head, parent := c.repo.head(), c.git("rev-parse", "HEAD^1")
	marker := filepath.Join(t.TempDir(), "ran")
	folder := filepath.Join(c.repo.dir, "services", "pay")
	plain := repo{ctx: context.Background(), dir: folder, env: c.repo.env}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := plain.authors(head); err != nil || !slices.Contains(names2(got), "mallory <mallory@example.org>") {
		t.Fatalf("an ordinary folder: %q, %v", names2(got), err)
	}
	for name, content := range map[string]string{
		"HEAD": "ref: refs/heads/main\n", "refs/heads/main": head + "\n", "objects/info/alternates": "../../../.git/objects\n",
		"info/grafts": head + " " + parent + " " + parent + "\n",
		"config": "[core]\nbare = true\nrepositoryformatversion = 1\n[extensions]\npartialclone = origin\n[protocol \"ext\"]\nallow = always\n" +
			"[remote \"origin\"]\npromisor = true\nurl = ext::touch " + marker + "\n",
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := plain.authors(head); err == nil && !slices.Contains(names2(got), "mallory <mallory@example.org>") {
		t.Errorf("the planted repository hides an author: %q", names2(got))
	}
	if got, err := plain.authors(strings.Repeat("1", 40)); err == nil {
		t.Errorf("a commit nobody has: %q", names2(got))
	}
	// The same settings in the repository itself, which a job's cache can bring along.
	c.git("config", "core.repositoryformatversion", "1")
	c.git("config", "extensions.partialclone", "origin")
	c.git("config", "protocol.ext.allow", "always")
	c.git("config", "remote.origin.url", "ext::touch "+marker)
	c.git("config", "remote.origin.promisor", "true")
	if _, err := c.repo.authors(strings.Repeat("1", 40)); err == nil {
		t.Error("a commit nobody has, in the repository")
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("asking git for authors ran a program that the checkout names")
	}
}

// TestAuthorsWithSeparators: no byte in a name or a message ends a field early.
func TestAuthorsWithSeparators(t *testing.T) {
	c := newCheckout(t)
	head := c.commit("a\x1fx@example.org\x1fb\x1fc\x1e", "one\x1etwo\x1fthree\n\nCo-authored-by: Cas <cas@example.org>")
	got, err := c.repo.authors(head)
	want := []string{"Cas <cas@example.org>", "a\x1fx@example.org\x1fb\x1fc\x1e <a\x1fx@example.org\x1fb\x1fc\x1e@example.org>", "bot <bot@example.org>"}
	for i := range got { // git itself drops control characters at the ends
		got[i].Name = strings.TrimRight(got[i].Name, "\x1e")
	}
	want[1] = strings.Replace(want[1], "\x1e <", " <", 1)
	if err != nil || !slices.Equal(names2(got), want) {
		t.Errorf("got %q, %v; want %q", names2(got), err, want)
	}
}
