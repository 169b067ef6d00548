// Package deployment reads what platforms say about deployments.
package deployment

import (
	"io"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/platform"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// unknown is the state of what does not say how it went.
const unknown = "unknown"

// GitHubDeployments are the deployments of a GitHub repository or the statuses of one deployment, as the REST API gives them: one or
// an array. A deployment has commit and environment but no state; its statuses have state and environment but no commit.
func GitHubDeployments() evidence.Format {
	return evidence.Format{
		Name: "github-deployments", Title: "GitHub deployments", Kind: evidence.Deployment, MediaType: "application/json",
		Recognised: "`statuses_url` with `task` and `environment`, or `deployment_url` with `state`, alone or in an array; with the kind given, an empty array",
		Tools:      "GitHub REST API",
		Limits:     "exactly 30 or 100 entries are taken for one page of several; payloads are not read",
		Match: func(h evidence.Head) bool {
			if h.Syntax != evidence.JSON {
				return false
			}
			for _, at := range []string{"", "[]."} {
				if h.Has(at+"environment") && (h.Has(at+"task", at+"statuses_url") || h.Has(at+"deployment_url", at+"state")) {
					return true
				}
			}
			return false
		},
		MatchNamed: evidence.Head.EmptyArray,
		Read:       readGitHubDeployments,
	}
}

// states are GitHub's words for the state of a deployment.
var states = map[string]string{
	"queued": "queued", "pending": "pending", "in_progress": "in_progress", "success": "success", "failure": "failure", "error": "error",
	"inactive": "inactive",
}

// entry is a deployment, or a status of one: then deployment is the address of the deployment.
type entry struct{ id, environment, commit, ref, state, creator, at, description, deployment string }

func readGitHubDeployments(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	p := platform.New(r)
	var list []entry
	var one entry
	m := strictjson.Members{
		"id": p.IntoWord(&one.id), "environment": p.Into(&one.environment), "sha": p.Into(&one.commit), "ref": p.Into(&one.ref),
		"state": p.Into(&one.state), "creator": p.Record(strictjson.Members{"login": p.Into(&one.creator)}), "created_at": p.Into(&one.at),
		"description": p.IntoMessage(&one.description), "deployment_url": p.Into(&one.deployment),
	}
	sum := evidence.DeploymentSummary{Platform: "github", Latest: unknown, Complete: true}
	var err error
	if p.Kind() == '[' {
		err = platform.Objects(p, &list, &one, m)()
		sum.Complete = !p.FullPage(len(list), "deployments", 30, 100)
	} else {
		err = platform.Object(p, &one, m)()
		list = append(list, one)
	}
	if err != nil {
		return evidence.Report{}, err
	}
	if err := p.End(); err != nil {
		return evidence.Report{}, err
	}
	if len(list) == 0 {
		p.Empty("deployments")
	}
	newest := ""
	for i, one := range list {
		row := one.row(p)
		// GitHub lists the newest first: of two at the same second the first is the later one.
		if i == 0 || row.At > newest {
			newest, sum.Latest = row.At, row.State
		}
		if err := rows.Row(row); err != nil {
			return evidence.Report{}, err
		}
	}
	sum.Deployments = int64(len(list))
	return evidence.Report{Tool: evidence.Tool{Name: "github"}, Summary: evidence.Summary{Deployment: &sum}, Warnings: p.Warn}, nil
}

// row turns an entry into a row.
func (e entry) row(p *platform.Reader) evidence.DeploymentRow {
	row := evidence.DeploymentRow{
		ID: e.id, Deployment: e.id, Environment: e.environment, Commit: e.commit, Ref: e.ref, State: unknown, Creator: platform.Login(e.creator),
		At: p.Time(e.at, e.id), Description: evidence.Cut(e.description),
	}
	if row.At == "" {
		p.Missing(e.id, "created_at")
	}
	if e.deployment != "" {
		row.Deployment, row.State = platform.Tail(e.deployment), p.Status(states, e.state, e.id)
	}
	return row
}
