// Package engine is the flow of a release decision, in the words of its steps:
//
//	collect   reports are read, normalised, signed and stored           evidence, seal, store
//	verify    statements + gate definition + release -> Verified        gate, verify
//	evaluate  the policies judge the verified evidence, in a sandbox    policy
//	decide    findings + sign-offs -> decision                          decide
//	record    the decision is signed, archived, logged and read again   record, ledger
//
// Evaluate walks all of it. Replay walks verify to decide again from what a record names and compares. Nothing in this
// package reads the clock, the environment or a flag: the command line passes them in.
package engine
