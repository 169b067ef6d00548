package rules.approvals.quorum_test

import data.rules.approvals.quorum

_wanted(classes) := {
	"roles": ["security-officer", "business-owner"],
	"count": 2,
	"meaning": "approval",
	"validHours": 72,
	"vetoRoles": ["security-officer"],
	"classes": classes,
}

_findings(requirements) := result if {
	result := quorum.needs_approval with input.target.class as "production"
		with data.params.approvals.quorum.requirements as requirements
}

test_nobody_is_asked_without_requirements if {
	count(_findings({})) == 0
}

test_each_requirement_is_one_finding if {
	findings := _findings({"security": _wanted([]), "business": _wanted(["production"])})
	{f.id | some f in findings} == {"security", "business"}
	some finding in findings
	finding.requirement.count == 2
	finding.expected == "2 people with the role security-officer or business-owner"
	finding.requirement.vetoRoles == ["security-officer"]
}

test_one_person_is_one if {
	some finding in _findings({"security": object.union(_wanted([]), {"count": 1})})
	finding.expected == "1 person with the role security-officer or business-owner"
}

test_requirements_of_other_classes_do_not_apply if {
	count(_findings({"security": _wanted(["customer"])})) == 0
}
