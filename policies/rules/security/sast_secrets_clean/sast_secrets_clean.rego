# METADATA
# title: No secret and no serious flaw in the code
# description: >-
#   A secret that a scanner found blocks: it has to be taken back, not only removed. Open findings in code need approval
#   when their severity is one of the parameter severities; a finding without a severity is not taken for a harmless one
#   unless that list is set without unknown. A scan that failed or looked at nothing proves nothing.
# custom:
#   controls:
#     - ISO-27001-2022/A.8.28
#     - PCI-DSS-4.0.1/6.2.4
#     - SSDF/PW.7.2
#     - NIST-800-53r5/SA-11(1)
#   remedy: Scan the code, mend what the scan finds, and collect the report of the last scan.
package rules.security.sast_secrets_clean

block contains finding if {
	some item in input.evidence.scan
	some row in item.byCategory.secret
	finding := {
		"id": sprintf("%s at %s", [row.id, row.place]),
		"msg": sprintf("%s found a secret: %s", [_tool(item.tool.name), row.title]),
		"place": row.place,
		"observed": row.id,
		"expected": "no secret",
		"remedy": "Revoke the secret where it is valid, take it out of what is released, scan again and collect the report.",
		"evidence": [item.id],
	}
}

needs_approval contains finding if {
	some item in input.evidence.scan
	some row in item.byCategory.code
	row.severity in data.params.security.sast_secrets_clean.severities
	finding := {
		"id": row.severity,
		"msg": sprintf("%s: %s", [row.id, row.title]),
		"place": row.place,
		"observed": sprintf("%s (severity %s)", [row.id, row.severity]),
		"expected": sprintf("no finding of severity %s in the code", [concat(", ", data.params.security.sast_secrets_clean.severities)]),
		"evidence": [item.id],
		"inconclusive": row.severity == "unknown",
	}
}

block contains finding if {
	some item in input.evidence.scan
	some problem in _problems(item.summary)
	finding := {
		"id": sprintf("scan:%s", [item.report.name]),
		"msg": sprintf("the scan in %s %s", [item.report.name, problem]),
		"observed": problem,
		"expected": "a complete scan of something",
		"remedy": "Mend the scan, run it again and collect its report.",
		"evidence": [item.id],
		"inconclusive": true,
	}
}

_tool("") := "a scanner"

_tool(name) := name if name != ""

_problems(summary) := array.concat(
	["failed or is incomplete" | not summary.complete],
	["looked at nothing" | not summary.looked],
)
