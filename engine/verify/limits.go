package verify

import "time"

// MaxStatement is the size of a signed statement in bytes. The predicate of a report has at most schemas.MaxPredicate; the
// list of what one run collected may be longer.
const MaxStatement = 256 << 10

// MaxContained is how many images an image index may have.
const MaxContained = 256

// Limits on what is read from a store, which anybody may have written.
const (
	// maxStatements is how many statements about one release are looked at.
	maxStatements = 10_000
	// maxRows is the size of the rows of one report in bytes, maxAllRows that of all rows of a release.
	maxRows    = 256 << 20
	maxAllRows = 1 << 30
)

// Skew is how far the clock of whoever signed may be ahead of ours.
const Skew = 120 * time.Second
