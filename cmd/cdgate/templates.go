package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// quoted is a foreign text as a YAML scalar: a JSON text is one.
func quoted(s string) string { return strconv.QuoteToGraphic(strings.ToValidUTF8(s, "?")) }

func configTemplate(s *setup) string {
	return fmt.Sprintf(`# What cdgate collects here, and where things live. This file is not trusted: nothing in
# it can soften a decision. Who may sign, targets, policies and parameters are in gate.yaml.
apiVersion: cdgate.dev/v1
gate: gate.yaml           # the signed gate definition
store: .cdgate/store      # the evidence, an OCI image layout
log: .cdgate/log          # the decision log
lines:
  %s:
    path: .
    # Read when collect or check is given no PATH. KIND[/LEVEL]:PATH, or just PATH: reports are
    # recognised by their content.
    evidence: []          # for instance ["tests/unit:build/test-results/**/*.xml", "sbom.json"]
`, quoted(s.project))
}

// demoGate is gate.yaml; its gaps are the expiry, the people, the robots, the user's id and the line.
const demoGate = `# The gate definition: who may attest what, who the people are, where releases go and which
# policies judge them. What counts is the signed copy in gate.sigstore.json: after a change
# here, or in a policy directory, the owner of the root key runs
#
#   cdgate gate check && cdgate gate sign --key root.key
apiVersion: cdgate.dev/gate/v1
version: 1                           # gate sign adds one after a change
expires: %s
roots: [keys/root.pub]               # who may sign this file
log: keys/log.pub                    # the decision log's key

# Machines. Keep the two apart: what produces evidence must not also decide.
signers:
  ci:
    keys: [keys/ci.pub]
    may: [tests, coverage, scan, sbom, build, metrics, review, change, deployment, check, source, run]
  gate:
    keys: [keys/gate.pub]
    may: [decision]
  # A VEX statement says that a vulnerability does no harm here, and takes it out of the count. That is
  # for a security team to say, with a key that no pipeline has ("cdgate keys generate --out security"):
  # security:
  #   keys: [keys/security.pub]
  #   may: [vex]

people:
%s
# Committers that are no person. An author who is neither here nor above is a stranger, and
# then no sign-off counts, because the stranger could be the one who signs.
robots:
%s
# Nobody approves a change they had a hand in, whatever role they have.
roles:
  release-manager:
    people: [%s, reviewer]
  # What only people know, such as a test by hand, they sign with their own key. A role says who may:
  # tester:
  #   people: [reviewer]
  #   may: [manual_test]

lines:
  %s: {}

targets:
  staging:
    class: staging
    trigger: automatic               # good evidence is enough: continuous deployment
    policies: [builtin:minimal, ./policies]
  production:
    class: production
    trigger: manual                  # a person releases: continuous delivery
    policies: [builtin:minimal, ./policies]
    # params: {tests.coverage_floor: {line: 80}}
    # maxAge: {scan: 168h}
    # validFor: 24h
`

func gateTemplate(s *setup, expires time.Time) string {
	var people, robots strings.Builder
	fmt.Fprintf(&people, "  %s:\n    name: %s\n    keys: [keys/%s.pub]\n", s.user.id, quoted(s.user.name), s.user.id)
	if s.user.email != "" {
		fmt.Fprintf(&people, "    emails: [%s]     # commits with these addresses are this person's\n", quoted(s.user.email))
	}
	people.WriteString("  # A stand-in for a colleague, so that one person can try the whole flow. Replace it.\n" +
		"  reviewer:\n    name: Demo Reviewer\n    keys: [keys/reviewer.pub]\n")
	if len(s.others) > 0 {
		people.WriteString("  # Had a hand in the newest commit; without a key they sign nothing.\n")
	}
	for _, p := range s.others {
		fmt.Fprintf(&people, "  %s:\n    name: %s\n    emails: [%s]\n", p.id, quoted(p.name), quoted(p.email))
	}
	robots.WriteString("  github-web:\n    emails: [noreply@github.com]      # merges and edits in GitHub's web pages\n")
	return fmt.Sprintf(demoGate, expires.Format(time.RFC3339), people.String(), robots.String(), s.user.id, quoted(s.project))
}

// The first rule: small, useful, and with everything a rule has.
const firstRule = `# METADATA
# title: The release has a version of its own
# description: >-
#   A release named "latest" or "dev" says nothing a year later. This is your team's first rule;
#   change it, or start another with "cdgate policy new CATEGORY.RULE".
# custom:
#   controls: [NIST-800-53r5/CM-3]
#   remedy: Name the release with its own version, such as --release payments@1.4.2.
package rules.team.release_named

block contains finding if {
	some word in data.params.team.release_named.forbidden
	input.release.version == word
	finding := {
		"msg": sprintf("the release is called %q, which is no version", [word]),
		"observed": word,
		"expected": "a version of its own",
	}
}
`

const firstRuleTest = `package rules.team.release_named_test

import data.rules.team.release_named

_forbidden := {"team": {"release_named": {"forbidden": ["latest", "dev"]}}}

_named(version) := {"release": {"version": version}}

test_a_version_passes if {
	count(release_named.block) == 0 with input as _named("1.4.2") with data.params as _forbidden
}

test_latest_is_blocked if {
	some finding in release_named.block with input as _named("latest") with data.params as _forbidden
	finding.observed == "latest"
}
`

const firstRuleParams = `package params

// Words that are no version.
forbidden: [...string] | *["latest", "dev", "snapshot"] @tighter(more)
`
