package scan

import "strings"

// sarifTags are the tags of rules that say what sort of finding it is, as Trivy and others write them.
var sarifTags = map[string]string{
	"vulnerability": vulnerability, "misconfiguration": misconfiguration, "secret": secret, "secrets": secret,
	"license": licence, "licence": licence,
}

// sarifTools are tools that report one sort of finding.
var sarifTools = map[string]string{
	"gitleaks": secret, "trufflehog": secret, "detect-secrets": secret, "ggshield": secret, "gitguardian": secret,
	"grype": vulnerability, "dependency-check": vulnerability, "govulncheck": vulnerability, "osv-scanner": vulnerability,
	"snyk open source": vulnerability, "snyk container": vulnerability, "clair": vulnerability, "pip-audit": vulnerability,
	"tfsec": misconfiguration, "checkov": misconfiguration, "kics": misconfiguration, "terrascan": misconfiguration,
	"kube-linter": misconfiguration, "kubescape": misconfiguration, "hadolint": misconfiguration, "cfn-lint": misconfiguration,
	"snyk iac": misconfiguration,
}

// vulnerabilityIDs start the identifiers of known vulnerabilities.
var vulnerabilityIDs = []string{"CVE-", "GHSA-", "OSV-", "PYSEC-", "RUSTSEC-", "SNYK-", "GO-20"}

// category says what sort of finding a SARIF result is: by the tags of its rule, by its tool, by its identifier, and
// code when nothing tells.
func (s *sarifReader) category(id string, rule *sarifRule) string {
	if rule != nil && rule.category != "" {
		return rule.category
	}
	if s.run.toolCategory == nil {
		c := sarifTools[strings.ToLower(s.run.components[0].name)]
		s.run.toolCategory = &c
	}
	if *s.run.toolCategory != "" {
		return *s.run.toolCategory
	}
	for _, prefix := range vulnerabilityIDs {
		if strings.HasPrefix(id, prefix) {
			return vulnerability
		}
	}
	return code
}
