package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"cdgate.dev/cdgate/evidence"
)

// diffStatus says what git's letters mean.
var diffStatus = map[byte]string{'A': "added", 'M': "modified", 'D': "deleted", 'R': "renamed", 'C': "copied", 'T': "type_changed"}

// addChanged adds the files that differ. A clone without the content of the files (a partial one) can still say which.
func (r repo) addChanged(doc *gitDocument, missing func(string, ...any)) {
	var err error
	if doc.Changed, err = r.changed(doc.Base, doc.Revision, true); err == nil {
		return
	}
	missing("renames and the lines of the files are not known: %v", err)
	if doc.Changed, err = r.changed(doc.Base, doc.Revision, false); err != nil {
		missing("the files that differ are not known: %v", err)
	}
}

// changed are the files that differ between the trees of two commits, in the order of their paths; without a base, all
// files of the revision. With content it looks into the files: for renames, and to count lines.
func (r repo) changed(base, revision string, content bool) ([]evidence.ChangedFile, error) {
	if base == "" {
		empty, err := r.run("hash-object", "-t", "tree", os.DevNull)
		if err != nil {
			return nil, err
		}
		base = empty
	}
	// Trees and not the work tree: no filter, no attribute, no hook has a say.
	trees, done, err := r.withoutWorkTree()
	if err != nil {
		return nil, err
	}
	defer done()
	renames := "--no-renames"
	if content {
		renames = "--find-renames=50%"
	}
	diff := func(format string) (string, error) {
		return trees.run("-c", "core.bigFileThreshold=512m", "-c", "core.attributesFile="+os.DevNull, "diff-tree", "-r", "-z", format, renames, "-l2000", "--diff-algorithm=default",
			"--ignore-submodules=none", "--no-ext-diff", "--no-textconv", "--no-color", base, revision)
	}
	raw, err := diff("--raw")
	if err != nil {
		return nil, err
	}
	files, err := parseRaw(raw)
	if err != nil {
		return nil, err
	}
	if content {
		counts, err := diff("--numstat")
		if err == nil {
			err = addCounts(files, counts)
		}
		if err != nil {
			return nil, err
		}
	}
	out := make([]evidence.ChangedFile, 0, len(files))
	for _, f := range files {
		f.Path = pathText(f.Path)
		if f.OldPath != "" {
			f.OldPath = pathText(f.OldPath)
		}
		out = append(out, *f)
	}
	slices.SortFunc(out, func(a, b evidence.ChangedFile) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

// withoutWorkTree is the same repository with an empty work tree and index, from which git would take attributes, also for
// trees: a change could call its own files binary, and nobody would count their lines. done removes the empty tree.
func (r repo) withoutWorkTree() (empty repo, done func(), err error) {
	dir, err := r.run("rev-parse", "--absolute-git-dir")
	if err != nil {
		return r, nil, err
	}
	tree, err := os.MkdirTemp("", "cdgate-")
	if err != nil {
		return r, nil, err
	}
	r.dir, r.env = tree, append(slices.Clone(r.env), "GIT_DIR="+dir, "GIT_WORK_TREE="+tree, "GIT_INDEX_FILE="+filepath.Join(tree, "index"))
	return r, func() { _ = os.RemoveAll(tree) }, nil
}

// fields splits what git wrote with -z.
func fields(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\x00"), "\x00")
}

var errDiff = errors.New("git diff-tree wrote what it should not")

// parseRaw reads "diff-tree --raw -z": ":mode mode id id LETTER", path, and for renames and copies the new path.
func parseRaw(raw string) (map[string]*evidence.ChangedFile, error) {
	out := map[string]*evidence.ChangedFile{}
	parts := fields(raw)
	for len(parts) > 0 {
		head := strings.Fields(parts[0])
		if len(head) != 5 || len(parts) < 2 {
			return nil, errDiff
		}
		f := &evidence.ChangedFile{Status: diffStatus[head[4][0]], Path: parts[1]}
		parts = parts[2:]
		if f.Status == "renamed" || f.Status == "copied" {
			if len(parts) == 0 {
				return nil, errDiff
			}
			f.OldPath, f.Path, parts = f.Path, parts[0], parts[1:]
		}
		if f.Status == "" || out[f.Path] != nil {
			return nil, fmt.Errorf("%w: %q", errDiff, head[4])
		}
		out[f.Path] = f
	}
	return out, nil
}

// addCounts reads "diff-tree --numstat -z": "added TAB removed TAB path", and for renames an empty path, the old and the
// new one. Binary files have dashes.
func addCounts(files map[string]*evidence.ChangedFile, numstat string) error {
	parts := fields(numstat)
	counted := 0
	for len(parts) > 0 {
		head := strings.SplitN(parts[0], "\t", 3)
		if len(head) != 3 {
			return errDiff
		}
		path := head[2]
		parts = parts[1:]
		if path == "" {
			if len(parts) < 2 {
				return errDiff
			}
			path, parts = parts[1], parts[2:]
		}
		f := files[path]
		if f == nil {
			return fmt.Errorf("%w: lines of %q", errDiff, path)
		}
		counted++
		if head[0] == "-" && head[1] == "-" {
			f.Binary = true
			continue
		}
		added, err := strconv.ParseInt(head[0], 10, 64)
		removed, err2 := strconv.ParseInt(head[1], 10, 64)
		if err := errors.Join(err, err2); err != nil {
			return fmt.Errorf("%w: %w", errDiff, err)
		}
		f.Added, f.Removed = added, removed
	}
	if counted != len(files) {
		return fmt.Errorf("%w: lines of %d files, and %d differ", errDiff, counted, len(files))
	}
	return nil
}

// clean says whether the work tree is at the revision and no file that git tracks differs from it.
func (r repo) clean(revision string) (bool, error) {
	if r.head() != revision {
		return false, nil
	}
	off, err := r.filtersOff()
	if err != nil {
		return false, err
	}
	// Untracked files are what builds and tests leave behind. The work trees of submodules have settings of their own, which
	// could name programs: only which commit they are at is compared.
	out, err := r.run(append(off, "status", "--porcelain=v1", "-z", "--untracked-files=no", "--ignore-submodules=dirty")...)
	return err == nil && out == "", err
}

// filtersOff are settings that switch off the filters which the repository's own configuration names: git runs them to
// compare a file whose time has changed, and they are programs. Those of the machine and the user stay.
func (r repo) filtersOff() ([]string, error) {
	out, err := r.run("config", "--list", "--includes", "--show-scope", "-z", "--name-only")
	if err != nil {
		return nil, err
	}
	var off []string
	parts := fields(out)
	if len(parts)%2 != 0 {
		return nil, errors.New("git config wrote what it should not")
	}
	for pair := range slices.Chunk(parts, 2) {
		scope, key := pair[0], pair[1]
		if !strings.HasPrefix(key, "filter.") || scope == "system" || scope == "global" || scope == "command" {
			continue
		}
		name := key[:strings.LastIndex(key, ".")]
		if strings.ContainsAny(name, "=\n") {
			return nil, fmt.Errorf("the repository configures a filter %q, which cannot be switched off", name)
		}
		for _, setting := range []string{".clean=", ".smudge=", ".process=", ".required=false"} {
			if !slices.Contains(off, name+setting) {
				off = append(off, "-c", name+setting)
			}
		}
	}
	return off, nil
}
