package gate

import (
	"slices"
	"strings"
	"time"
)

// noreply is the domain of the addresses that GitHub gives to commits of people who hide theirs: "login@" for old
// accounts, "number+login@" for others.
const noreply = "@users.noreply.github.com"

// PersonByEmail is whose address a commit carries: a person's id, or with robot set a robot's. Letter case does not
// matter, and an address that GitHub made up for an account is that account's. ok is false for an address nobody has.
//
// An address is only what the commit says. It is used to keep people from approving their own work, never to prove who
// somebody is.
func (d *Definition) PersonByEmail(email string) (id string, robot, ok bool) {
	if email == "" {
		return "", false, false
	}
	same := func(e string) bool { return fold(e) == fold(email) }
	for _, id := range sorted(d.People) {
		if slices.ContainsFunc(d.People[id].Emails, same) {
			return id, false, true
		}
	}
	for _, id := range sorted(d.Robots) {
		if slices.ContainsFunc(d.Robots[id].Emails, same) {
			return id, true, true
		}
	}
	if local, is := strings.CutSuffix(fold(email), noreply); is {
		login := local
		if number, rest, cut := strings.Cut(local, "+"); cut && number != "" && strings.Trim(number, "0123456789") == "" {
			login = rest
		}
		if id, ok := d.PersonByLogin("github", login); ok {
			return id, false, true
		}
	}
	return "", false, false
}

// PersonByLogin is the person with an account on a platform, such as "github" and "eva". Letter case does not matter.
func (d *Definition) PersonByLogin(platform, login string) (id string, ok bool) {
	if platform == "" || login == "" {
		return "", false
	}
	want := fold(platform + ":" + login)
	for _, id := range sorted(d.People) {
		if slices.ContainsFunc(d.People[id].Logins, func(l string) bool { return fold(l) == want }) {
			return id, true
		}
	}
	return "", false
}

// RolesOf are the roles that a person has for a line and a target at an instant, sorted. A role that is limited to some
// lines is nobody's where no line is named.
func (d *Definition) RolesOf(person, line, target string, at time.Time) []string {
	var out []string
	if _, ok := d.People[person]; !ok {
		return nil
	}
	for _, id := range sorted(d.Roles) {
		r := d.Roles[id]
		if slices.Contains(r.People, person) && r.covers(line, target) && r.validAt(at) {
			out = append(out, id)
		}
	}
	return out
}

func (r Role) covers(line, target string) bool {
	return (len(r.Lines) == 0 || slices.Contains(r.Lines, line)) &&
		(len(r.Targets) == 0 || slices.Contains(r.Targets, target))
}

// validAt is false for times that cannot be read.
func (r Role) validAt(at time.Time) bool {
	if r.From != "" {
		if from, err := parseTime(r.From); err != nil || at.Before(from) {
			return false
		}
	}
	if r.Until != "" {
		if until, err := parseTime(r.Until); err != nil || !at.Before(until) {
			return false
		}
	}
	return true
}

// fold lowers ASCII letters only: other alphabets have letters that fold onto ASCII ones, and two people must not
// become one by that.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
