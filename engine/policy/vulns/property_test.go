package vulns

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func (s *sample) merge() []*Entry { return Merge(s.findings, s.statements, s.release) }

// statuses writes what Merge gives as the oracle does.
func (s *sample) statuses() map[string]string {
	out := map[string]string{}
	for _, e := range s.merge() {
		ids := []int{}
		for _, src := range e.Sources {
			ids = append(ids, src.Index)
		}
		slices.Sort(ids)
		cve := ""
		if strings.HasPrefix(e.ID, "CVE-") {
			cve = e.ID
		}
		out[fmt.Sprint(cve, ids)] = e.Status
	}
	return out
}

const rounds = 5_000

func each(t *testing.T, check func(r *rand.Rand, s sample) string) {
	t.Helper()
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := random(r)
		if problem := check(r, s); problem != "" {
			t.Fatalf("seed %d: %s\nfindings %+v\nstatements %+v", seed, problem, s.findings, s.statements)
		}
	}
}

func TestMergeAgreesWithTheOracle(t *testing.T) {
	seen := map[string]int{}
	each(t, func(_ *rand.Rand, s sample) string {
		got, want := s.statuses(), s.entries()
		for key, status := range want {
			seen[status]++
			if len(strings.Fields(key)) > 1 {
				seen["several sources"]++
			}
			if got[key] != status {
				return fmt.Sprintf("%s is %q, want %q\ngot  %v\nwant %v", key, got[key], status, got, want)
			}
		}
		if len(got) != len(want) {
			return fmt.Sprintf("got %v, want %v", got, want)
		}
		return ""
	})
	for _, word := range append([]string{"several sources"}, worst...) {
		if seen[word] < 50 {
			t.Errorf("the samples reach %q %d times: they test too little", word, seen[word])
		}
	}
}

// TestOrderDoesNotMatter compares everything that is said of every entry.
func TestOrderDoesNotMatter(t *testing.T) {
	each(t, func(r *rand.Rand, s sample) string {
		show := func(s sample) (lines []string) {
			for _, e := range s.merge() {
				line := fmt.Sprintf("%q %q %q %q %q %q %q %q %q %v %q", e.ID, e.Aliases, e.Package, e.Version, e.PURL, e.FixedVersions, e.Severity, e.Severities, e.Status, e.Disputed, e.Justification)
				for _, src := range e.Sources {
					line += fmt.Sprintf(" %+v %q %v %q", s.findings[src.Index], src.Status, src.Disputed, src.Justification)
				}
				for _, a := range e.Statements {
					line += fmt.Sprintf(" %+v %q", s.statements[a.Index], a.Ignored)
				}
				lines = append(lines, line)
			}
			slices.Sort(lines) // entries that differ in nothing a policy sees have no order
			return lines
		}
		before := show(s)
		r.Shuffle(len(s.findings), func(i, j int) {
			s.findings[i], s.findings[j] = s.findings[j], s.findings[i]
			s.where[i], s.where[j] = s.where[j], s.where[i]
		})
		r.Shuffle(len(s.statements), func(i, j int) { s.statements[i], s.statements[j] = s.statements[j], s.statements[i] })
		if after := show(s); !slices.Equal(before, after) {
			return fmt.Sprintf("before %v\nafter  %v", before, after)
		}
		return ""
	})
}

// TestAStatementTouchesOnlyWhatItNames: a statement adds no entry and takes none away, and changes only those with a source that
// it names.
func TestAStatementTouchesOnlyWhatItNames(t *testing.T) {
	changed := 0
	each(t, func(r *rand.Rand, s sample) string {
		before := s.statuses()
		s.addStatement(r)
		st := s.statements[len(s.statements)-1]
		stCVEs, stOthers := said(st.Vulnerability, st.Aliases)
		for key, status := range s.statuses() {
			was, there := before[key]
			if !there {
				return key + " is new"
			}
			delete(before, key)
			if was == status {
				continue
			}
			changed++
			cve, _, _ := strings.Cut(key, "[")
			if slices.Contains(stCVEs, cve) {
				continue
			}
			named := false
			for _, e := range s.merge() {
				for _, src := range e.Sources {
					_, others := said(s.findings[src.Index].ID, s.findings[src.Index].Aliases)
					named = named || strings.Contains(key, fmt.Sprint(src.Index)) && meet(others, stOthers)
				}
			}
			if !named {
				return fmt.Sprintf("%s was %s and is %s after a statement about %s %v", key, was, status, st.Vulnerability, st.Aliases)
			}
		}
		if len(before) > 0 {
			return fmt.Sprintf("gone: %v", before)
		}
		return ""
	})
	if changed < 300 {
		t.Errorf("statements changed %d entries: the samples test too little", changed)
	}
}

// TestAnotherScannerHidesNothing: each finding that counts still does when another scanner has reported, whatever that
// claims to be the same.
func TestAnotherScannerHidesNothing(t *testing.T) {
	regrouped := 0
	each(t, func(r *rand.Rand, s sample) string {
		counted := func() (out []string) {
			for _, e := range s.merge() {
				for _, src := range e.Sources {
					if slices.Contains(worst[3:], src.Status) {
						continue
					}
					if slices.Contains(worst[3:], e.Status) {
						return []string{"a source that counts, in an entry that does not"}
					}
					out = add(out, s.findings[src.Index].Item)
				}
			}
			return out
		}
		before, entries := counted(), len(s.merge())
		s.addFinding(r)
		if len(s.merge()) <= entries {
			regrouped++
		}
		after := counted()
		for _, item := range before {
			if !slices.Contains(after, item) {
				return fmt.Sprintf("%s counts no more: %v", item, after)
			}
		}
		return ""
	})
	if regrouped < 300 {
		t.Errorf("the further finding joined others in %d samples: they test too little", regrouped)
	}
}

// TestStatementsAboutOtherProducts: an entry that counts shows exactly one statement that means the vulnerability, would
// take it out of the count and applies to no source, where there is any; one that does not count shows none.
func TestStatementsAboutOtherProducts(t *testing.T) {
	shown, near := 0, 0
	each(t, func(_ *rand.Rand, s sample) string {
		for _, e := range s.merge() {
			cve := ""
			if strings.HasPrefix(e.ID, "CVE-") {
				cve = e.ID
			}
			candidates, close := map[int]bool{}, map[int]bool{}
			for k, st := range s.statements {
				means, applies, same := false, false, false
				for _, src := range e.Sources {
					about, _ := s.applies(k, src.Index, cve)
					m := s.means(k, src.Index, cve)
					means, applies = means || m, applies || about
					for _, p := range []*place3{s.component[k], s.product[k]} {
						same = same || m && p != nil && s.findings[src.Index].PURL != "" && p.kind == s.where[src.Index].kind && p.name == s.where[src.Index].name
					}
				}
				if means && !applies && slices.Contains([]string{Fixed, NotAffected, Investigated}, st.Status) {
					candidates[k] = true
					close[k] = same
				}
			}
			var got []int
			for _, a := range e.Statements {
				if a.Ignored == OtherProduct {
					got = append(got, a.Index)
				}
			}
			want := 0
			if len(candidates) > 0 && !slices.Contains(worst[3:], e.Status) {
				want = 1
			}
			if len(got) != want || want == 1 && !candidates[got[0]] {
				return fmt.Sprintf("%s shows %v, want %d of %v", e.ID, got, want, candidates)
			}
			if want == 1 {
				shown++
				any := false
				for _, c := range close {
					any = any || c
				}
				if any != close[got[0]] {
					return fmt.Sprintf("%s shows %v, though another names the package: %v", e.ID, got, close)
				}
				if any {
					near++
				}
			}
		}
		return ""
	})
	if shown < 300 || near < 100 {
		t.Errorf("the samples show %d statements about other products, %d of them about the package: they test too little", shown, near)
	}
}
