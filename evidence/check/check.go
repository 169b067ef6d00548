// Package check reads how named checks ended: those of a platform, and commands that were run.
package check

import (
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/platform"
)

// The conclusions of checks that platforms have several words for.
const (
	success    = "success"
	failure    = "failure"
	unfinished = "unfinished"
)

// finish writes and counts the checks of a platform.
func finish(r *platform.Reader, rows *evidence.Rows, list []evidence.CheckRow, complete bool) (*evidence.CheckSummary, error) {
	sum := &evidence.CheckSummary{Checks: int64(len(list)), Complete: complete}
	for _, row := range list {
		switch row.Conclusion {
		case success:
			sum.Passed++
		case failure, "timed_out":
			sum.Failed++
		case unfinished:
			sum.Unfinished++
		default:
			sum.Other++
		}
		if err := rows.Row(row); err != nil {
			return nil, err
		}
	}
	if len(list) == 0 {
		r.Empty("checks")
	}
	sum.OK = complete && sum.Checks > 0 && sum.Passed == sum.Checks
	return sum, nil
}
