# METADATA
# title: A person releases where the target's trigger is manual
# description: >-
#   The target's trigger makes the difference between continuous delivery and continuous deployment, and this is the only
#   rule that reads it: under manual a person has to release, under automatic nobody is asked. Everything else is judged
#   alike under both.
# custom:
#   controls:
#     - SOC2/CC8.1
#     - NIST-800-53r5/CM-3
#   remedy: Have somebody release it, as in `cdgate approve NAME@VERSION --target TARGET`.
package rules.governance.delivery_mode

needs_approval contains finding if {
	input.target.trigger == "manual"
	finding := {
		"msg": sprintf("releasing to %s is triggered by a person", [input.target.id]),
		"observed": "trigger manual",
		"expected": sprintf("release by %s with the role %s", [
			_people(data.params.governance.delivery_mode.count),
			concat(" or ", data.params.governance.delivery_mode.roles),
		]),
		"requirement": {
			"roles": data.params.governance.delivery_mode.roles,
			"count": data.params.governance.delivery_mode.count,
			"meaning": "release",
			"validHours": data.params.governance.delivery_mode.validHours,
			"vetoRoles": data.params.governance.delivery_mode.vetoRoles,
		},
	}
}

_people(1) := "1 person"

_people(n) := sprintf("%d people", [n]) if n != 1
