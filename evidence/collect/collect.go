// Package collect finds the reports that arguments name, recognises each by its content, reads it in one pass and hands
// its bytes and rows to a spool.
package collect

import (
	"context"
	"errors"
	"io"

	"cdgate.dev/cdgate/evidence"
)

// Request says which reports to read and where their bytes go.
type Request struct {
	// Args have the form [KIND[/LEVEL]:]PATH. PATH is a file, a glob (with ** for any number of directories), a
	// directory, or "-" for Stdin. KIND says what the report must be; LEVEL names the level of tests.
	Args []string
	// Dir is where relative paths start; empty means the current directory. Symbolic links may not lead out of it.
	Dir   string
	Stdin io.Reader
	Spool Spool
	// Skipped, if set, is told of each file in a directory that was not read because it is no known report.
	Skipped func(path, reason string)
}

// Collect reads every report that the request names, in a fixed order: that of the arguments, then of the path. It
// returns the errors of all bad reports together, and then no blob is committed unless their number or size made
// it necessary before.
func Collect(ctx context.Context, req Request) ([]evidence.Item, error) {
	return nil, errors.New("collect reports: not possible yet")
}
