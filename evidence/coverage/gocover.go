package coverage

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"cdgate.dev/cdgate/evidence"
)

// GoCover is the profile of go test -coverprofile: a line with the mode, then blocks "file:line.col,line.col statements
// count". Blocks that several test binaries report are merged.
func GoCover() evidence.Format {
	return evidence.Format{
		Name: "gocover", Title: "Go coverage profile", Kind: evidence.Coverage, MediaType: "text/plain",
		Recognised: "first line `mode: set`, `mode: count` or `mode: atomic`",
		Tools:      "go test -coverprofile, go tool covdata textfmt",
		Limits:     "one profile, or several of the same mode in one file; statements only: Go counts no lines, branches or functions",
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.Text && bytes.HasPrefix(h.Bytes, []byte("mode: "))
		},
		Read: readGoCover,
	}
}

// block is where a block of statements starts and ends.
type block struct{ line, col, endLine, endCol int32 }

// counted is what is known of a block.
type counted struct {
	statements int32
	hit        bool
}

// fileBlock is a block of a file.
type fileBlock struct {
	file int32
	block
}

type goCoverReader struct {
	order []string
	// files numbers the files, in the order of their first appearance.
	files  map[string]int32
	blocks map[fileBlock]counted
	kept   int
	mode   string
	warn   evidence.Warnings
}

func readGoCover(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	g := &goCoverReader{files: map[string]int32{}, blocks: map[fileBlock]counted{}}
	in := bufio.NewReaderSize(r, evidence.MaxName+1024)
	for n := 1; ; n++ {
		line, err := in.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			return evidence.Report{}, fmt.Errorf("line %d: longer than any line of a profile", n)
		}
		if err != nil && err != io.EOF {
			return evidence.Report{}, fmt.Errorf("line %d: %w", n, err)
		}
		if err == io.EOF && len(line) > 0 {
			return evidence.Report{}, fmt.Errorf("line %d: the report ends in the middle of a line: it was cut off", n)
		}
		if err == io.EOF {
			break
		}
		if lerr := g.line(n, bytes.TrimRight(line, "\r\n")); lerr != nil {
			return evidence.Report{}, fmt.Errorf("line %d: %w", n, lerr)
		}
	}
	sum, err := g.finish(rows)
	if err != nil {
		return evidence.Report{}, err
	}
	nothing(&sum, &g.warn)
	return evidence.Report{Tool: evidence.Tool{Name: "go test"}, Summary: evidence.Summary{Coverage: &sum}, Warnings: g.warn}, nil
}

// line reads one line: the mode or a block.
func (g *goCoverReader) line(n int, line []byte) error {
	if mode, ok := bytes.CutPrefix(line, []byte("mode: ")); ok {
		m := string(mode)
		switch {
		case m != "set" && m != "count" && m != "atomic":
			return fmt.Errorf("mode %q, want set, count or atomic", evidence.Cut(m))
		case g.mode == "":
			g.mode = m
		case g.mode != m:
			return fmt.Errorf("mode %s after mode %s: two profiles that do not fit together", m, g.mode)
		default:
			g.warn.Add(evidence.DuplicateEntry, fmt.Sprintf("line %d", n), "a second mode line: several profiles in one file were merged")
		}
		return nil
	}
	if g.mode == "" {
		return fmt.Errorf("a block before the mode line")
	}
	file, b, c, err := parseBlock(line)
	if err != nil {
		return err
	}
	number, known := g.files[string(file)]
	if !known {
		if g.kept += len(file) + fileCost; g.kept > evidence.MaxKept {
			return fmt.Errorf("more files than can be held; split the report")
		}
		number = int32(len(g.order))
		g.files[string(file)] = number
		g.order = append(g.order, string(file))
	}
	key := fileBlock{number, b}
	old, seen := g.blocks[key]
	if seen && old.statements != c.statements {
		return fmt.Errorf("a block of %d statements was %d before: profiles of two versions of the source", c.statements, old.statements)
	}
	if !seen {
		if len(g.blocks) >= evidence.MaxBlocks {
			return fmt.Errorf("more than %d blocks; split the report", evidence.MaxBlocks)
		}
	}
	g.blocks[key] = counted{c.statements, c.hit || old.hit}
	return nil
}

// parseBlock reads "file:line.col,line.col statements count".
func parseBlock(line []byte) (file []byte, b block, c counted, err error) {
	bad := func() ([]byte, block, counted, error) {
		return nil, block{}, counted{}, fmt.Errorf("%q is no block; want file:line.column,line.column statements count", evidence.Cut(string(line)))
	}
	colon := bytes.LastIndexByte(line, ':')
	if colon <= 0 {
		return bad()
	}
	var n [6]int64
	rest := line[colon+1:]
	for i, sep := range []byte{'.', ',', '.', ' ', ' ', 0} {
		text := rest
		if sep != 0 {
			at := bytes.IndexByte(rest, sep)
			if at < 0 {
				return bad()
			}
			text, rest = rest[:at], rest[at+1:]
		}
		v, perr := strconv.ParseUint(string(text), 10, 63)
		if perr != nil || i < 5 && v > math.MaxInt32 {
			return bad()
		}
		n[i] = int64(v)
	}
	b = block{int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3])}
	return line[:colon], b, counted{int32(n[4]), n[5] > 0}, nil
}

// finish writes the files, sorted, and returns the sums.
func (g *goCoverReader) finish(rows *evidence.Rows) (evidence.CoverageSummary, error) {
	if g.mode == "" {
		return evidence.CoverageSummary{}, fmt.Errorf("the mode line is missing")
	}
	type sum struct{ covered, total int64 }
	sums := make([]sum, len(g.order))
	for key, b := range g.blocks {
		s := &sums[key.file]
		s.total += int64(b.statements)
		if b.hit {
			s.covered += int64(b.statements)
		}
	}
	slices.Sort(g.order)
	var covered, total int64
	for _, path := range g.order {
		s := sums[g.files[path]]
		c, t := s.covered, s.total
		covered, total = covered+c, total+t
		if err := rows.File(evidence.CoverageFile{Path: path, Statement: evidence.RatioOf(c, t)}); err != nil {
			return evidence.CoverageSummary{}, err
		}
	}
	return evidence.CoverageSummary{Statement: evidence.RatioOf(covered, total), Files: int64(len(g.order))}, nil
}
