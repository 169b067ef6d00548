package main

import "testing"

// TestCI feeds the variables as the systems' documentation shows them.
func TestCI(t *testing.T) {
	for _, c := range []struct {
		name string
		env  map[string]string
		want facts
	}{
		{"nothing", nil, facts{}},
		{"github branch", map[string]string{
			"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/payments", "GITHUB_SHA": "abc",
			"GITHUB_REF_NAME": "main", "GITHUB_REF_TYPE": "branch", "GITHUB_WORKFLOW": "ci", "GITHUB_JOB": "gate", "GITHUB_RUN_ID": "42", "GITHUB_RUN_ATTEMPT": "3", "GITHUB_ACTOR": "eva",
		}, facts{"github", "https://github.com/acme/payments", "abc", "main", "", "ci", "gate", "42", "eva", 3}},
		{"github tag", map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_REF_NAME": "v1.2", "GITHUB_REF_TYPE": "tag"},
			facts{system: "github", tag: "v1.2", attempt: 1}},
		{"github pull request", map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_REF_NAME": "7/merge", "GITHUB_REF_TYPE": "branch", "GITHUB_HEAD_REF": "feature"},
			facts{system: "github", branch: "feature", attempt: 1}},
		{"gitlab", map[string]string{
			"GITLAB_CI": "true", "CI_PROJECT_URL": "https://gitlab.com/acme/payments", "CI_COMMIT_SHA": "abc", "CI_COMMIT_BRANCH": "main", "CI_JOB_NAME": "unit: [debian]",
			"CI_PIPELINE_ID": "9", "CI_JOB_ID": "1234", "GITLAB_USER_LOGIN": "eva", "CI_CONFIG_PATH": ".gitlab-ci.yml",
		}, facts{"gitlab", "https://gitlab.com/acme/payments", "abc", "main", "", ".gitlab-ci.yml", "unit: [debian]", "9", "eva", 1234}},
		{"jenkins", map[string]string{"JENKINS_URL": "https://j/", "GIT_URL": "git@github.com:acme/payments.git", "GIT_COMMIT": "abc", "GIT_BRANCH": "origin/main", "JOB_NAME": "payments", "STAGE_NAME": "gate", "BUILD_NUMBER": "5"},
			facts{"jenkins", "https://github.com/acme/payments", "abc", "main", "", "payments", "gate", "5", "", 1}},
		{"azure", map[string]string{"TF_BUILD": "True", "BUILD_REPOSITORY_URI": "https://user@dev.azure.com/acme/_git/payments", "BUILD_SOURCEVERSION": "abc", "BUILD_SOURCEBRANCH": "refs/heads/release/1", "BUILD_DEFINITIONNAME": "ci", "SYSTEM_JOBNAME": "gate", "BUILD_BUILDID": "77", "SYSTEM_JOBATTEMPT": "2"},
			facts{"azure", "https://dev.azure.com/acme/_git/payments", "abc", "release/1", "", "ci", "gate", "77", "", 2}},
		{"azure tag", map[string]string{"TF_BUILD": "True", "BUILD_SOURCEBRANCH": "refs/tags/v1"}, facts{system: "azure", tag: "v1", attempt: 1}},
		{"bitbucket", map[string]string{"BITBUCKET_BUILD_NUMBER": "8", "BITBUCKET_GIT_HTTP_ORIGIN": "http://bitbucket.org/acme/payments", "BITBUCKET_COMMIT": "abc", "BITBUCKET_BRANCH": "main", "BITBUCKET_REPO_FULL_NAME": "acme/payments", "BITBUCKET_STEP_UUID": "{s}", "BITBUCKET_STEP_RUN_NUMBER": "2", "BITBUCKET_STEP_TRIGGERER_UUID": "{u}"},
			facts{"bitbucket", "https://bitbucket.org/acme/payments", "abc", "main", "", "acme/payments", "{s}", "8", "{u}", 2}},
		{"circleci", map[string]string{"CIRCLECI": "true", "CIRCLE_REPOSITORY_URL": "git@github.com:acme/payments.git", "CIRCLE_SHA1": "abc", "CIRCLE_BRANCH": "main", "CIRCLE_WORKFLOW_ID": "w", "CIRCLE_JOB": "gate", "CIRCLE_BUILD_NUM": "31", "CIRCLE_USERNAME": "eva"},
			facts{"circleci", "https://github.com/acme/payments", "abc", "main", "", "w", "gate", "w", "eva", 31}},
		{"tekton", map[string]string{"TEKTON_PIPELINE_RUN": "run-x", "TEKTON_PIPELINE": "p", "TEKTON_TASK": "gate", "TEKTON_RETRY_COUNT": "1", "TEKTON_REVISION": "abc"},
			facts{system: "tekton", revision: "abc", workflow: "p", job: "gate", run: "run-x", attempt: 2}},
	} {
		if got := readCI(func(n string) string { return c.env[n] }); got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, got, c.want)
		}
	}
}
