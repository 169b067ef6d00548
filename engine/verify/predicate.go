package verify

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/evidence"
)

// The predicate types of the statements that cdgate signs; those of evidence are PredicateType(kind). A version is part
// of the type: another version is another type and counts for nothing here.
const (
	CollectionType = "https://cdgate.dev/collection/v1"
	SignoffType    = "https://cdgate.dev/signoff/v1"

	predicatePrefix = "https://cdgate.dev/"
	predicateSuffix = "/v1"
)

// PredicateType is the predicate type of evidence of the kind, https://cdgate.dev/KIND/v1.
func PredicateType(k evidence.Kind) string { return predicatePrefix + string(k) + predicateSuffix }

// kindOf is the built-in evidence kind of a predicate type of cdgate's, matched exactly. What comes in attestations only has none.
func kindOf(predicateType string) (evidence.Kind, bool) {
	for _, k := range evidence.Kinds() {
		if !evidence.IsAttested(k) && predicateType == PredicateType(k) {
			return k, true
		}
	}
	return "", false
}

// IsEvidenceType says whether a predicate type has the form of one of evidence, of a built-in kind or of an own one.
func IsEvidenceType(predicateType string) bool {
	name := shortType(predicateType)
	return predicateType == PredicateType(evidence.Kind(name)) && name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// ownKindOf is the own kind of a predicate type, as far as its form goes: whether there is such a kind the gate
// definition says.
func ownKindOf(def *gate.Definition, predicateType string) (evidence.Kind, bool) {
	name := strings.TrimSuffix(strings.TrimPrefix(predicateType, predicatePrefix), predicateSuffix)
	_, ok := def.Kinds[name]
	return evidence.Kind(name), ok && predicateType == PredicateType(evidence.Kind(name))
}

// shortType is what people are told a predicate type is.
func shortType(predicateType string) string {
	s := strings.TrimPrefix(predicateType, predicatePrefix)
	return strings.TrimSuffix(s, predicateSuffix)
}

// Producer is the CI run that collected something, as the CI system describes it; fields are empty where it does not say.
type Producer struct {
	System     string `json:"system"`
	Repository string `json:"repository"`
	Revision   string `json:"revision"`
	Branch     string `json:"branch"`
	Workflow   string `json:"workflow"`
	Job        string `json:"job"`
	Run        string `json:"run"`
	// Attempt counts from 1 within a run; a later attempt supersedes an earlier one.
	Attempt int    `json:"attempt"`
	Actor   string `json:"actor"`
}

// ReleaseRef is the release an item says it is for; both fields are empty where it does not say.
type ReleaseRef struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// ItemPredicate is the predicate of a report of any kind. Summary is the summary type of the kind in package evidence.
type ItemPredicate struct {
	Level       string              `json:"level"`
	Part        string              `json:"part"`
	Scope       string              `json:"scope"`
	Format      string              `json:"format"`
	Tool        evidence.Tool       `json:"tool"`
	CollectedAt string              `json:"collectedAt"`
	Producer    Producer            `json:"producer"`
	Line        string              `json:"line"`
	Release     ReleaseRef          `json:"release"`
	Summary     jsontext.Value      `json:"summary"`
	Warnings    []evidence.Warning  `json:"warnings"`
	Report      evidence.Descriptor `json:"report"`
	Rows        evidence.Descriptor `json:"rows"`
}

// BuildPredicate says what an artifact was built from.
type BuildPredicate struct {
	CollectedAt string     `json:"collectedAt"`
	Producer    Producer   `json:"producer"`
	Line        string     `json:"line"`
	Release     ReleaseRef `json:"release"`
	Source      Built      `json:"source"`
	// SHA512 is that of the artifact's bytes in hexadecimal digits, where collect had them.
	SHA512 string `json:"sha512,omitzero"`
	// Contains are the images in it, where the artifact is an image index.
	Contains []Contained `json:"contains,omitzero"`
}

// Contained is one image of an image index: what is said about its manifest or its configuration is about this platform of it.
type Contained struct {
	Digest   string `json:"digest"`
	Config   string `json:"config"`
	Platform string `json:"platform"`
}

// Built is the source of a build. Revision is a git commit of 40 or 64 hexadecimal digits.
type Built struct {
	Repository string   `json:"repository"`
	Revision   string   `json:"revision"`
	Branch     string   `json:"branch"`
	Authors    []Author `json:"authors"`
}

// Author is somebody who had a hand in a commit: author, co-author or committer.
type Author struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// CollectionPredicate lists the statements that one run of collect added, by digest.
type CollectionPredicate struct {
	CollectedAt string   `json:"collectedAt"`
	Producer    Producer `json:"producer"`
	Line        string   `json:"line"`
	Items       []string `json:"items"`
}

// SignoffPredicate is a person's verdict on one requirement of one release, target and stage.
type SignoffPredicate struct {
	// Verdict is "approve" or "reject".
	Verdict           string     `json:"verdict"`
	Requirement       string     `json:"requirement"`
	RequirementDigest string     `json:"requirementDigest"`
	Meaning           string     `json:"meaning"`
	Target            string     `json:"target"`
	Stage             string     `json:"stage"`
	Subjects          []Artifact `json:"subjects"`
	// Findings are the findings the signer saw, as decide.Finding.Seen writes them.
	Findings   []string `json:"findings"`
	Comment    string   `json:"comment"`
	SignedAt   string   `json:"signedAt"`
	ValidUntil string   `json:"validUntil"`
}

// Artifact is one artifact of a release; Digest is "sha256:…".
type Artifact struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
}
