package rules.release.provenance_verified_test

import data.rules.release.provenance_verified

_digest := sprintf("sha256:%064d", [7])

_other := sprintf("sha256:%064d", [8])

_summary := {
	"builderId": "https://builder.example/v1",
	"buildLevel": 2,
	"buildType": "https://builder.example/type",
	"repository": "https://git.example/payments",
	"ref": "refs/heads/main",
	"workflow": "release.yml",
}

_params := {"min_level": 2, "repositories": [], "refs": [], "build_types": [], "workflows": []}

_found(about, change, params) := findings if {
	item := {"id": "i1", "about": {"kind": "artifact", "digest": about}, "summary": object.union(_summary, change)}
	findings := provenance_verified.block with input.release.subjects as [{"name": "app", "digest": _digest}]
		with input.evidence.provenance as [item]
		with data.params.release.provenance_verified as object.union(_params, params)
}

test_level_is_enough if {
	count(_found(_digest, {}, {})) == 0
	count(_found(_digest, {"buildLevel": 3}, {"min_level": 3})) == 0
}

test_lower_level_blocks if {
	some finding in _found(_digest, {"buildLevel": 1}, {})
	finding.id == _digest
	contains(finding.observed, "level 1, built by https://builder.example/v1")
	finding.expected == "build level 2 or higher"
	finding.evidence == {"i1"}
	count(_found(_digest, {}, {"min_level": 3})) == 1
}

test_unknown_builder_blocks if {
	count(_found(_digest, {"buildLevel": 0}, {"min_level": 1})) == 1
}

test_level_that_is_no_number_blocks if {
	count(_found(_digest, {"buildLevel": "3"}, {})) == 1
}

test_provenance_of_another_artifact_blocks if {
	some finding in _found(_other, {}, {})
	finding.observed == "no provenance is about it"
}

test_repository if {
	count(_found(_digest, {}, {"repositories": ["https://git.example/payments"]})) == 0
	some finding in _found(_digest, {}, {"repositories": ["https://git.example/pay"]})
	contains(finding.expected, "repository https://git.example/pay")
	count(_found(_digest, {"repository": ""}, {"repositories": ["https://git.example/payments"]})) == 1
}

test_reference if {
	count(_found(_digest, {}, {"refs": ["refs/heads/main"]})) == 0
	count(_found(_digest, {"ref": "refs/tags/v1"}, {"refs": ["refs/tags/*"]})) == 0
	count(_found(_digest, {"ref": "refs/tags/"}, {"refs": ["refs/tags/*"]})) == 1
	count(_found(_digest, {"ref": "refs/heads/dev"}, {"refs": ["refs/heads/main", "refs/tags/*"]})) == 1
	count(_found(_digest, {"ref": ""}, {"refs": ["refs/heads/main"]})) == 1
}

test_build_type_and_workflow if {
	count(_found(_digest, {}, {"build_types": ["https://builder.example/type"], "workflows": ["release.yml"]})) == 0
	count(_found(_digest, {}, {"build_types": ["https://builder.example/other"]})) == 1
	count(_found(_digest, {}, {"workflows": ["other.yml"]})) == 1
}

test_two_halves_are_no_whole if {
	halves := [
		{"id": "i1", "about": {"digest": _digest}, "summary": object.union(_summary, {"buildLevel": 0})},
		{"id": "i2", "about": {"digest": _digest}, "summary": object.union(_summary, {"repository": "https://git.example/fork"})},
	]
	count(provenance_verified.block) == 1 with input.release.subjects as [{"name": "app", "digest": _digest}]
		with input.evidence.provenance as halves
		with data.params.release.provenance_verified as object.union(_params, {"repositories": ["https://git.example/payments"]})
}

test_no_artifact_blocks if {
	some finding in provenance_verified.block with input.release.subjects as []
		with input.evidence.provenance as []
		with data.params.release.provenance_verified as _params
	contains(finding.msg, "names no artifact")
}

test_each_artifact_is_judged if {
	findings := provenance_verified.block with input.release.subjects as [{"name": "app", "digest": _digest}, {"name": "web", "digest": _other}]
		with input.evidence.provenance as [{"id": "i1", "about": {"digest": _digest}, "summary": _summary}]
		with data.params.release.provenance_verified as _params
	{f.id | some f in findings} == {_other}
}
