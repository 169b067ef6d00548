package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/collect"
	"cdgate.dev/cdgate/evidence/form"
	"cdgate.dev/cdgate/schemas"
)

// maxForm is how long the file of a form may be, in bytes.
const maxForm = 1 << 20

// formNames lists the forms for people.
func formNames() string {
	var out []string
	for _, f := range form.Forms() {
		out = append(out, f.Format)
	}
	return strings.Join(out, ", ")
}

// formReport is the form of --form, filled in from its file, then from --set and --item, and on a terminal from what a
// person answers.
func (k *call) formReport() (collect.Made, error) {
	name, file, fromFile := strings.Cut(k.String("form"), "=")
	f, ok := form.Find(name)
	if !ok {
		return collect.Made{}, fault.New(fault.Usage, "unknown form %q; there are: %s", name, formNames())
	}
	if fromFile && file == "" {
		return collect.Made{}, fault.New(fault.Usage, "--form %s= names no file; write --form %s=FILE, or leave the = out", name, name)
	}
	d := f.Draft()
	if fromFile {
		if err := k.loadForm(d, file); err != nil {
			return collect.Made{}, err
		}
	}
	if err := k.setForm(d); err != nil {
		return collect.Made{}, err
	}
	terminal, asked := k.stdinTerminal && k.stderrTerminal && file != "-", false
	if terminal && slices.ContainsFunc(d.Missing(), func(name string) bool { return name != "at" }) {
		if err := k.askForm(f, d); err != nil {
			return collect.Made{}, err
		}
		asked = true
	}
	if !d.Has("at") {
		if err := d.Set("at", rfc3339(k.now)); err != nil {
			return collect.Made{}, fault.Wrap(fault.Usage, err)
		}
	}
	if missing := d.Missing(); len(missing) > 0 {
		return collect.Made{}, fault.New(fault.Usage, "the %s is not whole: %s", f.Title, howToFill(f, missing))
	}
	if k.stderrTerminal && !k.quiet && !asked {
		k.note("the %s that is collected:", f.Title)
		if err := k.showForm(d); err != nil {
			return collect.Made{}, err
		}
	}
	b, err := d.Document()
	if err != nil {
		return collect.Made{}, fault.Wrap(fault.Usage, err)
	}
	return collect.Made{Name: f.Format, Kind: f.Kind, Data: b}, nil
}

// howToFill says how to fill in what is missing.
func howToFill(f form.Form, missing []string) string {
	var out []string
	for _, name := range missing {
		field, ok := f.Field(name)
		switch {
		case !ok:
			out = append(out, fmt.Sprintf(`its %s (--item "TEXT=STATE", once for each)`, name))
		case len(field.Words) > 0:
			out = append(out, fmt.Sprintf("%s (--set %s=%s)", name, name, strings.Join(field.Words, "|")))
		default:
			out = append(out, fmt.Sprintf("%s, %s (--set %s=…)", name, field.Ask, name))
		}
	}
	return strings.Join(out, "; ")
}

// loadForm reads the file of a form: YAML, JSON or CUE that holds data only; "-" is YAML or JSON on stdin.
func (k *call) loadForm(d *form.Draft, file string) error {
	var b []byte
	var err error
	name := file
	if file == "-" {
		name = "stdin"
		b, err = readAll(k.stdin, maxForm)
	} else {
		b, err = readRegular(k.abs(file), maxForm)
	}
	if err != nil {
		return fault.New(fault.Evidence, "read form %q: %w", filepath.ToSlash(name), err)
	}
	text, err := schemas.Data(name, b)
	if err != nil {
		return fault.Wrap(fault.Evidence, err)
	}
	if err := d.Load(text); err != nil {
		return fault.New(fault.Evidence, "read form %q: %w", filepath.ToSlash(name), err)
	}
	return nil
}

// setForm fills in what flags say.
func (k *call) setForm(d *form.Draft) error {
	for _, spec := range k.StringSlice("set") {
		name, text, found := strings.Cut(spec, "=")
		if !found || strings.TrimSpace(text) == "" {
			return fault.New(fault.Usage, "--set is written FIELD=VALUE, such as tester=Eva, not %q", spec)
		}
		if err := d.Set(name, text); err != nil {
			return fault.New(fault.Usage, "--set %s: %w", spec, err)
		}
	}
	for _, spec := range k.StringSlice("item") {
		text, state, _ := cutLast(spec, "=")
		if state = strings.TrimSpace(state); state != "" && !slices.Contains(form.States(), state) {
			return fault.New(fault.Usage, `--item is written "TEXT=STATE", and %q is no state; there are: %s`, state, strings.Join(form.States(), ", "))
		}
		if err := d.Add(evidence.FormItem{Text: strings.TrimSpace(text), State: state}); err != nil {
			return fault.New(fault.Usage, "--item %q: %w", spec, err)
		}
	}
	return nil
}
