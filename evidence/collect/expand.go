package collect

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// source is one file that is to be read.
type source struct {
	argument
	// root is the directory that symbolic links may not lead out of, rel the path in it; root is nil for stdin and for
	// what was made.
	root *os.Root
	rel  string
	// made is set for bytes that a collector made.
	made *Made
	// name is what the file is called in evidence.
	name string
	// walked is set for files that a directory holds: what is no report there is passed over.
	walked bool
	// key is the same for every way to name one file.
	key string
}

// maxSources is how many files one collection may read, maxEntries how many directory entries it may look at.
const (
	maxSources = 20_000
	maxEntries = 2_000_000
)

// expander turns arguments into files.
type expander struct {
	ctx     context.Context
	dir     string
	roots   map[string]*os.Root
	skipped func(path, reason string)
	entries int
	sources []source
	byKey   map[string]int
}

// close releases the directories.
func (e *expander) close() {
	for _, r := range e.roots {
		_ = r.Close() // opened for reading only
	}
}

// root opens a directory once.
func (e *expander) root(dir string) (*os.Root, error) {
	if r := e.roots[dir]; r != nil {
		return r, nil
	}
	r, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	e.roots[dir] = r
	return r, nil
}

// expand adds the files of one argument, sorted.
func (e *expander) expand(a argument) error {
	if a.path == "-" {
		return e.add(source{argument: a, name: "stdin", key: "-"})
	}
	abs := a.path
	if !filepath.IsAbs(abs) {
		abs = filepath.Join(e.dir, abs)
	}
	abs = filepath.Clean(abs)
	base, rel := e.dir, ""
	if r, err := filepath.Rel(e.dir, abs); err == nil && filepath.IsLocal(r) {
		rel = r
	} else {
		base = fixedPart(abs)
		if rel, err = filepath.Rel(base, abs); err != nil {
			return fmt.Errorf("find %q: %w", label(a.path), err)
		}
	}
	root, err := e.root(base)
	if err != nil {
		return notFound(a, err)
	}
	rel = filepath.ToSlash(rel)
	info, err := root.Stat(rel)
	switch {
	case err == nil && info.IsDir():
		return e.walk(a, root, base, rel, nil)
	case err == nil:
		return e.add(newSource(a, root, base, rel, e.dir))
	case errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(a.path, "*?["):
		return e.glob(a, root, base, rel)
	}
	return notFound(a, err)
}

// addMade adds bytes that a collector made.
func (e *expander) addMade(m Made) error {
	name := label(m.Name)
	if name == "" {
		return errors.New("read what a collector made: it has no name")
	}
	if err := CheckLevel(m.Level); err != nil {
		return fmt.Errorf("read %q: %w", name, err)
	}
	// The key is none that a path or stdin can have: what was made twice under one name is read twice.
	key := fmt.Sprintf("made\x00%d", len(e.sources))
	return e.add(source{argument: argument{text: name, kind: m.Kind, level: m.Level}, made: &m, name: name, walked: m.Found, key: key})
}

// fixedPart returns the directory of a path, or that before its first wildcard.
func fixedPart(abs string) string {
	if info, err := os.Stat(abs); err == nil && info.IsDir() {
		return abs
	}
	dir := filepath.Dir(abs)
	for strings.ContainsAny(dir, "*?[") {
		dir = filepath.Dir(dir)
	}
	return dir
}

// notFound says why a path cannot be read and what to do.
func notFound(a argument, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("find %q: there is no such file or directory; was the tool that writes it run?", label(a.path))
	case escapes(err):
		return fmt.Errorf("find %q: a symbolic link leads out of the directory; name the file that it points to", label(a.path))
	}
	return fmt.Errorf("find %q: %w", label(a.path), err)
}

// escapes reports whether an error of os.Root says that a path leads out of it. The package has no sentinel for it.
func escapes(err error) bool {
	var p *fs.PathError
	return errors.As(err, &p) && strings.Contains(p.Err.Error(), "escapes from parent")
}

func newSource(a argument, root *os.Root, base, rel, dir string) source {
	name := rel
	if base != dir {
		// What lies outside is named by its last part: the rest differs from machine to machine.
		name = path.Base(path.Join(filepath.ToSlash(base), rel))
	}
	return source{argument: a, root: root, rel: rel, name: label(name), key: path.Join(filepath.ToSlash(base), rel)}
}

// glob adds the files that match a pattern; it is an error if there are none.
func (e *expander) glob(a argument, root *os.Root, base, pattern string) error {
	segments := strings.Split(pattern, "/")
	for _, s := range segments {
		if _, err := path.Match(s, ""); err != nil {
			return fmt.Errorf("find %q: a broken pattern: %w", label(a.path), err)
		}
	}
	start := "."
	for i, s := range segments {
		if strings.ContainsAny(s, "*?[") {
			start = path.Join(segments[:i]...)
			segments = segments[i:]
			break
		}
	}
	if start == "" {
		start = "."
	}
	if _, err := root.Stat(start); err != nil {
		return notFound(a, err)
	}
	return e.walk(a, root, base, start, segments)
}

// walk adds the regular files below a directory, in the order of their names. With a pattern only those that match it.
// Directories whose name starts with a dot are left out, unless the pattern says so, and so are evidence stores.
func (e *expander) walk(a argument, root *os.Root, base, start string, pattern []string) error {
	before := len(e.sources)
	known := 0
	err := fs.WalkDir(root.FS(), start, func(name string, d fs.DirEntry, err error) error {
		if err == nil {
			err = e.ctx.Err()
		}
		if e.entries++; e.entries > maxEntries {
			err = fmt.Errorf("more than %d files and directories; name the reports more closely", maxEntries)
		}
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(name, start), "/")
		if start == "." {
			rel = name
		}
		if d.IsDir() {
			if name != start && (!matches(pattern, strings.Split(rel, "/"), true) || hidden(d.Name(), pattern) || isStore(root, name)) {
				return fs.SkipDir
			}
			return nil
		}
		if pattern != nil && !matches(pattern, strings.Split(rel, "/"), false) {
			return nil
		}
		known++
		return e.found(a, root, base, name, d, pattern == nil)
	})
	if err != nil {
		return fmt.Errorf("search %q: %w", label(a.path), err)
	}
	if known == 0 {
		return fmt.Errorf("find %q: no file matches; was the tool that writes the reports run?", label(a.path))
	}
	slices.SortFunc(e.sources[before:], func(x, y source) int { return strings.Compare(x.key, y.key) })
	for i := before; i < len(e.sources); i++ {
		e.byKey[e.sources[i].key] = i
	}
	return nil
}

// found adds a file that a walk came across.
func (e *expander) found(a argument, root *os.Root, base, name string, d fs.DirEntry, walked bool) error {
	if d.Type()&fs.ModeSymlink != 0 {
		info, err := root.Stat(name)
		switch {
		case escapes(err):
			return fmt.Errorf("%q is a symbolic link that leads out of the directory; name the file that it points to", label(name))
		case err != nil || info.IsDir():
			e.skip(name, "a symbolic link to a directory, or to nothing")
			return nil
		}
	} else if !d.Type().IsRegular() && walked {
		e.skip(name, "no regular file")
		return nil
	}
	s := newSource(a, root, base, name, e.dir)
	if base != e.dir {
		s.name = label(name)
	}
	s.walked = walked
	return e.add(s)
}

func (e *expander) skip(name, reason string) {
	if e.skipped != nil {
		e.skipped(label(name), reason)
	}
}

// add takes a file up once. An argument that says what the file is counts before one that does not.
func (e *expander) add(s source) error {
	i, seen := e.byKey[s.key]
	if !seen {
		if len(e.sources) >= maxSources {
			return fmt.Errorf("more than %d reports at once; collect them in parts", maxSources)
		}
		e.byKey[s.key] = len(e.sources)
		e.sources = append(e.sources, s)
		return nil
	}
	old := &e.sources[i]
	said, saysNow := old.kind != "", s.kind != ""
	switch {
	case said && saysNow && (old.kind != s.kind || old.level != s.level):
		return fmt.Errorf("read %q: named as %s and as %s; one file can be only one", s.name, label(old.text), label(s.text))
	case !said && saysNow:
		walked := old.walked && s.walked
		*old = s
		old.walked = walked
	default:
		old.walked = old.walked && s.walked
	}
	return nil
}

// hidden reports whether a directory is left out because its name starts with a dot.
func hidden(name string, pattern []string) bool {
	return strings.HasPrefix(name, ".") && !slices.ContainsFunc(pattern, func(s string) bool { return strings.HasPrefix(s, ".") })
}

// isStore reports whether a directory is an OCI image layout: the blobs of an evidence store are reports read before.
func isStore(root *os.Root, dir string) bool {
	_, err := root.Lstat(path.Join(dir, "oci-layout"))
	return err == nil
}

// matches reports whether a path matches a pattern, both split at the slashes; ** stands for any number of directories.
// With prefix, whether something below the path may match. It keeps the set of places in the pattern that the path so
// far leads to, so that a pattern with many ** costs no more than its length for each directory.
func matches(pattern, segments []string, prefix bool) bool {
	if pattern == nil {
		return true
	}
	at := make([]bool, len(pattern)+1)
	at[0] = true
	for _, s := range segments {
		next := make([]bool, len(pattern)+1)
		for i, p := range pattern {
			if !at[i] {
				continue
			}
			if p == "**" {
				at[i+1], next[i] = true, true
			} else if ok, err := path.Match(p, s); ok && err == nil {
				next[i+1] = true
			}
		}
		at = next
	}
	for i, p := range pattern {
		if at[i] && p == "**" {
			at[i+1] = true
		}
	}
	return at[len(pattern)] || prefix && slices.Contains(at, true)
}
