package rules.governance.delivery_mode_test

import data.rules.governance.delivery_mode

_params := {"roles": ["release-manager"], "count": 1, "validHours": 72, "vetoRoles": ["release-manager"]}

_findings(trigger) := result if {
	result := delivery_mode.needs_approval with input.target as {"id": "production", "trigger": trigger}
		with data.params.governance.delivery_mode as _params
}

test_manual_is_exactly_one_requirement if {
	findings := _findings("manual")
	count(findings) == 1
	some finding in findings
	finding.requirement == {
		"roles": ["release-manager"],
		"count": 1,
		"meaning": "release",
		"validHours": 72,
		"vetoRoles": ["release-manager"],
	}
	finding.expected == "release by 1 person with the role release-manager"
}

test_two_people_are_people if {
	some finding in delivery_mode.needs_approval with input.target as {"id": "production", "trigger": "manual"}
		with data.params.governance.delivery_mode as object.union(_params, {"count": 2})
	finding.expected == "release by 2 people with the role release-manager"
}

test_automatic_asks_nobody if {
	count(_findings("automatic")) == 0
}
