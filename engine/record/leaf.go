package record

// Leaf is one entry of the decision log: enough to find the statement and to see what it was about.
type Leaf struct {
	// Type is "decision" or "signoff".
	Type string `json:"type"`
	// Digest is that of the signed statement.
	Digest  string `json:"digest"`
	Release string `json:"release"`
	// Name is the release as people write it, NAME@VERSION.
	Name   string `json:"name"`
	Target string `json:"target"`
	Stage  string `json:"stage"`
	// Outcome is that of a decision, Verdict that of a sign-off.
	Outcome string `json:"outcome,omitempty"`
	Verdict string `json:"verdict,omitempty"`
	At      string `json:"at"`
	// Gate is the version of the gate definition that a decision was made under: no older one decides after it.
	Gate int `json:"gate,omitzero"`
	// GateDigest is that of the signed definition. Pinned says that the caller pinned its root keys: otherwise only the
	// checkout vouched for it.
	GateDigest string `json:"gateDigest,omitempty"`
	Pinned     bool   `json:"pinned,omitzero"`
}
