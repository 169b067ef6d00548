package policy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/policies"
	"cdgate.dev/cdgate/schemas"
)

// File is one file of a source. Path is slash-separated and relative to the source.
type File struct {
	Path string `json:"path"`
	Data []byte `json:"data"`
}

// Source is one set of policies. Digest is the content digest of what can influence a decision: Rego files, params.cue,
// data.json and the own kinds of evidence in kinds/; tests are carried in Files and are no part of it. Files are sorted by path.
type Source struct {
	Ref    string `json:"ref"`
	Digest string `json:"digest"`
	Files  []File `json:"files"`
}

// Layer is one layer of parameters: rule code -> parameter -> value. Layers above the first may only tighten.
type Layer = schemas.Layer

const (
	testSuffix = "_test.rego"
	paramsFile = "params.cue"
	dataFile   = "data.json"
	kindsDir   = "kinds"
	builtin    = "builtin:"
)

// effectHead finds, line by line, the head of a rule with an effect. It guards against a rule file that is named like a
// test and would never be evaluated.
var effectHead = regexp.MustCompile(`(?m)^(block|needs_approval|(deny|violation|warn)(_\w+)?)\s+contains\b`)

// Load reads the policies of a directory. ref is how the gate definition names it. A directory without a rule is an
// error when it is evaluated, not here. Errors are of class fault.Policy.
func Load(fsys fs.FS, ref string) (Source, error) {
	src := Source{Ref: ref}
	size := 0
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != "." && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		}
		if ok, err := wanted(name); !ok || err != nil {
			return err
		}
		f, err := readFile(fsys, name, d)
		if err != nil {
			return err
		}
		src.Files = append(src.Files, f)
		if size += len(f.Data); size > maxSource || len(src.Files) > maxFiles {
			return fmt.Errorf("more than %d files or %d bytes", maxFiles, maxSource)
		}
		return nil
	})
	if err != nil {
		return Source{}, fault.New(fault.Policy, "read policies %q: %w", ref, err)
	}
	src.finish()
	return src, nil
}

// wanted says whether a file belongs to a source; a file that somebody surely meant to count is an error.
func wanted(name string) (bool, error) {
	if path.Dir(name) == kindsDir && !strings.HasSuffix(name, ".rego") {
		if _, ok := schemas.OwnKindName(name); !ok && !strings.HasPrefix(path.Base(name), ".") && !strings.HasSuffix(name, ".md") {
			return false, fmt.Errorf("%s: own kinds of evidence are defined in kinds/NAME.cue or kinds/NAME.schema.json, NAME being lower-case letters, digits and _", name)
		}
		return !strings.HasSuffix(name, ".md") && !strings.HasPrefix(path.Base(name), "."), nil
	}
	switch base := path.Base(name); base {
	case "data.yaml", "data.yml":
		return false, fmt.Errorf("%s: data of policies is read from %s only", name, dataFile)
	case paramsFile, dataFile:
		return true, nil
	default:
		return strings.HasSuffix(base, ".rego"), nil
	}
}

func readFile(fsys fs.FS, name string, d fs.DirEntry) (File, error) {
	if !d.Type().IsRegular() {
		return File{}, fmt.Errorf("%s is no regular file", name)
	}
	info, err := d.Info()
	if err != nil {
		return File{}, err
	}
	if info.Size() > maxFile {
		return File{}, fmt.Errorf("%s is larger than %d bytes", name, maxFile)
	}
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return File{}, err
	}
	if strings.HasSuffix(name, testSuffix) {
		if at := effectHead.FindIndex(data); at != nil {
			return File{}, fmt.Errorf("%s:%d: a file named *%s holds tests and is not evaluated, but this one defines a rule; rename the file",
				name, 1+bytes.Count(data[:at[0]], []byte("\n")), testSuffix)
		}
	}
	return File{Path: name, Data: data}, nil
}

func (s *Source) finish() {
	slices.SortFunc(s.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	s.Digest = Digest(s.Files)
}

// Builtin is the profile ("builtin:minimal") or the single rule ("builtin:tests.coverage_floor") of the starter library
// that ref names. Errors are of class fault.Policy and list the valid names.
func Builtin(ref string) (Source, error) {
	name, ok := strings.CutPrefix(ref, builtin)
	if !ok {
		return Source{}, fault.New(fault.Policy, "load policies %q: not a built-in set, which starts with %q", ref, builtin)
	}
	files, err := policies.Select(name)
	if errors.Is(err, policies.ErrUnknown) {
		valid := append(policies.Profiles(), policies.Rules()...)
		return Source{}, fault.New(fault.Policy, "load policies %q: no such profile or rule; %s", ref, schemas.Suggest(name, "valid names", valid))
	}
	if err != nil {
		return Source{}, fault.New(fault.Internal, "load policies %q: %w", ref, err)
	}
	src := Source{Ref: ref}
	for p, data := range files {
		src.Files = append(src.Files, File{Path: p, Data: data})
	}
	src.finish()
	return src, nil
}

// IsBuiltin says whether ref names a part of the starter library and not a directory.
func IsBuiltin(ref string) bool { return strings.HasPrefix(ref, builtin) }

// Digest is the content digest of files: the SHA-256 over one JSON line {"path","size","sha256"} for each, sorted by
// path. Tests are left out.
func Digest(files []File) string {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	var lines []byte
	for _, f := range files {
		if strings.HasSuffix(f.Path, testSuffix) {
			continue
		}
		sum := sha256.Sum256(f.Data)
		lines = append(lines, `{"path":`...)
		lines = appendQuoted(lines, f.Path)
		lines = fmt.Appendf(lines, `,"size":%d,"sha256":"%x"}`+"\n", len(f.Data), sum)
	}
	sum := sha256.Sum256(lines)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// name is how messages call a file of the source.
func (s Source) name(file string) string { return path.Join(s.Ref, file) }

// judged are the files of the source without its tests.
func (s Source) judged() Source {
	out := Source{Ref: s.Ref, Digest: s.Digest}
	for _, f := range s.Files {
		if !strings.HasSuffix(f.Path, testSuffix) {
			out.Files = append(out.Files, f)
		}
	}
	return out
}
