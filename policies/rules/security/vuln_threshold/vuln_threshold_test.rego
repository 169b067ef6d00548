package rules.security.vuln_threshold_test

import data.rules.security.vuln_threshold

_params := {
	"max_critical": 0,
	"max_high": 0,
	"max_medium": 1,
	"max_low": 1000000,
	"max_unknown": 0,
	"vex": ["not_affected", "fixed"],
	"levels": [],
	"scanners": ["trivy", "grype"],
}

_vuln(id, severity, change) := object.union(
	{
		"id": id,
		"aliases": [],
		"package": "zlib",
		"version": "1.2",
		"fixedVersions": ["1.3"],
		"severity": severity,
		"severities": [severity],
		"status": "open",
		"disputed": false,
		"justification": "",
		"sources": [_source("trivy", "open")],
		"statements": [],
	},
	change,
)

_source(tool, status) := {"item": sprintf("i-%s", [tool]), "tool": tool, "id": "CVE-1", "status": status, "place": "go.mod"}

# A vulnerability that only Trivy reports and that is not counted.
_silent(id, status) := _vuln(id, "critical", {
	"status": status,
	"justification": "not used",
	"sources": [_source("trivy", status)],
	"statements": [{"item": "v1", "author": "Acme", "ignored": ""} | status != "suppressed"],
})

_item(change) := object.union(
	{
		"id": "i1",
		"level": "image",
		"format": "trivy",
		"tool": {"name": "Trivy"},
		"report": {"name": "trivy.json"},
		"summary": {"complete": true, "looked": true},
		"bySeverity": {"critical": [], "high": [], "medium": [], "low": [], "info": [], "unknown": []},
	},
	change,
)

_blocks(items, change) := result if {
	result := vuln_threshold.block with input.evidence.scan as items
		with input.vulnerabilities as []
		with data.params.security.vuln_threshold as object.union(_params, change)
}

_vuln_blocks(vulns, change) := result if {
	result := vuln_threshold.block with input.evidence.scan as [_item({})]
		with input.vulnerabilities as vulns
		with data.params.security.vuln_threshold as object.union(_params, change)
}

_approvals(vulns, change) := result if {
	result := vuln_threshold.needs_approval with input.evidence.scan as [_item({})]
		with input.vulnerabilities as vulns
		with data.params.security.vuln_threshold as object.union(_params, change)
}

_warnings(vulns, change) := result if {
	result := vuln_threshold.warn with input.evidence.scan as [_item({})]
		with input.vulnerabilities as vulns
		with data.params.security.vuln_threshold as object.union(_params, change)
}

test_clean_scan_passes if {
	count(_vuln_blocks([], {})) == 0
	count(_approvals([], {})) == 0
	count(_warnings([], {})) == 0
}

test_a_scan_for_something_else_proves_nothing if {
	code := _item({"format": "sarif", "tool": {"name": "staticcheck"}})
	some finding in _blocks([code], {})
	finding.id == "scanner"
	finding.observed == "reports of staticcheck"
	some nameless in _blocks([_item({"format": "sarif", "tool": {"name": ""}})], {})
	nameless.observed == "reports of sarif"
	count(_blocks([code, _item({"format": "sarif", "tool": {"name": "Grype"}})], {})) == 0
	count(_blocks([code], {"scanners": ["*"]})) == 0
	found := {"bySeverity": {"low": [{"category": "vulnerability"}]}}
	count(_blocks([_item(object.union({"format": "sarif", "tool": {"name": "other"}}, found))], {})) == 0
}

test_critical_blocks if {
	vulns := [_vuln("CVE-1", "critical", {})]
	some finding in _vuln_blocks(vulns, {})
	finding.id == "CVE-1 in zlib"
	finding.msg == "CVE-1 in zlib 1.2 (critical; trivy)"
	finding.place == "go.mod"
	finding.observed == "open"
	finding.evidence == {"i-trivy"}
	contains(finding.remedy, "1.3")
	count(_vuln_blocks(vulns, {"max_critical": 1})) == 0
}

test_every_critical_one_is_named if {
	vulns := [_vuln("CVE-1", "critical", {}), _vuln("CVE-2", "critical", {"package": "", "version": ""})]
	{f.id | some f in _vuln_blocks(vulns, {})} == {"CVE-1 in zlib", "CVE-2"}
	{f.msg | some f in _vuln_blocks(vulns, {})} == {"CVE-1 in zlib 1.2 (critical; trivy)", "CVE-2 (critical; trivy)"}
}

test_one_of_several_scanners_names_them_all if {
	several := {"aliases": ["GHSA-1", "OSV-1"], "sources": [_source("grype", "open"), _source("grype", "open"), _source("trivy", "open")]}
	some finding in _vuln_blocks([_vuln("CVE-1", "critical", several)], {})
	finding.msg == "CVE-1 in zlib 1.2 (critical; grype, trivy; also GHSA-1, OSV-1)"
}

test_high_needs_approval if {
	vulns := [_vuln("CVE-1", "high", {"fixedVersions": []})]
	some finding in _approvals(vulns, {})
	finding.id == "high"
	contains(finding.msg, "CVE-1")
	startswith(finding.remedy, "No version")
	count(_approvals(vulns, {"max_high": 1})) == 0
	count(_vuln_blocks(vulns, {})) == 0
}

test_medium_and_low_have_limits_too if {
	vulns := [_vuln("CVE-1", "medium", {}), _vuln("CVE-2", "medium", {}), _vuln("CVE-3", "low", {})]
	{f.id | some f in _approvals(vulns, {})} == {"medium"}
	{f.id | some f in _approvals(vulns, {"max_low": 0, "max_medium": 2})} == {"low"}
}

test_unknown_severity_never_passes_silently if {
	some finding in _approvals([_vuln("CVE-1", "unknown", {})], {})
	finding.id == "unknown"
	finding.inconclusive
}

test_a_rating_does_not_hide_that_another_scanner_has_none if {
	high := _vuln("CVE-1", "high", {"severities": ["high", "unknown"]})
	{f.id | some f in _approvals([high], {})} == {"high", "unknown"}
	{f.id | some f in _approvals([high], {"max_high": 1})} == {"unknown"}
	medium := _vuln("CVE-1", "unknown", {"severities": ["unknown", "medium"]})
	{f.id | some f in _approvals([medium], {"max_medium": 0})} == {"medium", "unknown"}
	{f.id | some f in _approvals([medium], {"max_medium": 0, "max_unknown": 1})} == {"medium"}
	critical := _vuln("CVE-1", "critical", {"severities": ["critical", "unknown"]})
	count(_vuln_blocks([critical], {})) == 1
	count(_approvals([critical], {})) == 0
}

test_discharged_ones_are_shown_and_not_counted if {
	vulns := [_silent("CVE-1", "suppressed"), _silent("CVE-2", "not_affected"), _silent("CVE-3", "fixed")]
	count(_vuln_blocks(vulns, {})) == 0
	{[f.id, f.msg, f.observed] | some f in _warnings(vulns, {})} == {
		["CVE-1 in zlib", "CVE-1 in zlib 1.2 (critical; trivy) is not counted: suppressed", "not used; suppressed by trivy"],
		["CVE-2 in zlib", "CVE-2 in zlib 1.2 (critical; trivy) is not counted: not_affected", "not used; VEX by Acme"],
		["CVE-3 in zlib", "CVE-3 in zlib 1.2 (critical; trivy) is not counted: fixed", "not used; VEX by Acme"],
	}
	{e | some f in _warnings(vulns, {}); some e in f.evidence} == {"i-trivy", "v1"}
}

test_the_parameter_says_which_statements_discharge if {
	vulns := [_silent("CVE-1", "suppressed"), _silent("CVE-2", "not_affected"), _silent("CVE-3", "under_investigation"), _silent("CVE-4", "affected")]
	{f.id | some f in _vuln_blocks(vulns, {})} == {"CVE-3 in zlib", "CVE-4 in zlib"}
	{f.id | some f in _vuln_blocks(vulns, {"vex": []})} == {"CVE-2 in zlib", "CVE-3 in zlib", "CVE-4 in zlib"}
	{f.id | some f in _vuln_blocks(vulns, {"vex": ["under_investigation"]})} == {"CVE-2 in zlib", "CVE-4 in zlib"}
}

test_a_scanner_that_still_reports_it_keeps_it_counted if {
	mixed := _vuln("CVE-1", "critical", {"sources": [_source("grype", "not_affected"), _source("snyk", "fixed"), _source("trivy", "open")]})
	some finding in _vuln_blocks([mixed], {})
	finding.observed == "open; trivy still reports it as CVE-1"
	count(_warnings([mixed], {})) == 0
	other := _vuln("CVE-1", "critical", {"status": "suppressed", "sources": [_source("grype", "fixed"), _source("trivy", "suppressed")]})
	count(_vuln_blocks([other], {"vex": ["not_affected"]})) == 1
}

test_statements_that_change_nothing_are_named if {
	statements := [
		{"item": "v1", "author": "Acme", "ignored": "unjustified"},
		{"item": "v2", "author": "Acme", "ignored": "superseded"},
	]
	some finding in _vuln_blocks([_vuln("CVE-1", "critical", {"disputed": true, "statements": statements})], {})
	finding.observed == "open; VEX statements contradict each other or the scanner; a VEX statement of Acme is ignored: unjustified"
	finding.evidence == {"i-trivy", "v1", "v2"}
}

test_a_statement_about_another_product_is_named if {
	said := {"item": "v1", "author": "Acme", "ignored": "other_product", "component": "", "product": "pkg:npm/a@2"}
	_observed(said) == "open; a VEX statement of Acme is about another product: pkg:npm/a@2"
	_observed(object.union(said, {"component": "pkg:npm/b"})) == "open; a VEX statement of Acme is about another product: pkg:npm/b in pkg:npm/a@2"
	_observed(object.union(said, {"product": ""})) == "open; a VEX statement of Acme is about another product: it names none"
}

_observed(statement) := finding.observed if {
	some finding in _vuln_blocks([_vuln("CVE-1", "critical", {"statements": [statement]})], {})
}

test_many_that_are_not_counted_are_summed_up if {
	vulns := [_silent(sprintf("CVE-%d", [i]), "suppressed") | some i in numbers.range(1, 103)]
	warnings := _warnings(vulns, {})
	count(warnings) == 101
	some rest in warnings
	rest.msg == "3 more vulnerabilities are not counted"
}

test_failed_and_empty_scans_block if {
	some failed in _blocks([_item({"summary": {"complete": false}})], {})
	failed.observed == "failed or is incomplete"
	some idle in _blocks([_item({"summary": {"looked": false}})], {})
	idle.observed == "looked at nothing"
}

test_required_level_blocks_when_absent if {
	count(_blocks([_item({})], {"levels": ["image"]})) == 0
	some finding in _blocks([_item({})], {"levels": ["image", "dependencies"]})
	finding.id == "level:dependencies"
}
