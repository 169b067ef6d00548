# METADATA
# title: Each artifact was built by a builder of the level that is wanted
# description: >-
#   Each artifact of the release has a provenance that its builder signed, about this very artifact. The level is the one that
#   the gate definition gives the builder under builders: what a provenance says of its own level counts for nothing, and a
#   builder that is not listed there has level 0. Where parameters name repositories, references, build types or
#   workflows, one provenance must fulfil all of them. That the artifact was built from the commit of the release is checked before any rule
#   runs: provenance and build statements that name two commits for one artifact end every decision.
# custom:
#   controls:
#     - SLSA/Build-L1
#     - SLSA/Build-L2
#     - SLSA/Build-L3
#     - SSDF/PS.3.2
#     - SSDF/PW.6.1
#     - ISO-27001/A.8.28
#   remedy: Build on a builder that signs provenance, collect its attestation with --artifact, and list the builder with its level and signer under builders in gate.yaml.
package rules.release.provenance_verified

block contains finding if {
	some subject in input.release.subjects
	about := [item | some item in input.evidence.provenance; item.about.digest == subject.digest]
	count([item | some item in about; _fits(item.summary)]) == 0
	finding := {
		"id": subject.digest,
		"msg": sprintf("no provenance shows that %s (%s) was built as it should be", [subject.name, subject.digest]),
		"observed": _observed(about),
		"expected": _expected,
		"evidence": {item.id | some item in about},
	}
}

block contains finding if {
	count(input.release.subjects) == 0
	finding := {
		"msg": "the release names no artifact, so no provenance can be about it",
		"observed": "no artifact",
		"expected": "at least one artifact",
	}
}

_params := data.params.release.provenance_verified

_fits(summary) if {
	# Rego calls any text greater than any number.
	level := summary.buildLevel
	is_number(level)
	minimum := data.params.release.provenance_verified.min_level
	is_number(minimum)
	level >= minimum
	_among(summary.repository, _params.repositories)
	_ref(summary.ref)
	_among(summary.buildType, _params.build_types)
	_among(summary.workflow, _params.workflows)
}

_among(_, wanted) if count(wanted) == 0

_among(value, wanted) if value in wanted

_ref(_) if count(_params.refs) == 0

_ref(value) if value in _params.refs

_ref(value) if {
	some wanted in _params.refs
	endswith(wanted, "*")
	prefix := trim_suffix(wanted, "*")
	startswith(value, prefix)
	value != prefix
}

_observed([]) := "no provenance is about it"

_observed(about) := concat("; ", {text |
	some item in about
	s := item.summary
	text := sprintf("level %d, built by %s from %s at %s", [s.buildLevel, s.builderId, _or(s.repository), _or(s.ref)])
}) if {
	count(about) > 0
}

_or("") := "nowhere it names"

_or(text) := text if text != ""

_expected := concat(", ", array.concat(
	[sprintf("build level %d or higher", [_params.min_level])],
	[text |
		some name, wanted in {"repository": _params.repositories, "reference": _params.refs, "build type": _params.build_types, "workflow": _params.workflows}
		count(wanted) > 0
		text := sprintf("%s %s", [name, concat(" or ", wanted)])
	],
))
