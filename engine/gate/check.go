package gate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/schemas"
)

// APIVersion is the only version of the document there is.
const APIVersion = "cdgate.dev/gate/v1"

// checker looks for what a definition cannot mean, beyond its shape.
type checker struct {
	d    *Definition
	file string
	errs []error
}

// problems are all that is wrong with what d says, in a fixed order. Keys are looked at as far as they are resolved.
func problems(d *Definition, file string) []error {
	c := &checker{d: d, file: file}
	c.head()
	c.keyOwners()
	c.validity()
	c.kinds()
	c.signers()
	c.trusts()
	c.witnesses()
	c.builders()
	c.people()
	c.roles()
	c.lines()
	c.targets()
	return c.errs
}

func (c *checker) add(place, hint, format string, args ...any) {
	c.errs = append(c.errs, &schemas.Error{File: c.file, Path: place, Msg: fmt.Sprintf(format, args...), Hint: hint})
}

func (c *checker) head() {
	if c.d.APIVersion != APIVersion {
		c.add("apiVersion", "", "is %q, want %q", c.d.APIVersion, APIVersion)
	}
	if c.d.Version < 1 {
		c.add("version", "count up from 1 with every change", "is %d", c.d.Version)
	}
	c.instant("expires", c.d.Expires)
	if len(c.d.Roots) == 0 {
		c.add("roots", "", "is empty: nobody could sign")
	}
	if n := len(c.d.owners(c.d.Roots)); c.d.need() > n && n > 0 {
		c.add("threshold", "list more roots, or ask for fewer signatures", "is %d, but the roots belong to %d: nobody could ever sign", c.d.need(), n)
	}
	c.logs()
}

// instant reads an RFC 3339 time in UTC.
func (c *checker) instant(place, text string) time.Time {
	t, err := parseTime(text)
	if err != nil {
		c.add(place, "write it as 2027-06-01T00:00:00Z", "%q is no time", text)
	}
	return t
}

// validity checks the validity of a key that is not a root; a root is a root as long as the definition lists it.
func (c *checker) validity() {
	for _, k := range c.d.keys() {
		c.keyValidity(k.place, *k.key)
	}
}

func (c *checker) keyValidity(place string, k Key) {
	var from, until time.Time
	if k.From != "" {
		from = c.instant(place+".from", k.From)
	}
	if k.Until != "" {
		until = c.instant(place+".until", k.Until)
	}
	if !from.IsZero() && !until.IsZero() && !from.Before(until) {
		c.add(place+".until", "", "%s is not after from (%s): the key would never be valid", k.Until, k.From)
	}
	if r := k.Revoked; r != nil {
		c.instant(place+".revoked.at", r.At)
		if r.Reason != Rotation && r.Reason != Compromise {
			c.add(place+".revoked.reason", "rotation (another key took its place) or compromise (somebody else may have it)", "is %q", r.Reason)
		}
	}
}

// keyOwners refuses a key with two owners: nobody could tell who signed. Only a root key may be a person's too.
func (c *checker) keyOwners() {
	seen := map[string]string{}
	for _, k := range c.d.keys() {
		if k.key.ID == "" {
			continue
		}
		was, twice := seen[k.key.ID]
		if !twice {
			seen[k.key.ID] = k.place
			continue
		}
		if strings.HasPrefix(was, "roots[") && strings.HasPrefix(k.place, "people.") {
			seen[k.key.ID] = k.place // so that a second person is refused
			continue
		}
		c.add(k.place, "give each signer and each person a key of their own: cdgate keys generate --out NAME",
			"key SHA256:%s (%s) is also the key of %s, so a signature would not say whose it is", k.key.ID, k.key.File, was)
	}
}

func (c *checker) signers() {
	for _, id := range sorted(c.d.Signers) {
		s, place := c.d.Signers[id], "signers."+id
		if len(s.Keys)+len(s.Identities) == 0 {
			c.add(place+".keys", "name key files, or identities", "is empty: nothing could be signed")
		}
		if len(s.May) == 0 {
			c.add(place+".may", "list kinds of evidence, or decision", "is empty: its signatures would count for nothing")
		}
		for _, duty := range s.May {
			c.duty(place, duty, append(c.d.attestable(), Decision))
		}
		c.known(place+".lines", "line", s.Lines, len(c.d.Lines) > 0, sorted(c.d.Lines))
	}
}

// duty demands that a kind of evidence is one, built in or the definition's own.
func (c *checker) duty(place, duty string, valid []string) {
	if !slices.Contains(valid, duty) {
		c.add(place+".may", "valid: "+strings.Join(valid, ", ")+"; own kinds are declared under kinds", "no kind of evidence is named %q", duty)
	}
}

// reserved are the names of statements that are no evidence, and words of policies that a kind must not be called.
var reserved = []string{Decision, "collection", "signoff", "gate", "data", "input", "all"}

func (c *checker) kinds() {
	for _, name := range sorted(c.d.Kinds) {
		if slices.Contains(evidence.Kinds(), evidence.Kind(name)) || slices.Contains(reserved, name) {
			c.add("kinds."+name, "choose another name", "%q is taken: cdgate has a meaning for it", name)
		}
		if c.d.Kinds[name].MaxAge != "" {
			c.duration("kinds."+name+".maxAge", c.d.Kinds[name].MaxAge)
		}
	}
}

// people refuses an address or account with two owners: an author would be two people, or a robot and a person.
func (c *checker) people() {
	owners := map[string]string{}
	claim := func(place, text string) {
		key := fold(text)
		if was, ok := owners[key]; ok {
			c.add(place, "", "%q also belongs to %s", text, was)
			return
		}
		owners[key] = place
	}
	for _, id := range sorted(c.d.People) {
		p := c.d.People[id]
		for _, e := range p.Emails {
			claim("people."+id+".emails", e)
		}
		for _, l := range p.Logins {
			claim("people."+id+".logins", l)
		}
	}
	for _, id := range sorted(c.d.Robots) {
		for _, e := range c.d.Robots[id].Emails {
			claim("robots."+id+".emails", e)
		}
	}
}

func (c *checker) roles() {
	for _, id := range sorted(c.d.Roles) {
		r, place := c.d.Roles[id], "roles."+id
		c.known(place+".people", "person", r.People, true, sorted(c.d.People))
		c.known(place+".lines", "line", r.Lines, len(c.d.Lines) > 0, sorted(c.d.Lines))
		c.known(place+".targets", "target", r.Targets, true, sorted(c.d.Targets))
		for _, duty := range r.May {
			// A machine's report signed by a person would say that they typed it.
			c.duty(place, duty, c.d.human())
		}
		var from, until time.Time
		if r.From != "" {
			from = c.instant(place+".from", r.From)
		}
		if r.Until != "" {
			until = c.instant(place+".until", r.Until)
		}
		if !from.IsZero() && !until.IsZero() && !from.Before(until) {
			c.add(place+".until", "", "%s is not after from (%s): nobody would ever have the role", r.Until, r.From)
		}
	}
}

func (c *checker) lines() {
	for _, id := range sorted(c.d.Lines) {
		c.known("lines."+id+".owners", "person", c.d.Lines[id].Owners, true, sorted(c.d.People))
	}
}

func (c *checker) targets() {
	if len(c.d.Targets) == 0 {
		c.add("targets", "", "is empty: there is nowhere a release could go")
	}
	for _, id := range sorted(c.d.Targets) {
		t, place := c.d.Targets[id], "targets."+id
		if t.Class == "" {
			c.add(place+".class", "", "is empty")
		}
		if t.Trigger != "manual" && t.Trigger != "automatic" {
			c.add(place+".trigger", "manual (a person releases) or automatic (good evidence is enough)", "is %q", t.Trigger)
		}
		if len(t.Policies) == 0 {
			c.add(place+".policies", "for example builtin:minimal", "is empty: nothing would judge a release")
		}
		for _, kind := range sorted(t.MaxAge) {
			if !slices.Contains(evidence.Kinds(), evidence.Kind(kind)) {
				c.add(place+".maxAge."+kind, "", "no kind of evidence is named %q", kind)
			}
			c.duration(place+".maxAge."+kind, t.MaxAge[kind])
		}
		if t.ValidFor != "" {
			c.duration(place+".validFor", t.ValidFor)
		}
	}
}

func (c *checker) duration(place, text string) {
	if d, err := time.ParseDuration(text); err != nil || d <= 0 {
		c.add(place, "write it as 24h or 1h30m", "%q is no duration above zero", text)
	}
}

// known demands that every name is one of valid, when there is a list to hold it against.
func (c *checker) known(place, what string, names []string, closed bool, valid []string) {
	if !closed {
		return
	}
	for _, n := range names {
		if !slices.Contains(valid, n) {
			hint := "there is none in this file"
			if len(valid) > 0 {
				hint = "there are: " + strings.Join(valid, ", ")
			}
			c.add(place, hint, "no %s is named %q", what, n)
		}
	}
}

// attestable are the kinds of evidence there are: those that are built in, then the definition's own.
func (d *Definition) attestable() []string {
	var out []string
	for _, k := range evidence.Kinds() {
		out = append(out, string(k))
	}
	return append(out, sorted(d.Kinds)...)
}

// human are the kinds that people may sign with their own keys: what only people know, and own kinds.
func (d *Definition) human() []string {
	out := []string{string(evidence.ManualTest), string(evidence.Demo), string(evidence.Checklist), string(evidence.CustomerAcceptance)}
	return append(out, sorted(d.Kinds)...)
}

// sorted are the keys of m in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// parseTime reads an RFC 3339 time; only UTC with a Z is a time here, so that equal times are equal texts.
func parseTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err == nil && !strings.HasSuffix(text, "Z") {
		err = fmt.Errorf("read time %q: it is not in UTC", text)
	}
	return t, err
}
