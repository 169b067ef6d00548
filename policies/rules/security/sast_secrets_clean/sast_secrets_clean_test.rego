package rules.security.sast_secrets_clean_test

import data.rules.security.sast_secrets_clean

_row(id, severity) := {"id": id, "severity": severity, "title": "something is wrong", "place": "main.go:7"}

_item(change) := object.union(
	{
		"id": "i1",
		"tool": {"name": "gosec"},
		"report": {"name": "gosec.sarif"},
		"summary": {"complete": true, "looked": true},
		"byCategory": {"secret": [], "code": []},
	},
	change,
)

_severities := ["critical", "high", "unknown"]

_blocks(item) := result if {
	result := sast_secrets_clean.block with input.evidence.scan as [item]
		with data.params.security.sast_secrets_clean.severities as _severities
}

_approvals(item) := result if {
	result := sast_secrets_clean.needs_approval with input.evidence.scan as [item]
		with data.params.security.sast_secrets_clean.severities as _severities
}

test_clean_scan_passes if {
	count(_blocks(_item({}))) == 0
	count(_approvals(_item({}))) == 0
}

test_secret_blocks if {
	some finding in _blocks(_item({"byCategory": {"secret": [_row("aws-key", "low")]}}))
	finding.id == "aws-key at main.go:7"
	startswith(finding.msg, "gosec found a secret")
}

test_secret_of_a_nameless_tool_blocks if {
	some finding in _blocks(_item({"tool": {"name": ""}, "byCategory": {"secret": [_row("aws-key", "low")]}}))
	startswith(finding.msg, "a scanner found a secret")
}

test_serious_code_findings_need_approval if {
	item := _item({"byCategory": {"code": [_row("G101", "critical"), _row("G102", "high"), _row("G103", "medium")]}})
	{f.id | some f in _approvals(item)} == {"critical", "high"}
	every finding in _approvals(item) {
		not finding.inconclusive
	}
	count(_blocks(item)) == 0
}

test_unknown_severity_is_inconclusive if {
	some finding in _approvals(_item({"byCategory": {"code": [_row("G104", "unknown")]}}))
	finding.inconclusive
}

test_failed_and_empty_scans_block if {
	some failed in _blocks(_item({"summary": {"complete": false}}))
	failed.observed == "failed or is incomplete"
	some idle in _blocks(_item({"summary": {"looked": false}}))
	idle.observed == "looked at nothing"
}
