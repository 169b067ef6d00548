package policy

import (
	"errors"
	"io/fs"
)

// File is one file of a source. Path is slash-separated and relative to the source.
type File struct {
	Path string `json:"path"`
	Data []byte `json:"data"`
}

// Source is one set of policies. Digest is the content digest of what can influence a decision: Rego files, params.cue
// and data.json; tests are carried in Files and are no part of it. Files are sorted by path.
type Source struct {
	Ref    string `json:"ref"`
	Digest string `json:"digest"`
	Files  []File `json:"files"`
}

// Layer is one layer of parameters: rule code -> parameter -> value. Layers above the first may only tighten.
type Layer struct {
	Name   string                    `json:"name"`
	Values map[string]map[string]any `json:"values"`
}

// Load reads the policies of a directory. ref is how the gate definition names it. A directory without a rule is an
// error when it is evaluated, not here. Errors are of class fault.Policy.
func Load(fsys fs.FS, ref string) (Source, error) { return Source{}, errors.New("not built yet") }

// Builtin is the profile ("builtin:minimal") or the single rule ("builtin:tests.coverage_floor") of the starter library
// that ref names. Errors are of class fault.Usage and list the valid names.
func Builtin(ref string) (Source, error) { return Source{}, errors.New("not built yet") }

// IsBuiltin says whether ref names a part of the starter library and not a directory.
func IsBuiltin(ref string) bool { return false }

// Digest is the content digest of files: the SHA-256 over one JSON line {"path","size","sha256"} for each, sorted by
// path. Tests are left out.
func Digest(files []File) string { return "" }

// Capabilities is the pinned list of what a policy may use, as OPA reads it. It is archived with every decision.
func Capabilities() []byte { return nil }

// OPAVersion is the version of OPA that evaluates, without "v".
func OPAVersion() string { return "" }

// Views is the policy input with its index views, as a policy sees it: deterministic JSON, sorted keys.
func Views(input []byte) ([]byte, error) { return nil, errors.New("not built yet") }
