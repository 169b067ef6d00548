package rules.release.sbom_present_test

import data.rules.release.sbom_present

_digest := sprintf("sha256:%064d", [7])

_other := sprintf("sha256:%064d", [8])

_input(about, components) := {
	"release": {"subjects": [{"name": "app", "digest": _digest}]},
	"evidence": {"sbom": [{
		"id": "i1",
		"about": about,
		"report": {"name": "bom.json"},
		"summary": {"components": components, "complete": true},
	}]},
}

_artifact := {"kind": "artifact", "digest": _digest}

_revision := {"kind": "revision", "digest": "gitCommit:0000000000000000000000000000000000000001"}

test_described_artifact_passes if {
	count(sbom_present.block) == 0 with input as _input(_artifact, 12)
		with data.params.release.sbom_present.accept_revision as false
}

test_empty_document_blocks if {
	some finding in sbom_present.block with input as _input(_artifact, 0)
		with data.params.release.sbom_present.accept_revision as false
	finding.id == _digest
	contains(finding.msg, "app")
	finding.evidence == {"i1"}
}

test_document_of_another_artifact_blocks if {
	some finding in sbom_present.block with input as _input({"kind": "artifact", "digest": _other}, 12)
		with data.params.release.sbom_present.accept_revision as true
	finding.id == _digest
}

test_document_of_the_revision if {
	count(sbom_present.block) == 1 with input as _input(_revision, 12)
		with data.params.release.sbom_present.accept_revision as false
	count(sbom_present.block) == 0 with input as _input(_revision, 12)
		with data.params.release.sbom_present.accept_revision as true
}

test_release_without_artifact_wants_one_too if {
	full := object.union(_input(_revision, 3), {"release": {"subjects": []}})
	count(sbom_present.block) == 0 with input as full with data.params.release.sbom_present.accept_revision as false
	empty := object.union(_input(_revision, 0), {"release": {"subjects": []}})
	some finding in sbom_present.block with input as empty with data.params.release.sbom_present.accept_revision as false
	contains(finding.msg, "the release")
}

test_incomplete_document_needs_approval if {
	count(sbom_present.needs_approval) == 0 with input as _input(_artifact, 12)
	partial := {"id": "i1", "report": {"name": "bom.json"}, "summary": {"components": 12, "complete": false}}
	some finding in sbom_present.needs_approval with input.evidence.sbom as [partial]
	finding.id == "incomplete"
	finding.inconclusive
}

test_index_is_described_by_its_images if {
	images := [
		{"digest": "sha256:1", "config": "sha256:2", "platform": "linux/amd64"},
		{"digest": "sha256:3", "config": "sha256:4", "platform": "linux/arm64"},
	]
	index := {"release": {"subjects": [{"name": "app", "digest": _digest, "contains": images}]}}
	item := {"id": "i1", "report": {"name": "bom.json"}, "summary": {"components": 12, "complete": true}}
	both := [object.union(item, {"about": {"kind": "artifact", "digest": d}}) | some d in ["sha256:1", "sha256:4"]]
	doc := object.union(_input(_artifact, 0), index)
	count(sbom_present.block) == 0 with input as object.union(doc, {"evidence": {"sbom": both}})
		with data.params.release.sbom_present.accept_revision as false
	count(sbom_present.block) == 1 with input as object.union(doc, {"evidence": {"sbom": [both[0]]}})
		with data.params.release.sbom_present.accept_revision as false
	empty := [object.union(both[0], {"summary": {"components": 0, "complete": true}}), both[1]]
	count(sbom_present.block) == 1 with input as object.union(doc, {"evidence": {"sbom": empty}})
		with data.params.release.sbom_present.accept_revision as false
}
