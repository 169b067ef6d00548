// Package source reads what is known of the source that a release is made from.
package source

import (
	"errors"
	"io"
	"regexp"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// maxPeople is how many bytes of names and addresses a summary may hold: it is signed, and signed texts are small.
const maxPeople = 24 << 10

// Git is what "cdgate collect --git" finds out about a commit: its signature, the commits since a base, who had a hand in
// them, and the files that differ.
func Git() evidence.Format {
	return evidence.Format{
		Name: "git", Title: "git facts", Kind: evidence.Source, MediaType: "application/json",
		Recognised: "`apiVersion` cdgate.dev/git/…",
		Tools:      "cdgate collect --git",
		Limits:     "members that it does not name are refused; paths are in the order of their bytes, each once; contributors beyond 24 KiB of names are left out, and then it is incomplete",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && strings.HasPrefix(h.Text("apiVersion"), "cdgate.dev/git/")
		},
		Read: func(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
			p := &gitReader{json: strictjson.New(r), rows: rows, commits: map[string]bool{}, people: map[evidence.Contributor]bool{}}
			return p.read()
		},
	}
}

// gitReader is the state of one pass.
type gitReader struct {
	json     *strictjson.Reader
	rows     *evidence.Rows
	summary  evidence.SourceSummary
	tool     evidence.Tool
	warnings evidence.Warnings
	ancestor bool
	missing  int
	// commits are those seen, people those counted; peopleSize is what the summary holds of them, in bytes.
	commits    map[string]bool
	people     map[evidence.Contributor]bool
	peopleSize int
	dropped    int
	path       string
}

func (p *gitReader) read() (evidence.Report, error) {
	s, j := &p.summary, p.json
	s.Contributors = []evidence.Contributor{}
	err := j.Closed(strictjson.Members{
		"apiVersion":  j.Is("cdgate.dev/git/v1"),
		"tool":        j.Closed(strictjson.Members{"name": p.name(&p.tool.Name), "version": p.name(&p.tool.Version)}),
		"repository":  p.name(&s.Repository),
		"revision":    p.id(&s.Revision),
		"tree":        p.id(&s.Tree),
		"branch":      p.name(&s.Branch),
		"committedAt": j.IntoTime(&s.CommittedAt),
		"signature": j.Closed(strictjson.Members{
			"status": j.IntoOneOf(&s.Signature, "good", "bad", "untrusted", "unverified", "none"), "by": p.name(&s.SignedBy),
		}),
		"clean":    j.IntoBool(&s.Clean),
		"base":     p.id(&s.Base),
		"ancestor": j.IntoBool(&p.ancestor),
		"complete": j.IntoBool(&s.Complete),
		"missing":  func() error { return j.Array(p.readMissing) },
		"commits":  func() error { return j.Array(p.commit()) },
		"changed":  func() error { return j.Array(p.file()) },
	}, "base")()
	if err == nil {
		err = j.End()
	}
	if err == nil {
		err = p.judge()
	}
	return evidence.Report{Tool: p.tool, Summary: evidence.Summary{Source: s}, Warnings: p.warnings}, err
}

// objectID is the id of a commit or tree: SHA-1 or SHA-256.
var objectID = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

func (p *gitReader) id(s *string) func() error {
	return func() (err error) {
		if *s, err = p.json.String(); err == nil && !objectID.MatchString(*s) {
			err = p.json.Errorf("%q is no full id of git", evidence.Cut(*s))
		}
		return err
	}
}

// name returns what reads a short text into s.
func (p *gitReader) name(s *string) func() error {
	return func() (err error) {
		if *s, err = p.json.String(); err == nil && len(*s) > evidence.MaxMessage {
			err = p.json.Errorf("a text of %d bytes, more than %d are refused", len(*s), evidence.MaxMessage)
		}
		return err
	}
}

// readMissing reads why something is not known.
func (p *gitReader) readMissing() error {
	reason, err := p.json.Message()
	if err == nil && reason == "" {
		err = p.json.Errorf("it is empty; say what is missing")
	}
	p.missing++
	p.warnings.Add(evidence.Incomplete, "", "%s", reason)
	return err
}

// commit returns what reads one commit.
func (p *gitReader) commit() func() error {
	j := p.json
	var id, at string
	var parents []string
	var author, committer evidence.Contributor
	var coAuthors []evidence.Contributor
	person := func(c *evidence.Contributor) func() error {
		return j.Closed(strictjson.Members{"name": j.Into(&c.Name), "email": j.Into(&c.Email)})
	}
	var co evidence.Contributor
	readCo := person(&co)
	read := j.Closed(strictjson.Members{
		"id": p.id(&id), "parents": j.IntoStrings(&parents), "committedAt": j.IntoTime(&at),
		"author": person(&author), "committer": person(&committer),
		"coAuthors": func() error {
			return j.Array(func() error {
				co = evidence.Contributor{}
				err := readCo()
				coAuthors = append(coAuthors, co)
				return err
			})
		},
	})
	return func() error {
		coAuthors = coAuthors[:0]
		if err := read(); err != nil {
			return err
		}
		if p.commits[id] {
			return j.Errorf("commit %s stands here twice", id)
		}
		p.commits[id] = true
		p.summary.Commits++
		if len(parents) > 1 {
			p.summary.Merges++
		}
		p.add(author, "author")
		for _, c := range coAuthors {
			p.add(c, "co_author")
		}
		p.add(committer, "committer")
		return nil
	}
}

// add counts a contributor once for each role.
func (p *gitReader) add(c evidence.Contributor, role string) {
	c.Role = role
	size := len(c.Name) + len(c.Email) + len(role)
	switch {
	case p.people[c]:
	case p.peopleSize+size > maxPeople:
		p.dropped++
	default:
		p.people[c] = true
		p.peopleSize += size
		p.summary.Contributors = append(p.summary.Contributors, c)
	}
}

// file returns what reads one file that differs.
func (p *gitReader) file() func() error {
	j := p.json
	var f evidence.ChangedFile
	read := j.Closed(strictjson.Members{
		"path": j.Into(&f.Path), "oldPath": j.Into(&f.OldPath),
		"status": j.IntoOneOf(&f.Status, "added", "modified", "deleted", "renamed", "copied", "type_changed"),
		"added":  j.IntoCount(&f.Added), "removed": j.IntoCount(&f.Removed), "binary": j.IntoBool(&f.Binary),
	}, "oldPath", "added", "removed", "binary")
	return func() error {
		f = evidence.ChangedFile{}
		if err := read(); err != nil {
			return err
		}
		moved := f.Status == "renamed" || f.Status == "copied"
		switch {
		case f.Path == "":
			return j.Errorf("a file without a path")
		case p.path >= f.Path:
			return j.Errorf("path %q after %q; want each once, in the order of their bytes", evidence.Cut(f.Path), evidence.Cut(p.path))
		case moved != (f.OldPath != ""):
			return j.Errorf("path %q is %s; oldPath is for files that were renamed or copied, and they need it", evidence.Cut(f.Path), f.Status)
		case f.Binary && f.Added+f.Removed > 0:
			return j.Errorf("path %q is binary, and yet lines are counted", evidence.Cut(f.Path))
		}
		p.path = f.Path
		p.summary.Files++
		if err := p.rows.Row(f); err != nil {
			return j.Errorf("%w", err)
		}
		return nil
	}
}

// judge holds the parts against each other.
func (p *gitReader) judge() error {
	s := &p.summary
	switch {
	case s.Complete && p.missing > 0:
		return errors.New("it says that it is complete, and also what is missing")
	case !s.Complete && p.missing == 0:
		return errors.New("it says that it is not complete, and not what is missing")
	case s.Base == s.Revision && p.summary.Commits+s.Files > 0:
		return errors.New("its base is its revision, and yet it names commits or files between the two")
	case !p.commits[s.Revision] && (s.Base == "" || s.Commits > 0):
		return errors.New("its revision is not among its commits")
	case s.Signature == "none" && s.SignedBy != "":
		return errors.New("it says that the commit has no signature, and also who signed it")
	}
	if p.dropped > 0 {
		s.Complete = false
		p.warnings.Add(evidence.Incomplete, "commits", "%d more contributors are not listed: the names together are too long", p.dropped)
	}
	if s.Base != "" && !p.ancestor {
		p.warnings.Add(evidence.Diverged, "base", "the revision does not descend from its base: what only the base has shows as changed too")
	}
	return nil
}
