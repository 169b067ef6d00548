package rules.tests.suite_complete_test

import data.rules.tests.suite_complete

_case(name) := {"suite": "pkg", "name": name}

_item(change) := object.union(
	{
		"id": "i1",
		"level": "unit",
		"report": {"name": "report.xml"},
		"summary": {
			"total": 100,
			"passed": 100,
			"failed": 0,
			"errored": 0,
			"skipped": 0,
			"other": 0,
			"flaky": 0,
			"problems": 0,
			"complete": true,
		},
		"byStatus": {"failed": [], "errored": [], "skipped": []},
		"flaky": [],
	},
	change,
)

_params := {"max_skipped_percent": 10, "max_flaky_percent": 2}

_blocks(change) := result if {
	result := suite_complete.block with input.evidence.tests as [_item(change)]
		with data.params.tests.suite_complete as _params
}

_approvals(change) := result if {
	result := suite_complete.needs_approval with input.evidence.tests as [_item(change)]
		with data.params.tests.suite_complete as _params
}

test_clean_run_passes if {
	count(_blocks({})) == 0
	count(_approvals({})) == 0
}

test_failed_and_errored_block if {
	some finding in _blocks({
		"summary": {"failed": 1, "errored": 1},
		"byStatus": {"failed": [_case("TestB")], "errored": [_case("TestA")]},
	})
	finding.id == "unit/report.xml:failed"
	finding.observed == "1 failed, 1 errored"
	finding.msg == "2 tests failed in unit/report.xml"
	finding.place == "pkg TestA"
}

test_problems_block if {
	some finding in _blocks({"summary": {"problems": 2}})
	finding.id == "unit/report.xml:problems"
}

test_incomplete_blocks if {
	some finding in _blocks({"summary": {"complete": false}})
	finding.id == "unit/report.xml:incomplete"
	finding.inconclusive
}

test_zero_tests_block if {
	some finding in _blocks({"summary": {"total": 0, "passed": 0}})
	finding.id == "unit/report.xml:empty"
}

test_all_skipped_block_and_need_no_approval_besides if {
	change := {"summary": {"passed": 0, "skipped": 100}}
	{f.id | some f in _blocks(change)} == {"unit/report.xml:empty"}
	count(_approvals(change)) == 0
}

test_failures_without_rows_have_no_place if {
	some finding in _blocks({"summary": {"failed": 1}})
	finding.msg == "1 test failed in unit/report.xml"
	finding.place == ""
}

test_skipped_up_to_the_limit_pass if {
	count(_approvals({"summary": {"skipped": 10}})) == 0
	some finding in _approvals({"summary": {"skipped": 11}, "byStatus": {"skipped": [_case("TestS")]}})
	finding.id == "skipped"
	finding.observed == "11 of 100 skipped or neither passed nor failed"
	finding.place == "pkg TestS"
}

test_results_that_are_neither_count_as_skipped if {
	some finding in _approvals({"summary": {"skipped": 6, "other": 5}})
	finding.id == "skipped"
	some empty in _blocks({"summary": {"passed": 0, "skipped": 50, "other": 50}})
	empty.id == "unit/report.xml:empty"
}

test_retried_up_to_the_limit_pass if {
	count(_approvals({"summary": {"flaky": 2}})) == 0
	some finding in _approvals({"summary": {"flaky": 3}, "flaky": [_case("TestF")]})
	finding.id == "flaky"
	finding.place == "pkg TestF"
}
