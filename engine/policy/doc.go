// Package policy loads, type-checks, evaluates and tests Rego policies. It is the only door to OPA.
//
// A Source is one set of policies: a built-in profile (Builtin) or a directory (Load). A gate evaluates in a child
// process, so that no policy can outlive its budget, read a file or open a connection:
//
//	child, err := policy.Start(ctx, sandbox, policy.Program{Sources: sources, Params: layers})
//	… collect and verify the evidence while the child compiles …
//	response, err := child.Evaluate(input)
//
// Every way in which this can go wrong is an error of class fault.Policy; an input that does not fit the schema is one
// of class fault.Evidence. No error and no rule that gates are never the same thing: a set without rules is an error.
//
// Check, Test, List and New serve the people who write policies. They run in this process and decide nothing.
package policy
