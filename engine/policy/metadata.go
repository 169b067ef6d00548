package policy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"cdgate.dev/cdgate/schemas"
	"github.com/open-policy-agent/opa/v1/ast"
)

// metadata is what the METADATA of a rule's package says. schemas/rule.cue defines the custom part.
type metadata struct {
	title, description, remedy string
	controls, optional, stages []string
	waivable, overridable      bool
	effectiveOn                string
	loc                        *ast.Location
}

// everyKind in the list "optional" stands for every kind of evidence, built in or own: what a rule says that looks at
// whatever is there, and that must not need a kind only because somebody defines it.
const everyKind = "all"

// dispenses reports whether the rule can do without the kind.
func (m *metadata) dispenses(kind string) bool {
	return slices.Contains(m.optional, kind) || slices.Contains(m.optional, everyKind)
}

// Stages lists the stages for messages.
const Stages = "ready, publish, distribute, install, activate, activate:TOGGLE, increment:N, continue, post-deploy, rollback, withdraw"

// stagePattern is #Stage of schemas/values.cue.
var stagePattern = regexp.MustCompile(`^(ready|publish|distribute|install|activate|activate:[A-Za-z0-9._-]{1,64}|increment:[0-9]{1,4}|continue|post-deploy|rollback|withdraw)$`)

// IsStage says whether s is a stage at which a gate can be asked.
func IsStage(s string) bool { return stagePattern.MatchString(s) }

// customKeys are the keys of the custom block, each with how it is read.
var customKeys = map[string]func(*metadata, any) error{
	"controls":     func(m *metadata, v any) (err error) { m.controls, err = texts(v); return },
	"optional":     func(m *metadata, v any) (err error) { m.optional, err = texts(v); return },
	"stages":       (*metadata).readStages,
	"remedy":       func(m *metadata, v any) (err error) { m.remedy, err = text(v); return },
	"waivable":     func(m *metadata, v any) (err error) { m.waivable, err = truth(v); return },
	"overridable":  func(m *metadata, v any) (err error) { m.overridable, err = truth(v); return },
	"effective_on": (*metadata).readEffectiveOn,
}

func (m *metadata) readStages(v any) error {
	list, err := texts(v)
	if err != nil {
		return err
	}
	for _, s := range list {
		if !stagePattern.MatchString(s) {
			return fmt.Errorf("%q is no stage: %s", s, Stages)
		}
	}
	m.stages = list
	return nil
}

func (m *metadata) readEffectiveOn(v any) error {
	if t, ok := v.(time.Time); ok { // YAML knows dates
		v = strings.TrimSuffix(t.UTC().Format("2006-01-02T15:04:05Z"), "T00:00:00Z")
	}
	s, err := text(v)
	if err != nil {
		return err
	}
	if _, err := effectiveAt(s); err != nil {
		return err
	}
	m.effectiveOn = s
	return nil
}

// effectiveAt is the moment from which a rule gates: the zero time for always, nil for never.
func effectiveAt(s string) (*time.Time, error) {
	switch s {
	case "":
		return &time.Time{}, nil
	case "never":
		return nil, nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04:05Z"} {
		if t, err := time.Parse(layout, s); err == nil {
			return &t, nil
		}
	}
	return nil, fmt.Errorf("%q is neither a date such as 2027-01-31, a time such as 2027-01-31T00:00:00Z, nor never", s)
}

func text(v any) (string, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	return "", fmt.Errorf("it has to be a text")
}

func truth(v any) (bool, error) {
	if b, ok := v.(bool); ok {
		return b, nil
	}
	return false, fmt.Errorf("it has to be true or false")
}

func texts(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("it has to be a list of texts")
	}
	out := make([]string, 0, len(list))
	for _, e := range list {
		s, ok := e.(string)
		if !ok || s == "" {
			return nil, fmt.Errorf("it has to be a list of texts")
		}
		if slices.Contains(out, s) {
			return nil, fmt.Errorf("it has %q twice", s)
		}
		out = append(out, s)
	}
	return out, nil
}

// readMetadata reads the METADATA of one package's modules.
func (p *parsed) readMetadata(modules []*module, kinds []string, isRule bool) metadata {
	var out metadata
	for _, m := range modules {
		for _, a := range m.mod.Annotations {
			if len(a.Schemas) > 0 {
				p.problems = append(p.problems, at(a.Location, "metadata", "METADATA may not set schemas: cdgate checks policies against its own"))
			}
			if a.Scope != "package" {
				p.checkOtherMetadata(a, isRule)
				continue
			}
			out.title, out.description, out.loc = a.Title, a.Description, a.Location
			for _, key := range slices.Sorted(maps.Keys(a.Custom)) {
				read, ok := customKeys[key]
				if !ok {
					p.problems = append(p.problems, at(a.Location, "metadata", "METADATA has an unknown custom key %q; %s", key,
						schemas.Suggest(key, "valid keys", slices.Collect(maps.Keys(customKeys)))))
				} else if err := read(&out, a.Custom[key]); err != nil {
					p.problems = append(p.problems, at(a.Location, "metadata", "METADATA custom key %q: %s", key, err))
				}
			}
		}
	}
	if slices.Contains(out.optional, everyKind) && len(out.optional) > 1 {
		p.problems = append(p.problems, at(out.loc, "metadata", "METADATA custom key \"optional\": %q is every kind, so it stands alone; take the others away", everyKind))
	}
	for _, k := range out.optional {
		if k != everyKind && !slices.Contains(kinds, k) {
			p.problems = append(p.problems, at(out.loc, "metadata", "METADATA custom key \"optional\": %q is no kind of evidence; %s", k,
				schemas.Suggest(k, "kinds", append(slices.Clone(kinds), everyKind))))
		}
	}
	return out
}

// checkOtherMetadata refuses, on a single rule, keys that are only read on the package. Packages from elsewhere may
// carry custom keys of other tools there.
func (p *parsed) checkOtherMetadata(a *ast.Annotations, isRule bool) {
	for _, key := range slices.Sorted(maps.Keys(a.Custom)) {
		if _, known := customKeys[key]; known || isRule {
			p.problems = append(p.problems, at(a.Location, "metadata",
				"METADATA custom key %q stands above a single rule: it is read in the METADATA above the package only", key))
		}
	}
}
