package form

import "cdgate.dev/cdgate/evidence"

var demo = Form{
	Format: "demo", Title: "demonstration", Kind: evidence.Demo,
	Fields: []Field{
		{Name: "story", Ask: "id of the story that was shown", Required: true, role: reference},
		{Name: "title", Ask: "what was shown", role: title},
		{Name: "presenter", Ask: "who showed it", role: by},
		{Name: "environment", Ask: "where it was shown", Required: true, role: environment},
		{Name: "attendees", Ask: "who attended", Required: true, List: true, role: attendees},
		{Name: "at", Ask: "when it was shown", Required: true, role: at},
		{Name: "result", Ask: "outcome", Required: true, Words: []string{passed, failed}, role: result},
		{Name: "notes", Ask: "notes", role: notes},
	},
}

// Demo is the record of a demonstration: which story, where, to whom, and what came of it.
func Demo() evidence.Format {
	return format(demo, "cdgate collect --form demo",
		"members that it does not name are refused, and so is a demonstration that nobody attended; at most 100 attendees")
}
