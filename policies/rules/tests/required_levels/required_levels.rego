# METADATA
# title: Every required test level passed on this build
# description: >-
#   For each level of the parameter levels there is a test report of that level in which enough tests passed, and none
#   of that level in which something failed or is missing. Skipped tests do not count as passed. A report collected
#   without a level is one of level unit.
# custom:
#   controls:
#     - SOC2/CC8.1
#     - NIST-800-53r5/SA-11
#     - NIST-800-53r5/CM-3(2)
#     - ISO-27001-2022/A.8.29
#     - SSDF/PW.8.2
#   remedy: Run the level on what is being released and collect its report, as in `cdgate collect tests/LEVEL:report.xml`.
package rules.tests.required_levels

block contains finding if {
	some level in data.params.tests.required_levels.levels
	not level in _levels_with_enough
	finding := {
		"id": level,
		"msg": sprintf("no passing %s test run for this build", [level]),
		"observed": _seen(level),
		"expected": sprintf("a %s test run in which at least %d passed", [level, data.params.tests.required_levels.min_tests]),
		"evidence": {item.id | some item in input.evidence.tests; item.level == level},
	}
}

block contains finding if {
	some level in data.params.tests.required_levels.levels
	level in _levels_with_enough
	bad := {item.id | some item in input.evidence.tests; item.level == level; not item.summary.ok}
	count(bad) > 0
	finding := {
		"id": level,
		"msg": sprintf("a %s test run for this build did not pass", [level]),
		"observed": _seen(level),
		"expected": sprintf("every %s test run passes", [level]),
		"evidence": bad,
	}
}

_levels_with_enough contains item.level if {
	some item in input.evidence.tests
	item.summary.ok
	item.summary.passed >= data.params.tests.required_levels.min_tests
}

_seen(level) := "no test run of this level" if {
	count([item.id | some item in input.evidence.tests; item.level == level]) == 0
}

_seen(level) := sprintf("%d passed, %d failed, %d errored, %d skipped, %d problems", totals) if {
	runs := [item | some item in input.evidence.tests; item.level == level]
	count(runs) > 0
	totals := [
		sum([item.summary.passed | some item in runs]),
		sum([item.summary.failed | some item in runs]),
		sum([item.summary.errored | some item in runs]),
		sum([item.summary.skipped | some item in runs]),
		sum([item.summary.problems | some item in runs]),
	]
}
