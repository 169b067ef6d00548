package rules.security.vuln_threshold_test

import data.rules.security.vuln_threshold

_params := {
	"max_critical": 0,
	"max_high": 0,
	"max_medium": 1,
	"max_low": 1000000,
	"max_unknown": 0,
	"levels": [],
	"scanners": ["trivy", "grype"],
}

_row(id, change) := object.union(
	{
		"id": id,
		"category": "vulnerability",
		"package": "zlib",
		"version": "1.2",
		"fixedVersion": "1.3",
		"place": "go.mod",
	},
	change,
)

_item(bySeverity, change) := object.union(
	{
		"id": "i1",
		"level": "image",
		"format": "trivy",
		"tool": {"name": "Trivy"},
		"report": {"name": "trivy.json"},
		"summary": {"complete": true, "looked": true},
		"bySeverity": object.union(
			{"critical": [], "high": [], "medium": [], "low": [], "info": [], "unknown": []},
			bySeverity,
		),
	},
	change,
)

_blocks(items, change) := result if {
	result := vuln_threshold.block with input.evidence.scan as items
		with data.params.security.vuln_threshold as object.union(_params, change)
}

_approvals(items, change) := result if {
	result := vuln_threshold.needs_approval with input.evidence.scan as items
		with data.params.security.vuln_threshold as object.union(_params, change)
}

test_clean_scan_passes if {
	count(_blocks([_item({}, {})], {})) == 0
	count(_approvals([_item({}, {})], {})) == 0
}

test_a_scan_for_something_else_proves_nothing if {
	code := _item({}, {"format": "sarif", "tool": {"name": "staticcheck"}})
	some finding in _blocks([code], {})
	finding.id == "scanner"
	finding.observed == "reports of staticcheck"
	some nameless in _blocks([_item({}, {"format": "sarif", "tool": {"name": ""}})], {})
	nameless.observed == "reports of sarif"
	count(_blocks([code, _item({}, {"format": "sarif", "tool": {"name": "Grype"}})], {})) == 0
	count(_blocks([code], {"scanners": ["*"]})) == 0
	count(_blocks([_item({"low": [_row("CVE-1", {})]}, {"format": "sarif", "tool": {"name": "other"}})], {})) == 0
}

test_critical_blocks if {
	items := [_item({"critical": [_row("CVE-1", {})]}, {})]
	some finding in _blocks(items, {})
	finding.id == "CVE-1 in zlib"
	finding.place == "go.mod"
	contains(finding.remedy, "1.3")
	count(_blocks(items, {"max_critical": 1})) == 0
}

test_every_critical_one_is_named if {
	items := [_item({"critical": [_row("CVE-1", {}), _row("CVE-2", {"package": ""})]}, {})]
	{f.id | some f in _blocks(items, {})} == {"CVE-1 in zlib", "CVE-2"}
}

test_the_same_one_of_two_scanners_counts_once if {
	items := [_item({"critical": [_row("CVE-1", {})]}, {}), _item({"critical": [_row("CVE-1", {})]}, {"id": "i2"})]
	count(_blocks(items, {"max_critical": 1})) == 0
}

test_high_needs_approval if {
	items := [_item({"high": [_row("CVE-1", {"fixedVersion": ""})]}, {})]
	some finding in _approvals(items, {})
	finding.id == "high"
	contains(finding.msg, "CVE-1")
	startswith(finding.remedy, "No version")
	count(_approvals(items, {"max_high": 1})) == 0
	count(_blocks(items, {})) == 0
}

test_medium_and_low_have_limits_too if {
	items := [_item({"medium": [_row("CVE-1", {}), _row("CVE-2", {})], "low": [_row("CVE-3", {})]}, {})]
	{f.id | some f in _approvals(items, {})} == {"medium"}
	{f.id | some f in _approvals(items, {"max_low": 0, "max_medium": 2})} == {"low"}
}

test_unknown_severity_never_passes_silently if {
	some finding in _approvals([_item({"unknown": [_row("CVE-1", {})]}, {})], {})
	finding.id == "unknown"
	finding.inconclusive
}

test_other_categories_are_not_counted if {
	items := [_item({"critical": [_row("SECRET", {"category": "secret"})]}, {})]
	count(_blocks(items, {})) == 0
}

test_failed_and_empty_scans_block if {
	some failed in _blocks([_item({}, {"summary": {"complete": false}})], {})
	failed.observed == "failed or is incomplete"
	some idle in _blocks([_item({}, {"summary": {"looked": false}})], {})
	idle.observed == "looked at nothing"
}

test_required_level_blocks_when_absent if {
	count(_blocks([_item({}, {})], {"levels": ["image"]})) == 0
	some finding in _blocks([_item({}, {})], {"levels": ["image", "dependencies"]})
	finding.id == "level:dependencies"
}
