package evidence

import (
	"net/url"
	"regexp"
	"strings"
)

// scpLike is git's short way to write an ssh address: user@host:path.
var scpLike = regexp.MustCompile(`^(?:[^@/]+@)?([^:/]+):([^/].*|/.+)$`)

// Repository writes the address of a git repository the one way in which repositories are compared, whether it is the one for https or
// for ssh, or as SPDX writes it (git+https://…): https://HOST/PATH, without user, password and ".git". So evidence from a laptop, from CI
// and from other tools names the same one. A local path says nothing and is "", and so is what has a query, which nobody
// can compare. What it gives it leaves as it is.
func Repository(s string) string {
	s = strings.TrimPrefix(strings.TrimSpace(s), "git+")
	if !strings.Contains(s, "://") {
		m := scpLike.FindStringSubmatch(s)
		if m == nil {
			return ""
		}
		s = "ssh://" + m[1] + "/" + strings.TrimPrefix(m[2], "/")
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.ForceQuery {
		return ""
	}
	host := u.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if u.Port() != "" && (u.Scheme == "https" && u.Port() != "443" || u.Scheme == "http" && u.Port() != "80") {
		host += ":" + u.Port()
	}
	path := strings.TrimRight(strings.TrimSuffix(strings.Trim(u.EscapedPath(), "/"), ".git"), "/")
	if path == "" {
		return ""
	}
	return "https://" + strings.ToLower(host) + "/" + path
}

// SameRepository says whether two texts name one repository: in the same words, or as two addresses of it. Nothing names none.
func SameRepository(a, b string) bool {
	return a != "" && (a == b || Repository(a) != "" && Repository(a) == Repository(b))
}
