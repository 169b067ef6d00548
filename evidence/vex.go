package evidence

// VEXStatement is what one statement of a VEX document says about one product, or about one component of it: a statement
// about several of them gives several rows. Status is the word of the OpenVEX specification; unknown is what a document
// does not say. Product and Component are package URLs, or other identifiers as they are written; Component is empty
// when the statement is about the product itself. Digest is "sha256:…" of the product, where the document gives it. A
// statement without a product has an empty Product and applies to nothing. At is an RFC 3339 time in UTC, or empty.
type VEXStatement struct {
	Vulnerability string   `json:"vulnerability"`
	Aliases       []string `json:"aliases"`
	Product       string   `json:"product"`
	Digest        string   `json:"digest"`
	Component     string   `json:"component"`
	Status        string   `json:"status" words:"affected,not_affected,fixed,under_investigation,unknown"`
	Justification string   `json:"justification"`
	Impact        string   `json:"impact"`
	Action        string   `json:"action"`
	At            string   `json:"at"`
}

// VEXSummary counts the statements of a VEX document, each about all its products together, by status. A statement that
// silences counts as unknown when one of its rows does not. In CSAF a statement is one vulnerability with one status.
// Products are the different products named; in CSAF those that the product tree defines. Complete is false when
// something in the document breaks its format, or when the document says that it is a draft.
type VEXSummary struct {
	SpecVersion        string `json:"specVersion"`
	Document           string `json:"document"`
	DocumentVersion    string `json:"documentVersion"`
	Author             string `json:"author"`
	Statements         int64  `json:"statements"`
	Affected           int64  `json:"affected"`
	NotAffected        int64  `json:"notAffected"`
	Fixed              int64  `json:"fixed"`
	UnderInvestigation int64  `json:"underInvestigation"`
	Unknown            int64  `json:"unknown"`
	Products           int64  `json:"products"`
	Complete           bool   `json:"complete"`
}
