package scan

import (
	"math"
	"strings"
)

// scored puts a CVSS score into a bucket (CVSS 3.1, section 5).
func scored(score float64) string {
	switch {
	case score >= 9:
		return critical
	case score >= 7:
		return high
	case score >= 4:
		return medium
	case score > 0:
		return low
	}
	return info
}

// rank orders the buckets; unknown is below all.
var rank = map[string]int{critical: 5, high: 4, medium: 3, low: 2, info: 1}

// worse reports whether bucket a is worse than b.
func worse(a, b string) bool { return rank[a] > rank[b] }

// cvss3Weights are the numbers of the metrics in CVSS 3.1, section 7.4, except PR, which depends on the scope.
var cvss3Weights = map[string]float64{
	"AV:N": 0.85, "AV:A": 0.62, "AV:L": 0.55, "AV:P": 0.2, "AC:L": 0.77, "AC:H": 0.44, "UI:N": 0.85, "UI:R": 0.62,
	"C:H": 0.56, "C:L": 0.22, "C:N": 0, "I:H": 0.56, "I:L": 0.22, "I:N": 0, "A:H": 0.56, "A:L": 0.22, "A:N": 0,
}

// cvss3 computes the base score of a CVSS 3.0 or 3.1 vector (section 7.1). ok is false for anything else.
func cvss3(vector string) (score float64, ok bool) {
	rest, ok := strings.CutPrefix(vector, "CVSS:3.")
	if !ok || len(rest) < 2 || rest[1] != '/' {
		return 0, false
	}
	w := map[string]float64{}
	scope, privileges := "", ""
	for _, part := range strings.Split(rest[2:], "/") {
		name, value, _ := strings.Cut(part, ":")
		switch name {
		case "S":
			scope = value
		case "PR":
			privileges = value
		default:
			if n, known := cvss3Weights[part]; known {
				w[name] = n
			}
		}
	}
	if len(w) != 6 || scope != "U" && scope != "C" {
		return 0, false
	}
	changed := scope == "C"
	switch privileges {
	case "N":
		w["PR"] = 0.85
	case "L":
		w["PR"] = map[bool]float64{false: 0.62, true: 0.68}[changed]
	case "H":
		w["PR"] = map[bool]float64{false: 0.27, true: 0.5}[changed]
	default:
		return 0, false
	}
	base := 1 - (1-w["C"])*(1-w["I"])*(1-w["A"])
	impact := 6.42 * base
	if changed {
		impact = 7.52*(base-0.029) - 3.25*math.Pow(base-0.02, 15)
	}
	if impact <= 0 {
		return 0, true
	}
	score = impact + 8.22*w["AV"]*w["AC"]*w["PR"]*w["UI"]
	if changed {
		score *= 1.08
	}
	// Rounded up to one decimal, with the specification's guard against binary fractions (appendix A).
	n := math.Round(min(score, 10) * 100000)
	if math.Mod(n, 10000) == 0 {
		return n / 100000, true
	}
	return (math.Floor(n/10000) + 1) / 10, true
}
