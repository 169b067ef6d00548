// Package attestation reads what builders and verifiers attest: SLSA provenance and verification summaries. A reader gets the
// predicate of a statement; signatures, subjects and the statement itself are looked at elsewhere.
package attestation

import (
	"slices"
	"strings"

	"cdgate.dev/cdgate/evidence"
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
	url, _, _ = strings.Cut(e.uri, "#")
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
	return evidence.Repository(url), ref
}

// Why a provenance ties an artifact to no commit.
const (
	noCommit       = "it names no commit that was built: it ties the artifact to none"
	severalCommits = "it names several commits, and not which of them was built: it ties the artifact to none"
	otherCommit    = "its parameters name what was built, and its commits are of other repositories: it ties the artifact to none"
)

// named is the source that a provenance names before it lists what it used: an entry, with or without a digest, or a repository alone.
type named struct {
	entry
	url string
	// built says that it is what was built. Otherwise it is where the configuration of the build lies, which may be another
	// repository than that of the source; then it only chooses among several.
	built bool
}

// repository is the one that is named; "" when it is none that can be compared.
func (n named) repository() string {
	if n.url != "" {
		return evidence.Repository(n.url)
	}
	url, _ := n.entry.repository()
	return url
}

func (n named) says() bool { return n.url != "" || n.uri != "" }

// source finds the one commit that was built: among the entries with a commit, those of the repository that is named. If
// there are none of it, it is the named entry itself, if that has a commit; a commit of another repository than the one that was built
// is no answer. Repository and commit always come from one entry. Two commits are none: a guess would tie an artifact to something
// else, and why says so.
func source(entries []entry, n named) (repository, ref, revision, why string) {
	isGit := func(e entry) bool {
		url, _ := e.repository()
		return e.commit() != "" && url != ""
	}
	git := slices.DeleteFunc(slices.Clone(entries), func(e entry) bool { return !isGit(e) })
	ofNamed := slices.DeleteFunc(slices.Clone(git), func(e entry) bool {
		url, _ := e.repository()
		return url != n.repository()
	})
	switch {
	case len(ofNamed) > 0 && n.built && isGit(n.entry):
		git = append(ofNamed, n.entry) // which may contradict
	case len(ofNamed) > 0:
		git = ofNamed
	case isGit(n.entry) && (n.built || len(git) == 0):
		git = []entry{n.entry}
	case n.built && n.says() && len(git) > 0:
		return "", "", "", otherCommit
	}
	for _, e := range git {
		url, at := e.repository()
		switch {
		case revision == "":
			repository, ref, revision = url, at, e.commit()
		case e.commit() != revision || url != repository:
			return "", "", "", severalCommits
		case ref == "":
			ref = at
		}
	}
	if revision == "" {
		why = noCommit
	}
	return repository, ref, revision, why
}

func isHex(s string, length int) bool {
	return len(s) == length && strings.Trim(s, "0123456789abcdef") == ""
}
