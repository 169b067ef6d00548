# METADATA
# title: The evidence that counts belongs to this release and was made where it should be
# description: >-
#   Who may attest what is checked before any rule runs; what does not pass does not count. This rule looks at what is
#   left: at least one item counts, each is about an artifact or the revision of this release and not from the future,
#   and, where the parameter systems names CI systems, each was collected in one of them and not on somebody's own
#   machine. An attestation of another tool says by its signature where it was made. Items that were not counted never gate, so that nobody can stop a release by adding junk to the
#   store: every report lists them, and a rule that needed one says so itself.
# custom:
#   controls:
#     - SSDF/PO.4.2
#     - NIST-800-53r5/AU-10
#     - 21-CFR-11/11.70
#   optional:
#     - all
#   remedy: Collect the evidence in the CI job that made it, with the key that the gate definition names for its kind.
package rules.governance.evidence_trust

block contains finding if {
	count(_items) == 0
	finding := {
		"msg": "no evidence counts for this release",
		"observed": sprintf("0 items counted, %d not counted", [count(input.notCounted)]),
		"expected": "at least one item",
		"inconclusive": true,
	}
}

block contains finding if {
	some item in _items
	not item.about.digest in _subjects
	finding := {
		"id": sprintf("unbound:%s", [item.id]),
		"msg": sprintf("%s evidence is about something that is not of this release", [item.kind]),
		"observed": item.about.digest,
		"expected": "an artifact of the release, or the revision it was built from",
		"evidence": [item.id],
	}
}

block contains finding if {
	some item in _items
	is_number(item.ageSeconds)
	item.ageSeconds < -120
	finding := {
		"id": sprintf("future:%s", [item.id]),
		"msg": sprintf("%s evidence says that it was collected in the future", [item.kind]),
		"observed": item.collectedAt,
		"expected": sprintf("at most two minutes after %s", [input.now]),
		"evidence": [item.id],
	}
}

needs_approval contains finding if {
	count(data.params.governance.evidence_trust.systems) > 0
	some item in _items
	not item.attested
	not item.system in data.params.governance.evidence_trust.systems
	finding := {
		"id": "system",
		"msg": sprintf("%s evidence was not collected in a CI system that the target names", [item.kind]),
		"observed": _system(item.system),
		"expected": sprintf("one of %s", [concat(", ", data.params.governance.evidence_trust.systems)]),
		"evidence": [item.id],
	}
}

_subjects contains subject.digest if some subject in input.release.subjects

# An image in an image index of the release.
_subjects contains digest if {
	some subject in input.release.subjects
	some image in subject.contains
	some digest in [image.digest, image.config]
}

_subjects contains digest if {
	input.release.source.revision != ""
	some digest in [input.release.source.revision, sprintf("gitCommit:%s", [input.release.source.revision])]
}

_items contains {
	"id": item.id,
	"kind": kind,
	"about": item.about,
	"ageSeconds": item.ageSeconds,
	"collectedAt": item.collectedAt,
	"system": item.run.system,
	"attested": object.get(item, "attested", false),
} if {
	some kind, items in input.evidence
	some item in items
}

_system("") := "no CI system"

_system(name) := name if name != ""
