package form

import "cdgate.dev/cdgate/evidence"

var customerAcceptance = Form{
	Format: "customer-acceptance", Title: "customer acceptance", Kind: evidence.CustomerAcceptance, Items: "checks", Item: "check",
	Fields: []Field{
		{Name: "tenant", Ask: "customer or tenant", Required: true, role: party},
		{Name: "title", Ask: "what is accepted", role: title},
		{Name: "reference", Ask: "contract, order or ticket", role: reference},
		{Name: "by", Ask: "who accepts for the customer", Required: true, role: by},
		{Name: "environment", Ask: "where it was checked", role: environment},
		{Name: "at", Ask: "when", Required: true, role: at},
		{Name: "result", Ask: "result", Required: true, Words: []string{passed, failed}, role: result},
		{Name: "notes", Ask: "notes", role: notes},
	},
}

// CustomerAcceptance is the answer of one customer or tenant: what they checked, and whether they accept.
func CustomerAcceptance() evidence.Format {
	return format(customerAcceptance, "cdgate collect --form customer-acceptance",
		"members that it does not name are refused, and so is an acceptance without checks; a check without state is open; passed with a failed check is an error")
}
