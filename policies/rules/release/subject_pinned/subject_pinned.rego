# METADATA
# title: Every artifact of the release is pinned by its digest
# description: >-
#   The release names at least one artifact, and each by a SHA-256 digest: everything else that is said about a release
#   hangs on that. A name or a tag can be moved, a digest cannot.
# custom:
#   controls:
#     - SSDF/PS.2.1
#     - NIST-800-53r5/SI-7
#     - NIST-800-53r5/CM-14
#   remedy: Collect the evidence with --artifact FILE, or evaluate with --artifact NAME@sha256:HEX.
package rules.release.subject_pinned

block contains finding if {
	count(input.release.subjects) == 0
	finding := {
		"msg": "the release names no artifact",
		"observed": "no artifact",
		"expected": "at least one artifact with a SHA-256 digest",
	}
}

block contains finding if {
	some subject in input.release.subjects
	not regex.match(`^sha256:[0-9a-f]{64}$`, subject.digest)
	finding := {
		"id": subject.name,
		"msg": sprintf("artifact %s is not pinned by a SHA-256 digest", [subject.name]),
		"observed": subject.digest,
		"expected": "sha256: and 64 hexadecimal digits",
	}
}
