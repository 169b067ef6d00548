package form

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/evidence"
)

// Draft is a form that is being filled in. What it holds is judged by the reader of its format, once it is whole.
type Draft struct {
	form    Form
	members map[string]jsontext.Value
	set     map[string]bool
}

// Draft starts a form that holds nothing.
func (f Form) Draft() *Draft {
	return &Draft{form: f, members: map[string]jsontext.Value{}, set: map[string]bool{}}
}

// Load takes over the members of a JSON object, which need not be whole. A member that the form does not have is an error.
func (d *Draft) Load(b []byte) error {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(b, &members); err != nil {
		return fmt.Errorf("a %s is an object with %s", d.form.Title, strings.Join(d.form.names(), ", "))
	}
	for name, v := range members {
		if err := d.known(name); err != nil {
			return err
		}
		d.members[name] = v
	}
	return nil
}

func (d *Draft) known(name string) error {
	if _, ok := d.form.Field(name); ok || name == "apiVersion" || name != "" && name == d.form.Items {
		return nil
	}
	return fmt.Errorf("a %s has no field %q; it has %s", d.form.Title, name, strings.Join(d.form.names(), ", "))
}

// Set fills in a field. It takes the place of what was loaded; a field that is a list takes several texts, one after the
// other, any other field one.
func (d *Draft) Set(name, text string) error {
	field, ok := d.form.Field(name)
	switch {
	case !ok && name == d.form.Items && name != "":
		return fmt.Errorf("field %q of a %s holds its %ss; add each of them as an item", name, d.form.Title, d.form.Item)
	case !ok:
		return d.known(name)
	case d.set[name] && !field.List:
		return fmt.Errorf("field %q of a %s is set twice; it holds one text", name, d.form.Title)
	}
	var texts []string
	if field.List && d.set[name] {
		if err := json.Unmarshal(d.members[name], &texts); err != nil {
			return fmt.Errorf("field %q: %w", name, err)
		}
	}
	d.set[name] = true
	var v any = text
	if field.List {
		v = append(texts, text)
	}
	return d.put(name, v)
}

// Add adds an item; its state may be empty, and then it is open.
func (d *Draft) Add(it evidence.FormItem) error {
	if d.form.Items == "" {
		return fmt.Errorf("a %s has no items", d.form.Title)
	}
	var list []jsontext.Value
	if old, ok := d.members[d.form.Items]; ok {
		if err := json.Unmarshal(old, &list); err != nil {
			return fmt.Errorf("field %q of a %s is a list of %ss", d.form.Items, d.form.Title, d.form.Item)
		}
	}
	item := map[string]string{"text": it.Text}
	if it.State != "" {
		item["state"] = it.State
	}
	if it.Note != "" {
		item["note"] = it.Note
	}
	b, err := json.Marshal(item, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("write %s: %w", d.form.Item, err)
	}
	return d.put(d.form.Items, append(list, b))
}

func (d *Draft) put(name string, v any) error {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("write field %q: %w", name, err)
	}
	d.members[name] = b
	return nil
}

// Has reports whether a member is filled in.
func (d *Draft) Has(name string) bool { _, ok := d.members[name]; return ok }

// Missing returns the names of the members that the form needs and that are not filled in.
func (d *Draft) Missing() []string {
	var out []string
	for _, f := range d.form.Fields {
		if f.Required && !d.Has(f.Name) {
			out = append(out, f.Name)
		}
	}
	if d.form.Items != "" && !d.Has(d.form.Items) {
		out = append(out, d.form.Items)
	}
	return out
}

// Document returns the bytes of the form's document. They depend on nothing but what was filled in.
func (d *Draft) Document() ([]byte, error) {
	if !d.Has("apiVersion") {
		if err := d.put("apiVersion", d.form.APIVersion()); err != nil {
			return nil, err
		}
	}
	b, err := json.Marshal(d.members, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", d.form.Title, err)
	}
	return append(b, '\n'), nil
}

// names are those of all members, in the order in which a person is asked for them.
func (f Form) names() []string {
	var out []string
	for _, field := range f.Fields {
		out = append(out, field.Name)
	}
	if f.Items != "" {
		out = append(out, f.Items)
	}
	return out
}
