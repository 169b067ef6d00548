// Package coverage holds the readers of coverage reports, one format per file.
package coverage

import (
	"fmt"
	"slices"

	"cdgate.dev/cdgate/evidence"
)

// record is what one entry of a report says about one line.
type record struct {
	line            int32
	hit             bool
	covered, branch int32
}

// lineFiles gathers line records by file and merges them at the end: a line counts once however often it is reported.
type lineFiles struct {
	order   []string
	records map[string][]record
	// branches are covered and all branches of a file, for formats that report them apart from lines.
	branches map[string][2]int64
	n        int
	kept     int
}

// fileCost is about what a file takes in memory beside its name and lines, in bytes.
const fileCost = 256

// file notes that a file is part of the report.
func (l *lineFiles) file(path string) error {
	if l.records == nil {
		l.records = map[string][]record{}
	}
	if _, ok := l.records[path]; !ok {
		if l.kept += len(path) + fileCost; l.kept > evidence.MaxKept {
			return fmt.Errorf("more files than can be held; split the report")
		}
		l.order = append(l.order, path)
		l.records[path] = nil
	}
	return nil
}

// add notes records of a file, and keeps the slice for itself if it can.
func (l *lineFiles) add(path string, records []record) (kept bool, err error) {
	if err := l.file(path); err != nil {
		return false, err
	}
	if l.n += len(records); l.n > evidence.MaxLines {
		return false, fmt.Errorf("more than %d lines; split the report", evidence.MaxLines)
	}
	old := l.records[path]
	if kept = len(old) == 0 && len(records) > cap(records)/2; kept {
		l.records[path] = records
		return true, nil
	}
	l.records[path] = append(old, records...)
	return false, nil
}

// finish merges the records, writes a row for each file in the order of their first appearance, and returns the sums.
// A line is covered if any of its records was; its branches are those of its best record.
func (l *lineFiles) finish(rows *evidence.Rows) (evidence.CoverageSummary, error) {
	var all [4]int64
	for _, path := range l.order {
		var sum [4]int64
		records := l.records[path]
		slices.SortFunc(records, func(a, b record) int { return int(a.line) - int(b.line) })
		for i := 0; i < len(records); {
			best := records[i]
			for i++; i < len(records) && records[i].line == best.line; i++ {
				best = merge(best, records[i])
			}
			sum[1]++
			if best.hit {
				sum[0]++
			}
			sum[2] += int64(best.covered)
			sum[3] += int64(best.branch)
		}
		sum[2] += l.branches[path][0]
		sum[3] += l.branches[path][1]
		for i := range all {
			all[i] += sum[i]
		}
		row := evidence.CoverageFile{Path: path, Line: evidence.RatioOf(sum[0], sum[1]), Branch: evidence.RatioOf(sum[2], sum[3])}
		if err := rows.File(row); err != nil {
			return evidence.CoverageSummary{}, err
		}
	}
	return evidence.CoverageSummary{
		Line: evidence.RatioOf(all[0], all[1]), Branch: evidence.RatioOf(all[2], all[3]), Files: int64(len(l.order)),
	}, nil
}

// merge joins two records of one line. Of the branches the record with the higher share counts, of equal shares the
// one that knows of more.
func merge(a, b record) record {
	left, right := int64(a.covered)*int64(max(b.branch, 1)), int64(b.covered)*int64(max(a.branch, 1))
	better := a.branch == 0 || b.branch != 0 && (right > left || right == left && b.branch > a.branch)
	if better {
		a.covered, a.branch = b.covered, b.branch
	}
	a.hit = a.hit || b.hit
	return a
}

// nothing warns when nothing was measured at all.
func nothing(s *evidence.CoverageSummary, w *evidence.Warnings) {
	if !s.Line.Measured && !s.Branch.Measured && !s.Statement.Measured && !s.Function.Measured && !s.Instruction.Measured {
		w.Add(evidence.NothingMeasured, "", "the report holds nothing that was measured: its coverage is unknown, whatever it declares")
	}
}
