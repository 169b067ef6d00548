// Package form reads what people fill in: manual tests, demonstrations, checklists and the acceptance of a customer. A form
// is a document of cdgate's own, written by "cdgate collect --form", by hand or by another tool.
package form

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/evidence"
)

const (
	// maxText is how long a line of a form may be, in bytes: the summary of a form is signed, and signed texts are small.
	maxText = 1 << 10
	// maxAttendees is how many people may have attended, maxAttendee how long the name of one may be, in bytes.
	maxAttendees = 100
	maxAttendee  = 200
)

// The words for what came of it all.
const (
	passed = "passed"
	failed = "failed"
)

// The words for the state of an item. A form may also say passed for done.
const (
	done          = "done"
	open          = "open"
	notApplicable = "not_applicable"
)

// States returns the words for the state of an item that people may write.
func States() []string { return []string{done, passed, failed, open, notApplicable} }

// Form is one kind of form.
type Form struct {
	// Format is the name of its format and of its document.
	Format, Title string
	Kind          evidence.Kind
	// Fields are its members, in the order in which a person is asked for them.
	Fields []Field
	// Items is the member that holds its items, Item what one of them is called; empty for a form without items.
	Items, Item string
}

// Field is one member of a form: a text, or a list of texts.
type Field struct {
	Name string
	// Ask is what a person is asked for.
	Ask            string
	Required, List bool
	// Words are all it may be; empty for any text.
	Words []string
	role  role
}

// role says which part of the summary a field fills.
type role int

const (
	title role = iota
	reference
	by
	party
	environment
	attendees
	at
	result
	notes
)

// Forms returns every form, in the order in which people are shown them.
func Forms() []Form { return []Form{manualTest, demo, checklist, customerAcceptance} }

// Find returns the form of a format or kind.
func Find(name string) (Form, bool) {
	for _, f := range Forms() {
		if f.Format == name || string(f.Kind) == name {
			return f, true
		}
	}
	return Form{}, false
}

// Field returns a field by its name.
func (f Form) Field(name string) (Field, bool) {
	for _, field := range f.Fields {
		if field.Name == name {
			return field, true
		}
	}
	return Field{}, false
}

// APIVersion is what the member apiVersion of the form's document says.
func (f Form) APIVersion() string { return "cdgate.dev/" + f.Format + "/v1" }

// Filled is a form that somebody filled in. Texts are by the name of their field; a field that is no list has one.
type Filled struct {
	Texts map[string][]string
	Items []evidence.FormItem
}

// Missing returns the required fields that hold nothing.
func (f Form) Missing(in Filled) []Field {
	var out []Field
	for _, field := range f.Fields {
		if field.Required && len(in.Texts[field.Name]) == 0 {
			out = append(out, field)
		}
	}
	return out
}

// Document returns the bytes of the form's document. They depend on nothing but what was filled in, and whether it is
// right the reader of the format says.
func (f Form) Document(in Filled) ([]byte, error) {
	doc := map[string]any{"apiVersion": f.APIVersion()}
	for name, texts := range in.Texts {
		field, ok := f.Field(name)
		switch {
		case !ok:
			return nil, fmt.Errorf("a %s has no field %q; it has %s", f.Title, name, strings.Join(f.names(), ", "))
		case field.List:
			doc[name] = texts
		case len(texts) > 1:
			return nil, fmt.Errorf("field %q of a %s holds one text, not %d", name, f.Title, len(texts))
		case len(texts) == 1:
			doc[name] = texts[0]
		}
	}
	if len(in.Items) > 0 {
		if f.Items == "" {
			return nil, fmt.Errorf("a %s has no items", f.Title)
		}
		doc[f.Items] = items(in.Items)
	}
	b, err := json.Marshal(doc, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", f.Title, err)
	}
	return append(b, '\n'), nil
}

// items leaves out what an item does not say.
func items(list []evidence.FormItem) []map[string]string {
	var out []map[string]string
	for _, it := range list {
		m := map[string]string{"text": it.Text}
		if it.State != "" {
			m["state"] = it.State
		}
		if it.Note != "" {
			m["note"] = it.Note
		}
		out = append(out, m)
	}
	return out
}

func (f Form) names() []string {
	var out []string
	for _, field := range f.Fields {
		out = append(out, field.Name)
	}
	return out
}
