package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/evidence"
)

const (
	// gitTimeout ends a git command that hangs, for instance on a network file system; gitFactsTimeout one that has to look
	// at every file.
	gitTimeout      = 10 * time.Second
	gitFactsTimeout = 2 * time.Minute
	// maxGitOutput is how many bytes of a git command are read.
	maxGitOutput = 8 << 20
	// maxMerged is how many commits of a merge are looked at for authors.
	maxMerged = 1000
)

// repo asks the git executable about the checkout. Everything it says is a default, never proof.
type repo struct {
	ctx context.Context
	dir string
	env []string
	// lookup reads the environment.
	lookup func(string) (string, bool)
	// timeout is gitTimeout where it is 0.
	timeout time.Duration
}

func (k *call) git() repo {
	// A checkout can carry configuration that runs programs; what we ask for needs none of it.
	env := []string{"LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_REPLACE_OBJECTS=1", "GIT_PAGER=cat"}
	for _, name := range []string{"PATH", "HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_DIR", "GIT_WORK_TREE", "SystemRoot"} {
		if v, set := k.lookup(name); set {
			env = append(env, name+"="+v)
		}
	}
	return repo{ctx: k.Context.Context, dir: k.dir, env: env, lookup: k.lookup}
}

// limited keeps the first bytes of an output and fails on more.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxGitOutput {
		return 0, fmt.Errorf("more than %d bytes", maxGitOutput)
	}
	return l.Buffer.Write(p)
}

// run is the output of a git command without the last newline.
func (r repo) run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(r.ctx, max(r.timeout, gitTimeout))
	defer cancel()
	safe := []string{"-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull, "-c", "log.showSignature=false", "-c", "log.mailmap=false",
		// A folder of the checkout can be made to look like a repository of its own; a commit graph can lie about parents.
		"-c", "safe.bareRepository=explicit", "-c", "core.commitGraph=false"}
	cmd := exec.CommandContext(ctx, "git", append(safe, args...)...)
	cmd.Dir, cmd.WaitDelay = r.dir, time.Second
	// What is not here is not fetched: a remote can be any program. Grafts would hide parents, and so authors.
	cmd.Env = append(slices.Clone(r.env), "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=", "GIT_GRAFT_FILE="+os.DevNull)
	var out, problem limited
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		if s := strings.TrimSpace(problem.String()); s != "" {
			err = errors.New(s)
		}
		// Not %w: an exit status of git must not be mistaken for one of ours.
		return "", fmt.Errorf("git %s: %s", subcommand(args), err)
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// subcommand is the first word of a git command line that is no setting.
func subcommand(args []string) string {
	for len(args) > 2 && args[0] == "-c" {
		args = args[2:]
	}
	return args[0]
}

// or is the output of a git command, "" where it fails: no git, no repository, no commit.
func (r repo) or(args ...string) string {
	s, err := r.run(args...)
	if err != nil {
		return ""
	}
	return s
}

func (r repo) head() string { return r.or("rev-parse", "--verify", "--quiet", "HEAD^{commit}") }

func (r repo) branch() string { return r.or("symbolic-ref", "--short", "--quiet", "HEAD") }

func (r repo) repository() string { return evidence.Repository(r.or("remote", "get-url", "origin")) }

// user is the person git is configured for.
func (r repo) user() engine.Author {
	return engine.Author{Name: r.or("config", "user.name"), Email: r.or("config", "user.email")}
}

// commitID is a full git commit id.
var commitID = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// authors are all authors, committers and co-authors of a commit; for a merge, of everything it brought in. It is an
// error when not all of them can be known: a list that lacks one would let an author sign for their own change.
func (r repo) authors(revision string) ([]engine.Author, error) {
	if !commitID.MatchString(revision) {
		return nil, fmt.Errorf("%q is not a full commit id", revision)
	}
	// The commit itself and not "log", which in a shallow clone hides the parents.
	raw, err := r.run("cat-file", "commit", revision)
	if err != nil {
		return nil, err
	}
	header, _, _ := strings.Cut(raw, "\n\n")
	commits := []string{revision}
	if parents := strings.Count("\n"+header, "\nparent "); parents > 1 {
		if commits, err = r.merged(revision); err != nil {
			return nil, err
		}
	}
	return r.people(commits)
}

// deepen says what to do about a clone that lacks history.
const deepen = "fetch more history (GitHub: fetch-depth: 0; GitLab: GIT_DEPTH: 0)"

// merged lists a merge commit and all commits it brought in.
func (r repo) merged(revision string) ([]string, error) {
	out, err := r.run("rev-list", fmt.Sprintf("--max-count=%d", maxMerged+1), revision, "^"+revision+"^1")
	if err != nil {
		return nil, fmt.Errorf("it is a merge, and its first parent is not here; %s", deepen)
	}
	commits := strings.Fields(out)
	if len(commits) > maxMerged {
		return nil, fmt.Errorf("it merges more than %d commits", maxMerged)
	}
	if boundary := r.cutOff(commits); boundary != "" {
		return nil, fmt.Errorf("it is a merge, and the clone is cut off at %s; %s", boundary, deepen)
	}
	return commits, nil
}

// cutOff is one of the commits whose parents a shallow clone does not hold, "" where there is none.
func (r repo) cutOff(commits []string) string {
	path := r.or("rev-parse", "--git-path", "shallow")
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.dir, path)
	}
	cut, err := readSmall(path, maxGitOutput)
	if err != nil {
		return ""
	}
	ends := map[string]bool{}
	for _, end := range strings.Fields(string(cut)) {
		ends[end] = true
	}
	for _, c := range commits {
		if ends[c] {
			return c
		}
	}
	return ""
}

// people are the distinct authors, committers and co-authors of commits.
func (r repo) people(ids []string) ([]engine.Author, error) {
	commits, err := r.commits(ids)
	if err != nil {
		return nil, err
	}
	var authors []engine.Author
	for _, c := range commits {
		for _, a := range append([]engine.Author{c.author, c.committer}, c.coAuthors...) {
			if !slices.Contains(authors, a) {
				authors = append(authors, a)
			}
		}
	}
	return authors, nil
}
