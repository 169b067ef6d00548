package evidence

// ReviewRow is one review of a change by one person. Effective is true for the review that counts: the last one of that
// person, if it approves or asks for changes. Reviewer is the login, in lower case where the platform ignores case.
// An approval without a login, by an account that is no person's, or by the author is never effective.
// Account is user, bot (any account that is no person's) or unknown where the platform does not say.
// At is an RFC 3339 time in UTC, or empty.
type ReviewRow struct {
	Reviewer  string `json:"reviewer"`
	Name      string `json:"name"`
	Account   string `json:"account" words:"user,bot,unknown"`
	State     string `json:"state" words:"approved,changes_requested,commented,dismissed,pending,unknown"`
	Commit    string `json:"commit"`
	At        string `json:"at"`
	Effective bool   `json:"effective"`
}

// ReviewRule is one approval rule of the platform: how many approvals it wants, how many people may give them, and how
// many did. Approved is the platform's answer, and false wherever the numbers do not bear it out.
type ReviewRule struct {
	Name      string `json:"name"`
	Required  int64  `json:"required"`
	Eligible  int64  `json:"eligible"`
	Approvals int64  `json:"approvals"`
	Approved  bool   `json:"approved"`
}

// ReviewSummary counts effective reviews. Approved is the platform's answer, and false wherever its numbers contradict
// each other, nobody approved, or it gives none. State is that of the pull or merge request. Required and Left are how
// many approvals the platform wants and still lacks; RequiredKnown is false where it does not say. Commit is the head
// commit; rows of another commit are reviews of something else. Complete is false for one page of several.
type ReviewSummary struct {
	Platform         string       `json:"platform"`
	Number           string       `json:"number"`
	State            string       `json:"state" words:"open,merged,closed,unknown"`
	Author           string       `json:"author"`
	Commit           string       `json:"commit"`
	Reviews          int64        `json:"reviews"`
	Approvals        int64        `json:"approvals"`
	ChangesRequested int64        `json:"changesRequested"`
	Required         int64        `json:"required"`
	Left             int64        `json:"left"`
	RequiredKnown    bool         `json:"requiredKnown"`
	Rules            []ReviewRule `json:"rules"`
	Approved         bool         `json:"approved"`
	Complete         bool         `json:"complete"`
}

// ChangeTicket is one request for change, work item or approval of one. Category is what its status means. Approval is the
// ticket's own answer, and Approvers are the people who approved, as the platform identifies them. Start and End are
// the planned times, RFC 3339 in UTC, or empty.
type ChangeTicket struct {
	Key        string   `json:"key"`
	Type       string   `json:"type"`
	Title      string   `json:"title"`
	Status     string   `json:"status"`
	Category   string   `json:"category" words:"new,scheduled,in_progress,done,cancelled,unknown"`
	Resolution string   `json:"resolution"`
	Approval   string   `json:"approval" words:"approved,declined,pending,none,unknown"`
	Approvers  []string `json:"approvers"`
	OnHold     bool     `json:"onHold"`
	Start      string   `json:"start"`
	End        string   `json:"end"`
}

// ChangeSummary counts tickets. Approved counts those whose approval may be acted on: the ticket says approved, is not on
// hold, and its category is scheduled, in_progress or done. Complete is false for one page of several.
type ChangeSummary struct {
	Platform string `json:"platform"`
	Tickets  int64  `json:"tickets"`
	Done     int64  `json:"done"`
	Approved int64  `json:"approved"`
	Declined int64  `json:"declined"`
	Pending  int64  `json:"pending"`
	OnHold   int64  `json:"onHold"`
	Complete bool   `json:"complete"`
}

// DeploymentRow is one deployment, or one status of one. ID is that of the entry, Deployment that of the deployment that it
// is or belongs to. A deployment does not say how it went: its state is unknown until its statuses are read. At is an RFC 3339 time in UTC, or empty.
type DeploymentRow struct {
	ID          string `json:"id"`
	Deployment  string `json:"deployment"`
	Environment string `json:"environment"`
	Commit      string `json:"commit"`
	Ref         string `json:"ref"`
	State       string `json:"state" words:"queued,pending,in_progress,success,failure,error,inactive,unknown"`
	Creator     string `json:"creator"`
	At          string `json:"at"`
	Description string `json:"description"`
}

// DeploymentSummary counts entries; Latest is the state of the newest one. Complete is false for one page of several.
type DeploymentSummary struct {
	Platform    string `json:"platform"`
	Deployments int64  `json:"deployments"`
	Latest      string `json:"latest" words:"queued,pending,in_progress,success,failure,error,inactive,unknown"`
	Complete    bool   `json:"complete"`
}

// CheckRow is how one named check ended: a check of a platform, or a command that was run. ExitCode is that of a
// command, -1 where there is none. Start and End are RFC 3339 times in UTC, or empty.
type CheckRow struct {
	Name       string `json:"name"`
	App        string `json:"app"`
	Commit     string `json:"commit"`
	Conclusion string `json:"conclusion" words:"success,failure,neutral,cancelled,skipped,timed_out,action_required,stale,unfinished,unknown"`
	ExitCode   int64  `json:"exitCode" least:"-1"`
	Start      string `json:"start"`
	End        string `json:"end"`
	Message    string `json:"message"`
}

// CheckSummary counts checks. OK is what a strict gate says: at least one check, every one a success, none missing.
// Complete is false for one page of several.
type CheckSummary struct {
	Checks     int64 `json:"checks"`
	Passed     int64 `json:"passed"`
	Failed     int64 `json:"failed"`
	Unfinished int64 `json:"unfinished"`
	Other      int64 `json:"other"`
	Complete   bool  `json:"complete"`
	OK         bool  `json:"ok"`
}

// FormItem is one line of a form: a step of a manual test, a point of a checklist, a check of a customer. State is done
// (or passed), failed, open, or not_applicable.
type FormItem struct {
	Text  string `json:"text"`
	State string `json:"state" words:"done,failed,open,not_applicable"`
	Note  string `json:"note"`
}

// FormSummary is what a person filled in. By says who did it, as they wrote it: who signed it is the signer. Party is
// the customer or tenant, Reference the script, story or ticket. At is an RFC 3339 time in UTC.
// OK is what a strict gate says: the result is passed, at least one item is done where the form has items, and none is
// failed or open.
type FormSummary struct {
	Title       string   `json:"title"`
	Reference   string   `json:"reference"`
	Result      string   `json:"result" words:"passed,failed"`
	By          string   `json:"by"`
	Party       string   `json:"party"`
	Environment string   `json:"environment"`
	Attendees   []string `json:"attendees"`
	At          string   `json:"at"`
	Notes       string   `json:"notes"`
	Items       int64    `json:"items"`
	Done        int64    `json:"done"`
	Failed      int64    `json:"failed"`
	Open        int64    `json:"open"`
	OK          bool     `json:"ok"`
}
