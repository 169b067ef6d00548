package rules.tests.required_levels_test

import data.rules.tests.required_levels

_run(id, level, change) := {
	"id": id,
	"level": level,
	"summary": object.union({"passed": 12, "failed": 0, "errored": 0, "skipped": 1, "problems": 0, "ok": true}, change),
}

_findings(levels, min, runs) := result if {
	result := required_levels.block with input.evidence.tests as runs
		with data.params.tests.required_levels as {"levels": levels, "min_tests": min}
}

test_passing_levels_pass if {
	count(_findings(["unit", "acceptance"], 1, [_run("a", "unit", {}), _run("b", "acceptance", {})])) == 0
}

test_missing_level_blocks if {
	some finding in _findings(["unit", "acceptance"], 1, [_run("a", "unit", {})])
	finding.id == "acceptance"
	finding.observed == "no test run of this level"
}

test_failing_run_blocks if {
	some finding in _findings(["unit"], 1, [_run("a", "unit", {"failed": 2, "ok": false})])
	finding.id == "unit"
	finding.observed == "12 passed, 2 failed, 0 errored, 1 skipped, 0 problems"
	finding.evidence == {"a"}
}

test_one_good_run_does_not_hide_a_bad_one if {
	some finding in _findings(["unit"], 1, [_run("a", "unit", {}), _run("b", "unit", {"errored": 1, "ok": false})])
	finding.msg == "a unit test run for this build did not pass"
	finding.evidence == {"b"}
}

test_too_few_tests_block if {
	count(_findings(["unit"], 12, [_run("a", "unit", {})])) == 0
	count(_findings(["unit"], 13, [_run("a", "unit", {})])) == 1
}

test_skipped_tests_are_not_passed if {
	count(_findings(["unit"], 1, [_run("a", "unit", {"passed": 0, "skipped": 12})])) == 1
}
