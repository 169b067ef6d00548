package form

import "cdgate.dev/cdgate/evidence"

var manualTest = Form{
	Format: "manual-test", Title: "manual test", Kind: evidence.ManualTest, Items: "steps", Item: "step",
	Fields: []Field{
		{Name: "script", Ask: "id of the test script", Required: true, role: reference},
		{Name: "title", Ask: "what is tested", role: title},
		{Name: "tester", Ask: "who tested", Required: true, role: by},
		{Name: "environment", Ask: "where it was tested", role: environment},
		{Name: "at", Ask: "when it was tested", Required: true, role: at},
		{Name: "result", Ask: "result", Required: true, Words: []string{passed, failed}, role: result},
		{Name: "notes", Ask: "notes", role: notes},
	},
}

// ManualTest is the record of a test that a person did by a script: who, which script, each step, and the result.
func ManualTest() evidence.Format {
	return format(manualTest, "cdgate collect --form manual-test",
		"members that it does not name are refused, and so is a form without steps; a step without state is open; passed with a failed step is an error")
}
