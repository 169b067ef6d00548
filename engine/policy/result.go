package policy

// Effect is what a rule does to the decision when it finds something.
type Effect string

// The effects, strongest first. A warning is shown and never gates.
const (
	Block         Effect = "block"
	NeedsApproval Effect = "needs_approval"
	Warn          Effect = "warn"
)

// Result is what became of one rule.
type Result string

// The results of a rule.
const (
	Passed        Result = "passed"
	Failed        Result = "failed"
	NotApplicable Result = "not_applicable"
)

// Rule is one rule of the selected sets and what it found. A rule that could not run because evidence it needs has no
// counted item has those kinds in Missing, no findings of its own, and result failed.
type Rule struct {
	// Code is the package path below "rules", such as "tests.required_levels"; for other packages the whole path.
	Code        string `json:"code"`
	Title       string `json:"title"`
	Description string `json:"description"`
	// Digest is the SHA-256 of the modules and of the parameter definition the rule is made of.
	Digest      string   `json:"digest"`
	Source      string   `json:"source"`
	Result      Result   `json:"result"`
	Enforced    bool     `json:"enforced"`
	EffectiveOn string   `json:"effectiveOn"`
	Controls    []string `json:"controls"`
	Remedy      string   `json:"remedy"`
	Waivable    bool     `json:"waivable"`
	Overridable bool     `json:"overridable"`
	// Strongest is the strongest effect any head of the rule has.
	Strongest Effect `json:"strongest"`
	// Artifacts says that the rule refers to the artifacts of the release, which a check before the build cannot know.
	Artifacts bool `json:"artifacts"`
	// Needs are the evidence kinds the rule refers to and does not call optional; Missing are those without an item.
	Needs    []string  `json:"needs"`
	Missing  []string  `json:"missing"`
	Findings []Finding `json:"findings"`
}

// Finding is one thing a rule found, as the rule said it.
type Finding struct {
	// ID tells several findings of one rule apart; empty where the rule has only one.
	ID           string       `json:"id"`
	Effect       Effect       `json:"effect"`
	Msg          string       `json:"msg"`
	Evidence     []string     `json:"evidence"`
	Place        string       `json:"place"`
	Observed     string       `json:"observed"`
	Expected     string       `json:"expected"`
	Remedy       string       `json:"remedy"`
	Inconclusive bool         `json:"inconclusive"`
	Requirement  *Requirement `json:"requirement,omitempty"`
}

// Requirement says who has to sign for a finding to be discharged.
type Requirement struct {
	Roles   []string `json:"roles"`
	Count   int      `json:"count"`
	Meaning string   `json:"meaning"`
	// ValidHours is how long a sign-off stands, in hours.
	ValidHours int      `json:"validHours"`
	VetoRoles  []string `json:"vetoRoles"`
}
