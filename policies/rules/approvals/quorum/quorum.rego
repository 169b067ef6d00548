# METADATA
# title: The people whom the target asks for have signed
# description: >-
#   Each entry of the parameter requirements is a requirement of its own: so many people of these roles, with this
#   meaning. Without entries the rule asks for nobody. The rule states what is needed; the engine counts the people.
# custom:
#   controls:
#     - SOC2/CC8.1
#     - NIST-800-53r5/CM-3
#     - PCI-DSS-4.0.1/6.5.1
#     - 21-CFR-11/11.50
#   remedy: Have the people sign, as in `cdgate approve NAME@VERSION --target TARGET`.
package rules.approvals.quorum

needs_approval contains finding if {
	some id, wanted in data.params.approvals.quorum.requirements
	_applies(wanted.classes)
	finding := {
		"id": id,
		"msg": sprintf("%s needs the %s of %s with the role %s", [id, wanted.meaning, _people(wanted.count), concat(" or ", wanted.roles)]),
		"expected": sprintf("%s with the role %s", [_people(wanted.count), concat(" or ", wanted.roles)]),
		"requirement": {
			"roles": wanted.roles,
			"count": wanted.count,
			"meaning": wanted.meaning,
			"validHours": wanted.validHours,
			"vetoRoles": wanted.vetoRoles,
		},
	}
}

_applies([])

_applies(classes) if input.target.class in classes

_people(1) := "1 person"

_people(n) := sprintf("%d people", [n]) if n != 1
