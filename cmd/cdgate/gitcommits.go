package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cdgate.dev/cdgate/engine"
)

// commitsAtOnce is how many commits one git command is asked about, so that its output stays small.
const commitsAtOnce = 200

// gitCommit is what a commit says of itself.
type gitCommit struct {
	id                string
	parents           []string
	author, committer engine.Author
	coAuthors         []engine.Author
	committedAt       time.Time
}

// commits are the commits of these ids, in their order.
func (r repo) commits(ids []string) ([]gitCommit, error) {
	var out []gitCommit
	for some := range slices.Chunk(ids, commitsAtOnce) {
		list, err := r.someCommits(some)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

func (r repo) someCommits(ids []string) ([]gitCommit, error) {
	// A commit cannot hold the byte 0, so nothing in it can end a field early.
	const fieldsEach = 8
	format := "--format=%H%x00%P%x00%ct%x00%an%x00%ae%x00%cn%x00%ce%x00%B%x00"
	out, err := r.run(append([]string{"show", "--no-patch", "--no-renames", "--no-notes", "--no-color", "--encoding=UTF-8", format}, ids...)...)
	if err != nil {
		return nil, err
	}
	all := strings.Split(out, "\x00")
	if len(all) != fieldsEach*len(ids)+1 {
		return nil, fmt.Errorf("git show: %d fields for %d commits", len(all), len(ids))
	}
	var commits []gitCommit
	for f := range slices.Chunk(all[:len(all)-1], fieldsEach) {
		seconds, err := strconv.ParseInt(f[2], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("git show: %q is no time of a commit", f[2])
		}
		commits = append(commits, gitCommit{
			id: strings.TrimPrefix(f[0], "\n"), parents: strings.Fields(f[1]), committedAt: time.Unix(seconds, 0).UTC(),
			author: author(f[3], f[4]), committer: author(f[5], f[6]), coAuthors: coAuthors(f[7]),
		})
	}
	return commits, nil
}

func author(name, email string) engine.Author {
	return engine.Author{Name: strings.TrimSpace(name), Email: strings.TrimSpace(email)}
}

// coAuthor finds co-authors wherever they stand in a message: git itself would only read the last paragraph, and a name
// too many costs an approver, a name too few an author who approves.
var coAuthor = regexp.MustCompile(`(?im)^[ \t]*co-authored-by:[ \t]*(\S.*?)[ \t\r]*$`)

// coAuthors are those that the message of a commit names.
func coAuthors(message string) []engine.Author {
	var out []engine.Author
	for _, m := range coAuthor.FindAllStringSubmatch(message, -1) {
		name, rest, found := strings.Cut(m[1], "<")
		email, _, closed := strings.Cut(rest, ">")
		if !found || !closed {
			name, email = m[1], ""
		}
		out = append(out, author(name, email))
	}
	return out
}
