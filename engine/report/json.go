package report

import "cdgate.dev/cdgate/engine/record"

// result is the JSON of a document: the deterministic result, then where its record is.
type result struct {
	record.Result `json:",inline"`
	Preview       bool     `json:"preview,omitzero"`
	Later         []Later  `json:"later,omitzero"`
	Record        Record   `json:"record"`
	Log           entry    `json:"log"`
	Notes         []string `json:"notes,omitempty"`
	Next          []string `json:"next,omitempty"`
}

// entry is the JSON of Log.
type entry struct {
	Index      int64  `json:"index"`
	Checkpoint string `json:"checkpoint"`
}

// encodeDocument renders the keys that the contract promises. Keys may be added; none changes its meaning.
func encodeDocument(d Document) ([]byte, error) {
	r := result{Result: d.Result, Preview: d.Preview, Record: d.Record, Log: entry{Index: -1}, Notes: d.Notes, Next: d.Next}
	if d.Result.Outcome == "" {
		r.Outcome = "block"
	}
	if d.Log.Logged {
		r.Log = entry{Index: int64(d.Log.Index), Checkpoint: d.Log.Checkpoint}
	}
	if d.Check {
		r.Later = append([]Later{}, d.Later...)
	}
	return EncodeJSON(r)
}
