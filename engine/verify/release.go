package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// ReleaseID identifies a release: "sha256:" and the SHA-256 of the canonical JSON of {name, version, subjects sorted by
// digest}. A release without artifacts is identified by its revision too, so that a sign-off for one commit is never one
// for another.
func ReleaseID(name, version string, subjects []Artifact, revision string) string {
	id := struct {
		Name     string     `json:"name"`
		Version  string     `json:"version"`
		Subjects []Artifact `json:"subjects"`
		Revision string     `json:"revision,omitzero"`
	}{Name: name, Version: version, Subjects: sortedArtifacts(subjects)}
	if len(subjects) == 0 {
		id.Revision = revision
	}
	b, err := json.Marshal(id, json.Deterministic(true))
	if err != nil { // invalid UTF-8: the empty identity, for which nothing can be signed
		return ""
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// sortedArtifacts is a copy sorted by digest, then name, with each digest once.
func sortedArtifacts(in []Artifact) []Artifact {
	out := append([]Artifact{}, in...)
	slices.SortFunc(out, func(a, b Artifact) int {
		if c := strings.Compare(a.Digest, b.Digest); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return slices.CompactFunc(out, func(a, b Artifact) bool { return a.Digest == b.Digest })
}
