package decide

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/verify"
)

func TestZero(t *testing.T) {
	if Outcome(0) != Block || Outcome(0).String() != "block" || Outcome(9).String() != "block" {
		t.Error("the zero outcome is not block")
	}
	if d := (Decision{}); d.Outcome != Block || d.ExitCode() != 20 {
		t.Errorf("the zero decision: %v, exit %d", d.Outcome, d.ExitCode())
	}
	d := Decide(In{})
	if d.Outcome != Block || d.Recommendation != Block || d.Basis != "" || d.ExitCode() != int(fault.Policy) || len(d.Findings) != 1 {
		t.Errorf("the zero In: %+v", d)
	}
}

// TestOutcome: each row that does not allow stands beside the first, which does.
func TestOutcome(t *testing.T) {
	pass := rule("tests.required_levels")
	block := rule("security.vuln_threshold", policy.Finding{Effect: policy.Block, Msg: "two critical"})
	ask := rule("tests.coverage_floor", policy.Finding{Effect: policy.NeedsApproval, Msg: "79 %"})
	warn := rule("x.warn", policy.Finding{Effect: policy.Warn, Msg: "hm"})
	later := block
	later.Enforced, later.EffectiveOn = false, "never"
	elsewhere := rule("x.other")
	elsewhere.Result = policy.NotApplicable
	missing := func(strongest policy.Effect) policy.Rule {
		return policy.Rule{Code: "tests.suite_complete", Result: policy.Failed, Enforced: true, Strongest: strongest, Missing: []string{"tests"}}
	}
	odd := func(change func(*policy.Rule)) policy.Rule { r := rule("x.odd"); change(&r); return r }
	tests := []struct {
		name  string
		rules []policy.Rule
		want  Outcome
		exit  int
		cause Cause
	}{
		{"all passed", []policy.Rule{pass}, Allow, 0, ""},
		{"block", []policy.Rule{pass, block}, Block, 20, CriterionFailed},
		{"needs approval", []policy.Rule{pass, ask}, NeedsApproval, 10, CriterionFailed},
		{"manual trigger", []policy.Rule{pass, delivery(1)}, NeedsApproval, 10, ApprovalMissing},
		{"block is stronger", []policy.Rule{ask, pass, block}, Block, 20, CriterionFailed},
		{"a warning never gates", []policy.Rule{pass, warn}, Allow, 0, CriterionFailed},
		{"not enforced yet", []policy.Rule{pass, later}, Allow, 0, CriterionFailed},
		{"not for this stage", []policy.Rule{pass, elsewhere}, Allow, 0, ""},
		{"missing, could block", []policy.Rule{pass, missing(policy.Block)}, Block, 20, EvidenceMissing},
		{"missing, could ask", []policy.Rule{pass, missing(policy.NeedsApproval)}, NeedsApproval, 10, EvidenceMissing},
		{"missing, could warn", []policy.Rule{pass, missing(policy.Warn)}, Allow, 0, EvidenceMissing},
		{"missing, effect unknown", []policy.Rule{pass, missing("")}, Block, 20, EvidenceMissing},
		{"inconclusive", []policy.Rule{pass, rule("x", policy.Finding{Effect: policy.NeedsApproval, Inconclusive: true})}, NeedsApproval, 10, Inconclusive},
		{"no rule", nil, Block, 40, Config},
		{"no rule for this stage", []policy.Rule{elsewhere}, Block, 40, Config},
		{"no rule that gates", []policy.Rule{later}, Block, 40, Config},
		{"effect unknown", []policy.Rule{pass, rule("x", policy.Finding{Effect: "blocks"})}, Block, 40, Config},
		{"effect empty", []policy.Rule{pass, rule("x", policy.Finding{})}, Block, 40, Config},
		{"no result", []policy.Rule{pass, odd(func(r *policy.Rule) { r.Result = "" })}, Block, 40, Config},
		{"failed, says nothing", []policy.Rule{pass, odd(func(r *policy.Rule) { r.Result = policy.Failed })}, Block, 40, Config},
		{"passed, found something", []policy.Rule{pass, odd(func(r *policy.Rule) { r.Findings = ask.Findings })}, Block, 40, Config},
		{"not applicable, lacks something", []policy.Rule{pass, odd(func(r *policy.Rule) { r.Result, r.Missing = policy.NotApplicable, []string{"scan"} })}, Block, 40, Config},
		{"one code twice", []policy.Rule{pass, pass}, Block, 40, Config},
		{"requirement without role", []policy.Rule{pass, rule("x", policy.Finding{Effect: policy.NeedsApproval, Requirement: &policy.Requirement{Count: 1}})}, Block, 40, Config},
		{"requirement of minus one", []policy.Rule{pass, delivery(-1)}, Block, 40, Config},
		{"one id, two requirements", []policy.Rule{pass, rule("x",
			policy.Finding{Effect: policy.NeedsApproval, ID: "a", Msg: "1", Requirement: &policy.Requirement{Roles: []string{"r"}}},
			policy.Finding{Effect: policy.NeedsApproval, ID: "a", Msg: "2", Requirement: &policy.Requirement{Roles: []string{"r"}, Count: 2}})}, Block, 40, Config},
		{"one id, one requirement twice", []policy.Rule{pass, rule("x",
			policy.Finding{Effect: policy.NeedsApproval, ID: "a", Msg: "1", Requirement: &policy.Requirement{Roles: []string{"s", "r"}, Meaning: "approval"}},
			policy.Finding{Effect: policy.NeedsApproval, ID: "a", Msg: "2", Requirement: &policy.Requirement{Roles: []string{"r", "s"}, Count: 1, ValidHours: 72}})}, NeedsApproval, 10, ApprovalMissing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := Decide(in(tt.rules...))
			if d.Outcome != tt.want || d.ExitCode() != tt.exit || d.Recommendation != tt.want {
				t.Errorf("%v, recommendation %v, exit %d; want %v, exit %d\n%+v", d.Outcome, d.Recommendation, d.ExitCode(), tt.want, tt.exit, d.Findings)
			}
			if (d.Basis == Automatic) != (tt.want == Allow) {
				t.Errorf("basis %q", d.Basis)
			}
			if !slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Cause == tt.cause }) && tt.cause != "" {
				t.Errorf("no finding with cause %q: %+v", tt.cause, d.Findings)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	tests := []struct {
		faults []error
		codes  string
		exit   int
	}{
		{nil, "", 0},
		{[]error{fault.New(fault.Evidence, "rows are cut off")}, "engine.evidence error", 30},
		{[]error{fault.New(fault.Policy, "does not compile")}, "engine.policy config", 40},
		{[]error{fault.New(fault.Trust, "flipped"), fault.New(fault.Evidence, "cut")}, "engine.evidence error engine.trust error", 50},
		{[]error{errors.Join(fault.New(fault.Trust, "b"), fault.New(fault.Trust, "a"))}, "engine.trust error engine.trust error", 50},
		{[]error{fault.New(fault.Usage, "no such line")}, "engine.config config", 64},
		{[]error{errors.New("nobody classified it")}, "engine.internal error", 70},
		{[]error{nil}, "engine.internal error", 70},
	}
	for i, tt := range tests {
		x := in(rule("a.b"))
		x.Faults = tt.faults
		d := Decide(x)
		var codes []string
		for _, f := range d.Findings {
			codes = append(codes, f.Code, string(f.Cause))
		}
		if got := strings.Join(codes, " "); got != tt.codes || d.ExitCode() != tt.exit || (d.Outcome == Allow) != (len(tt.faults) == 0) {
			t.Errorf("%d: %q, %v, exit %d; want %q, exit %d", i, got, d.Outcome, d.ExitCode(), tt.codes, tt.exit)
		}
	}
}

// TestMissing: what was not counted explains why evidence is missing.
func TestMissing(t *testing.T) {
	nc := func(id, kind string, r verify.Reason) verify.NotCounted {
		return verify.NotCounted{ID: id, Kind: kind, Reason: r, Msg: "because of " + id}
	}
	tests := []struct {
		notCounted []verify.NotCounted
		cause      Cause
		says       string
		evidence   int
	}{
		{nil, EvidenceMissing, "there is no tests evidence", 0},
		{[]verify.NotCounted{nc("1", "scan", verify.Stale)}, EvidenceMissing, "there is no tests evidence", 0},
		{[]verify.NotCounted{nc("1", "tests", verify.OtherSubject)}, EvidenceMissing, "because of 1", 1},
		{[]verify.NotCounted{nc("1", "tests", verify.UnknownSigner)}, EvidenceUntrusted, "because of 1", 1},
		{[]verify.NotCounted{nc("2", "tests", verify.WrongRole), nc("1", "tests", verify.Unlisted)}, EvidenceUntrusted, "because of 1 (and 1 more)", 2},
		{[]verify.NotCounted{nc("2", "tests", verify.Unbound)}, EvidenceUntrusted, "because of 2", 1},
		{[]verify.NotCounted{nc("1", "tests", verify.UnknownSigner), nc("2", "tests", verify.Stale)}, EvidenceStale, "because of 2", 1},
	}
	for i, tt := range tests {
		x := in(rule("a.b"), policy.Rule{Code: "tests.x", Result: policy.Failed, Enforced: true, Strongest: policy.Block, Missing: []string{"tests"}})
		x.NotCounted = tt.notCounted
		d := Decide(x)
		f := d.Findings[0]
		if d.Outcome != Block || d.ExitCode() != 20 || f.Cause != tt.cause || !strings.Contains(f.Msg, tt.says) || len(f.Evidence) != tt.evidence || f.Remedy == "" {
			t.Errorf("%d: %v %+v", i, d.Outcome, f)
		}
	}
}

func TestValidUntil(t *testing.T) {
	x := in(delivery(1))
	early := signed(x, "eva", approve)
	early.ValidUntil = now.Add(3 * time.Hour)
	late := signed(x, "sam", approve)
	long := signed(x, "eva", approve)
	long.ValidUntil = now.Add(1000 * time.Hour) // the requirement says 48 h, from an hour ago
	tests := []struct {
		name   string
		change func(*In)
		want   time.Duration
	}{
		{"the target", func(i *In) { i.Signoffs = []verify.Signoff{late} }, 24 * time.Hour},
		{"the sign-off", func(i *In) { i.Signoffs = []verify.Signoff{early} }, 3 * time.Hour},
		{"one more sign-off never shortens", func(i *In) { i.Signoffs = []verify.Signoff{early, late} }, 24 * time.Hour},
		{"the requirement", func(i *In) { i.Signoffs, i.ValidFor = []verify.Signoff{long}, 100*time.Hour }, 47 * time.Hour},
		{"evidence", func(i *In) {
			i.Signoffs, i.Expiries = []verify.Signoff{late}, []time.Time{now.Add(time.Hour), now.Add(9 * time.Hour)}
		}, time.Hour},
	}
	for _, tt := range tests {
		y := x
		tt.change(&y)
		d := Decide(y)
		if d.Outcome != Allow || !d.ValidUntil.Equal(now.Add(tt.want)) {
			t.Errorf("%s: %v until %v, want %v", tt.name, d.Outcome, d.ValidUntil.Sub(now), tt.want)
		}
	}
	for name, change := range map[string]func(*In){
		"no time at all": func(i *In) { i.ValidFor = 0 }, "negative": func(i *In) { i.ValidFor = -time.Hour },
		"over already": func(i *In) { i.Expiries = []time.Time{now.Add(-time.Second)} },
	} {
		y := in(rule("a.b"))
		change(&y)
		if d := Decide(y); d.Outcome != Block || d.ExitCode() < 30 {
			t.Errorf("%s: %v", name, d.Outcome)
		}
	}
	y := in(rule("a.b"))
	y.Expiries = []time.Time{now}
	if d := Decide(y); d.Outcome != Allow {
		t.Errorf("ends now: %v", d.Outcome)
	}
}

// TestOrderOfFindings: findings come out sorted, with nothing nil for JSON.
func TestOrderOfFindings(t *testing.T) {
	d := Decide(in(rule("b.b", policy.Finding{ID: "2", Effect: policy.Block}, policy.Finding{ID: "1", Effect: policy.NeedsApproval}), rule("a.a", policy.Finding{Effect: policy.Warn})))
	var got []string
	for _, f := range d.Findings {
		got = append(got, fmt.Sprint(f.Code, f.ID))
		if f.Evidence == nil || f.Controls == nil || f.Status != StatusOpen {
			t.Errorf("%+v", f)
		}
	}
	if strings.Join(got, " ") != "a.a b.b1 b.b2" {
		t.Errorf("order %v", got)
	}
	if len(d.Requirements) != 1 || d.Requirements[0].ID != "b.b:1" || d.Requirements[0].By == nil || d.Requirements[0].NotCounted == nil {
		t.Errorf("requirements %+v", d.Requirements)
	}
	r := d.Requirements[0]
	if fmt.Sprintln(r.Roles, r.Count, r.Meaning, r.ValidHours, r.VetoRoles, r.Open) != "[release-manager] 1 approval 72 [release-manager] 1\n" {
		t.Errorf("the default requirement is %+v", r)
	}
}
