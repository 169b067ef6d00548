package check

import (
	"io"
	"slices"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/platform"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// GitHubChecks are the checks of one commit as GitHub's REST API gives them: check runs, check suites, the combined status, or
// the array of commit statuses, of which the last one of each context counts.
func GitHubChecks() evidence.Format {
	return evidence.Format{
		Name: "github-checks", Title: "GitHub checks", Kind: evidence.Check, MediaType: "application/json",
		Recognised: "`check_runs` or `check_suites` with `total_count`; `statuses` with `sha` and `state`; an array with `context` and `state`; with the kind given, an empty array",
		Tools:      "GitHub REST API",
		Limits:     "exactly 30 or 100 commit statuses are taken for one page of several; annotations are not read; skipped and neutral checks are no passes",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && (h.Has("total_count") && h.HasAny("check_runs", "check_suites") || h.HasAny("check_runs[].check_suite", "check_suites[].head_sha") ||
				h.Has("state", "statuses", "sha") || h.Has("[].context", "[].state"))
		},
		MatchNamed: evidence.Head.EmptyArray,
		Read:       readGitHubChecks,
	}
}

// conclusions are GitHub's words for how a check run or suite ended.
var conclusions = map[string]string{
	"success": success, "failure": failure, "startup_failure": failure, "neutral": "neutral", "cancelled": "cancelled", "skipped": "skipped",
	"timed_out": "timed_out", "action_required": "action_required", "stale": "stale",
}

// statusStates are GitHub's words for the state of a commit status.
var statusStates = map[string]string{"success": success, "failure": failure, "error": failure, "pending": unfinished}

// run is a check run, a check suite or a commit status.
type run struct{ name, app, commit, status, conclusion, state, created, start, end, message string }

// githubChecks is the state of one pass.
type githubChecks struct {
	*platform.Reader
	one                    run
	runs, suites, statuses []run
	state, commit          string
	total                  int64
	totalKnown             bool
	// listed and combined say which shape it is: runs or suites, or the combined status.
	listed, combined bool
}

func readGitHubChecks(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	g := &githubChecks{Reader: platform.New(r)}
	status := strictjson.Members{
		"context": g.Into(&g.one.name), "state": g.Into(&g.one.state), "description": g.IntoMessage(&g.one.message), "created_at": g.Into(&g.one.created),
	}
	statuses := platform.Objects(g.Reader, &g.statuses, &g.one, status)
	read, array := statuses, g.Kind() == '['
	if !array {
		read = g.Record(strictjson.Members{
			"check_runs":   g.Known(&g.listed, platform.Objects(g.Reader, &g.runs, &g.one, g.runMembers())),
			"check_suites": g.Known(&g.listed, platform.Objects(g.Reader, &g.suites, &g.one, g.runMembers())),
			"statuses":     g.Known(&g.combined, statuses),
			"state":        g.Into(&g.state),
			"sha":          g.Into(&g.commit),
			"total_count":  g.Known(&g.totalKnown, g.Count(&g.total)),
		})
	}
	if err := read(); err != nil {
		return evidence.Report{}, err
	}
	if err := g.End(); err != nil {
		return evidence.Report{}, err
	}
	if !array && g.listed == g.combined {
		return evidence.Report{}, g.Errorf("no list of check runs, check suites or statuses in it, or more than one")
	}
	complete := g.whole(array)
	sum, err := finish(g.Reader, rows, g.rows(array), complete)
	if err != nil {
		return evidence.Report{}, err
	}
	if g.combined && sum.OK && g.state != success {
		sum.OK = false
		g.Warn.Add(evidence.Contradiction, "state", "every status is a success, but the combined state is %q", evidence.Cut(g.state))
	}
	return evidence.Report{Tool: evidence.Tool{Name: "github"}, Summary: evidence.Summary{Check: sum}, Warnings: g.Warn}, nil
}

// runMembers says how a check run or a check suite is read.
func (g *githubChecks) runMembers() strictjson.Members {
	return strictjson.Members{
		"name": g.Into(&g.one.name), "head_sha": g.Into(&g.one.commit), "status": g.Into(&g.one.status), "conclusion": g.Into(&g.one.conclusion),
		"started_at": g.Into(&g.one.start), "completed_at": g.Into(&g.one.end),
		"app":    g.Record(strictjson.Members{"slug": g.Into(&g.one.app)}),
		"output": g.Record(strictjson.Members{"title": g.IntoMessage(&g.one.message)}),
	}
}

// whole says whether the list has every check, and warns if not.
func (g *githubChecks) whole(array bool) bool {
	n := int64(len(g.runs) + len(g.suites) + len(g.statuses))
	switch {
	case array:
		return !g.FullPage(int(n), "statuses", 30, 100)
	case !g.totalKnown:
		g.Incomplete("", "no total_count: nothing says that these %d checks are all", n)
	case n != g.total:
		g.Incomplete("", "%d checks, but total_count says %d; collect all pages", n, g.total)
	default:
		return true
	}
	return false
}

// rows turns what was read into rows.
func (g *githubChecks) rows(array bool) []evidence.CheckRow {
	var out []evidence.CheckRow
	for _, one := range slices.Concat(g.runs, g.suites) {
		row := evidence.CheckRow{
			Name: one.name, App: one.app, Commit: one.commit, ExitCode: -1, Message: one.message, Conclusion: unfinished,
			Start: g.Time(one.start, one.name), End: g.Time(one.end, one.name),
		}
		if row.Name == "" {
			row.Name = one.app // a check suite has no name of its own
		}
		if one.status == "completed" {
			row.Conclusion = g.Status(conclusions, one.conclusion, row.Name)
		} else if one.conclusion != "" {
			g.Warn.Add(evidence.Contradiction, row.Name, "the conclusion is %q, but the status %q; it counts as unfinished", one.conclusion, one.status)
		}
		out = append(out, row)
	}
	latest := map[string]int{}
	for _, one := range g.statuses {
		row := evidence.CheckRow{
			Name: one.name, Commit: g.commit, ExitCode: -1, Message: one.message, End: g.Time(one.created, one.name),
			Conclusion: g.Status(statusStates, one.state, one.name),
		}
		// GitHub lists the newest status first: of two at the same second the first is the later one.
		i, again := latest[row.Name]
		switch {
		case !again:
			latest[row.Name] = len(out)
			out = append(out, row)
		case row.End > out[i].End && out[i].End != "":
			out[i] = row
		}
	}
	return out
}
