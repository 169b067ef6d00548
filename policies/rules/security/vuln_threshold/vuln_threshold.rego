# METADATA
# title: No more known vulnerabilities than the target allows
# description: >-
#   Vulnerabilities of all scans that count are counted by the worst severity that a scanner gives them; one that several
#   scanners report under several names is one. Where there are more critical ones than allowed the release is blocked; for
#   the other severities people have to approve. A vulnerability without a severity is never taken for a harmless one. One
#   that a scanner was told to suppress, or that a VEX statement discharges, is not counted and is shown with the reason,
#   provided that this holds for every scanner that reports it; the parameter vex says which statements do. A scan that failed or looked at nothing proves nothing, and neither does
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
	finding := object.union(_describe(v), {
		"id": _what(v),
		"expected": sprintf("at most %d critical vulnerabilities", [data.params.security.vuln_threshold.max_critical]),
	})
}

needs_approval contains finding if {
	some severity, limit in _limits
	is_number(limit)
	count(_open[severity]) > limit
	some v in _open[severity]
	finding := object.union(_describe(v), {
		"id": severity,
		"expected": sprintf("at most %d vulnerabilities of severity %s", [limit, severity]),
	})
}

needs_approval contains finding if {
	count(_open.unknown) > data.params.security.vuln_threshold.max_unknown
	some v in _open.unknown
	finding := object.union(_describe(v), {
		"id": "unknown",
		"expected": sprintf("at most %d vulnerabilities of unknown severity", [data.params.security.vuln_threshold.max_unknown]),
		"inconclusive": true,
	})
}

warn contains finding if {
	some v in array.slice(_discharged, 0, _most_shown)
	finding := {
		"id": _what(v),
		"msg": sprintf("%s is not counted: %s", [_title(v), v.status]),
		"observed": concat("; ", array.concat([v.justification | v.justification != ""], _who(v))),
		"evidence": _items(v),
		"remedy": "See to it that the reason still holds for this release.",
	}
}

warn contains finding if {
	more := count(_discharged) - _most_shown
	is_number(more)
	more > 0
	finding := {
		"id": "not counted",
		"msg": sprintf("%d more vulnerabilities are not counted", [more]),
		"remedy": "See `cdgate evaluate -o input`, vulnerabilities, for all of them.",
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

_most_shown := 100

# What does not count: every scanner that reports it has it suppressed or discharged by a statement.
_discharged := [v |
	some v in input.vulnerabilities
	v.status != "open"
	every source in v.sources {
		source.status in _accepted
	}
]

_accepted := {"suppressed"} | {status | some status in data.params.security.vuln_threshold.vex}

_passed_over := {v | some v in _discharged}

# Where scanners differ and one does not rate it, what it is rated counts, and so does the doubt; only a critical one
# cannot be worse.
_open := {
	"critical": _by_severity.critical,
	"high": _by_severity.high,
	"medium": array.concat(_by_severity.medium, _doubtful("medium")),
	"low": array.concat(_by_severity.low, _doubtful("low")),
	"unknown": array.concat(_by_severity.unknown, [v | some v in _by_severity.high; "unknown" in v.severities]),
}

# Those that a scanner rates so and another not at all.
_doubtful(severity) := [v | some v in _by_severity.unknown; v.severities[1] == severity]

_by_severity := {severity: found |
	some severity in ["critical", "high", "medium", "low", "unknown"]
	found := [v |
		some v in input.vulnerabilities
		v.severity == severity
		not v in _passed_over
	]
}

_what(v) := v.id if v["package"] == ""

_what(v) := sprintf("%s in %s", [v.id, v["package"]]) if v["package"] != ""

# Such as: CVE-2024-1 in zlib 1.2 (critical; grype, trivy; also GHSA-x).
_title(v) := sprintf("%s (%s)", [
	concat(" ", array.concat([_what(v)], [v.version | v.version != ""])),
	concat("; ", array.concat([v.severity, concat(", ", _tools(v))], [sprintf("also %s", [concat(", ", v.aliases)]) | count(v.aliases) > 0])),
])

_tools(v) := {source.tool | some source in v.sources}

_items(v) := {source.item | some source in v.sources} | {statement.item | some statement in v.statements}

# Who says that it does not count.
_who(v) := array.concat(
	[sprintf("suppressed by %s", [tool]) | some tool in {source.tool | some source in v.sources; source.status == "suppressed"}],
	[sprintf("VEX by %s", [author]) | some author in {statement.author | some statement in v.statements; statement.ignored == ""}],
)

_describe(v) := {
	"msg": _title(v),
	"place": v.sources[0].place,
	"observed": concat("; ", array.concat([v.status], _notes(v))),
	"evidence": _items(v),
	"remedy": _remedy(v.fixedVersions),
}

# Why it counts although something was said.
_notes(v) := array.concat(
	["VEX statements contradict each other or the scanner" | v.disputed],
	[note | some note in (_still_reported(v) | _ignored(v))],
)

_still_reported(v) := {sprintf("%s still reports it as %s", [source.tool, source.id]) |
	some other in v.sources
	other.status in _accepted
	some source in v.sources
	not source.status in _accepted
}

_ignored(v) := {_why_ignored(statement) |
	some statement in v.statements
	not statement.ignored in {"", "superseded"}
}

_why_ignored(statement) := sprintf("a VEX statement of %s is ignored: %s", [statement.author, statement.ignored]) if {
	statement.ignored != "other_product"
}

_why_ignored(statement) := sprintf("a VEX statement of %s is about another product: %s", [statement.author, _product(statement)]) if {
	statement.ignored == "other_product"
}

# Such as: pkg:npm/a@1 in pkg:oci/app, or what is given of that.
_product(statement) := concat(" in ", [name | some name in [statement.component, statement.product]; name != ""]) if {
	concat("", [statement.component, statement.product]) != ""
}

_product(statement) := "it names none" if concat("", [statement.component, statement.product]) == ""

_remedy([]) := "No version without it is known: take the package out, or have the risk assessed and approved."

_remedy(fixed) := sprintf("Update to version %s, scan again and collect the report.", [concat(" or ", fixed)]) if count(fixed) > 0

_problems(summary) := array.concat(
	["failed or is incomplete" | not summary.complete],
	["looked at nothing" | not summary.looked],
)
