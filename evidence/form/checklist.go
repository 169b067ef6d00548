package form

import "cdgate.dev/cdgate/evidence"

var checklist = Form{
	Format: "checklist", Title: "checklist", Kind: evidence.Checklist, Items: "items", Item: "item",
	Fields: []Field{
		{Name: "title", Ask: "name of the checklist", Required: true, role: title},
		{Name: "reference", Ask: "ticket or document it belongs to", role: reference},
		{Name: "by", Ask: "who went through it", Required: true, role: by},
		{Name: "environment", Ask: "for which environment", role: environment},
		{Name: "at", Ask: "when", Required: true, role: at},
		{Name: "notes", Ask: "notes", role: notes},
	},
}

// Checklist is a list of points and their states. Its result is counted: passed when at least one point is done and
// none failed or open.
func Checklist() evidence.Format {
	return format(checklist, "cdgate collect --form checklist",
		"members that it does not name are refused, and so is a list without items; the result is counted from the items; an item without state is open")
}
