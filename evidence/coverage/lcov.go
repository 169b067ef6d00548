package coverage

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"cdgate.dev/cdgate/evidence"
)

// LCOV is the tracefile of lcov and geninfo. A line is a file and number, a branch a file, line, block and branch; each is
// covered if any of its records was.
func LCOV() evidence.Format {
	return evidence.Format{
		Name: "lcov", Title: "LCOV tracefile", Kind: evidence.Coverage, MediaType: "text/plain",
		Recognised: "first line `TN:` or `SF:`",
		Tools:      "lcov, gcov, Istanbul, Vitest, coverage.py, coverlet, llvm-cov, Dart, Deno",
		Limits:     "functions and checksums are not read; a last record without end counts, and is told",
		Match: func(h evidence.Head) bool {
			b := bytes.TrimLeft(h.Bytes, " \t\r\n")
			return h.Syntax == evidence.Text && (bytes.HasPrefix(b, []byte("TN:")) || bytes.HasPrefix(b, []byte("SF:")))
		},
		Read: readLCOV,
	}
}

type lcovReader struct {
	files    lineFiles
	warn     evidence.Warnings
	file     string
	open     bool
	branches map[string]map[string]bool
	kept     int
	declared map[string]int64
}

func readLCOV(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
	l := &lcovReader{branches: map[string]map[string]bool{}, declared: map[string]int64{}}
	in := bufio.NewReaderSize(r, 64<<10)
	for n := 1; ; n++ {
		line, err := in.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			return evidence.Report{}, fmt.Errorf("line %d: longer than any line of a tracefile", n)
		}
		if err != nil && err != io.EOF {
			return evidence.Report{}, fmt.Errorf("line %d: %w", n, err)
		}
		if lerr := l.line(n, strings.TrimSpace(string(line))); lerr != nil {
			return evidence.Report{}, fmt.Errorf("line %d: %w", n, lerr)
		}
		if err == io.EOF {
			break
		}
	}
	if l.open {
		l.warn.Add(evidence.Incomplete, "", "the last record has no end_of_record: the report may have been cut off")
	}
	l.files.branches = map[string][2]int64{}
	for path, branches := range l.branches {
		var sum [2]int64
		for _, hit := range branches {
			sum[1]++
			if hit {
				sum[0]++
			}
		}
		l.files.branches[path] = sum
	}
	s, err := l.files.finish(rows)
	if err != nil {
		return evidence.Report{}, err
	}
	if n, ok := l.declared["LF"]; ok && n != s.Line.Total {
		l.warn.Add(evidence.CountsDisagree, "LF", "the LF lines say %d, the records give %d", n, s.Line.Total)
	}
	if n, ok := l.declared["LH"]; ok && n != s.Line.Covered {
		l.warn.Add(evidence.CountsDisagree, "LH", "the LH lines say %d, the records give %d", n, s.Line.Covered)
	}
	nothing(&s, &l.warn)
	return evidence.Report{Summary: evidence.Summary{Coverage: &s}, Warnings: l.warn}, nil
}

// lcovKinds are the records of a tracefile, as man geninfo lists them up to lcov 2.
var lcovKinds = map[string]bool{
	"TN": true, "SF": true, "VER": true, "FN": true, "FNDA": true, "FNF": true, "FNH": true, "FNL": true, "FNA": true, "BRDA": true, "BRF": true,
	"BRH": true, "MCDC": true, "MCF": true, "MCH": true, "DA": true, "LF": true, "LH": true,
}

// line reads one record line; what is none is passed over with a warning.
func (l *lcovReader) line(n int, text string) error {
	if strings.IndexByte(text, 0) >= 0 {
		return fmt.Errorf("binary data")
	}
	kind, value, colon := strings.Cut(text, ":")
	switch {
	case text == "end_of_record":
		l.open, l.file = false, ""
		return nil
	case text == "":
		return nil
	case !colon || !lcovKinds[kind]:
		if lcovKinds[strings.ToUpper(kind)] || strings.EqualFold(text, "end_of_record") || evidence.Misspelt(text, "end_of_record", len(text)) {
			return fmt.Errorf("%q is in the wrong case or misspelt", evidence.Cut(text))
		}
		code := evidence.UnreadableLines
		if colon {
			code = evidence.BreaksFormat // it may be a record that counts
		}
		l.warn.Add(code, fmt.Sprintf("line %d", n), "a line that is no record of a tracefile was passed over: %q", evidence.Cut(text))
		return nil
	case kind == "SF":
		if l.open {
			l.warn.Add(evidence.BreaksFormat, fmt.Sprintf("line %d", n), "a record starts before the one of %q ended", evidence.Cut(l.file))
		}
		if len(value) > evidence.MaxName {
			return fmt.Errorf("a path of %d bytes", len(value))
		}
		l.file, l.open = strings.ToValidUTF8(value, "\uFFFD"), true
		return l.files.file(l.file)
	case kind == "LF", kind == "LH":
		if v, err := strconv.ParseUint(value, 10, 40); err == nil {
			l.declared[kind] += int64(v)
		}
		return nil
	case kind != "DA" && kind != "BRDA":
		return nil
	case !l.open:
		return fmt.Errorf("%s outside of a record", kind)
	}
	ok, err := false, error(nil)
	if kind == "DA" {
		ok, err = l.data(value)
	} else {
		ok, err = l.branch(value)
	}
	if !ok && err == nil {
		l.warn.Add(evidence.BadNumber, fmt.Sprintf("line %d", n), "%q cannot be read; it was left out", evidence.Cut(text))
	}
	return err
}

// data reads "line,count[,checksum]".
func (l *lcovReader) data(value string) (bool, error) {
	part := strings.SplitN(value, ",", 3)
	if len(part) < 2 {
		return false, nil
	}
	n, err := strconv.ParseUint(part[0], 10, 31)
	if err != nil || !digits(part[1]) {
		return false, nil
	}
	_, err = l.files.add(l.file, []record{{line: int32(n), hit: strings.Trim(part[1], "0") != ""}})
	return true, err
}

// branch reads "line,block,branch,taken"; "-" is not taken.
func (l *lcovReader) branch(value string) (bool, error) {
	at := strings.LastIndexByte(value, ',')
	number, rest, ok := strings.Cut(value, ",")
	if !ok || at <= len(number) || !digits(number) || rest == "" {
		return false, nil
	}
	taken := value[at+1:]
	if taken != "-" && !digits(taken) {
		return false, nil
	}
	m := l.branches[l.file]
	if m == nil {
		m = map[string]bool{}
		l.branches[l.file] = m
	}
	if l.kept += at + 48; l.kept > evidence.MaxKept {
		return false, fmt.Errorf("more branches than can be held; split the report")
	}
	m[value[:at]] = m[value[:at]] || taken != "-" && strings.Trim(taken, "0") != ""
	return true, nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
