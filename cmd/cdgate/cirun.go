package main

import (
	"regexp"
	"strings"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/collect"
)

// ciDocument is the report of format ci-run.
type ciDocument struct {
	APIVersion string `json:"apiVersion"`
	evidence.RunSummary
	Variables map[string]string `json:"variables"`
}

// ciVariables are the variables of each CI system that say what a run is and hold no secret. What is not here is never
// collected: the environment of a job is full of tokens.
var ciVariables = map[string]string{
	"github": `CI GITHUB_ACTOR GITHUB_ACTOR_ID GITHUB_BASE_REF GITHUB_EVENT_NAME GITHUB_HEAD_REF GITHUB_JOB GITHUB_REF GITHUB_REF_NAME
		GITHUB_REF_PROTECTED GITHUB_REF_TYPE GITHUB_REPOSITORY GITHUB_REPOSITORY_ID GITHUB_REPOSITORY_OWNER GITHUB_REPOSITORY_OWNER_ID
		GITHUB_RUN_ATTEMPT GITHUB_RUN_ID GITHUB_RUN_NUMBER GITHUB_SERVER_URL GITHUB_SHA GITHUB_TRIGGERING_ACTOR GITHUB_WORKFLOW
		GITHUB_WORKFLOW_REF GITHUB_WORKFLOW_SHA RUNNER_ARCH RUNNER_ENVIRONMENT RUNNER_NAME RUNNER_OS`,
	"gitlab": `CI CI_COMMIT_BEFORE_SHA CI_COMMIT_BRANCH CI_COMMIT_REF_NAME CI_COMMIT_REF_PROTECTED CI_COMMIT_SHA CI_COMMIT_TAG
		CI_COMMIT_TIMESTAMP CI_CONFIG_PATH CI_DEFAULT_BRANCH CI_ENVIRONMENT_NAME CI_ENVIRONMENT_TIER CI_JOB_ID CI_JOB_IMAGE CI_JOB_NAME
		CI_JOB_STAGE CI_JOB_URL CI_MERGE_REQUEST_DIFF_BASE_SHA CI_MERGE_REQUEST_IID CI_MERGE_REQUEST_SOURCE_BRANCH_NAME
		CI_MERGE_REQUEST_TARGET_BRANCH_NAME CI_PIPELINE_ID CI_PIPELINE_SOURCE CI_PIPELINE_URL CI_PROJECT_ID CI_PROJECT_PATH CI_PROJECT_URL
		CI_RUNNER_DESCRIPTION CI_RUNNER_EXECUTABLE_ARCH CI_RUNNER_ID CI_RUNNER_VERSION CI_SERVER_URL CI_SERVER_VERSION GITLAB_USER_ID
		GITLAB_USER_LOGIN`,
	"azure": `AGENT_JOBNAME AGENT_NAME AGENT_OS AGENT_OSARCHITECTURE BUILD_BUILDID BUILD_BUILDNUMBER BUILD_DEFINITIONNAME BUILD_REASON
		BUILD_REPOSITORY_NAME BUILD_REPOSITORY_PROVIDER BUILD_REPOSITORY_URI BUILD_REQUESTEDFOR BUILD_REQUESTEDFOREMAIL BUILD_SOURCEBRANCH
		BUILD_SOURCEVERSION SYSTEM_COLLECTIONURI SYSTEM_DEFINITIONID SYSTEM_JOBATTEMPT SYSTEM_JOBNAME SYSTEM_PULLREQUEST_PULLREQUESTID
		SYSTEM_PULLREQUEST_SOURCEBRANCH SYSTEM_PULLREQUEST_TARGETBRANCH SYSTEM_STAGENAME SYSTEM_TEAMPROJECT`,
	"bitbucket": `CI BITBUCKET_BRANCH BITBUCKET_BUILD_NUMBER BITBUCKET_COMMIT BITBUCKET_DEPLOYMENT_ENVIRONMENT BITBUCKET_GIT_HTTP_ORIGIN
		BITBUCKET_PIPELINE_UUID BITBUCKET_PROJECT_KEY BITBUCKET_PR_DESTINATION_BRANCH BITBUCKET_PR_DESTINATION_COMMIT BITBUCKET_PR_ID
		BITBUCKET_REPO_FULL_NAME BITBUCKET_REPO_UUID BITBUCKET_STEP_RUN_NUMBER BITBUCKET_STEP_TRIGGERER_UUID BITBUCKET_STEP_UUID
		BITBUCKET_TAG BITBUCKET_WORKSPACE`,
	"circleci": `CI CIRCLE_BRANCH CIRCLE_BUILD_NUM CIRCLE_BUILD_URL CIRCLE_JOB CIRCLE_NODE_INDEX CIRCLE_NODE_TOTAL CIRCLE_ORGANIZATION_ID
		CIRCLE_PIPELINE_ID CIRCLE_PROJECT_REPONAME CIRCLE_PROJECT_USERNAME CIRCLE_PULL_REQUEST CIRCLE_REPOSITORY_URL CIRCLE_SHA1 CIRCLE_TAG
		CIRCLE_USERNAME CIRCLE_WORKFLOW_ID CIRCLE_WORKFLOW_JOB_ID`,
	"tekton": `TEKTON_BRANCH TEKTON_PIPELINE TEKTON_PIPELINE_RUN TEKTON_REPOSITORY TEKTON_RETRY_COUNT TEKTON_REVISION TEKTON_TASK`,
	"jenkins": `BRANCH_NAME BUILD_DISPLAY_NAME BUILD_ID BUILD_NUMBER BUILD_TAG BUILD_URL BUILD_USER_ID CHANGE_AUTHOR CHANGE_BRANCH CHANGE_ID
		CHANGE_TARGET EXECUTOR_NUMBER GIT_BRANCH GIT_COMMIT GIT_PREVIOUS_COMMIT GIT_PREVIOUS_SUCCESSFUL_COMMIT GIT_URL JENKINS_URL JOB_NAME
		JOB_URL NODE_NAME STAGE_NAME TAG_NAME`,
}

// ciReport is what the CI system says of this run, as a report. Flags have no say in it.
func (k *call) ciReport() (collect.Made, error) {
	doc, ok := ciRun(k.getenv)
	if !ok {
		var names []string
		for _, s := range ciSystems() {
			names = append(names, s.name)
		}
		return collect.Made{}, fault.New(fault.Usage, "collect --ci: this is no run of a CI system that is known (%s); leave --ci out", strings.Join(names, ", "))
	}
	b, err := document(doc)
	return collect.Made{Name: "ci-run", Kind: evidence.Run, Data: b}, err
}

// ciRun is what the CI system says; false outside one.
func ciRun(get func(string) string) (ciDocument, bool) {
	f := readCI(get)
	if f.system == "" {
		return ciDocument{}, false
	}
	doc := ciDocument{APIVersion: "cdgate.dev/ci-run/v1", Variables: map[string]string{}, RunSummary: evidence.RunSummary{
		System: f.system, Repository: f.repository, Revision: f.revision, Branch: f.branch, Workflow: f.workflow, Job: f.job, Run: f.run,
		Attempt: int64(f.attempt), Actor: f.actor,
	}}
	doc.Event, doc.URL = ciEvent(f, get)
	for _, s := range []*string{&doc.Revision, &doc.Branch, &doc.Workflow, &doc.Job, &doc.Run, &doc.Actor, &doc.Event, &doc.URL} {
		*s = withoutCredentials(validText(*s))
	}
	for name := range strings.FieldsSeq(ciVariables[f.system]) {
		if v := get(name); v != "" {
			doc.Variables[name] = withoutCredentials(validText(v))
		}
	}
	return doc, true
}

// ciEvent is what started a run, and the address of its page.
func ciEvent(f facts, get func(string) string) (event, url string) {
	switch f.system {
	case "github":
		event = get("GITHUB_EVENT_NAME")
		if f.repository != "" && f.run != "" {
			url = f.repository + "/actions/runs/" + f.run
		}
	case "gitlab":
		event, url = get("CI_PIPELINE_SOURCE"), get("CI_JOB_URL")
	case "azure":
		event = get("BUILD_REASON")
		if c := get("SYSTEM_COLLECTIONURI"); c != "" && f.run != "" {
			url = strings.TrimSuffix(c, "/") + "/" + get("SYSTEM_TEAMPROJECT") + "/_build/results?buildId=" + f.run
		}
	case "bitbucket":
		if get("BITBUCKET_PR_ID") != "" {
			event = "pull-request"
		}
		if f.repository != "" && f.run != "" {
			url = f.repository + "/pipelines/results/" + f.run
		}
	case "circleci":
		url = get("CIRCLE_BUILD_URL")
	case "jenkins":
		url = get("BUILD_URL")
	}
	return event, url
}

// userInfo is the user and password of an address.
var userInfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^/@\s]*@`)

func withoutCredentials(s string) string { return userInfo.ReplaceAllString(s, "$1") }
