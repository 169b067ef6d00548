package report

import (
	"strings"
	"testing"

	"cdgate.dev/cdgate/engine/decide"
	"cdgate.dev/cdgate/engine/policy"
	"cdgate.dev/cdgate/engine/record"
	"cdgate.dev/cdgate/engine/verify"
)

const (
	scanID  = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	testsID = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
	oldID   = "sha256:3333333333333333333333333333333333333333333333333333333333333333"
)

// elsewhere is the block of a release whose evidence is about something else.
func elsewhere() Document {
	why := func(kind, id string) string {
		return "the " + kind + " statement " + id + " is about artifact 444444444444, which is no part of this release"
	}
	missing := func(kind, id, digest string, effect policy.Effect) decide.Finding {
		return decide.Finding{
			Code: "r." + kind, ID: kind, Effect: effect, Cause: decide.EvidenceMissing, Status: decide.StatusOpen, Enforced: true,
			Msg: "there is no " + kind + " evidence: " + why(kind, id), Evidence: []string{digest}, Remedy: "Collect it.",
		}
	}
	waiting := missing("tests", "222222222222", testsID, policy.NeedsApproval)
	waiting.Remedy += " " + decide.Stuck + "nobody knows the authors"
	return Document{
		Signers: map[string][]string{"r.tests:tests": {"Eva"}},
		Result: record.Result{
			Outcome:      "block",
			ExitCode:     20,
			Findings:     []decide.Finding{missing("scan", "111111111111", scanID, policy.Block), waiting},
			Requirements: []decide.Requirement{{ID: "r.tests:tests", Count: 1, Open: 1, Roles: []string{"lead"}}},
			NotCounted: []verify.NotCounted{
				{ID: scanID, Kind: "scan", Reason: verify.OtherSubject, Msg: why("scan", "111111111111")},
				{ID: oldID, Kind: "scan", Reason: verify.Stale},
				{ID: testsID, Kind: "tests", Reason: verify.OtherSubject, Msg: why("tests", "222222222222")},
			},
		},
	}
}

// TestNotCountedOnce holds that a reason stands once in what people read, for all items alike, and in full in the JSON.
func TestNotCountedOnce(t *testing.T) {
	for _, format := range []string{"text", "markdown"} {
		out := strings.Join(strings.Fields(render(t, format, elsewhere())), " ")
		if n := strings.Count(out, "which is no part of this release"); n != 1 {
			t.Errorf("%s: the reason stands %d times:\n%s", format, n, out)
		}
		for _, want := range []string{"scan 111111111111, tests 222222222222", "scan 333333333333", "stale", "111111111111 was not counted, see below"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s lacks %q:\n%s", format, want, out)
			}
		}
	}
	if n := strings.Count(render(t, "json", elsewhere()), "which is no part of this release"); n != 4 {
		t.Errorf("json: the reason stands %d times", n)
	}
}

// TestStuckNamesNobody holds that nobody is offered as a signer where no signature would count.
func TestStuckNamesNobody(t *testing.T) {
	for _, format := range []string{"text", "markdown"} {
		d := elsewhere()
		if out := render(t, format, d); !strings.Contains(out, "nobody yet: nobody knows the authors") || strings.Contains(out, "Eva") {
			t.Errorf("%s:\n%s", format, out)
		}
		d.Result.Findings[1].Remedy = "Collect it."
		if out := render(t, format, d); strings.Contains(out, "nobody yet") || !strings.Contains(out, "Eva") {
			t.Errorf("%s, not stuck:\n%s", format, out)
		}
	}
}

// TestCheckThatWantsPeople holds that a check in which only people are missing is not called unjudged.
func TestCheckThatWantsPeople(t *testing.T) {
	for code, want := range map[int]string{0: "NOTHING BLOCKS", 10: "WOULD NEED APPROVAL", 20: "WOULD BLOCK", 30: "NOT CHECKED"} {
		if word, _ := headline(Document{Check: true, Result: record.Result{ExitCode: code}}); word != want {
			t.Errorf("%d is called %q, not %q", code, word, want)
		}
	}
}
