// Package policies holds the starter library: rules in Rego with their tests and parameters, and the profiles that
// select them. A folder rules/<category>/<rule> is a rule, and nothing else makes it one.
package policies

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed rules profiles
var files embed.FS

// FS is the whole library: rules/<category>/<rule>/… and profiles/<name>.yaml.
func FS() fs.FS { return files }

// ErrUnknown is the error of Select for a name that is neither a profile nor the code of a rule.
var ErrUnknown = errors.New("no such profile or rule")

// Profiles are the names of all profiles, sorted.
func Profiles() []string {
	names, _ := fs.Glob(files, "profiles/*.yaml")
	for i, n := range names {
		names[i] = strings.TrimSuffix(path.Base(n), ".yaml")
	}
	return names
}

// Rules are the codes ("category.rule") of all rules, sorted.
func Rules() []string {
	dirs, _ := fs.Glob(files, "rules/*/*")
	codes := make([]string, 0, len(dirs))
	for _, d := range dirs {
		parts := strings.Split(d, "/")
		codes = append(codes, parts[1]+"."+parts[2])
	}
	slices.Sort(codes)
	return codes
}

// Profile is the content of profiles/<name>.yaml.
type Profile struct {
	Name, Title, Description string
	// Rules are the codes of the rules it selects, in the order of the file.
	Rules []string
}

// Select gives the files of a profile or of one rule by their path in the library: the profile itself and every file of
// its rules, tests included. The error for an unknown name is ErrUnknown.
func Select(name string) (map[string][]byte, error) {
	out := map[string][]byte{}
	codes := []string{name}
	if slices.Contains(Profiles(), name) {
		file := "profiles/" + name + ".yaml"
		text, err := files.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read profile %q: %w", name, err)
		}
		p, err := ParseProfile(name, text)
		if err != nil {
			return nil, err
		}
		out[file], codes = text, p.Rules
	} else if !slices.Contains(Rules(), name) {
		return nil, fmt.Errorf("select %q: %w", name, ErrUnknown)
	}
	for _, code := range codes {
		if err := addRule(out, code); err != nil {
			return nil, fmt.Errorf("select %q: %w", name, err)
		}
	}
	return out, nil
}

// ParseProfile reads the text of a profile. It is YAML of three keys on lines of their own: title, description and
// rules, a list. Whatever else the file holds is an error.
func ParseProfile(name string, text []byte) (Profile, error) {
	p := Profile{Name: name}
	list := false
	for i, line := range strings.Split(string(text), "\n") {
		bad := func(why string) (Profile, error) {
			return Profile{}, fmt.Errorf("read profile %q line %d: %s", name, i+1, why)
		}
		if code, ok := strings.CutPrefix(line, "  - "); ok && list {
			if slices.Contains(p.Rules, code) {
				return bad("selects " + code + " twice")
			}
			p.Rules = append(p.Rules, code)
			continue
		}
		key, value, _ := strings.Cut(line, ":")
		list = key == "rules" && value == ""
		switch {
		case list, line == "", strings.HasPrefix(line, "#"):
		case key == "title":
			p.Title = strings.TrimSpace(value)
		case key == "description":
			p.Description = strings.TrimSpace(value)
		default:
			return bad("expected title, description or rules")
		}
	}
	if len(p.Rules) == 0 {
		return Profile{}, fmt.Errorf("read profile %q: it selects no rule", name)
	}
	return p, nil
}

func addRule(out map[string][]byte, code string) error {
	if !slices.Contains(Rules(), code) {
		return fmt.Errorf("rule %q: %w", code, ErrUnknown)
	}
	dir := "rules/" + strings.ReplaceAll(code, ".", "/")
	entries, err := files.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read rule %q: %w", code, err)
	}
	for _, e := range entries {
		file := path.Join(dir, e.Name())
		if out[file], err = files.ReadFile(file); err != nil {
			return fmt.Errorf("read rule %q: %w", code, err)
		}
	}
	return nil
}
