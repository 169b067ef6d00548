package rules.tests.coverage_floor_test

import data.rules.tests.coverage_floor

_none := {"covered": 0, "total": 0, "percent": 0, "measured": false}

_ratio(covered, total, percent) := {"covered": covered, "total": total, "percent": percent, "measured": true}

_item(line, statement) := {
	"id": "i1",
	"report": {"name": "cover.out"},
	"summary": {"line": line, "statement": statement},
}

_findings(floor, line, statement) := result if {
	result := coverage_floor.needs_approval with input.evidence.coverage as [_item(line, statement)]
		with data.params.tests.coverage_floor.line as floor
}

test_at_the_floor_passes if {
	count(_findings(80, _ratio(80, 100, 80), _none)) == 0
}

test_below_the_floor_needs_approval if {
	some finding in _findings(80, _ratio(7999, 10000, 79.99), _none)
	finding.observed == "79.99 % of lines (7999 of 10000)"
	finding.expected == "at least 80 %"
}

test_rounding_up_does_not_help if {
	count(_findings(80, _ratio(7999999, 10000000, 80), _none)) == 1
}

test_statements_where_there_are_no_lines if {
	count(_findings(80, _none, _ratio(9, 10, 90))) == 0
	some finding in _findings(80, _none, _ratio(7, 10, 70))
	finding.observed == "70 % of statements (7 of 10)"
}

test_lines_come_first if {
	count(_findings(80, _ratio(9, 10, 90), _ratio(7, 10, 70))) == 0
}

test_nothing_measured_is_inconclusive if {
	some finding in _findings(0, _none, _none)
	finding.inconclusive
	finding.evidence == ["i1"]
}
