package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/collect"
)

// maxFactCommits is how many commits between two revisions are looked at.
const maxFactCommits = 5000

// gitDocument is the report of format git.
type gitDocument struct {
	APIVersion  string                 `json:"apiVersion"`
	Tool        evidence.Tool          `json:"tool"`
	Repository  string                 `json:"repository"`
	Revision    string                 `json:"revision"`
	Tree        string                 `json:"tree"`
	Branch      string                 `json:"branch"`
	CommittedAt string                 `json:"committedAt"`
	Signature   gitSignature           `json:"signature"`
	Clean       bool                   `json:"clean"`
	Base        string                 `json:"base,omitempty"`
	Ancestor    bool                   `json:"ancestor"`
	Complete    bool                   `json:"complete"`
	Missing     []string               `json:"missing"`
	Commits     []gitCommitDocument    `json:"commits"`
	Changed     []evidence.ChangedFile `json:"changed"`
}

type gitSignature struct {
	Status string `json:"status"`
	By     string `json:"by"`
}

type gitCommitDocument struct {
	ID          string      `json:"id"`
	Parents     []string    `json:"parents"`
	CommittedAt string      `json:"committedAt"`
	Author      gitPerson   `json:"author"`
	Committer   gitPerson   `json:"committer"`
	CoAuthors   []gitPerson `json:"coAuthors"`
}

type gitPerson struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// gitReport is what git says of the commit, as a report.
func (k *call) gitReport() (collect.Made, error) {
	f := k.ciFacts()
	if f.revision == "" {
		return collect.Made{}, fault.New(fault.Usage, "collect --git: there is no commit here; run it in a checkout, or name one with --revision")
	}
	r := k.git()
	r.timeout = gitFactsTimeout
	base, err := r.base(k.String("base"))
	if err != nil {
		return collect.Made{}, err
	}
	doc, err := r.facts(f.revision, base)
	if err != nil {
		return collect.Made{}, fault.New(fault.Evidence, "collect --git: %w", err)
	}
	doc.Repository, doc.Branch = validText(f.repository), validText(f.branch)
	b, err := document(doc)
	return collect.Made{Name: "git", Kind: evidence.Source, Data: b}, err
}

// document is the bytes of one of our own reports.
func document(v any) ([]byte, error) {
	b, err := json.Marshal(v, json.Deterministic(true), json.FormatNilSliceAsNull(false), json.FormatNilMapAsNull(false), jsontext.WithIndent("  "))
	if err != nil {
		return nil, fault.New(fault.Internal, "write report: %w", err)
	}
	return append(b, '\n'), nil
}

// validText is text that JSON can hold: bytes that are no UTF-8 become U+FFFD.
func validText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// gitBase is what a revision is compared with: nothing said, a commit, or one that this clone lacks.
type gitBase struct {
	id, spelt string
}

// base finds the commit that --base names. One that a clone with all its history does not know is a mistake; one that
// a shallow clone does not know, or that is a full id, is only not here.
func (r repo) base(spelt string) (gitBase, error) {
	if spelt == "" {
		return gitBase{}, nil
	}
	if strings.HasPrefix(spelt, "-") {
		return gitBase{}, fault.New(fault.Usage, "--base is a commit, a branch or a tag, not %q", spelt)
	}
	b := gitBase{spelt: spelt, id: r.or("rev-parse", "--verify", "--quiet", spelt+"^{commit}")}
	if b.id == "" && !commitID.MatchString(spelt) && r.or("rev-parse", "--is-shallow-repository") != "true" {
		return b, fault.New(fault.Usage, "--base %q is no commit, branch or tag of this repository; was it fetched?", spelt)
	}
	return b, nil
}

// facts gathers the document about a commit. What cannot be known is told in it; an error is for what must be known.
func (r repo) facts(revision string, base gitBase) (gitDocument, error) {
	doc := gitDocument{APIVersion: "cdgate.dev/git/v1", Tool: evidence.Tool{Name: "git", Version: gitVersion(r.or("version"))}, Revision: revision}
	if !commitID.MatchString(revision) {
		return doc, fmt.Errorf("%q is not a full commit id", revision)
	}
	// The commit itself and not "log", which in a shallow clone hides the parents.
	raw, err := r.run("cat-file", "commit", revision)
	if err != nil {
		return doc, fmt.Errorf("commit %s is not in this clone: %w", revision, err)
	}
	header, _, _ := strings.Cut(raw, "\n\n")
	doc.Tree = headerValue(header, "tree")
	switch parents := headerValues(header, "parent"); {
	case base.spelt != "":
		doc.Base = base.id
	case len(parents) > 0:
		base.spelt = parents[0]
		doc.Base = r.or("rev-parse", "--verify", "--quiet", parents[0]+"^{commit}")
	}
	missing := func(format string, args ...any) {
		doc.Missing = append(doc.Missing, validText(fmt.Sprintf(format, args...)))
	}
	if base.spelt != "" && doc.Base == "" {
		missing("the base %s is not in this clone; %s", base.spelt, deepen)
	}
	if err := r.addCommits(&doc, missing); err != nil {
		return doc, err
	}
	doc.Signature = r.signature(revision, header)
	if doc.Base != "" || base.spelt == "" {
		r.addChanged(&doc, missing)
	}
	if doc.Base != "" {
		_, err := r.run("merge-base", "--is-ancestor", doc.Base, revision)
		doc.Ancestor = err == nil
	}
	if doc.Clean, err = r.clean(revision); err != nil {
		missing("whether the work tree is clean is not known: %v", err)
	}
	doc.Complete = len(doc.Missing) == 0
	return doc, nil
}

// addCommits adds the commits between the base and the revision; without a base, the revision's own.
func (r repo) addCommits(doc *gitDocument, missing func(string, ...any)) error {
	ids := []string{doc.Revision}
	if doc.Base != "" {
		out, err := r.run("rev-list", fmt.Sprintf("--max-count=%d", maxFactCommits+1), doc.Revision, "^"+doc.Base)
		if err != nil {
			return err
		}
		if ids = strings.Fields(out); len(ids) > maxFactCommits {
			ids = ids[:maxFactCommits]
			missing("more than %d commits lie between; only the newest are listed", maxFactCommits)
		}
		// The end of a shallow clone looks like the start of history, unless the base stands for what is cut off.
		if end := r.cutOff(ids); end != "" {
			missing("the clone is cut off at %s; %s", end, deepen)
		}
	}
	commits, err := r.commits(ids)
	if err != nil {
		return err
	}
	for _, c := range commits {
		d := gitCommitDocument{ID: c.id, Parents: c.parents, CommittedAt: rfc3339(c.committedAt), Author: asPerson(c.author), Committer: asPerson(c.committer)}
		for _, a := range c.coAuthors {
			d.CoAuthors = append(d.CoAuthors, asPerson(a))
		}
		doc.Commits = append(doc.Commits, d)
	}
	own, err := r.commits([]string{doc.Revision})
	if err != nil {
		return err
	}
	doc.CommittedAt = rfc3339(own[0].committedAt)
	return nil
}

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func asPerson(a engine.Author) gitPerson {
	return gitPerson{Name: validText(a.Name), Email: validText(a.Email)}
}

// headerValues are the values of one name in the header of a commit, headerValue the first of them.
func headerValues(header, name string) []string {
	var out []string
	for line := range strings.SplitSeq(header, "\n") {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			out = append(out, v)
		}
	}
	return out
}

func headerValue(header, name string) string {
	return first(headerValues(header, name)...)
}

// versionNumber finds the number in what "git version" prints.
var versionNumber = regexp.MustCompile(`[0-9]+(\.[0-9]+)+`)

func gitVersion(s string) string { return versionNumber.FindString(s) }

// pathText writes a path as text. One that is no UTF-8 is written as git itself does, in quotes and with octal numbers,
// and so is one that begins with a quote, so that no two paths look the same.
func pathText(path string) string {
	if utf8.ValidString(path) && !strings.HasPrefix(path, `"`) {
		return path
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(path) {
		switch c := path[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7F:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
