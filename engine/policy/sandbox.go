package policy

import (
	"context"
	"errors"
	"io"
	"time"
)

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
	Memory int64 `json:"memory"`
	// CPU is the processor time of all its threads together; whole seconds.
	CPU time.Duration `json:"cpu"`
	// Wall is the time from the moment the input is sent.
	Wall time.Duration `json:"wall"`
	// Output is the size of the response in bytes.
	Output int64 `json:"output"`
}

// Child is a started evaluator. It evaluates once.
type Child struct{}

// Start starts an evaluator and has it compile the program. A fault in the program is reported by Evaluate. When ctx
// ends the evaluator is killed.
func Start(ctx context.Context, sb Sandbox, p Program) (*Child, error) {
	return nil, errors.New("start evaluator: not built yet")
}

// Evaluate sends the input and waits for the answer. The child is gone afterwards, whatever happened. The error is of
// class fault.Policy, or fault.Evidence where the input does not fit its schema.
func (c *Child) Evaluate(input []byte) (*Response, error) {
	return nil, errors.New("evaluate policies: not built yet")
}

// Close kills the evaluator if it still runs. Calling it again, or after Evaluate, does nothing.
func (c *Child) Close() {}

// Evaluate starts an evaluator, evaluates the request and ends it.
func Evaluate(ctx context.Context, sb Sandbox, req Request) (*Response, error) {
	c, err := Start(ctx, sb, req.Program)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Evaluate(req.Input)
}

// Serve is the evaluator's main function: it limits its own process, reads a program and an input from r, and writes
// the response to w. It must be the only thing its process does. An error is one of the pipe, not of the policy.
func Serve(r io.Reader, w io.Writer) error {
	return errors.New("serve policies: not built yet")
}
