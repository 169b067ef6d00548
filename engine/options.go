package engine

import (
	"io"
	"time"

	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/record"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/verify"
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/collect"
)

// Version is the version of the engine that records name; the command line prints the same.
const Version = "0.1.0"

// Places says where things live.
type Places struct {
	// Store is the evidence store, a directory or oci://REGISTRY/REPOSITORY; Log is the directory of the decision log.
	Store, Log string
	// Registries says how a store in a registry is reached.
	Registries Registries
	// Gate is the path of gate.yaml; its signature lies beside it as gate.sigstore.json.
	Gate string
	// Root pins who may sign the gate definition: a fingerprint ("SHA256:…") or a public key in PEM. Empty means that
	// only the gate definition itself says so, and the record says that.
	Root string
}

// Artifact is a file that was built, by its digest ("sha256:…").
type Artifact struct {
	Name   string
	Digest string
}

// Author is someone who wrote, co-wrote or committed a change.
type Author struct {
	Name  string
	Email string
}

// Source is the revision that evidence is about. Every field may be empty.
type Source struct {
	Repository, Revision, Branch string
	Authors                      []Author
}

// Producer is the CI run that collects; a person's machine is System "local".
type Producer struct {
	System, Repository, Revision, Branch, Workflow, Job, Run string
	// Attempt counts from 1 within a run; a higher attempt supersedes a lower one.
	Attempt int
	Actor   string
}

// Release names what is decided on.
type Release struct {
	Name, Version, Line string
}

// Reports says which report files to read.
type Reports struct {
	// Paths are arguments of the form [KIND[/LEVEL]:]PATH; a path is a file, a glob, a directory, or "-" for Stdin.
	Paths []string
	// Dir is the directory that relative paths start from; nothing outside it is followed through symbolic links.
	Dir   string
	Stdin io.Reader
	// Redact replaces the secrets in a report before it is read and stored; without it such a report is refused.
	Redact bool
	// Skipped, if set, is told of each file in a directory that is no report; Progress, if set, how far reading is.
	Skipped  func(path, reason string)
	Progress func(collect.Progress)
}

// request asks for the reports.
func (r Reports) request(own map[evidence.Kind]collect.OwnKind, made []collect.Made, to collect.Spool) collect.Request {
	return collect.Request{
		Args: r.Paths, Dir: r.Dir, Stdin: r.Stdin, Made: made, Own: own, Spool: to, Redact: r.Redact, Skipped: r.Skipped, Progress: r.Progress,
		Attestations: openAttestation,
	}
}

// CollectOptions are the inputs of Collect.
type CollectOptions struct {
	Reports
	// Own are the own kinds of evidence.
	Own map[evidence.Kind]collect.OwnKind
	// Made are reports that are in memory, such as what a collector found out; they are read as files are.
	Made      []collect.Made
	Artifacts []Artifact
	// SHA512 are those of artifacts that are files, in hexadecimal digits, by their Digest.
	SHA512 map[string]string
	// Contains are the images in the one artifact, where that is an image index.
	Contains []verify.Contained
	// Found says that the artifacts were found and not built here: nothing ties them to the revision.
	Found    bool
	Source   Source
	Producer Producer
	Release  Release
	// Part names one of several jobs that write the same kind of report, such as the cells of a matrix.
	Part   string
	Signer *seal.Signer
	// Store and Registries are as in Places.
	Store      string
	Registries Registries
	Now        time.Time
}

// Collected is what a collection stored.
type Collected struct {
	Items []CollectedItem
	// Builds are the digests of the build statements, one per artifact.
	Builds []string
	// Collection is the digest of the statement that lists them all.
	Collection string
	Store      string
}

// CollectedItem is one report and its signed statement.
type CollectedItem struct {
	evidence.Item
	// Statement is the digest of the signed statement.
	Statement string
	// About says what the statement is about: "artifact" or "revision", and its digest.
	About, AboutDigest string
}

// EvaluateOptions are the inputs of Evaluate.
type EvaluateOptions struct {
	Places
	Release   Release
	Artifacts []Artifact
	Source    Source
	Target    string
	// Stage defaults to "activate".
	Stage string
	// Policies are further policy sources; they may only add rules.
	Policies []string
	Signer   *seal.Signer
	// LogKey is the private note key of the decision log.
	LogKey string
	// Record is the path that the record is written to.
	Record string
	// Collect is set to collect reports first and decide in one step.
	Collect *CollectOptions
	Now     time.Time
	Sandbox policy.Sandbox
}

// Evaluation is a decision and where its record is.
type Evaluation struct {
	Result    record.Result
	Predicate record.Predicate
	// Digest is that of the record, Path where it was written; both are empty when nothing was recorded.
	Digest, Path string
	// Index is the entry of the log, Checkpoint its signed head.
	Index      uint64
	Checkpoint string
	// Input is the document the policies saw, without index views; Views shows it with them.
	Input []byte
	views
	// Collected is set when reports were collected first.
	Collected *Collected
	ExitCode  int
}

// CheckOptions are the inputs of Check.
type CheckOptions struct {
	Places
	Reports
	Release  Release
	Source   Source
	Producer Producer
	Target   string
	Stage    string
	Policies []string
	Now      time.Time
	Sandbox  policy.Sandbox
}

// Checked is what could be judged without a key, a record and a log. Its outcome is never allow.
type Checked struct {
	Result record.Result
	// Items are the reports that were read.
	Items []evidence.Item
	// Later are the rules that need evidence which is not here, with the kinds that are absent.
	Later []LaterRule
	// Input is the document the policies saw, without index views; Views shows it with them.
	Input []byte
	views
	ExitCode int
}

// LaterRule is a rule that could not be judged yet.
type LaterRule struct {
	Code, Title string
	Missing     []string
}

// SignOptions are the inputs of Sign. A person signs what the newest logged decision about the release and target says;
// nothing is evaluated again, so no policy is needed on their machine.
type SignOptions struct {
	Places
	// Release narrows the decisions by name and version; empty fields match any. The same goes for Target and Stage.
	Release Release
	Target  string
	Stage   string
	// Requirement and Meaning default when exactly one requirement is open for the signer.
	Requirement, Meaning string
	// Verdict is "approve" or "reject"; a rejection needs a Comment.
	Verdict, Comment string
	Signer           *seal.Signer
	LogKey           string
	// ValidHours is 0 for what the requirement says; it may only be shorter.
	ValidHours int
	Now        time.Time
	// Confirm sees what would be signed and returns an error to refuse; nil signs at once.
	Confirm func(Proposal) error
}

// Proposal is what a person is about to sign.
type Proposal struct {
	Person, Name, Role string
	Verdict, Comment   string
	Requirement        string
	Meaning            string
	Result             record.Result
	ValidUntil         string
}

// Signed is a stored and logged sign-off.
type Signed struct {
	Proposal
	Digest string
	Index  uint64
}

// VerifyOptions are the inputs of Verify.
type VerifyOptions struct {
	Places
	// Record is the record's bytes, Proof those of its log proof.
	Record, Proof []byte
	// Artifacts and Target, when given, must be those of the record.
	Artifacts []Artifact
	Target    string
	Stage     string
	Now       time.Time
}

// Verification answers whether the record's subject may go to its target now.
type Verification struct {
	Checks    []VerifyCheck
	Predicate record.Predicate
	Digest    string
	Index     uint64
	ExitCode  int
}

// VerifyCheck is one check, in the order in which it was made.
type VerifyCheck struct {
	Name, Detail string
	OK           bool
}

// ReplayOptions are the inputs of Replay.
type ReplayOptions struct {
	// Store holds what the record names; it and Registries are as in Places.
	Store      string
	Registries Registries
	// Root pins who may have signed the gate definition that the record names, as in Places.
	Root    string
	Record  []byte
	Sandbox policy.Sandbox
}

// Replayed says whether a record reproduces.
type Replayed struct {
	Predicate record.Predicate
	Digest    string
	Checks    []VerifyCheck
	// Differences name the places at which the recomputed result differs; empty for a match.
	Differences []string
	ExitCode    int
}

// LogEntry is one entry of the decision log.
type LogEntry struct {
	Index uint64 `json:"index"`
	record.Leaf
}

// Refused is the error of a person's act that the gate definition does not entitle them to. Nothing was written.
type Refused struct {
	Reason string
}

func (r *Refused) Error() string { return r.Reason }
