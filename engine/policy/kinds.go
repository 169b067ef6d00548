package policy

import (
	"bytes"
	"path"
	"slices"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/schemas"
)

// OwnKinds are the own kinds of evidence that sources define, by name. Two sources may define a kind when they say the same.
// Errors are of class fault.Policy and name the file.
func OwnKinds(sources []Source) (map[evidence.Kind]*schemas.OwnKind, error) {
	out := map[evidence.Kind]*schemas.OwnKind{}
	from, text := map[string]string{}, map[string][]byte{}
	for _, src := range sources {
		for _, f := range src.Files {
			if path.Dir(f.Path) != kindsDir {
				continue
			}
			name, ok := schemas.OwnKindName(f.Path)
			switch {
			case !ok:
				continue // a Rego file that happens to lie there
			case slices.Contains(evidence.Kinds(), evidence.Kind(name)):
				return nil, fault.New(fault.Policy, "read kind %q: %s defines a kind that is built in; choose another name", name, src.name(f.Path))
			case name == everyKind:
				return nil, fault.New(fault.Policy, "read kind %q: the name of %s is the word for every kind in the METADATA of rules; choose another name", name, src.name(f.Path))
			case from[name] == "":
				kind, err := schemas.ParseOwnKind(src.name(f.Path), f.Data)
				if err != nil {
					return nil, fault.New(fault.Policy, "read kind %q: %w", name, err)
				}
				out[evidence.Kind(name)], from[name], text[name] = kind, src.name(f.Path), f.Data
			case !bytes.Equal(text[name], f.Data):
				return nil, fault.New(fault.Policy, "read kind %q: %s and %s define it differently; keep one of them", name, from[name], src.name(f.Path))
			}
		}
	}
	return out, nil
}
