package main

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/formats"
)

// TestCIRun says what is collected of a run: what the system says, from the variables that hold no secret.
func TestCIRun(t *testing.T) {
	for _, c := range []struct {
		name       string
		env        map[string]string
		event, url string
		variables  string
	}{
		{"github", map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/shop", "GITHUB_RUN_ID": "42", "GITHUB_EVENT_NAME": "push", "RUNNER_OS": "Linux", "GITHUB_TOKEN": "ghs_secret", "ACTIONS_RUNTIME_TOKEN": "secret", "GITHUB_REF": ""},
			"push", "https://github.com/acme/shop/actions/runs/42", "GITHUB_EVENT_NAME GITHUB_REPOSITORY GITHUB_RUN_ID RUNNER_OS"},
		{"gitlab", map[string]string{"GITLAB_CI": "true", "CI_PIPELINE_SOURCE": "merge_request_event", "CI_JOB_URL": "https://gitlab.com/a/b/-/jobs/1", "CI_JOB_TOKEN": "secret", "CI_REPOSITORY_URL": "https://gitlab-ci-token:secret@gitlab.com/a/b.git"},
			"merge_request_event", "https://gitlab.com/a/b/-/jobs/1", "CI_JOB_URL CI_PIPELINE_SOURCE"},
		{"azure", map[string]string{"TF_BUILD": "True", "BUILD_REASON": "Manual", "SYSTEM_COLLECTIONURI": "https://dev.azure.com/acme/", "SYSTEM_TEAMPROJECT": "shop", "BUILD_BUILDID": "7", "SYSTEM_ACCESSTOKEN": "secret"},
			"Manual", "https://dev.azure.com/acme/shop/_build/results?buildId=7", "BUILD_BUILDID BUILD_REASON SYSTEM_COLLECTIONURI SYSTEM_TEAMPROJECT"},
		{"bitbucket", map[string]string{"BITBUCKET_BUILD_NUMBER": "8", "BITBUCKET_GIT_HTTP_ORIGIN": "http://bitbucket.org/acme/shop", "BITBUCKET_PR_ID": "3", "BITBUCKET_STEP_OIDC_TOKEN": "secret"},
			"pull-request", "https://bitbucket.org/acme/shop/pipelines/results/8", "BITBUCKET_BUILD_NUMBER BITBUCKET_GIT_HTTP_ORIGIN BITBUCKET_PR_ID"},
		{"circleci", map[string]string{"CIRCLECI": "true", "CIRCLE_BUILD_URL": "https://circleci.com/gh/acme/shop/1", "CIRCLE_OIDC_TOKEN": "secret"},
			"", "https://circleci.com/gh/acme/shop/1", "CIRCLE_BUILD_URL"},
		{"jenkins", map[string]string{"JENKINS_URL": "https://u:secret@j/", "GIT_URL": "https://eva:secret@git.example.org/acme/shop.git", "BUILD_URL": "https://j/job/1/", "BUILD_NUMBER": "1"},
			"", "https://j/job/1/", "BUILD_NUMBER BUILD_URL GIT_URL JENKINS_URL"},
		{"tekton", map[string]string{"TEKTON_PIPELINE_RUN": "run-x", "TEKTON_BRANCH": "caf\xe9"}, "", "", "TEKTON_BRANCH TEKTON_PIPELINE_RUN"},
	} {
		doc, ok := ciRun(func(n string) string { return c.env[n] })
		if !ok || doc.System != c.name || doc.Event != c.event || doc.URL != c.url {
			t.Errorf("%s: %v %+v", c.name, ok, doc.RunSummary)
		}
		if got := strings.Join(slices.Sorted(maps.Keys(doc.Variables)), " "); got != c.variables {
			t.Errorf("%s: variables %s, want %s", c.name, got, c.variables)
		}
		b, err := document(doc)
		if err != nil || bytes.Contains(b, []byte("secret")) {
			t.Errorf("%s: %v, a secret in\n%s", c.name, err, b)
		}
		var rows bytes.Buffer
		if _, r, err := formats.Read(bytes.NewReader(b), evidence.Run, &rows); err != nil || *r.Summary.Run != doc.RunSummary {
			t.Errorf("%s: %v, read as %+v", c.name, err, r.Summary.Run)
		}
	}
	if _, ok := ciRun(func(string) string { return "" }); ok {
		t.Error("a run outside every CI system")
	}
	for _, s := range ciSystems() {
		if ciVariables[s.name] == "" {
			t.Errorf("%s has no variables", s.name)
		}
	}
}
