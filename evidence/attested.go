package evidence

// Attested is what an attestation claims of itself, before its signature is checked: the in-toto predicate type, and the digests
// of its subjects as "algorithm:value".
type Attested struct {
	PredicateType string
	Subjects      []string
}

// ProvenanceSummary is what a builder says of a build (SLSA provenance v0.2 and v1). BuildLevel is the SLSA build level that the gate
// definition gives the builder: 0 for a builder that it does not name, whatever the provenance says of itself. Repository,
// Revision and Ref are those of the one commit that was built, and come from one entry; they are empty where the provenance names none, or
// several and does not say which. Workflow is the configuration of the build, Invocation the run. Times are RFC 3339 in UTC, or
// empty.
type ProvenanceSummary struct {
	BuilderID  string `json:"builderId"`
	BuildLevel int64  `json:"buildLevel"`
	BuildType  string `json:"buildType"`
	Repository string `json:"repository"`
	Revision   string `json:"revision"`
	Ref        string `json:"ref"`
	Workflow   string `json:"workflow"`
	Invocation string `json:"invocation"`
	StartedAt  string `json:"startedAt"`
	FinishedAt string `json:"finishedAt"`
	Materials  int64  `json:"materials"`
}

// Material is one thing that a build used: a material of SLSA v0.2, a resolved dependency of v1. Digests are by algorithm.
type Material struct {
	URI     string            `json:"uri"`
	Name    string            `json:"name"`
	Digests map[string]string `json:"digests"`
}

// VerifierSummary is what a verifier says of an artifact (SLSA verification summary v1). TimeVerified is RFC 3339 in UTC, or
// empty.
type VerifierSummary struct {
	VerifierID   string `json:"verifierId"`
	ResourceURI  string `json:"resourceUri"`
	Result       string `json:"result" words:"PASSED,FAILED"`
	PolicyURI    string `json:"policyUri"`
	TimeVerified string `json:"timeVerified"`
	SLSAVersion  string `json:"slsaVersion"`
	Levels       int64  `json:"levels"`
	Inputs       int64  `json:"inputs"`
}

// VerifiedLevel is one level or property that was verified. Track and Level are those of names such as SLSA_BUILD_LEVEL_2, empty
// and 0 for others.
type VerifiedLevel struct {
	Name  string `json:"name"`
	Track string `json:"track"`
	Level int64  `json:"level"`
}
