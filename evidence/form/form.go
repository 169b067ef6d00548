// Package form reads what people fill in: manual tests, demonstrations, checklists and the acceptance of a customer. A form
// is a document of cdgate's own, written by "cdgate collect --form", by hand or by another tool.
package form

import (
	"cdgate.dev/cdgate/evidence"
)

const (
	// maxText is how long a line of a form may be, in bytes: the summary of a form is signed, and signed texts are small.
	maxText = 1 << 10
	// maxItems is how many items a form may have.
	maxItems = 10_000
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
