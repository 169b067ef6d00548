# METADATA
# title: The tests cover enough of the code
# description: >-
#   Each coverage report that counts covers at least the share of lines that the parameter line asks for. A format that
#   counts statements and no lines, such as a Go coverprofile, is judged by its statements. A report that measured
#   nothing proves nothing and needs approval too.
# custom:
#   controls:
#     - SSDF/PW.8.2
#     - NIST-800-53r5/SA-11(7)
#   remedy: Measure the coverage, add tests for code that no test reaches, and collect the last report.
package rules.tests.coverage_floor

needs_approval contains finding if {
	some item in input.evidence.coverage
	item.summary.line.measured
	_short(item.summary.line)
	finding := _finding(item.id, item.report.name, "lines", item.summary.line)
}

needs_approval contains finding if {
	some item in input.evidence.coverage
	not item.summary.line.measured
	item.summary.statement.measured
	_short(item.summary.statement)
	finding := _finding(item.id, item.report.name, "statements", item.summary.statement)
}

needs_approval contains finding if {
	some item in input.evidence.coverage
	not item.summary.line.measured
	not item.summary.statement.measured
	finding := {
		"msg": sprintf("%s measured nothing", [item.report.name]),
		"observed": "neither lines nor statements were measured",
		"expected": sprintf("at least %v %% of lines", [data.params.tests.coverage_floor.line]),
		"evidence": [item.id],
		"inconclusive": true,
	}
}

# Judged by the counts: the percentage is rounded.
_short(ratio) if {
	is_number(ratio.covered)
	is_number(ratio.total)
	ratio.covered * 100 < ratio.total * data.params.tests.coverage_floor.line
}

_finding(item, report, what, ratio) := {
	"msg": sprintf("the tests cover %v %% of the %s in %s", [ratio.percent, what, report]),
	"observed": sprintf("%v %% of %s (%d of %d)", [ratio.percent, what, ratio.covered, ratio.total]),
	"expected": sprintf("at least %v %%", [data.params.tests.coverage_floor.line]),
	"evidence": [item],
}
