package review

import (
	"io"
	"maps"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/platform"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// GitHubReviews are the reviews of one GitHub pull request: the array of the REST API, an answer of the GraphQL API that asks
// for reviews of a pull request, or what gh pr view --json reviews prints. The REST array says neither how many reviews
// there are in all nor which commit is the head; of the three only GraphQL and gh give GitHub's own decision.
func GitHubReviews() evidence.Format {
	return evidence.Format{
		Name: "github-reviews", Title: "GitHub reviews", Kind: evidence.Review, MediaType: "application/json",
		Recognised: "an array of objects with `pull_request_url` and `submitted_at` or `author_association`; `data.repository.pullRequest`; " +
			"`reviews[]` with `authorAssociation`; with the kind given, an empty array",
		Tools:  "GitHub REST and GraphQL API, gh pr view --json",
		Limits: "one pull request; in the REST array exactly 30 or 100 reviews are taken for one page of several; GraphQL has to say `totalCount`, or both `hasNextPage` and `hasPreviousPage`",
		Match: func(h evidence.Head) bool {
			if h.Syntax != evidence.JSON {
				return false
			}
			return h.Has("[].pull_request_url") && h.HasAny("[].submitted_at", "[].author_association") ||
				strings.HasPrefix(h.Text("[].node_id"), "PRR_") && h.Has("[].body") ||
				h.HasAny("data.repository.pullRequest", "data.node.reviews", "data.resource.reviews") || h.Has("data.repository", "errors") ||
				h.Has("reviews[].authorAssociation") || h.Has("reviews[].author", "reviews[].submittedAt") || h.Has("reviewDecision", "reviews")
		},
		MatchNamed: evidence.Head.EmptyArray,
		Read:       readGitHubReviews,
	}
}

// githubReview is one review as GitHub writes it, in either API.
type githubReview struct {
	login, account, name, state, commit, at, pull string
	// signed is true when the member with the account is there, someone when it is not null, named when it has a login.
	signed, someone, named bool
}

// githubStates are GitHub's words for the states of a review and of a pull request.
var githubStates = map[string]string{
	"APPROVED": approved, "CHANGES_REQUESTED": changesRequested, "COMMENTED": commented, "DISMISSED": dismissed, "PENDING": pending,
}
var githubPullStates = map[string]string{"": unknown, "OPEN": "open", "MERGED": "merged", "CLOSED": "closed"}

// githubReviews is the state of one pass.
type githubReviews struct {
	*platform.Reader
	list            []githubReview
	one             githubReview
	sum             evidence.ReviewSummary
	decision, state string
	// asked is true once a list of reviews was there, paged when it is one of GraphQL's, of which the rest says how long it is.
	asked, paged, totalKnown, nextKnown, beforeKnown, next, before bool
	total                                                          int64
}

func readGitHubReviews(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	g := &githubReviews{Reader: platform.New(r), sum: evidence.ReviewSummary{Platform: "github", Rules: []evidence.ReviewRule{}}}
	read := g.readAnswer
	if g.Kind() == '[' {
		read = g.readREST
	}
	if err := read(); err != nil {
		return evidence.Report{}, err
	}
	if err := g.End(); err != nil {
		return evidence.Report{}, err
	}
	if len(g.list) == 0 {
		g.Empty("reviews")
	}
	g.sum.Author = platform.Login(g.sum.Author)
	g.sum.State = g.Status(githubPullStates, g.state, "state")
	if err := finish(g.Reader, rows, g.reviews(), &g.sum); err != nil {
		return evidence.Report{}, err
	}
	g.decide()
	return evidence.Report{Tool: evidence.Tool{Name: "github"}, Summary: evidence.Summary{Review: &g.sum}, Warnings: g.Warn}, nil
}

// readREST reads the array of the REST API.
func (g *githubReviews) readREST() error {
	err := platform.Objects(g.Reader, &g.list, &g.one, strictjson.Members{
		"user":             g.account("type"),
		"state":            g.Into(&g.one.state),
		"commit_id":        g.Into(&g.one.commit),
		"submitted_at":     g.Into(&g.one.at),
		"pull_request_url": g.Into(&g.one.pull),
	})()
	if err != nil {
		return err
	}
	for i, one := range g.list {
		number := platform.Tail(one.pull)
		if i > 0 && number != g.sum.Number {
			return g.Errorf("reviews of pull request %q and of %q: one list is of one pull request", g.sum.Number, number)
		}
		g.sum.Number = number
	}
	g.sum.Complete = !g.FullPage(len(g.list), "reviews", 30, 100)
	return nil
}

// account returns a function that reads whose review it is.
func (g *githubReviews) account(kind string) func() error {
	return g.Present(&g.one.signed, g.Known(&g.one.someone, g.Record(strictjson.Members{
		"login": g.Present(&g.one.named, g.Into(&g.one.login)), kind: g.Into(&g.one.account), "name": g.Into(&g.one.name),
	})))
}

// readAnswer reads an answer of the GraphQL API, or what gh prints, which is the pull request itself.
func (g *githubReviews) readAnswer() error {
	pull := g.pullRequest()
	inner := g.Record(pull)
	failure := ""
	top := maps.Clone(pull)
	top["data"] = g.Record(strictjson.Members{"repository": g.Record(strictjson.Members{"pullRequest": inner}), "node": inner, "resource": inner})
	top["errors"] = g.List(func() error {
		if err := g.Record(strictjson.Members{"message": g.IntoMessage(&failure)})(); err != nil {
			return err
		}
		return g.Errorf("the answer says that the query failed: %s", failure)
	})
	if err := g.Record(top)(); err != nil {
		return err
	}
	if !g.asked {
		return g.Errorf("no reviews in it; ask for reviews(first: 100) { totalCount nodes { … } } of a pull request that exists")
	}
	g.sum.Complete = !g.paged || g.allPages()
	return nil
}

// pullRequest says how a pull request is read.
func (g *githubReviews) pullRequest() strictjson.Members {
	list := platform.Objects(g.Reader, &g.list, &g.one, strictjson.Members{
		"author":      g.account("__typename"),
		"state":       g.Into(&g.one.state),
		"commit":      g.Record(strictjson.Members{"oid": g.Into(&g.one.commit)}),
		"submittedAt": g.Into(&g.one.at),
	})
	page := g.Record(strictjson.Members{
		"hasNextPage": g.Known(&g.nextKnown, g.IntoBool(&g.next)), "hasPreviousPage": g.Known(&g.beforeKnown, g.IntoBool(&g.before)),
	})
	connection := g.Record(strictjson.Members{
		"totalCount": g.Known(&g.totalKnown, g.Count(&g.total)),
		"pageInfo":   page,
		"nodes":      g.Known(&g.asked, list),
	})
	return strictjson.Members{
		"number":         g.IntoWord(&g.sum.Number),
		"state":          g.Into(&g.state),
		"author":         g.Record(strictjson.Members{"login": g.Into(&g.sum.Author)}),
		"headRefOid":     g.Into(&g.sum.Commit),
		"reviewDecision": g.Into(&g.decision),
		"reviews": func() error {
			if g.asked {
				return g.Errorf("a second list of reviews: one answer is of one pull request")
			}
			if g.Kind() == '[' { // gh reads all pages
				g.asked = true
				return list()
			}
			g.paged = true
			return connection()
		},
	}
}

// allPages says whether GraphQL gave all reviews, and warns if not.
func (g *githubReviews) allPages() bool {
	n := int64(len(g.list))
	switch {
	case g.next || g.before || g.totalKnown && g.total > n:
		g.Incomplete("reviews", "%d reviews are one page of several; collect all pages", n)
	case g.totalKnown && g.total < n:
		g.Incomplete("reviews", "%d reviews, but totalCount says %d", n, g.total)
	case !g.totalKnown && !(g.nextKnown && g.beforeKnown):
		g.Incomplete("reviews", "nothing says that these %d reviews are all; ask for totalCount, or for pageInfo { hasNextPage hasPreviousPage }", n)
	default:
		return true
	}
	return false
}

// reviews turns what was read into rows.
func (g *githubReviews) reviews() []evidence.ReviewRow {
	var out []evidence.ReviewRow
	for _, one := range g.list {
		if !one.signed || one.someone && !one.named {
			g.Missing("reviews", "login")
		}
		login := platform.Login(one.login)
		out = append(out, evidence.ReviewRow{
			Reviewer: login, Name: one.name, Account: githubAccount(login, one.account), Commit: one.commit,
			At: g.Time(one.at, "reviews"), State: g.Status(githubStates, one.state, "reviews"),
		})
	}
	return out
}

// decide takes over GitHub's own decision where the reviews bear it out. Without one there is none: GitHub gives none where
// no review is required.
func (g *githubReviews) decide() {
	switch {
	case g.decision != "APPROVED":
		return
	case g.sum.Approvals == 0:
		contradict(g.Reader, "GitHub says approved, but no approval counts")
	case g.sum.ChangesRequested > 0:
		contradict(g.Reader, "GitHub says approved, but %d reviews ask for changes", g.sum.ChangesRequested)
	default:
		g.sum.Approved = g.sum.Complete
	}
}

// githubAccount says whose account a login is.
func githubAccount(login, kind string) string {
	switch {
	case login == ghost || strings.HasSuffix(login, "[bot]"):
		return bot
	case kind == "":
		return unknown
	case kind == "User" || kind == "EnterpriseUserAccount":
		return user
	}
	return bot
}
