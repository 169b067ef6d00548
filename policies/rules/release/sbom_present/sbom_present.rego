# METADATA
# title: A bill of materials lists what is in each artifact
# description: >-
#   Each artifact of the release has a bill of materials that is about that artifact and lists at least one component; of
#   an image index, each image in it may have its own. One about the revision it was built from counts only where the
#   parameter accept_revision says so: what a source tree declares and what ends up in an artifact are two things. One
#   that says of itself that it is incomplete needs approval.
# custom:
#   controls:
#     - CRA/I-II-1
#     - PCI-DSS-4.0.1/6.3.2
#     - SSDF/PS.3.2
#   remedy: Make a CycloneDX or SPDX document of the artifact itself and collect it with --artifact.
package rules.release.sbom_present

block contains finding if {
	some digest in _wanted
	not _described(digest)
	finding := {
		"id": digest,
		"msg": sprintf("no bill of materials lists what is in %s", [_name(digest)]),
		"observed": sprintf("%d bills of materials, none about it that lists a component", [count(input.evidence.sbom)]),
		"expected": "a bill of materials about the artifact with at least one component",
		"evidence": {item.id | some item in input.evidence.sbom},
	}
}

needs_approval contains finding if {
	some item in input.evidence.sbom
	not item.summary.complete
	finding := {
		"id": "incomplete",
		"msg": sprintf("the bill of materials %s says of itself that it is incomplete", [item.report.name]),
		"observed": sprintf("%d components, and more that it does not list", [item.summary.components]),
		"expected": "a complete list",
		"evidence": [item.id],
		"inconclusive": true,
	}
}

# A release without an artifact still wants one bill of materials, about anything.
_wanted contains "" if count(input.release.subjects) == 0

_wanted contains subject.digest if some subject in input.release.subjects

_described(digest) if {
	some item in input.evidence.sbom
	item.summary.components > 0
	_about(item.about, digest)
}

# An image index is described when each image in it is.
_described(digest) if {
	some subject in input.release.subjects
	subject.digest == digest
	count(subject.contains) > 0
	every image in subject.contains {
		some item in input.evidence.sbom
		item.summary.components > 0
		item.about.digest in {image.digest, image.config}
	}
}

_about(about, digest) if about.digest == digest

_about(_, "")

_about(about, _) if {
	about.kind == "revision"
	data.params.release.sbom_present.accept_revision
}

_name(digest) := name if {
	some subject in input.release.subjects
	subject.digest == digest
	name := sprintf("%s (%s)", [subject.name, digest])
}

_name("") := "the release"
