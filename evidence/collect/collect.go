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
	// Attestations takes attestations of other tools apart; without it they are no known reports.
	Attestations Opener
	// Made are reports that are in memory. They are read before the files.
	Made  []Made
	Spool Spool
	// Redact replaces the secrets in a report by "*" before it is read and stored: the report is what is left. Without it
	// a report with secrets is refused. A compressed report is then stored unpacked.
	Redact bool
	// Skipped, if set, is told of each file in a directory that was not read because it is no known report.
	Skipped func(path, reason string)
	// Progress, if set, is told how far reading is, whenever some of a report was read.
	Progress func(Progress)
}

// Progress is how far reading is: the name of the report that is being read, and of all reports together the bytes read,
// as they lie there, and the bytes there are. Stdin counts for nothing.
type Progress struct {
	Path        string
	Read, Total int64
}

// Problem is why something that was named cannot be collected. Path is the argument, or the name of the report.
type Problem struct {
	Path string
	Err  error
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
	// Found says that somebody else put it where it was found: an attestation of a type that is not read is passed over.
	Found bool
}

// Collect reads every report that the request names, in a fixed order: what was made, then that of the arguments, then of
// the path. It returns the errors of all bad reports together, and then no blob is committed unless their number or size
// made it necessary before.
func Collect(ctx context.Context, req Request) ([]evidence.Item, error) {
	readings, problems := readAll(ctx, req)
	if len(problems) > 0 {
		for _, r := range readings {
			r.abort()
		}
		var errs []error
		for _, p := range problems {
			errs = append(errs, p.Err)
		}
		return nil, errors.Join(errs...)
	}
	return commitAll(readings)
}

// List reads as Collect does, and returns the good reports beside the problems of the bad ones. Nothing is stored, and
// the request needs no spool.
func List(ctx context.Context, req Request) ([]evidence.Item, []Problem) {
	req.Spool = Discard{}
	readings, problems := readAll(ctx, req)
	items, err := commitAll(readings)
	if err != nil {
		problems = append(problems, Problem{Err: err})
	}
	return items, problems
}

// readAll finds and reads every report.
func readAll(ctx context.Context, req Request) (readings []*reading, problems []Problem) {
	defer frugal()()
	fail := func(path string, err error) {
		if err != nil {
			problems = append(problems, Problem{path, err})
		}
	}
	dir, err := filepath.Abs(req.Dir)
	if err == nil && req.Spool == nil {
		err = errors.New("no spool to write to")
	}
	if err != nil {
		fail("", fmt.Errorf("collect reports: %w", err))
		return nil, problems
	}
	e := &expander{ctx: ctx, dir: dir, roots: map[string]*os.Root{}, skipped: req.Skipped, byKey: map[string]int{}}
	defer e.close()
	for _, m := range req.Made {
		fail(label(m.Name), e.addMade(m))
	}
	for _, text := range req.Args {
		a, err := parseArgument(text, req.Own)
		if err == nil {
			err = e.expand(a)
		}
		fail(label(a.path), err)
	}
	if len(req.Args) == 0 && len(req.Made) == 0 {
		fail("", errors.New("collect reports: no path given; name the files, directories or patterns to read, or list them in .cdgate.yaml under evidence"))
	}
	readings, bad := readEach(ctx, e, req)
	return readings, append(problems, bad...)
}

// readEach reads the files that were found.
func readEach(ctx context.Context, e *expander, req Request) (readings []*reading, problems []Problem) {
	h := &holder{spool: req.Spool, redact: req.Redact, progress: e.progress(req.Progress)}
	for _, s := range e.sources {
		read, err := readSource(ctx, s, req, h)
		switch {
		case err == nil:
			readings = append(readings, read...)
			for _, r := range read {
				if err == nil && h.open > heldOpen {
					err = r.commit()
				}
			}
		case s.walked && (errors.Is(err, formats.ErrUnknown) || errors.Is(err, formats.ErrPredicate)):
			e.skip(s.name, err.Error())
			err = nil
		}
		if err != nil {
			problems = append(problems, Problem{s.name, fmt.Errorf("collect %q: %w", s.name, err)})
		}
		if ctx.Err() != nil {
			break
		}
	}
	if len(readings) == 0 && len(problems) == 0 && len(e.sources) > 0 {
		problems = append(problems, Problem{Err: fmt.Errorf("collect reports: none of %d files is a known report", len(e.sources))})
	}
	return readings, problems
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
