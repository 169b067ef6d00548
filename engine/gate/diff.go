package gate

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"cdgate.dev/cdgate/evidence"
)

// Change is one difference in meaning between two definitions. Loosens says that something may be allowed that was not
// before; where that cannot be told, it is said too.
type Change struct {
	Text    string `json:"text"`
	Loosens bool   `json:"loosens"`
}

// Compare says what is different in b, in words for whoever has to agree.
func Compare(a, b *Definition) []Change {
	c := &comparer{out: []Change{}}
	c.roots(a, b)
	c.signers(a, b)
	c.people(a, b)
	c.robots(a, b)
	c.roles(a, b)
	c.lines(a, b)
	c.targets(a, b)
	c.kinds(a, b)
	c.builders(a, b)
	c.rest(a, b)
	return c.out
}

type comparer struct{ out []Change }

func (c *comparer) add(loosens bool, format string, args ...any) {
	c.out = append(c.out, Change{fmt.Sprintf(format, args...), loosens})
}

// lists tells of what was added to and taken from a list.
func (c *comparer) lists(a, b []string, added, removed string, addLoosens, removeLoosens bool) {
	for _, x := range b {
		if !slices.Contains(a, x) {
			c.add(addLoosens, added, x)
		}
	}
	for _, x := range a {
		if !slices.Contains(b, x) {
			c.add(removeLoosens, removed, x)
		}
	}
}

// scope tells of a list that means everything when it is empty.
func (c *comparer) scope(a, b []string, who, what string) {
	switch {
	case len(a) == 0 && len(b) > 0:
		c.add(false, "%s for the %ss %s only, no longer for every %s", who, what, strings.Join(b, ", "), what)
	case len(a) > 0 && len(b) == 0:
		c.add(true, "%s for every %s, no longer for %s only", who, what, strings.Join(a, ", "))
	default:
		c.lists(a, b, who+" for the "+what+" %s too", who+" no longer for the "+what+" %s", true, false)
	}
}

func (c *comparer) roots(a, b *Definition) {
	names := func(d *Definition) (out []string) {
		for _, k := range d.Roots {
			out = append(out, d.rootName(k))
		}
		return out
	}
	c.lists(names(a), names(b), "%s is a root key now", "%s is no root key any more", true, false)
	if a.need() != b.need() {
		c.add(b.need() < a.need(), "the definition needs the signatures of %d root owners instead of %d", b.need(), a.need())
	}
	if a.Expires != b.Expires {
		c.add(b.ExpiresAt().After(a.ExpiresAt()), "the definition expires at %s instead of %s", b.Expires, a.Expires)
	}
	c.logs(a, b)
}

// keys tells of the keys of somebody.
func (c *comparer) keys(who string, a, b []Key) {
	for _, k := range b {
		was, ok := find(a, k.ID)
		switch {
		case !ok:
			c.add(true, "%s signs with a new key, %s (%s)%s", who, k.Public().Fingerprint(), k.File, validity(k))
		case was.From != k.From || was.end() != k.end() || !reflect.DeepEqual(was.Revoked, k.Revoked):
			c.add(laxer(was, k), "the key %s of %s is valid%s instead of%s", k.File, who, or(validity(k), " without limit"), or(validity(was), " without limit"))
		}
	}
	for _, k := range a {
		if _, ok := find(b, k.ID); !ok {
			c.add(false, "the key %s (%s) of %s is unknown now: what it signed, old records too, is that of a stranger; close it instead with: cdgate gate remove key", k.Public().Fingerprint(), k.File, who)
		}
	}
}

// laxer says whether a key may sign at a time at which it could not before.
func laxer(a, b Key) bool {
	return a.Revoked != nil && (b.Revoked == nil || b.Revoked.At > a.Revoked.At || a.Revoked.Reason == Compromise && b.Revoked.Reason != Compromise) ||
		a.Until != "" && (b.Until == "" || b.Until > a.Until) || a.From != "" && b.From < a.From
}

func validity(k Key) string {
	s := ""
	if k.From != "" {
		s += " from " + k.From
	}
	if k.Until != "" {
		s += " until " + k.Until
	}
	if k.Revoked != nil {
		s += " until it was revoked at " + k.Revoked.At + " (" + k.Revoked.Reason + ")"
	}
	return s
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// both calls f for what both maps have, and added and removed for the rest, in order of the names.
func both[V any](a, b map[string]V, f func(id string, a, b V), added, removed func(id string, v V)) {
	all := maps.Clone(b)
	if all == nil {
		all = map[string]V{}
	}
	maps.Copy(all, a)
	for _, id := range sorted(all) {
		was, had := a[id]
		is, has := b[id]
		switch {
		case had && has:
			f(id, was, is)
		case has:
			added(id, is)
		default:
			removed(id, was)
		}
	}
}

func (c *comparer) signers(a, b *Definition) {
	both(a.Signers, b.Signers, func(id string, x, y Signer) {
		c.lists(x.May, y.May, id+" may now sign %s", id+" may no longer sign %s", true, false)
		c.scope(x.Lines, y.Lines, id+" may sign", "line")
		c.keys(id, x.Keys, y.Keys)
		c.other(id+": the certificates that count as its own", x.Identities, y.Identities)
		c.require(id+"'s signatures", x.Require, y.Require)
	}, func(id string, y Signer) {
		c.add(true, "%s is a new signer and may sign %s%s", id, strings.Join(y.May, ", "), forLines(y.Lines))
	}, func(id string, x Signer) {
		c.add(false, "%s is no signer any more: what it signed is that of a stranger", id)
	})
}

func forLines(lines []string) string {
	if len(lines) == 0 {
		return " for every line"
	}
	return " for " + strings.Join(lines, ", ")
}

func (c *comparer) people(a, b *Definition) {
	both(a.People, b.People, func(id string, x, y Person) {
		if x.Name != y.Name {
			c.add(false, "%s is called %q instead of %q", id, y.Name, x.Name)
		}
		c.keys(id, x.Keys, y.Keys)
		c.lists(x.Emails, y.Emails, "commits of %s are "+id+"'s now", "commits of %s are no longer "+id+"'s", false, true)
		c.lists(x.Logins, y.Logins, "the account %s is "+id+"'s now", "the account %s is no longer "+id+"'s", false, true)
		c.other(id+": the certificates that count as theirs", x.Identities, y.Identities)
	}, func(id string, y Person) {
		c.add(len(y.Keys)+len(y.Identities) > 0, "%s (%s) is a new person, with %d keys", id, y.Name, len(y.Keys))
	}, func(id string, x Person) {
		c.add(true, "%s (%s) is nobody any more: their commits are a stranger's, and so is what they signed", id, x.Name)
	})
}

func (c *comparer) robots(a, b *Definition) {
	flat := func(d *Definition) (out []string) {
		for _, id := range sorted(d.Robots) {
			out = append(out, d.Robots[id].Emails...)
		}
		return out
	}
	c.lists(flat(a), flat(b), "commits of %s are a robot's now, which nobody else has to approve", "commits of %s are no longer a robot's", true, false)
}

func (c *comparer) roles(a, b *Definition) {
	where := func(r Role) string {
		s := ""
		if len(r.Targets) > 0 {
			s += " on " + strings.Join(r.Targets, ", ")
		}
		return s + forLines(r.Lines) + validity(Key{From: r.From, Until: r.Until})
	}
	both(a.Roles, b.Roles, func(id string, x, y Role) {
		c.lists(x.People, y.People, "%s may now act as "+id+strings.ReplaceAll(where(y), "%", "%%"), "%s may no longer act as "+id, true, false)
		c.scope(x.Lines, y.Lines, id+" is", "line")
		c.scope(x.Targets, y.Targets, id+" is", "target")
		c.lists(x.May, y.May, id+" may now sign %s evidence", id+" may no longer sign %s evidence", true, false)
		was, is := Key{From: x.From, Until: x.Until}, Key{From: y.From, Until: y.Until}
		if was != is {
			c.add(laxer(was, is), "%s is held%s instead of%s", id, or(validity(is), " without limit"), or(validity(was), " without limit"))
		}
	}, func(id string, y Role) {
		for _, p := range y.People {
			c.add(true, "%s may now act as %s%s", p, id, where(y))
		}
		c.lists(nil, y.May, id+" may sign %s evidence", "", true, false)
	}, func(id string, x Role) { c.add(false, "nobody may act as %s any more", id) })
}

func (c *comparer) lines(a, b *Definition) {
	both(a.Lines, b.Lines, func(id string, x, y Line) {
		if x.Tier != y.Tier {
			c.add(x.Tier != 0 && (y.Tier == 0 || y.Tier > x.Tier), "%s is tier %d instead of %d", id, y.Tier, x.Tier)
		}
		c.lists(x.Owners, y.Owners, "%s is an owner of "+id+" now", "%s is no owner of "+id+" any more", false, false)
		if len(x.Repositories) > 0 && len(y.Repositories) == 0 {
			c.add(true, "%s may be built from any repository that no other line names", id)
			return
		}
		c.lists(x.Repositories, y.Repositories, id+" may be built from %s", id+" may no longer be built from %s", len(x.Repositories) > 0, false)
	}, func(id string, y Line) { c.add(false, "%s is a new line", id) },
		func(id string, x Line) { c.add(len(x.Repositories) > 0, "%s is no line any more", id) })
}

func (c *comparer) targets(a, b *Definition) {
	both(a.Targets, b.Targets, func(id string, x, y Target) {
		if x.Class != y.Class {
			c.add(true, "%s is of class %s instead of %s", id, y.Class, x.Class)
		}
		if x.Trigger != y.Trigger {
			c.add(y.Trigger == "automatic", "%s has the trigger %s instead of %s", id, y.Trigger, x.Trigger)
		}
		c.lists(x.Policies, y.Policies, id+" is judged by %s too", id+" is no longer judged by %s", false, true)
		if was, is := a.ValidFor(id), b.ValidFor(id); was != is {
			c.add(is > was, "an allow for %s stands %s instead of %s", id, is, was)
		}
		for _, kind := range b.attestable() {
			k := evidence.Kind(kind)
			if was, is := a.MaxAge(id, k), b.MaxAge(id, k); was != is && slices.Contains(a.attestable(), kind) {
				c.add(is > was, "%s evidence for %s may be %s old instead of %s", kind, id, is, was)
			}
		}
		both(x.Params, y.Params, func(code string, x, y map[string]any) { c.params(id, code, x, y) },
			func(code string, y map[string]any) { c.params(id, code, nil, y) },
			func(code string, x map[string]any) { c.params(id, code, x, nil) })
	}, func(id string, y Target) {
		c.add(true, "%s is a new target of class %s, trigger %s", id, y.Class, y.Trigger)
	},
		func(id string, x Target) { c.add(false, "%s is no target any more", id) })
}

// params tells of parameters; which way is looser only the rule knows.
func (c *comparer) params(target, code string, a, b map[string]any) {
	text := func(v any, ok bool) string {
		if !ok {
			return "its default"
		}
		t, _ := json.Marshal(v, json.Deterministic(true))
		return string(t)
	}
	all := map[string]any{}
	maps.Copy(all, a)
	maps.Copy(all, b)
	for _, name := range sorted(all) {
		x, had := a[name]
		y, has := b[name]
		if was, is := text(x, had), text(y, has); was != is {
			c.add(true, "on %s the parameter %s of %s is %s instead of %s", target, name, code, is, was)
		}
	}
}

func (c *comparer) kinds(a, b *Definition) {
	c.lists(sorted(a.Kinds), sorted(b.Kinds), "%s is a new kind of evidence", "%s is no kind of evidence any more", false, true)
}

func (c *comparer) require(who string, a, b *Require) {
	was, is := a != nil && a.Timestamp, b != nil && b.Timestamp
	switch {
	case was && !is:
		c.add(true, "%s need no timestamp any more", who)
	case is && !was:
		c.add(false, "%s need a timestamp now", who)
	}
}

// other tells of what is compared as a whole.
func (c *comparer) other(what string, a, b any) {
	x, _ := json.Marshal(a, json.Deterministic(true))
	y, _ := json.Marshal(b, json.Deterministic(true))
	if string(x) != string(y) {
		c.add(true, "%s are others: %s instead of %s", what, y, x)
	}
}

func (c *comparer) rest(a, b *Definition) {
	c.require("all signatures", a.Require, b.Require)
	switch {
	case a.Trust == nil && b.Trust != nil:
		c.add(true, "the authorities of %s are believed now", b.Trust.File)
	case a.Trust != nil && b.Trust == nil:
		c.add(false, "no authority is believed any more")
	case a.Trust != nil && a.Trust.TrustedRoot != b.Trust.TrustedRoot:
		c.add(true, "other authorities are believed: %s has changed", b.Trust.File)
	}
	c.witnesses(a.Witnesses, b.Witnesses)
	for _, s := range b.Sources {
		i := slices.IndexFunc(a.Sources, func(x Source) bool { return x.Ref == s.Ref })
		if i >= 0 && a.Sources[i].Digest != s.Digest {
			c.add(true, "the rules of %s have other content: %s instead of %s", s.Ref, s.Digest, a.Sources[i].Digest)
		}
	}
}
