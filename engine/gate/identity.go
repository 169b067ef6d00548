package gate

import (
	"fmt"
	"slices"
	"strings"

	"cdgate.dev/cdgate/engine/seal"
)

// Identity is whose certificates count as a signer's or a person's. Either Subject is set, and the certificate's subject must be
// exactly that; or Repository, Workflow and Refs are, and the certificate must be that of a workflow in CI. Nothing is a
// pattern but the last character of a reference, which may be "*".
type Identity struct {
	// Issuer is the URL of the OpenID Connect provider that vouches.
	Issuer  string `json:"issuer"`
	Subject string `json:"subject,omitempty"`
	// Repository is the URL of the source repository; RepositoryID the number it keeps, where its name could be taken over.
	Repository   string `json:"repository,omitempty"`
	RepositoryID string `json:"repositoryId,omitempty"`
	// Workflow is the path of the build's top configuration in the repository, Refs are the git references it may run for.
	Workflow string   `json:"workflow,omitempty"`
	Refs     []string `json:"refs,omitempty"`
	// JobWorkflows are URIs (with reference) of the workflows that may be called to sign; empty means that the job must be
	// written in Workflow itself.
	JobWorkflows []string `json:"jobWorkflows,omitempty"`
	// Runner is where it must run, such as github-hosted; empty means anywhere.
	Runner string `json:"runner,omitempty"`
}

// PersonIdentity is a person's identity at an issuer: the certificate's subject must be exactly Subject.
type PersonIdentity struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

// differs is what keeps a certificate from being this identity's, for people, and how many of the things before it were
// right; "" when nothing does.
func (i Identity) differs(c seal.Identity) (why string, right int) {
	if i.Subject != "" {
		return first(
			must("issuer", c.Issuer, i.Issuer), must("subject", c.Subject, i.Subject))
	}
	return first(
		must("issuer", c.Issuer, i.Issuer), must("repository", c.Repository, i.Repository),
		may("repositoryId", c.RepositoryID, i.RepositoryID), i.workflow(c),
		oneOf("reference", c.Ref, i.Refs), i.job(c), may("runner", c.Runner, i.Runner))
}

// workflow demands that the build's top configuration is the workflow of the repository at the reference that was built. GitLab writes
// two slashes between repository and path.
func (i Identity) workflow(c seal.Identity) string {
	if slices.Contains(i.workflowURIs(c.Ref), c.Workflow) {
		return ""
	}
	return fmt.Sprintf("it says workflow %s, and %s at the reference %s is let", orNone(c.Workflow), i.Workflow, orNone(c.Ref))
}

func (i Identity) workflowURIs(ref string) []string {
	return []string{i.Repository + "/" + i.Workflow + "@" + ref, i.Repository + "//" + i.Workflow + "@" + ref}
}

// job demands that the signing job is written in the workflow itself, or in one that may be called.
func (i Identity) job(c seal.Identity) string {
	if len(i.JobWorkflows) > 0 {
		return oneOf("job's workflow", c.Job, i.JobWorkflows)
	}
	if c.Job != c.Workflow {
		return fmt.Sprintf("it says that the job is written in %s, and only jobs of %s itself are let; add it to jobWorkflows if that is meant", orNone(c.Job), i.Workflow)
	}
	return ""
}

func must(what, is, want string) string {
	if is == want && want != "" {
		return ""
	}
	return fmt.Sprintf("it says %s %s, and %s is let", what, orNone(is), want)
}

// may is must for what need not be wanted.
func may(what, is, want string) string {
	if want == "" {
		return ""
	}
	return must(what, is, want)
}

func oneOf(what, is string, want []string) string {
	if is != "" && slices.ContainsFunc(want, func(w string) bool { return covers(w, is) }) {
		return ""
	}
	return fmt.Sprintf("it says %s %s, and %s is let", what, orNone(is), strings.Join(want, ", "))
}

// covers says whether a text is the wanted one, or starts as it does up to a last "*".
func covers(want, is string) bool {
	if start, ok := strings.CutSuffix(want, "*"); ok {
		return strings.HasPrefix(is, start) && len(is) > len(start)
	}
	return is == want
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// first is the first reason, and how many places before it had none.
func first(reasons ...string) (string, int) {
	for n, r := range reasons {
		if r != "" {
			return r, n
		}
	}
	return "", len(reasons)
}

// place of an identity in the definition.
type identityPlace struct {
	Identity
	id     string // of the signer or person
	place  string
	person bool
}

// identities are all identities of the definition in a fixed order.
func (d *Definition) identities() []identityPlace {
	var out []identityPlace
	for _, id := range sorted(d.Signers) {
		for n, i := range d.Signers[id].Identities {
			out = append(out, identityPlace{i, id, fmt.Sprintf("signers.%s.identities[%d]", id, n), false})
		}
	}
	for _, id := range sorted(d.People) {
		for n, i := range d.People[id].Identities {
			out = append(out, identityPlace{Identity{Issuer: i.Issuer, Subject: i.Subject}, id, fmt.Sprintf("people.%s.identities[%d]", id, n), true})
		}
	}
	return out
}

// ownerOf is the one signer or person that a certificate's identity belongs to. When it is nobody's, or of two, why says so
// for people: what the certificate says, and what the identity that comes closest lets.
func (d *Definition) ownerOf(c seal.Identity) (owner identityPlace, why string) {
	var mine, near identityPlace
	best := -1
	for _, i := range d.identities() {
		reason, right := i.differs(c)
		switch {
		case reason == "" && mine.id != "" && (mine.id != i.id || mine.person != i.person):
			return identityPlace{}, fmt.Sprintf("it is that of %s and of %s, so nobody could tell who signed; narrow one of them", mine.place, i.place)
		case reason == "":
			mine = i
		case right > best:
			best, near, why = right, i, reason
		}
	}
	if mine.id != "" {
		return mine, ""
	}
	if best < 0 {
		return identityPlace{}, "the definition knows no identities; add one under signers or people"
	}
	return identityPlace{}, fmt.Sprintf("%s (%s)", why, near.place)
}
