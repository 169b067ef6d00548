package gate

import (
	"fmt"
	"slices"
	"strings"

	"cdgate.dev/cdgate/evidence"
)

// Builder is who builds, by the id that its provenance gives: the SLSA build level that the organisation assessed it at, and the
// signers whose signature may claim the id. The last character of ID may be "*" after an "@", for any version of a builder.
type Builder struct {
	ID      string   `json:"id"`
	Level   int      `json:"level"`
	Signers []string `json:"signers"`
}

// Verifier is who verifies, by the id that its summaries give: the signers whose signature may claim the id, and the resources it is
// believed about, of which the last character may be "*".
type Verifier struct {
	ID        string   `json:"id"`
	Signers   []string `json:"signers"`
	Resources []string `json:"resources"`
}

// Builder is the builder that an id is of.
func (d *Definition) Builder(id string) (Builder, bool) {
	i := slices.IndexFunc(d.Builders, func(b Builder) bool { return covers(b.ID, id) })
	if i < 0 || id == "" {
		return Builder{}, false
	}
	return d.Builders[i], true
}

// Verifier is the verifier with the id.
func (d *Definition) Verifier(id string) (Verifier, bool) {
	i := slices.IndexFunc(d.Verifiers, func(v Verifier) bool { return v.ID == id })
	if i < 0 || id == "" {
		return Verifier{}, false
	}
	return d.Verifiers[i], true
}

// Covers says whether the verifier is believed about the resource.
func (v Verifier) Covers(resource string) bool {
	return resource != "" && slices.ContainsFunc(v.Resources, func(r string) bool { return covers(r, resource) })
}

// maxLevel is the highest build level that SLSA has.
const maxLevel = 3

// builders checks who builds and who verifies: an id that two entries cover would have two levels.
func (c *checker) builders() {
	for i, b := range c.d.Builders {
		place := fmt.Sprintf("builders[%d]", i)
		if b.ID == "" || strings.Contains(strings.TrimSuffix(b.ID, "*"), "*") || strings.HasSuffix(b.ID, "*") && !strings.Contains(b.ID, "@") {
			c.add(place+".id", `write it in full, or up to a last "*" in its version: https://…/builder.yml@refs/tags/v*`, "%q is no id of a builder", b.ID)
		}
		if b.Level < 1 || b.Level > maxLevel {
			c.add(place+".level", "1, 2 or 3; a builder that is not listed has 0", "is %d", b.Level)
		}
		for j, other := range c.d.Builders[:i] {
			if overlap(b.ID, other.ID) {
				c.add(place+".id", "make one entry of them", "%q is also covered by builders[%d]", b.ID, j)
			}
		}
		c.attesters(place, b.Signers, evidence.Provenance)
	}
	for i, v := range c.d.Verifiers {
		place := fmt.Sprintf("verifiers[%d]", i)
		if v.ID == "" || slices.ContainsFunc(c.d.Verifiers[:i], func(o Verifier) bool { return o.ID == v.ID }) {
			c.add(place+".id", "make one entry of them", "%q is there twice, or empty", v.ID)
		}
		if len(v.Resources) == 0 {
			c.add(place+".resources", "list the resources it is believed about", "is empty: nothing it says would count")
		}
		for _, r := range v.Resources {
			if n := strings.Count(r, "*"); r == "" || n > 1 || n == 1 && (!strings.HasSuffix(r, "*") || len(r) < 2) {
				c.add(place+".resources", `write it in full, or up to a last "*"`, "%q is no resource", r)
			}
		}
		c.attesters(place, v.Signers, evidence.VerificationSummary)
	}
}

// attesters checks who may claim an id: signers whose signature counts for the kind.
func (c *checker) attesters(place string, signers []string, kind evidence.Kind) {
	c.known(place+".signers", "signer", signers, true, sorted(c.d.Signers))
	if len(signers) == 0 {
		c.add(place+".signers", "list the signers that may claim the id", "is empty")
	}
	for _, id := range signers {
		if s, ok := c.d.Signers[id]; ok && !s.MayDo(string(kind)) {
			c.add(place+".signers", fmt.Sprintf("add %s to signers.%s.may", kind, id), "%s may not sign %s", id, kind)
		}
	}
}

// overlap says whether some id is covered by both.
func overlap(a, b string) bool {
	x, open := strings.CutSuffix(a, "*")
	y, also := strings.CutSuffix(b, "*")
	switch {
	case open && also:
		return strings.HasPrefix(x, y) || strings.HasPrefix(y, x)
	case open:
		return covers(a, b)
	}
	return covers(b, a)
}

// builders tells of who builds and who verifies.
func (c *comparer) builders(a, b *Definition) {
	byID := func(d *Definition) map[string]Builder {
		out := map[string]Builder{}
		for _, x := range d.Builders {
			out[x.ID] = x
		}
		return out
	}
	both(byID(a), byID(b), func(id string, x, y Builder) {
		if x.Level != y.Level {
			c.add(y.Level > x.Level, "the builder %s has build level %d instead of %d", id, y.Level, x.Level)
		}
		c.lists(x.Signers, y.Signers, "%s may now sign as builder "+escaped(id), "%s may no longer sign as builder "+escaped(id), true, false)
	}, func(id string, y Builder) {
		c.add(true, "%s is a builder of build level %d now, signed by %s", id, y.Level, strings.Join(y.Signers, ", "))
	}, func(id string, x Builder) {
		// Who may claim the id was limited too.
		c.add(true, "%s is no builder any more: its provenance has level 0 and may be signed by every signer of provenance", id)
	})
	verifiers := func(d *Definition) map[string]Verifier {
		out := map[string]Verifier{}
		for _, x := range d.Verifiers {
			out[x.ID] = x
		}
		return out
	}
	both(verifiers(a), verifiers(b), func(id string, x, y Verifier) {
		c.lists(x.Signers, y.Signers, "%s may now sign as verifier "+escaped(id), "%s may no longer sign as verifier "+escaped(id), true, false)
		c.lists(x.Resources, y.Resources, "the verifier "+escaped(id)+" is believed about %s", "the verifier "+escaped(id)+" is no longer believed about %s", true, false)
	}, func(id string, y Verifier) {
		c.add(true, "%s is a verifier now, signed by %s, and believed about %s", id, strings.Join(y.Signers, ", "), strings.Join(y.Resources, ", "))
	}, func(id string, x Verifier) {
		c.add(false, "%s is no verifier any more: its summaries do not count", id)
	})
}

// escaped is a text inside a format.
func escaped(s string) string { return strings.ReplaceAll(s, "%", "%%") }
