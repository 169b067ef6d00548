package vulns

import (
	"slices"
	"strings"
)

// names are what one finding or statement calls a vulnerability, folded. A CVE number is given to one vulnerability only:
// whoever names two names two vulnerabilities, and whoever has a CVE for its own id means that one and no other. Own is
// the id, or the first alias of what has none.
type names struct {
	own          string
	cves, others []string
}

// namesOf sorts an id and aliases. Ids of distributions that carry a CVE number ("DEBIAN-CVE-2024-1234") name that CVE
// too (OSV schema, "id": such prefixes stand for the distribution's own record of that CVE).
func namesOf(id string, aliases []string) names {
	var n names
	own := fold(id)
	n.own = own
	if isCVE(own) {
		n.cves = []string{own}
	}
	if len(aliases) == 0 && len(n.cves) == 1 {
		return n
	}
	fixed := len(n.cves) == 1
	for i := -1; i < len(aliases); i++ {
		name := own
		if i >= 0 {
			name = fold(aliases[i])
		}
		if name == "" {
			continue
		}
		cve := cveIn(name)
		if cve != "" && !fixed {
			n.cves = appendNew(n.cves, cve)
		}
		if name != cve {
			n.others = appendNew(n.others, name)
		}
	}
	if own == "" && len(n.others) > 0 {
		n.own = n.others[0]
	}
	return n
}

// shares reports whether two sorts of names have one in common that is no CVE number.
func (n names) shares(other names) bool {
	return slices.ContainsFunc(n.others, func(name string) bool { return slices.Contains(other.others, name) })
}

// isCVE reports whether a folded name is a CVE number.
func isCVE(name string) bool {
	digits, ok := strings.CutPrefix(name, "CVE-")
	return ok && digits != "" && strings.Trim(digits, "0123456789-") == ""
}

// cveIn is the CVE number that a folded name is or ends with after a word, or nothing.
func cveIn(name string) string {
	if isCVE(name) {
		return name
	}
	if i := strings.Index(name, "-CVE-"); i > 0 && isCVE(name[i+1:]) && strings.Trim(name[:i], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return name[i+1:]
	}
	return ""
}

// fold is the form in which names are compared: no white space around them, ASCII letters in upper case.
func fold(name string) string {
	name = strings.TrimSpace(name)
	for i := range len(name) {
		if 'a' <= name[i] && name[i] <= 'z' {
			return strings.Map(func(r rune) rune {
				if 'a' <= r && r <= 'z' {
					return r - 'a' + 'A'
				}
				return r
			}, name)
		}
	}
	return name
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
