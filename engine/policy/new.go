package policy

import (
	"regexp"
	"strings"

	"cdgate.dev/cdgate/engine/fault"
)

var newCode = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}[./][a-z][a-z0-9_]{0,40}$`)

// New is the scaffold of a rule with its test and parameters: three files below "<category>/<rule>/". The code is
// "category.rule" or "category/rule" in lower-case snake_case. The test fails until the rule is written. The error is
// of class fault.Usage.
func New(code string) ([]File, error) {
	if !newCode.MatchString(code) {
		return nil, fault.New(fault.Usage, "make rule %q: the name is CATEGORY.RULE in lower case, such as tests.load_test", code)
	}
	category, rule, _ := strings.Cut(strings.ReplaceAll(code, "/", "."), ".")
	fill := strings.NewReplacer("CATEGORY", category, "RULE", rule)
	file := rule
	if strings.HasSuffix(rule, "_test") {
		file = rule + "_rule" // a file named *_test.rego would be taken for tests
	}
	dir := category + "/" + rule + "/"
	return []File{
		{Path: dir + file + ".rego", Data: []byte(fill.Replace(newRule))},
		{Path: dir + file + testSuffix, Data: []byte(fill.Replace(newTest))},
		{Path: dir + paramsFile, Data: []byte(newParams)},
	}, nil
}

const newRule = `# METADATA
# title: Say in one line what has to be true
# description: Say what the rule looks at and why.
# custom:
#   controls: [SOC2/CC8.1]
#   remedy: Say what to do when it is not.
package rules.CATEGORY.RULE

# A finding blocks; use needs_approval where people may decide. What the rule reads of input.evidence it also needs: with
# no item of that kind that counts it is not run and fails. List a kind it can do without under custom, as in
# optional: [coverage]; optional: [all] is every kind, built in or own.
block contains finding if {
	some item in input.evidence.tests
	item.summary.passed < data.params.CATEGORY.RULE.at_least
	finding := {
		"id": item.level,
		"msg": sprintf("only %d %s tests passed", [item.summary.passed, item.level]),
		"observed": item.summary.passed,
		"expected": data.params.CATEGORY.RULE.at_least,
		"evidence": [item.id],
	}
}
`

const newTest = `package rules.CATEGORY.RULE_test

import data.rules.CATEGORY.RULE

_item(passed) := {"id": "i1", "level": "unit", "summary": {"passed": passed}}

test_enough_passes if {
	count(RULE.block) == 0 with input.evidence.tests as [_item(5)]
		with data.params.CATEGORY.RULE.at_least as 5
}

test_too_few_block if {
	some finding in RULE.block with input.evidence.tests as [_item(4)]
		with data.params.CATEGORY.RULE.at_least as 5
	finding.id == "unit"
}

test_this_rule_is_written if {
	print("write the rule and its tests, then delete this one")
	false
}
`

const newParams = `package params

// How many tests have to pass.
at_least: int & >=1 | *1 @tighter(up)
`
