package verify

import "time"

// Limits on what is read from a store, which anybody may have written.
const (
	// maxStatement is the size of a signed statement in bytes: its predicate has at most 64 KiB.
	maxStatement = 256 << 10
	// maxStatements is how many statements about one release are looked at.
	maxStatements = 10_000
	// maxRows is the size of the rows of one report in bytes, maxAllRows that of all rows of a release.
	maxRows    = 256 << 20
	maxAllRows = 1 << 30
)

// Skew is how far the clock of whoever signed may be ahead of ours.
const Skew = 120 * time.Second
