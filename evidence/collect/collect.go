// Package collect finds the reports that arguments name, recognises each by its content, reads it in one pass and hands
// its bytes and rows to a spool.
package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/formats"
)

// Request says which reports to read and where their bytes go.
type Request struct {
	// Args have the form [KIND[/LEVEL]:]PATH. PATH is a file, a glob (with ** for any number of directories), a
	// directory, or "-" for Stdin. KIND says what the report must be; LEVEL names the level of tests.
	Args []string
	// Dir is where relative paths start; empty means the current directory. Symbolic links may not lead out of it.
	Dir   string
	Stdin io.Reader
	// Own are the kinds of evidence besides those that are built in. A report of one is named KIND:PATH.
	Own map[evidence.Kind]OwnKind
	// Made are reports that are in memory. They are read before the files.
	Made  []Made
	Spool Spool
	// Skipped, if set, is told of each file in a directory that was not read because it is no known report.
	Skipped func(path, reason string)
}

// OwnKind reads the reports of one own kind, strict JSON, and gives the one form of each, with defaults filled in.
// schemas.OwnKind does.
type OwnKind interface {
	Read(file string, text []byte) ([]byte, error)
}

// Made is a report that a collector made: the bytes that a file of it would hold. They are recognised, read, bounded and
// stored as those of a file are. Name takes the place of the path; Kind and Level, if not empty, say what the report
// must be, as in an argument.
type Made struct {
	Name  string
	Kind  evidence.Kind
	Level string
	Data  []byte
}

// Collect reads every report that the request names, in a fixed order: what was made, then that of the arguments, then of the path. It
// returns the errors of all bad reports together, and then no blob is committed unless their number or size made
// it necessary before.
func Collect(ctx context.Context, req Request) ([]evidence.Item, error) {
	if req.Spool == nil {
		return nil, errors.New("collect reports: no spool to write to")
	}
	dir, err := filepath.Abs(req.Dir)
	if err != nil {
		return nil, fmt.Errorf("collect reports: %w", err)
	}
	e := &expander{ctx: ctx, dir: dir, roots: map[string]*os.Root{}, skipped: req.Skipped, byKey: map[string]int{}}
	defer e.close()
	var errs []error
	for _, m := range req.Made {
		errs = append(errs, e.addMade(m))
	}
	for _, text := range req.Args {
		a, err := parseArgument(text, req.Own)
		if err == nil {
			err = e.expand(a)
		}
		errs = append(errs, err)
	}
	if len(req.Args) == 0 && len(req.Made) == 0 {
		errs = append(errs, errors.New("collect reports: no path given; name the files, directories or patterns to read"))
	}
	readings, rerr := readAll(ctx, e, req)
	if err := errors.Join(append(errs, rerr)...); err != nil {
		for _, r := range readings {
			r.abort()
		}
		return nil, err
	}
	return commitAll(readings)
}

// readAll reads every file and returns the errors of all bad ones together.
func readAll(ctx context.Context, e *expander, req Request) ([]*reading, error) {
	h := &holder{spool: req.Spool}
	var readings []*reading
	var errs []error
	for _, s := range e.sources {
		r, err := readSource(ctx, s, req, h)
		switch {
		case err == nil:
			readings = append(readings, r)
			if h.open > heldOpen {
				err = r.commit()
			}
		case s.walked && errors.Is(err, formats.ErrUnknown):
			e.skip(s.name, err.Error())
			err = nil
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("collect %q: %w", s.name, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	if len(readings) == 0 && len(errs) == 0 && len(e.sources) > 0 {
		errs = append(errs, fmt.Errorf("collect reports: none of %d files is a known report", len(e.sources)))
	}
	return readings, errors.Join(errs...)
}

// commitAll makes every blob durable.
func commitAll(readings []*reading) ([]evidence.Item, error) {
	var items []evidence.Item
	for i, r := range readings {
		if err := r.commit(); err != nil {
			for _, rest := range readings[i:] {
				rest.abort()
			}
			return nil, fmt.Errorf("store %q: %w", r.item.Path, err)
		}
		items = append(items, r.item)
	}
	return items, nil
}
