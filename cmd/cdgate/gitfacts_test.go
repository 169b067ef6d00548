package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/formats"
)

// write puts a file into the work tree and the index.
func (c checkout) write(name, text string) {
	c.t.Helper()
	path := filepath.Join(c.repo.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
	c.git("add", "--", name)
}

// gitFacts is the document about a commit, its summary and its rows, as the reader sees them.
func gitFacts(t *testing.T, r repo, revision, base string) (gitDocument, evidence.Report, string) {
	t.Helper()
	b, err := r.base(base)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := r.facts(revision, b)
	if err != nil {
		t.Fatal(err)
	}
	text, err := document(doc)
	if err != nil {
		t.Fatal(err)
	}
	var rows bytes.Buffer
	_, report, err := formats.Read(bytes.NewReader(text), evidence.Source, &rows)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return doc, report, rows.String()
}

// files are the changes in a short form.
func files(doc gitDocument) string {
	var out []string
	for _, f := range doc.Changed {
		s := fmt.Sprintf("%s %q +%d -%d", f.Status, f.Path, f.Added, f.Removed)
		if f.OldPath != "" {
			s += " from " + f.OldPath
		}
		if f.Binary {
			s += " binary"
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

// TestGitFacts looks at a history in which everything happens that can happen to a file.
func TestGitFacts(t *testing.T) {
	c := newCheckout(t)
	c.write("old.go", strings.Repeat("line\n", 40))
	c.write("gone.txt", "a\nb\n")
	c.write("kept.txt", "a\nb\n")
	c.write("logo.png", "\x89PNG\x00\x01")
	base := c.commit("ann", "first")
	c.git("tag", "v1")
	c.git("mv", "old.go", "new.go")
	c.git("rm", "-q", "gone.txt")
	c.write("kept.txt", "a\nc\nd\n")
	c.write("logo.png", "\x89PNG\x00\x02")
	c.write("new\nline.txt", "x\n")
	c.write("caf\xe9.txt", "x\n")
	c.write("é.txt", "x\n")
	c.commit("bea", "second\n\nCo-authored-by: Cas <cas@example.org>")
	c.git("checkout", "-q", "-b", "side", "v1")
	c.commit("dee", "side")
	c.git("checkout", "-q", "main")
	c.git("-c", "user.name=eve", "-c", "user.email=eve@example.org", "merge", "-q", "--no-ff", "-m", "merge side", "side")
	head := c.repo.head()

	doc, report, _ := gitFacts(t, c.repo, head, "v1")
	want := `added "\"caf\\351.txt\"" +1 -0; deleted "gone.txt" +0 -2; modified "kept.txt" +2 -1; modified "logo.png" +0 -0 binary; ` +
		`added "new\nline.txt" +1 -0; renamed "new.go" +0 -0 from old.go; added "é.txt" +1 -0`
	if got := files(doc); got != want {
		t.Errorf("files\n got %s\nwant %s", got, want)
	}
	s := report.Summary.Source
	if s.Base != base || s.Commits != 3 || s.Merges != 1 || s.Files != 7 || !s.Complete || !s.Clean || s.Signature != "none" ||
		s.Tree != c.git("rev-parse", head+"^{tree}") || s.CommittedAt == "" {
		t.Errorf("summary %+v", s)
	}
	var people []string
	for _, p := range s.Contributors {
		people = append(people, p.Role+" "+p.Name)
	}
	slices.Sort(people)
	if got, want := strings.Join(people, ", "), "author bea, author dee, author eve, co_author Cas, committer bot, committer eve"; got != want {
		t.Errorf("people %s, want %s", got, want)
	}
	if w := report.Warnings.List(); len(w) > 0 {
		t.Errorf("warnings %v", w)
	}

	// Without a base the first parent is it: what the merge brought in.
	if _, report, _ := gitFacts(t, c.repo, head, ""); report.Summary.Source.Commits != 2 || report.Summary.Source.Base != c.git("rev-parse", "HEAD^1") {
		t.Errorf("without a base: %+v", report.Summary.Source)
	}
	// The first commit of all has everything as new.
	doc, report, _ = gitFacts(t, c.repo, base, "")
	if s := report.Summary.Source; s.Base != "" || s.Commits != 1 || s.Files != 4 || !s.Complete || s.Clean || doc.Changed[0].Status != "added" {
		t.Errorf("first commit: %+v", s)
	}
	// Backwards, and sideways.
	if _, report, _ = gitFacts(t, c.repo, base, head); report.Summary.Source.Commits != 0 || report.Summary.Source.Files != 7 || report.Warnings.Count(evidence.Diverged) != 1 {
		t.Errorf("backwards: %+v %v", report.Summary.Source, report.Warnings.List())
	}
	if _, report, _ = gitFacts(t, c.repo, head, head); report.Summary.Source.Commits+report.Summary.Source.Files != 0 || len(report.Warnings.List()) > 0 {
		t.Errorf("with itself: %+v %v", report.Summary.Source, report.Warnings.List())
	}
}

// TestGitFactsClean: a tracked file that differs is told, what a build leaves behind is not.
func TestGitFactsClean(t *testing.T) {
	c := newCheckout(t)
	c.write("a.txt", "a\n")
	first := c.commit("ann", "first")
	c.write("a.txt", "b\n")
	head := c.commit("ann", "second")
	clean := func(revision string) bool {
		_, report, _ := gitFacts(t, c.repo, revision, "")
		return report.Summary.Source.Clean
	}
	if err := os.WriteFile(filepath.Join(c.repo.dir, "built"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if !clean(head) {
		t.Error("a file that git does not track makes the work tree unclean")
	}
	if clean(first) {
		t.Error("clean, and yet another commit is checked out")
	}
	if err := os.WriteFile(filepath.Join(c.repo.dir, "a.txt"), []byte("changed\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if clean(head) {
		t.Error("clean, and yet a file was changed")
	}
	c.git("checkout", "-q", "a.txt")
	c.git("rm", "-q", "--cached", "a.txt")
	if clean(head) {
		t.Error("clean, and yet the index was changed")
	}
}

// TestGitFactsAttributes: a change cannot call its own files binary, so that nobody counts their lines. What is binary is
// told by its bytes.
func TestGitFactsAttributes(t *testing.T) {
	c := newCheckout(t)
	c.write("a.go", "one\n")
	c.commit("ann", "first")
	c.write("a.go", "one\ntwo\nthree\n")
	c.write("sub/b.bin", "a\x00b\n")
	head := c.commit("ann", "second")
	want := `modified "a.go" +2 -0; added "sub/b.bin" +0 -0 binary`
	doc, _, _ := gitFacts(t, c.repo, head, "")
	if got := files(doc); got != want {
		t.Fatalf("without attributes: %s, want %s", got, want)
	}
	c.write(".gitattributes", "* -diff\n")
	c.write("a.go", "four\n")
	head = c.commit("ann", "third")
	for _, dir := range []string{"", "sub"} {
		r := c.repo
		r.dir = filepath.Join(r.dir, dir)
		doc, _, _ := gitFacts(t, r, head, "")
		for _, f := range doc.Changed {
			if f.Binary || f.Added != 1 {
				t.Errorf("in %q: %+v, want one line added", dir, f)
			}
		}
		if len(doc.Changed) != 2 || !doc.Complete {
			t.Errorf("in %q: %+v", dir, doc)
		}
	}
}

// TestGitFactsShallow: what a clone lacks is told, never guessed.
func TestGitFactsShallow(t *testing.T) {
	c := newCheckout(t)
	var ids []string
	for i := range 4 {
		c.write("a.txt", strings.Repeat("a\n", i))
		ids = append(ids, c.commit("ann", fmt.Sprint("commit ", i)))
	}
	for _, x := range []struct {
		depth, base string
		complete    bool
		commits     int64
		says        string
	}{
		{"1", "", false, 1, "the base " + ids[2] + " is not in this clone"},
		{"2", "", true, 1, ""},
		{"1", ids[0], false, 1, "fetch-depth: 0"},
		{"1", "HEAD~3", false, 1, "the base HEAD~3 is not in this clone"},
		{"2", ids[0], false, 1, "is not in this clone"},
		{"10", ids[0], true, 3, ""},
		{"10", strings.Repeat("1", 40), false, 1, "is not in this clone"},
	} {
		dir := t.TempDir()
		c.git("clone", "-q", "--depth", x.depth, "file://"+c.repo.dir, dir)
		r := repo{ctx: context.Background(), dir: dir, env: c.repo.env}
		doc, report, _ := gitFacts(t, r, ids[3], x.base)
		s := report.Summary.Source
		if s.Complete != x.complete || s.Commits != x.commits || (report.Warnings.Count(evidence.Incomplete) == 0) != x.complete || !strings.Contains(strings.Join(doc.Missing, " "), x.says) {
			t.Errorf("depth %s, base %q: %+v, missing %q", x.depth, x.base, s, doc.Missing)
		}
		if x.complete != (len(doc.Changed) > 0) {
			t.Errorf("depth %s, base %q: %d files", x.depth, x.base, len(doc.Changed))
		}
	}
	// A side branch that ends at the cut-off of the clone.
	c.git("checkout", "-q", "-b", "side", ids[0])
	c.commit("bea", "side")
	c.git("checkout", "-q", "main")
	c.git("-c", "user.name=eve", "-c", "user.email=eve@example.org", "merge", "-q", "--no-ff", "-m", "merge", "side")
	dir := t.TempDir()
	c.git("clone", "-q", "--depth", "2", "file://"+c.repo.dir, dir)
	if doc, _, _ := gitFacts(t, repo{ctx: context.Background(), dir: dir, env: c.repo.env}, c.repo.head(), ""); doc.Complete || !strings.Contains(doc.Missing[0], "cut off") {
		t.Errorf("a merge in a shallow clone: %q", doc.Missing)
	}
	if doc, _, _ := gitFacts(t, c.repo, c.repo.head(), ""); !doc.Complete {
		t.Errorf("the same in a whole clone: %q", doc.Missing)
	}
	// A name that nobody knows is a mistake where all history is here.
	for _, base := range []string{"v9", "--output=/tmp/x", "main.."} {
		if _, err := c.repo.base(base); err == nil {
			t.Errorf("base %q", base)
		}
	}
	if _, err := c.repo.facts("main", gitBase{}); err == nil {
		t.Error("a branch was taken for a commit")
	}
	if _, err := c.repo.facts(strings.Repeat("2", 40), gitBase{}); err == nil {
		t.Error("a commit nobody has")
	}
}

// TestGitFactsPartialClone: a clone without the content of files still says which differ.
func TestGitFactsPartialClone(t *testing.T) {
	c := newCheckout(t)
	c.write("a.txt", strings.Repeat("a\n", 30))
	base := c.commit("ann", "first")
	c.git("mv", "a.txt", "b.txt")
	c.write("b.txt", strings.Repeat("a\n", 30)+"b\n")
	head := c.commit("ann", "second")
	c.git("config", "uploadpack.allowFilter", "true")
	dir := t.TempDir()
	c.git("clone", "-q", "--no-checkout", "--filter=blob:none", "file://"+c.repo.dir, dir)
	doc, _, _ := gitFacts(t, repo{ctx: context.Background(), dir: dir, env: c.repo.env}, head, base)
	if doc.Complete || files(doc) != `deleted "a.txt" +0 -0; added "b.txt" +0 -0` || !strings.Contains(doc.Missing[0], "lines") {
		t.Errorf("%s, missing %q", files(doc), doc.Missing)
	}
	if doc, _, _ := gitFacts(t, c.repo, head, base); !doc.Complete || files(doc) != `renamed "b.txt" +1 -0 from a.txt` {
		t.Errorf("whole: %s, missing %q", files(doc), doc.Missing)
	}
}

// TestGitFactsRunNothing plants programs wherever a repository's own configuration can name one. The twin shows that
// each would run if git were asked in the usual way.
func TestGitFactsRunNothing(t *testing.T) {
	c := newCheckout(t)
	plant := t.TempDir()
	script := func(name string) (program, marker string) {
		program, marker = filepath.Join(plant, name), filepath.Join(plant, name+".ran")
		text := "#!/bin/sh\ntouch " + marker + "\nexit 0\n"
		if err := os.WriteFile(program, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		return program, marker
	}
	c.write(".gitattributes", "*.txt filter=planted diff=planted\n")
	c.write("a.txt", "a\n")
	base := c.commit("ann", "first")
	c.write("a.txt", "b\n")
	head := c.sign(c.commit("ann", "second"), "-----BEGIN PGP SIGNATURE-----\n \n aGVsbG8=\n -----END PGP SIGNATURE-----")
	c.git("reset", "-q", "--hard", head)
	settings := map[string]string{}
	// In this order: gpg.program and gpg.openpgp.program are one setting to git, and the later one counts.
	for _, key := range []string{"filter.planted.clean", "filter.planted.process", "core.fsmonitor", "diff.external", "diff.planted.command",
		"diff.planted.textconv", "gpg.program", "gpg.openpgp.program", "core.pager", "core.sshCommand", "core.editor"} {
		program, marker := script(key)
		settings[key] = marker
		c.git("config", key, program)
	}
	c.git("config", "log.showSignature", "true")
	hooks := t.TempDir()
	hook, ran := script("post-index-change")
	if err := os.Symlink(hook, filepath.Join(hooks, "post-index-change")); err != nil {
		t.Fatal(err)
	}
	c.git("config", "core.hooksPath", hooks)
	settings["post-index-change"] = ran
	for _, marker := range settings {
		if err := os.RemoveAll(marker); err != nil {
			t.Fatal(err)
		}
	}
	touch := func() { // another time: git has to look into the file
		if err := os.WriteFile(filepath.Join(c.repo.dir, "a.txt"), []byte("b\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	touch()
	doc, _, _ := gitFacts(t, c.repo, head, base)
	if doc.Signature.Status != "unverified" || len(doc.Missing) > 0 || files(doc) != `modified "a.txt" +1 -1` || !doc.Clean {
		t.Errorf("facts %+v", doc)
	}
	for key, marker := range settings {
		if _, err := os.Stat(marker); err == nil {
			t.Errorf("%s ran", key)
		}
	}
	touch()
	for _, args := range [][]string{{"status"}, {"diff", "HEAD~1"}, {"-c", "diff.external=", "diff", "HEAD~1"}, {"log", "--format=%G?", "-1"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Env = c.repo.dir, c.repo.env
		_ = cmd.Run() // whether it works is not the question
	}
	for _, key := range []string{"core.fsmonitor", "gpg.openpgp.program"} {
		if _, err := os.Stat(settings[key]); err != nil {
			t.Errorf("the twin: %s does not run even in the usual way", key)
		}
	}
	if _, err := os.Stat(settings["filter.planted.process"]); err != nil {
		if _, err := os.Stat(settings["filter.planted.clean"]); err != nil {
			t.Error("the twin: no filter runs even in the usual way")
		}
	}
	// A filter that cannot be switched off: then git is not asked, and that is told.
	c.git("config", "filter.a=b.clean", "true")
	if doc, _, _ := gitFacts(t, c.repo, head, base); doc.Clean || doc.Complete || !strings.Contains(strings.Join(doc.Missing, " "), "cannot be switched off") {
		t.Errorf("a filter with an odd name: %+v", doc.Missing)
	}
}

// sign puts a signature into a commit and makes the branch point to it.
func (c checkout) sign(id, signature string) string {
	c.t.Helper()
	cmd := exec.Command("git", "cat-file", "commit", id)
	cmd.Dir, cmd.Env = c.repo.dir, c.repo.env
	raw, err := cmd.Output()
	if err != nil {
		c.t.Fatal(err)
	}
	header, body, _ := strings.Cut(string(raw), "\n\n")
	cmd = exec.Command("git", "hash-object", "-t", "commit", "-w", "--stdin")
	cmd.Dir, cmd.Env, cmd.Stdin = c.repo.dir, c.repo.env, strings.NewReader(header+"\ngpgsig "+signature+"\n\n"+body)
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatal(err)
	}
	id = strings.TrimSpace(string(out))
	c.git("update-ref", "HEAD", id)
	return id
}
