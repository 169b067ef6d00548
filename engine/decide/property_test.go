package decide

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/verify"
)

// cases runs a property on many random cases; the seed is fixed.
func cases(t *testing.T, seed uint64, n int, property func(r *rand.Rand, m model, x In, d Decision)) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	for range n {
		m := random(r)
		x := m.build()
		property(r, m, x, Decide(x))
		if t.Failed() {
			t.Fatalf("model %+v", m)
		}
	}
}

// another is a random sign-off with the verdict, about one of the case's requirements.
func another(r *rand.Rand, m model, x In, verdict string) verify.Signoff {
	extra := random(r)
	a := act{persons[r.IntN(len(persons))], verdict, 10 * r.IntN(10), "", codeOf(r.IntN(len(m.rules)))}
	if len(extra.acts) > 0 {
		a.flaw = extra.acts[0].flaw
	}
	x.Signoffs = nil
	d := Decide(x)
	return a.build(900, d, Seen(d.Findings))
}

func TestAnApprovalNeverWorsens(t *testing.T) {
	lifted := 0
	cases(t, 11, 2000, func(r *rand.Rand, m model, x In, d Decision) {
		after := Decide(with(x, another(r, m, x, approve)))
		if after.Outcome < d.Outcome || after.Recommendation != d.Recommendation {
			t.Errorf("%v became %v", d.Outcome, after.Outcome)
		}
		if d.Outcome == Allow && after.ValidUntil.Before(d.ValidUntil) {
			t.Errorf("valid until %v became %v", d.ValidUntil, after.ValidUntil)
		}
		if after.Outcome > d.Outcome {
			lifted++
		}
	})
	if lifted < 25 {
		t.Errorf("only %d approvals did anything", lifted)
	}
}

func TestARejectionNeverImproves(t *testing.T) {
	stopped := 0
	cases(t, 12, 2000, func(r *rand.Rand, m model, x In, d Decision) {
		after := Decide(with(x, another(r, m, x, reject)))
		if after.Outcome > d.Outcome || after.Recommendation != d.Recommendation {
			t.Errorf("%v became %v", d.Outcome, after.Outcome)
		}
		if after.Outcome < d.Outcome {
			stopped++
		}
	})
	if stopped < 25 {
		t.Errorf("only %d rejections did anything", stopped)
	}
}

func TestOrderNeverMatters(t *testing.T) {
	cases(t, 13, 2000, func(r *rand.Rand, m model, x In, d Decision) {
		y := x
		y.Rules, y.Signoffs, y.Authors = slices.Clone(x.Rules), slices.Clone(x.Signoffs), slices.Clone(x.Authors)
		y.NotCounted, y.Faults = slices.Clone(x.NotCounted), append(slices.Clone(x.Faults), nil, fault.New(fault.Trust, "b"))
		x.Faults = append([]error{fault.New(fault.Trust, "b"), nil}, x.Faults...)
		r.Shuffle(len(y.Rules), func(i, j int) { y.Rules[i], y.Rules[j] = y.Rules[j], y.Rules[i] })
		r.Shuffle(len(y.Signoffs), func(i, j int) { y.Signoffs[i], y.Signoffs[j] = y.Signoffs[j], y.Signoffs[i] })
		r.Shuffle(len(y.Authors), func(i, j int) { y.Authors[i], y.Authors[j] = y.Authors[j], y.Authors[i] })
		if a, b := Decide(x), Decide(y); !reflect.DeepEqual(a, b) {
			t.Errorf("two orders, two decisions:\n%+v\n%+v", a, b)
		}
	})
}

// TestDecideChangesNothing: Decide leaves what it was given alone and gives the same again.
func TestDecideChangesNothing(t *testing.T) {
	cases(t, 14, 2000, func(_ *rand.Rand, m model, x In, d Decision) {
		if !reflect.DeepEqual(x, m.build()) || !reflect.DeepEqual(d, Decide(x)) {
			t.Error("the input or the decision changed")
		}
	})
}

// TestLosingHelpNeverImproves takes away each thing that can help, or adds each that can only hurt.
func TestLosingHelpNeverImproves(t *testing.T) {
	finding := func(e policy.Effect) func(*rand.Rand, *In) {
		return func(_ *rand.Rand, x *In) {
			x.Rules = append(slices.Clone(x.Rules), rule("z.z", policy.Finding{Effect: e}))
		}
	}
	losses := map[string]func(*rand.Rand, *In){
		"an approval": func(r *rand.Rand, x *In) {
			i := r.IntN(max(len(x.Signoffs), 1))
			if i < len(x.Signoffs) && x.Signoffs[i].Verdict == approve {
				x.Signoffs = slices.Delete(slices.Clone(x.Signoffs), i, i+1)
			}
		},
		"all evidence of a kind": func(r *rand.Rand, x *In) {
			x.Rules = slices.Clone(x.Rules)
			i := r.IntN(len(x.Rules))
			if q := &x.Rules[i]; q.Enforced && q.Result != policy.NotApplicable {
				q.Missing, q.Findings, q.Result = []string{"tests"}, nil, policy.Failed
			}
		},
		"the authors":         func(_ *rand.Rand, x *In) { x.Authors = nil },
		"that they are known": func(_ *rand.Rand, x *In) { x.AuthorsKnown = false },
		"people":              func(_ *rand.Rand, x *In) { x.People = nil; x.Signoffs = nil },
		"subjects":            func(_ *rand.Rand, x *In) { x.Subjects = nil; x.Signoffs = nil },
		"time":                func(_ *rand.Rand, x *In) { x.ValidFor = 0 },
		"all rules":           func(_ *rand.Rand, x *In) { x.Rules = nil },
		"one more author": func(_ *rand.Rand, x *In) {
			x.Authors = append(slices.Clone(x.Authors), Author{Person: "eva", Known: true})
		},
		"one more fault":         func(_ *rand.Rand, x *In) { x.Faults = append(slices.Clone(x.Faults), fault.New(fault.Policy, "x")) },
		"one more block":         finding(policy.Block),
		"one more needed":        finding(policy.NeedsApproval),
		"one more of no effect":  finding(""),
		"the same rule again":    func(_ *rand.Rand, x *In) { x.Rules = append(slices.Clone(x.Rules), x.Rules[0]) },
		"another artifact added": func(_ *rand.Rand, x *In) { x.Subjects = append(slices.Clone(x.Subjects), "sha256:b") },
	}
	for name, lose := range losses {
		t.Run(name, func(t *testing.T) {
			cases(t, 15, 400, func(r *rand.Rand, m model, x In, d Decision) {
				// A veto names the very artifacts that were signed; losing them is losing the release.
				if name == "another artifact added" && d.Outcome == Block {
					return
				}
				if (name == "people" || name == "subjects") && d.Outcome == Block {
					return
				}
				// Where no rule judged, any rule is one more than none.
				if d.ExitClass == fault.Policy {
					return
				}
				y := x
				lose(r, &y)
				if after := Decide(y); after.Outcome > d.Outcome {
					t.Errorf("%v became %v", d.Outcome, after.Outcome)
				}
			})
		})
	}
}

// TestAllowIsEarned: whatever the case, an allow has no fault, nothing open that gates, every requirement met, a basis
// and time left; and every other outcome has no basis and no exit code 0.
func TestAllowIsEarned(t *testing.T) {
	cases(t, 16, 2000, func(_ *rand.Rand, m model, x In, d Decision) {
		if (d.Outcome == Allow) != (d.ExitCode() == 0) || (d.Outcome == Allow) != (d.Basis != "") {
			t.Errorf("%v: exit %d, basis %q", d.Outcome, d.ExitCode(), d.Basis)
		}
		if len(x.Faults) > 0 && d.Outcome != Block {
			t.Errorf("a fault, and yet %v", d.Outcome)
		}
		if d.Outcome != Allow {
			return
		}
		for _, f := range d.Findings {
			if f.Enforced && f.Effect != policy.Warn && f.Status != StatusDischarged || f.Status == StatusDischarged && f.Effect == policy.Block {
				t.Errorf("allowed with %+v", f)
			}
		}
		for _, q := range d.Requirements {
			people := map[string]bool{}
			for _, s := range q.By {
				people[s.Person] = true
			}
			if q.State != StateMet || len(people) < q.Count || people["ann"] {
				t.Errorf("allowed with %+v", q)
			}
		}
		if d.ExitClass != 0 || !d.ValidUntil.After(x.Now) || (d.Basis == Approved) != (len(d.Requirements) > 0) {
			t.Errorf("allowed with %+v", d)
		}
	})
}
