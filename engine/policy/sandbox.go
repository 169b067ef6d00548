package policy

import "time"

// Program is what is evaluated: sources in the order of the target's policies, parameter layers lowest first.
type Program struct {
	Sources []Source `json:"sources"`
	Params  []Layer  `json:"params"`
}

// Request is one evaluation by value. Input is the archived policy input: rows only, no index views. Its "now" and
// "stage" are the only time and stage there are.
type Request struct {
	Program
	Input []byte
}

// Response is what a program says about an input. Rules has every rule of the sources exactly once, sorted by code,
// those that passed included. Params are the parameters used, as JSON {category: {rule: {name: value}}}.
type Response struct {
	Rules  []Rule `json:"rules"`
	Params []byte `json:"params"`
}

// Sandbox says how the evaluator's process is started: Path with Args, an empty environment and its own process group.
// The program there must call Serve and nothing else; cdgate itself does when its only argument is SandboxArgument.
// Zero Args stand for SandboxArgument, zero Limits for the defaults.
type Sandbox struct {
	Path   string
	Args   []string
	Limits Limits
}

// SandboxArgument is the argument with which cdgate starts itself as an evaluator.
const SandboxArgument = "policy-sandbox"

// Limits is the budget of one evaluation, compilation included; zero fields stand for the defaults.
type Limits struct {
	// Memory is the size of the evaluator's data in bytes.
	Memory int64
	// CPU is the processor time of all its threads together; whole seconds.
	CPU time.Duration
	// Wall is the time from the moment the input is sent.
	Wall time.Duration
	// Output is the size of the response in bytes.
	Output int64
}
