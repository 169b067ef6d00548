package policy

import "time"

// Limits on what this package reads and on what an evaluation may use. They are part of every decision: a change here
// changes which decisions end with an exceeded budget.
const (
	// maxFile is the largest file of a source in bytes.
	maxFile = 1 << 20
	// maxFiles is how many files a source may have.
	maxFiles = 5000
	// maxSource is the size of all files of a source together.
	maxSource = 32 << 20
	// maxInput is the largest policy input in bytes.
	maxInput = 256 << 20
	// maxFindings is how many findings one rule may have.
	maxFindings = 10_000
	// maxText is the largest text of a finding in bytes.
	maxText = 16 << 10
	// maxStderr is how much of the evaluator's last words is kept.
	maxStderr = 16 << 10
	// maxErrors is how many errors of a program are told.
	maxErrors = 20
	// maxCount and maxValidHours bound a requirement; schemas/rule.cue has the same.
	maxCount      = 100
	maxValidHours = 87600

	defaultMemory = 1 << 30
	defaultCPU    = 20 * time.Second
	defaultWall   = 30 * time.Second
	defaultOutput = 8 << 20

	// quietHeap is how large the evaluator's heap grows before the first collection: most evaluations end below it.
	quietHeap = 128 << 20
)

// orDefaults fills in the defaults.
func (l Limits) orDefaults() Limits {
	if l.Memory <= 0 {
		l.Memory = defaultMemory
	}
	if l.CPU <= 0 {
		l.CPU = defaultCPU
	}
	if l.Wall <= 0 {
		l.Wall = defaultWall
	}
	if l.Output <= 0 {
		l.Output = defaultOutput
	}
	return l
}
