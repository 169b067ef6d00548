package scan

import (
	"math"
	"strconv"
	"strings"

	"cdgate.dev/cdgate/evidence"
)

// rule finds the rule of a result: the one at its index; where there is none, or where index and id name different
// rules, the one with its id.
func (s *sarifReader) rule(res *sarifResult) *sarifRule {
	var at *sarifRule
	if c := res.ref.component; c >= 0 && c < int64(len(s.run.components)) && res.hasIndex {
		if rules := s.run.components[c].rules; res.ref.index >= 0 && res.ref.index < int64(len(rules)) {
			at = &rules[res.ref.index]
		} else if res.ref.index != -1 {
			// -1 is how the specification writes "no index".
			s.out.warn.Add(evidence.BreaksFormat, res.place(), "rule index %d, but there are %d rules", res.ref.index, len(rules))
		}
	}
	if res.ref.id == "" || at != nil && sameRule(res.ref.id, at.id) {
		if at == nil {
			s.out.warn.Add(evidence.UnknownRule, res.place(), "a result without a rule; it is kept")
		}
		return at
	}
	byID := s.byID(res.ref.id)
	if byID == nil {
		s.out.warn.Add(evidence.UnknownRule, res.place(), "no rule %q in the report; the finding is kept", evidence.Cut(res.ref.id))
	}
	return byID
}

// sameRule reports whether a result's id names a rule: it may add parts after a slash (3.27.5).
func sameRule(id, rule string) bool {
	return id == rule || len(id) > len(rule) && strings.HasPrefix(id, rule) && id[len(rule)] == '/'
}

// byID finds a rule by a result's id, in the driver first.
func (s *sarifReader) byID(id string) *sarifRule {
	if s.run.ids == nil {
		s.run.ids = map[string]*sarifRule{}
		for c := range s.run.components {
			for i := range s.run.components[c].rules {
				r := &s.run.components[c].rules[i]
				if s.run.ids[r.id] == nil {
					s.run.ids[r.id] = r
				}
			}
		}
	}
	for {
		if r := s.run.ids[id]; r != nil {
			return r
		}
		slash := strings.LastIndexByte(id, '/')
		if slash < 0 {
			return nil
		}
		id = id[:slash]
	}
}

// severity gives the bucket of a result: by the rule's score, else by level.
func (s *sarifReader) severity(res *sarifResult, rule *sarifRule) string {
	if rule != nil && rule.score > 0 {
		switch {
		case rule.score >= 9:
			return critical
		case rule.score >= 7:
			return high
		case rule.score >= 4:
			return medium
		}
		return low
	}
	level := res.level
	if level == "" && (res.kind == "open" || res.kind == "review") {
		return unknown
	}
	if level == "" {
		level = s.override(res, rule)
	}
	if level == "" && rule != nil {
		level = rule.level
	}
	switch level {
	case "error":
		return high
	case "warning", "":
		return medium
	case "note":
		return low
	case "none":
		return info
	}
	s.out.warn.Add(evidence.UnknownSeverity, res.place(), "level %q counts as unknown", evidence.Cut(level))
	return unknown
}

// override returns the level that the invocation gave a rule, or "".
func (s *sarifReader) override(res *sarifResult, rule *sarifRule) string {
	for _, o := range s.run.overrides {
		if o.level == "" {
			continue
		}
		byID := o.ref.id != "" && (rule != nil && o.ref.id == rule.id || sameRule(res.ref.id, o.ref.id))
		byIndex := o.ref.id == "" && o.ref.index >= 0 && res.hasIndex && o.ref.index == res.ref.index && o.ref.component == res.ref.component
		if byID || byIndex {
			return o.level
		}
	}
	return ""
}

// sarifScore reads a security-severity; what is no usable number is 0, which means unknown.
func sarifScore(text string) float64 {
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}
