package formats

import (
	"cdgate.dev/cdgate/evidence"
)

// claims says what a report proves to a policy, by kind: every number is one that a release wants high. A count of what is
// bad is negative, a yes is 1. A damaged report whose claim is higher than that of the whole one says more than is true.
func claims(s evidence.Summary) map[string]int64 {
	switch {
	case s.Tests != nil:
		return map[string]int64{"ok": yes(s.Tests.OK), "complete": yes(s.Tests.Complete), "failures": -s.Tests.Failed - s.Tests.Errored - s.Tests.Problems}
	case s.Coverage != nil:
		return map[string]int64{"line": percent(s.Coverage.Line), "branch": percent(s.Coverage.Branch), "statement": percent(s.Coverage.Statement),
			"function": percent(s.Coverage.Function), "instruction": percent(s.Coverage.Instruction)}
	case s.Scan != nil:
		v := s.Scan.BySeverity
		return map[string]int64{"critical": -v.Critical, "high": -v.Critical - v.High, "open": -s.Scan.Open, "looked": yes(s.Scan.Looked), "complete": yes(s.Scan.Complete)}
	case s.SBOM != nil:
		return map[string]int64{"components": -s.SBOM.Components, "complete": yes(s.SBOM.Complete), "licences": s.SBOM.WithLicence}
	case s.VEX != nil:
		return map[string]int64{"discharged": s.VEX.NotAffected + s.VEX.Fixed, "affected": -s.VEX.Affected - s.VEX.UnderInvestigation - s.VEX.Unknown, "complete": yes(s.VEX.Complete)}
	case s.Metrics != nil:
		m := s.Metrics
		return map[string]int64{"passed": yes(m.Verdict == "passed"), "breached": -int64(len(m.Breached)), "errors": -m.Errors, "no data": -m.NoData,
			"firing": -m.Firing, "complete": yes(m.Complete)}
	case s.Objective != nil:
		o := s.Objective
		return map[string]int64{"critical": -o.Critical, "complete": yes(o.Complete)}
	case s.Review != nil:
		v := s.Review
		return map[string]int64{"approved": yes(v.Approved), "approvals": v.Approvals, "changes requested": -v.ChangesRequested,
			"enough": yes(v.RequiredKnown && v.Left == 0), "complete": yes(v.Complete)}
	case s.Change != nil:
		c := s.Change
		return map[string]int64{"approved": c.Approved, "done": c.Done, "declined": -c.Declined, "on hold": -c.OnHold, "complete": yes(c.Complete)}
	case s.Deployment != nil:
		return map[string]int64{"success": yes(s.Deployment.Latest == "success"), "complete": yes(s.Deployment.Complete)}
	case s.Check != nil:
		return map[string]int64{"ok": yes(s.Check.OK), "failed": -s.Check.Failed - s.Check.Unfinished - s.Check.Other, "complete": yes(s.Check.Complete)}
	case s.Source != nil:
		return map[string]int64{"signed": yes(s.Source.Signature == "good"), "clean": yes(s.Source.Clean), "files": -s.Source.Files,
			"contributors": -int64(len(s.Source.Contributors)), "complete": yes(s.Source.Complete)}
	case s.Form != nil:
		return map[string]int64{"ok": yes(s.Form.OK), "passed": yes(s.Form.Result == "passed"), "bad": -s.Form.Failed - s.Form.Open}
	}
	return nil
}

func yes(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// percent is that of a ratio; nothing measured is less than 0 %.
func percent(q evidence.Ratio) int64 {
	if !q.Measured {
		return -1
	}
	return int64(q.Percent)
}

// better names a claim that is higher in a damaged report than in the whole one, or is "".
func better(part, whole evidence.Summary) string {
	had := claims(whole)
	for name, now := range claims(part) {
		if before, ok := had[name]; !ok || now > before {
			return name
		}
	}
	return ""
}
