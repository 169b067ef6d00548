// Package attestation reads what builders and verifiers attest: SLSA provenance and verification summaries. A reader gets the
// predicate of a statement; signatures, subjects and the statement itself are looked at elsewhere.
package attestation

import (
	"slices"
	"strings"
)

// entry is a material, a dependency, or a source that parameters name.
type entry struct {
	uri, name string
	digests   map[string]string
}

// commit is the git commit of an entry, "" when it is none. in-toto calls the digest gitCommit, SLSA v0.2 sha1, and GitLab
// and Azure write the 40 digits of a commit as sha256.
func (e entry) commit() string {
	if c := e.digests["gitCommit"]; isHex(c, 40) || isHex(c, 64) {
		return c
	}
	if c := e.digests["sha256"]; isHex(c, 40) {
		return c
	}
	if c := e.digests["sha1"]; isHex(c, 40) && strings.HasPrefix(e.uri, "git") { // git+https:, git:; a file may have a SHA-1 too
		return c
	}
	return ""
}

// repository takes the URI of a git source apart as SPDX and in-toto write it: git+URL@REF#PATH.
func (e entry) repository() (url, ref string) {
	url, _, _ = strings.Cut(strings.TrimPrefix(e.uri, "git+"), "#")
	path := 0
	if i := strings.Index(url, "://"); i >= 0 {
		path = i + len("://")
		if i = strings.IndexByte(url[path:], '/'); i >= 0 {
			path += i // a user may stand before it, with an @ of its own
		}
	}
	if i := strings.IndexByte(url[path:], '@'); i >= 0 {
		url, ref = url[:path+i], url[path+i+1:]
	}
	if isHex(ref, 40) || isHex(ref, 64) {
		ref = ""
	}
	return tidy(url), ref
}

// tidy is a repository in the one spelling in which it is compared.
func tidy(url string) string {
	return strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(url, "git+"), "/"), ".git")
}

// source finds the one commit that was built: among the entries with a commit, those of the repository that the parameters
// name if it is among them. Without such an entry it is what the parameters name themselves. Repository and
// commit always come from one entry. Two commits are none: a guess would tie an artifact to something else.
func source(entries []entry, named entry, namedURL string) (repository, ref, revision string, several bool) {
	var git []entry
	for _, e := range entries {
		if e.commit() != "" {
			git = append(git, e)
		}
	}
	if len(git) == 0 && named.commit() != "" {
		git = append(git, named)
	}
	want := tidy(namedURL)
	if want == "" {
		want, _ = named.repository()
	}
	ofWanted := slices.DeleteFunc(slices.Clone(git), func(e entry) bool {
		url, _ := e.repository()
		return url != want
	})
	if want != "" && len(ofWanted) > 0 {
		git = ofWanted
	}
	for _, e := range git {
		url, at := e.repository()
		switch {
		case revision == "":
			repository, ref, revision = url, at, e.commit()
		case e.commit() != revision || url != repository:
			return "", "", "", true
		case ref == "":
			ref = at
		}
	}
	return repository, ref, revision, false
}

func isHex(s string, length int) bool {
	return len(s) == length && strings.Trim(s, "0123456789abcdef") == ""
}
