# METADATA
# title: No more known vulnerabilities than the target allows
# description: >-
#   Open vulnerabilities of all scans that count, each taken once, are counted by severity. Where there are more critical
#   ones than allowed the release is blocked; for the other severities people have to approve. A vulnerability without a
#   severity is never taken for a harmless one. A scan that failed or looked at nothing proves nothing, and neither does
#   one that does not look for known vulnerabilities: the parameter scanners names the formats and tools that do. Name
#   levels in the parameter levels, such as image or dependencies, to make sure that each of them was scanned.
# custom:
#   controls:
#     - PCI-DSS-4.0.1/6.3.1
#     - PCI-DSS-4.0.1/6.3.3
#     - NIST-800-53r5/RA-5
#     - NIST-800-53r5/SI-2
#     - ISO-27001-2022/A.8.8
#     - SSDF/RV.1
#   remedy: Scan, update packages to versions without known vulnerabilities, and collect the report of the last scan.
package rules.security.vuln_threshold

block contains finding if {
	count(_open.critical) > data.params.security.vuln_threshold.max_critical
	some v in _open.critical
	finding := object.union(_describe(v, "critical"), {
		"id": v.what,
		"expected": sprintf("at most %d critical vulnerabilities", [data.params.security.vuln_threshold.max_critical]),
	})
}

needs_approval contains finding if {
	some severity, limit in _limits
	is_number(limit)
	count(_open[severity]) > limit
	some v in _open[severity]
	finding := object.union(_describe(v, severity), {
		"id": severity,
		"expected": sprintf("at most %d vulnerabilities of severity %s", [limit, severity]),
	})
}

needs_approval contains finding if {
	count(_open.unknown) > data.params.security.vuln_threshold.max_unknown
	some v in _open.unknown
	finding := object.union(_describe(v, "unknown"), {
		"id": "unknown",
		"expected": sprintf("at most %d vulnerabilities of unknown severity", [data.params.security.vuln_threshold.max_unknown]),
		"inconclusive": true,
	})
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

block contains finding if {
	every item in input.evidence.scan {
		not _looks_for_vulnerabilities(item)
	}
	finding := {
		"id": "scanner",
		"msg": "no scan of this build looks for known vulnerabilities",
		"observed": sprintf("reports of %s", [concat(", ", {_maker(item) | some item in input.evidence.scan})]),
		"expected": "a report of a scanner for known vulnerabilities",
		"remedy": "Scan with one of the scanners in the rule's parameter scanners, such as Trivy or Grype, and collect its report.",
		"inconclusive": true,
	}
}

block contains finding if {
	some level in data.params.security.vuln_threshold.levels
	not level in {item.level | some item in input.evidence.scan}
	finding := {
		"id": sprintf("level:%s", [level]),
		"msg": sprintf("there is no %s scan of this build", [level]),
		"observed": "no scan of this level",
		"expected": sprintf("a scan of level %s", [level]),
		"remedy": sprintf("Scan, and collect the report as in `cdgate collect scan/%s:report.json`.", [level]),
		"inconclusive": true,
	}
}

_limits := {
	"high": data.params.security.vuln_threshold.max_high,
	"medium": data.params.security.vuln_threshold.max_medium,
	"low": data.params.security.vuln_threshold.max_low,
}

_looks_for_vulnerabilities(item) if {
	some scanner in data.params.security.vuln_threshold.scanners
	scanner in {"*", item.format, lower(item.tool.name)}
}

# Whatever has found one was looking.
_looks_for_vulnerabilities(item) if {
	some rows in item.bySeverity
	some row in rows
	row.category == "vulnerability"
}

_maker(item) := item.tool.name if item.tool.name != ""

_maker(item) := item.format if item.tool.name == ""

# Two scanners that see the same vulnerability in the same package are one.
_open[severity] contains v if {
	some severity in {"critical", "high", "medium", "low", "unknown"}
	some item in input.evidence.scan
	some row in item.bySeverity[severity]
	row.category == "vulnerability"
	v := {"what": _what(row.id, row.package), "version": row.version, "fixed": row.fixedVersion, "place": row.place}
}

_what(id, "") := id

_what(id, name) := sprintf("%s in %s", [id, name]) if name != ""

_describe(v, severity) := {
	"msg": sprintf("%s is a vulnerability of severity %s", [v.what, severity]),
	"place": v.place,
	"observed": sprintf("version %q", [v.version]),
	"remedy": _remedy(v.fixed),
}

_remedy("") := "No version without it is known: take the package out, or have the risk assessed and approved."

_remedy(fixed) := sprintf("Update to version %s, scan again and collect the report.", [fixed]) if fixed != ""

_problems(summary) := array.concat(
	["failed or is incomplete" | not summary.complete],
	["looked at nothing" | not summary.looked],
)
