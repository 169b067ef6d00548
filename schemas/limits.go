package schemas

// MaxPredicate is the largest statement predicate in bytes.
const MaxPredicate = 64 << 10

// Limits on what this package reads. A text over its limit is refused whole.
const (
	// maxConfig is the largest configuration text (.cdgate.yaml, gate.yaml, rule metadata) in bytes.
	maxConfig = 1 << 20
	// maxRecord is the largest signed gate definition or decision predicate in bytes.
	maxRecord = 16 << 20
	// maxDocument is the largest policy input or set of rows in bytes.
	maxDocument = 256 << 20
	// maxParams is the largest params.cue in bytes.
	maxParams = 64 << 10
	// maxDepth is how deep values may nest.
	maxDepth = 64
	// maxShapes is how many values a definition may have, references followed.
	maxShapes = 20_000
	// maxNumber is how many characters a number may have.
	maxNumber = 64
	// maxProblems is how many problems of one text are told; more are counted.
	maxProblems = 20
)
