package main

import (
	"slices"
	"strconv"
	"strings"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/evidence"
)

// facts are what the CI system and git say about this run. They are defaults: flags come first.
type facts struct {
	system, repository, revision, branch, tag, workflow, job, run, actor string
	attempt                                                              int
}

// ciSystem is a CI system: how it is recognised and which variables say what.
type ciSystem struct {
	name string
	// marker is a variable that only this system sets.
	marker string
	read   func(get func(string) string) facts
}

// ciSystems lists the CI systems whose variables are known.
func ciSystems() []ciSystem {
	return []ciSystem{
		{"github", "GITHUB_ACTIONS", readGitHub},
		{"gitlab", "GITLAB_CI", readGitLab},
		{"azure", "TF_BUILD", readAzure},
		{"bitbucket", "BITBUCKET_BUILD_NUMBER", readBitbucket},
		{"circleci", "CIRCLECI", readCircle},
		{"tekton", "TEKTON_PIPELINE_RUN", readTekton},
		{"jenkins", "JENKINS_URL", readJenkins},
	}
}

// readCI is what the CI system says; system is "" outside one.
func readCI(get func(string) string) facts {
	for _, s := range ciSystems() {
		if get(s.marker) == "" {
			continue
		}
		f := s.read(get)
		f.system = s.name
		f.repository = evidence.Repository(f.repository)
		f.attempt = max(f.attempt, 1)
		return f
	}
	return facts{}
}

// readGitHub: docs.github.com, "Variables reference".
func readGitHub(get func(string) string) facts {
	f := facts{
		revision: get("GITHUB_SHA"), workflow: get("GITHUB_WORKFLOW"), job: get("GITHUB_JOB"),
		run: get("GITHUB_RUN_ID"), attempt: number(get("GITHUB_RUN_ATTEMPT")), actor: get("GITHUB_ACTOR"),
	}
	if r := get("GITHUB_REPOSITORY"); r != "" {
		f.repository = first(get("GITHUB_SERVER_URL"), "https://github.com") + "/" + r
	}
	switch {
	case get("GITHUB_HEAD_REF") != "":
		f.branch = get("GITHUB_HEAD_REF")
	case get("GITHUB_REF_TYPE") == "tag":
		f.tag = get("GITHUB_REF_NAME")
	default:
		f.branch = get("GITHUB_REF_NAME")
	}
	return f
}

// readGitLab: docs.gitlab.com, "Predefined CI/CD variables". A retried job keeps its pipeline and gets a new, higher
// id, so that the job's id is what orders the attempts.
func readGitLab(get func(string) string) facts {
	return facts{
		repository: get("CI_PROJECT_URL"), revision: get("CI_COMMIT_SHA"), tag: get("CI_COMMIT_TAG"),
		branch:   first(get("CI_COMMIT_BRANCH"), get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME")),
		workflow: get("CI_CONFIG_PATH"), job: get("CI_JOB_NAME"), run: get("CI_PIPELINE_ID"),
		attempt: number(get("CI_JOB_ID")), actor: get("GITLAB_USER_LOGIN"),
	}
}

// readJenkins: jenkins.io, "Using a Jenkinsfile", and the variables of the Git and Multibranch plugins.
func readJenkins(get func(string) string) facts {
	return facts{
		repository: get("GIT_URL"), revision: get("GIT_COMMIT"), tag: get("TAG_NAME"),
		branch:   first(get("CHANGE_BRANCH"), get("BRANCH_NAME"), strings.TrimPrefix(get("GIT_BRANCH"), "origin/")),
		workflow: get("JOB_NAME"), job: get("STAGE_NAME"), run: get("BUILD_NUMBER"),
		actor: first(get("BUILD_USER_ID"), get("CHANGE_AUTHOR")),
	}
}

// readAzure: learn.microsoft.com, "Use predefined variables".
func readAzure(get func(string) string) facts {
	f := facts{
		repository: get("BUILD_REPOSITORY_URI"), revision: get("BUILD_SOURCEVERSION"),
		workflow: get("BUILD_DEFINITIONNAME"), job: first(get("SYSTEM_JOBNAME"), get("AGENT_JOBNAME")),
		run: get("BUILD_BUILDID"), attempt: number(get("SYSTEM_JOBATTEMPT")), actor: get("BUILD_REQUESTEDFOREMAIL"),
	}
	ref := get("BUILD_SOURCEBRANCH")
	if tag, ok := strings.CutPrefix(ref, "refs/tags/"); ok {
		f.tag = tag
	} else {
		f.branch = strings.TrimPrefix(ref, "refs/heads/")
	}
	return f
}

// readBitbucket: support.atlassian.com, "Variables and secrets".
func readBitbucket(get func(string) string) facts {
	return facts{
		repository: get("BITBUCKET_GIT_HTTP_ORIGIN"), revision: get("BITBUCKET_COMMIT"), branch: get("BITBUCKET_BRANCH"), tag: get("BITBUCKET_TAG"),
		workflow: get("BITBUCKET_REPO_FULL_NAME"), job: get("BITBUCKET_STEP_UUID"), run: get("BITBUCKET_BUILD_NUMBER"),
		attempt: number(get("BITBUCKET_STEP_RUN_NUMBER")), actor: get("BITBUCKET_STEP_TRIGGERER_UUID"),
	}
}

// readCircle: circleci.com, "Project values and variables".
func readCircle(get func(string) string) facts {
	return facts{
		repository: get("CIRCLE_REPOSITORY_URL"), revision: get("CIRCLE_SHA1"), branch: get("CIRCLE_BRANCH"), tag: get("CIRCLE_TAG"),
		workflow: get("CIRCLE_WORKFLOW_ID"), job: get("CIRCLE_JOB"), run: get("CIRCLE_WORKFLOW_ID"),
		attempt: number(get("CIRCLE_BUILD_NUM")), actor: get("CIRCLE_USERNAME"),
	}
}

// readTekton: Tekton sets no variables of its own; these are to be filled from its context variables, such as
// $(context.pipelineRun.name), as README.md shows.
func readTekton(get func(string) string) facts {
	return facts{
		workflow: get("TEKTON_PIPELINE"), job: get("TEKTON_TASK"), run: get("TEKTON_PIPELINE_RUN"),
		repository: get("TEKTON_REPOSITORY"), revision: get("TEKTON_REVISION"), branch: get("TEKTON_BRANCH"),
		attempt: number(get("TEKTON_RETRY_COUNT")) + 1,
	}
}

// number is a whole number, 0 where it is none.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// first is the first text that is not empty.
func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// ciFacts are the flags, then the CI system, then git. A person's machine is the system "local", and there the time
// orders attempts: what is collected again supersedes what was collected before.
func (k *call) ciFacts() facts {
	if k.facts != nil {
		return *k.facts
	}
	f := readCI(k.getenv)
	git := k.git()
	if f.system == "" {
		f.system, f.run = "local", "local"
		f.attempt = int(k.world.now().UnixMilli()) // two of one second have an order too
	}
	f.revision = first(k.String("revision"), f.revision, git.head())
	f.repository = first(k.String("repository"), f.repository, git.repository())
	f.branch = first(k.String("branch"), f.branch, git.branch())
	f.job = first(k.String("job"), f.job)
	f.run = first(k.String("run-id"), f.run)
	f.actor = first(k.String("actor"), f.actor)
	k.facts = &f
	return f
}

// producer is the CI run as evidence names it.
func (k *call) producer() (engine.Producer, error) {
	f := k.ciFacts()
	if v := k.String("attempt"); v != "" {
		n, err := integer("attempt", v, 1, 1<<31)
		if err != nil {
			return engine.Producer{}, err
		}
		f.attempt = n
	}
	return engine.Producer{
		System: f.system, Repository: f.repository, Revision: f.revision, Branch: f.branch,
		Workflow: f.workflow, Job: f.job, Run: f.run, Attempt: f.attempt, Actor: f.actor,
	}, nil
}

// source is the commit that evidence is about, with everybody who had a hand in it: those of --author and those git
// knows of. Flags only add: a name too many costs an approver, a name too few lets an author approve.
func (k *call) source() (engine.Source, error) {
	f := k.ciFacts()
	s := engine.Source{Repository: f.repository, Revision: f.revision, Branch: f.branch}
	for _, spelt := range k.StringSlice("author") {
		name, email, ok := nameAndAddress(spelt)
		if !ok {
			return s, fault.New(fault.Usage, "an author is written NAME <E-MAIL>, such as \"Eva Peeters <eva@acme.example>\", not %q", spelt)
		}
		s.Authors = append(s.Authors, engine.Author{Name: name, Email: email})
	}
	if f.revision == "" {
		return s, nil
	}
	known, err := k.git().authors(f.revision)
	if err != nil && len(s.Authors) == 0 {
		k.note("who wrote commit %s is not known: %v", f.revision, err)
		k.note("sign-offs will not count for this build, because an author could be among the signers")
	}
	for _, a := range known {
		if !slices.Contains(s.Authors, a) {
			s.Authors = append(s.Authors, a)
		}
	}
	return s, nil
}

// nameAndAddress reads "NAME <E-MAIL>".
func nameAndAddress(s string) (name, email string, ok bool) {
	name, rest, found := strings.Cut(s, "<")
	email, after, closed := strings.Cut(rest, ">")
	name, email = strings.TrimSpace(name), strings.TrimSpace(email)
	return name, email, found && closed && strings.TrimSpace(after) == "" && name != "" && strings.Contains(email, "@")
}
