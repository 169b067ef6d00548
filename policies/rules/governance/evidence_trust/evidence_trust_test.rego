package rules.governance.evidence_trust_test

import data.rules.governance.evidence_trust

_digest := sprintf("sha256:%064d", [7])

_commit := "0000000000000000000000000000000000000001"

_item(change) := object.union(
	{
		"id": "i1",
		"about": {"kind": "artifact", "digest": _digest},
		"ageSeconds": 60,
		"collectedAt": "2026-01-01T00:00:00Z",
		"run": {"system": "github"},
	},
	change,
)

_input(tests, notCounted) := {
	"now": "2026-01-01T00:01:00Z",
	"release": {"subjects": [{"name": "app", "digest": _digest}], "source": {"revision": _commit}},
	"evidence": {"tests": tests, "coverage": [], "scan": [], "sbom": [], "build": []},
	"notCounted": notCounted,
}

_blocks(change) := result if {
	result := evidence_trust.block with input as _input([_item(change)], [])
		with data.params.governance.evidence_trust.systems as []
}

_approvals(systems, change) := result if {
	result := evidence_trust.needs_approval with input as _input([_item(change)], [])
		with data.params.governance.evidence_trust.systems as systems
}

test_evidence_about_the_artifact_passes if {
	count(_blocks({})) == 0
}

test_evidence_about_the_revision_passes if {
	count(_blocks({"about": {"kind": "revision", "digest": sprintf("gitCommit:%s", [_commit])}})) == 0
	count(_blocks({"about": {"kind": "revision", "digest": _commit}})) == 0
}

test_evidence_about_something_else_blocks if {
	some finding in _blocks({"about": {"digest": sprintf("sha256:%064d", [8])}})
	finding.id == "unbound:i1"
}

test_unknown_revision_binds_nothing if {
	doc := object.union(_input([_item({"about": {"kind": "revision", "digest": ""}})], []), {"release": {"source": {"revision": ""}}})
	count(evidence_trust.block) == 1 with input as doc with data.params.governance.evidence_trust.systems as []
}

test_no_evidence_blocks if {
	some finding in evidence_trust.block with input as _input([], [])
		with data.params.governance.evidence_trust.systems as []
	finding.inconclusive
}

test_future_evidence_blocks if {
	count(_blocks({"ageSeconds": -120})) == 0
	some finding in _blocks({"ageSeconds": -121})
	finding.id == "future:i1"
}

test_any_system_where_none_is_named if {
	count(_approvals([], {"run": {"system": ""}})) == 0
}

test_other_system_needs_approval if {
	count(_approvals(["github"], {})) == 0
	some finding in _approvals(["github"], {"run": {"system": ""}})
	finding.observed == "no CI system"
	some other in _approvals(["github"], {"run": {"system": "jenkins"}})
	other.observed == "jenkins"
}

test_items_not_counted_never_gate if {
	items := [
		{"id": "x1", "kind": "scan", "reason": "unknown_signer", "msg": "nobody knows the key"},
		{"id": "x2", "kind": "scan", "reason": "superseded", "msg": "there is a later attempt"},
	]
	doc := _input([_item({})], items)
	count(evidence_trust.block) == 0 with input as doc with data.params.governance.evidence_trust.systems as []
}

test_attestation_is_from_no_ci_system if {
	count(_approvals(["github"], {"run": {"system": ""}, "attested": true})) == 0
	count(_approvals(["github"], {"run": {"system": ""}, "attested": false})) == 1
}

test_image_of_an_index_belongs_to_the_release if {
	images := [{"digest": "sha256:1", "config": "sha256:2", "platform": "linux/amd64"}]
	about := {"about": {"kind": "artifact", "name": "app", "digest": "sha256:1"}}
	count(_blocks(about)) == 1
	doc := object.union(_input([_item(about)], []), {"release": {"subjects": [{"name": "app", "digest": "sha256:0", "contains": images}]}})
	count(evidence_trust.block) == 0 with input as doc with data.params.governance.evidence_trust.systems as []
}
