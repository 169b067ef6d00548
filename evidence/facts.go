package evidence

// ChangedFile is one file that differs between two revisions. OldPath is set for renames and copies. Added and Removed
// count lines; both are 0 for binary files, which Binary tells.
type ChangedFile struct {
	Path    string `json:"path"`
	OldPath string `json:"oldPath"`
	Status  string `json:"status" words:"added,modified,deleted,renamed,copied,type_changed"`
	Added   int64  `json:"added"`
	Removed int64  `json:"removed"`
	Binary  bool   `json:"binary"`
}

// Contributor is somebody who had a hand in a commit, as the commit claims.
type Contributor struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	Role  string `json:"role" words:"author,co_author,committer"`
}

// SourceSummary is what git says of a revision. Base is the older revision of the comparison, empty when there is
// none; Commits counts those between the two. Signature is that of the revision's own commit as git judged it with the
// keys of the machine: good, bad (a revoked key is bad too), untrusted (good, but of a key that nobody vouches for or that
// has expired), unverified (there is one and it could not be checked) or none; SignedBy is who git says signed, or the
// key. Clean is true only when the work tree was at the revision and no file that git tracks differed from it. Complete is
// false when a commit, a file or a contributor is not known.
type SourceSummary struct {
	Repository   string        `json:"repository"`
	Revision     string        `json:"revision"`
	Tree         string        `json:"tree"`
	Branch       string        `json:"branch"`
	Base         string        `json:"base"`
	Commits      int64         `json:"commits"`
	Merges       int64         `json:"merges"`
	Files        int64         `json:"files"`
	Contributors []Contributor `json:"contributors"`
	Signature    string        `json:"signature" words:"good,bad,untrusted,unverified,none"`
	SignedBy     string        `json:"signedBy"`
	CommittedAt  string        `json:"committedAt"`
	Clean        bool          `json:"clean"`
	Complete     bool          `json:"complete"`
}

// Fact is one thing a CI system says of a run, by the name of its variable.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// RunSummary is what a CI system says of the run that collected; texts are empty where it does not say.
type RunSummary struct {
	System     string `json:"system"`
	Repository string `json:"repository"`
	Revision   string `json:"revision"`
	Branch     string `json:"branch"`
	Workflow   string `json:"workflow"`
	Job        string `json:"job"`
	Run        string `json:"run"`
	Attempt    int64  `json:"attempt"`
	Actor      string `json:"actor"`
	Event      string `json:"event"`
	URL        string `json:"url"`
}
