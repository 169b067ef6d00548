# METADATA
# title: Every test run is complete and nothing in it failed
# description: >-
#   In each test report that counts: at least one test ran, nothing failed or errored, no suite or package broke, and the
#   report does not say of itself that results are missing. Where more tests than the parameters allow were skipped (or
#   ended neither passed nor failed, as pending ones do) or passed only after a retry, people have to approve. The defaults let a tenth be skipped, which is room for tests that
#   need another operating system or a service that is not there, and not for a suite that somebody switched off; set
#   max_skipped_percent to 0 where every test has to run.
# custom:
#   controls:
#     - NIST-800-53r5/SA-11
#     - SSDF/PW.8.2
#     - SOC2/CC8.1
#   remedy: Run all tests, mend those that fail, and collect the report of the last run.
package rules.tests.suite_complete

block contains finding if {
	some item in input.evidence.tests
	bad := item.summary.failed + item.summary.errored
	bad > 0
	finding := {
		"id": sprintf("%s:failed", [_run(item.level, item.report.name)]),
		"msg": sprintf("%s failed in %s", [_tests(bad), _run(item.level, item.report.name)]),
		"observed": sprintf("%d failed, %d errored", [item.summary.failed, item.summary.errored]),
		"expected": "no test fails",
		"place": _first(array.concat(item.byStatus.failed, item.byStatus.errored)),
		"evidence": [item.id],
	}
}

block contains finding if {
	some item in input.evidence.tests
	item.summary.problems > 0
	finding := {
		"id": sprintf("%s:problems", [_run(item.level, item.report.name)]),
		"msg": sprintf("something outside of a single test broke in %s", [_run(item.level, item.report.name)]),
		"observed": sprintf("%d problems", [item.summary.problems]),
		"expected": "no suite or package breaks",
		"evidence": [item.id],
	}
}

block contains finding if {
	some item in input.evidence.tests
	not item.summary.complete
	finding := {
		"id": sprintf("%s:incomplete", [_run(item.level, item.report.name)]),
		"msg": sprintf("results are missing from %s", [_run(item.level, item.report.name)]),
		"observed": "the report says of itself that it is incomplete",
		"expected": "a complete report",
		"evidence": [item.id],
		"inconclusive": true,
	}
}

block contains finding if {
	some item in input.evidence.tests
	(item.summary.passed + item.summary.failed) + item.summary.errored == 0
	finding := {
		"id": sprintf("%s:empty", [_run(item.level, item.report.name)]),
		"msg": sprintf("no test ran in %s", [_run(item.level, item.report.name)]),
		"observed": sprintf("%d tests, %d skipped, %d neither passed nor failed", [
			item.summary.total,
			item.summary.skipped,
			item.summary.other,
		]),
		"expected": "at least one test that ran",
		"evidence": [item.id],
		"inconclusive": true,
	}
}

needs_approval contains finding if {
	some item in input.evidence.tests
	(item.summary.passed + item.summary.failed) + item.summary.errored > 0
	left := item.summary.skipped + item.summary.other
	left * 100 > item.summary.total * data.params.tests.suite_complete.max_skipped_percent
	finding := {
		"id": "skipped",
		"msg": sprintf("too many tests were skipped in %s", [_run(item.level, item.report.name)]),
		"observed": sprintf("%d of %d skipped or neither passed nor failed", [left, item.summary.total]),
		"expected": sprintf("at most %v %% skipped", [data.params.tests.suite_complete.max_skipped_percent]),
		"place": _first(item.byStatus.skipped),
		"remedy": "Run the skipped tests, or have somebody approve the release without them.",
		"evidence": [item.id],
	}
}

needs_approval contains finding if {
	some item in input.evidence.tests
	item.summary.flaky * 100 > item.summary.total * data.params.tests.suite_complete.max_flaky_percent
	finding := {
		"id": "flaky",
		"msg": sprintf("too many tests passed only after a retry in %s", [_run(item.level, item.report.name)]),
		"observed": sprintf("%d of %d retried", [item.summary.flaky, item.summary.total]),
		"expected": sprintf("at most %v %% retried", [data.params.tests.suite_complete.max_flaky_percent]),
		"place": _first(item.flaky),
		"remedy": "Make the tests reliable, or have somebody approve the release with them.",
		"evidence": [item.id],
	}
}

_run(level, report) := sprintf("%s/%s", [level, report])

# The first of a list of results by name: the same one whatever the order of the report.
_first(cases) := min([sprintf("%s %s", [test.suite, test.name]) | some test in cases]) if count(cases) > 0

_first([]) := ""

_tests(1) := "1 test"

_tests(n) := sprintf("%d tests", [n]) if n != 1
