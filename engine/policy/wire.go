package policy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
)

// What goes through the pipes: to the evaluator its limits, the program and the input, back from it one reply, each as
// a length of eight bytes and so many bytes.

// errTooLarge is the error of a frame that is longer than the reader allows.
var errTooLarge = errors.New("the message is too large")

// reply is the evaluator's answer: problems, or a response. Class is "input" when the input did not fit its schema.
type reply struct {
	Problems Problems `json:"problems"`
	Class    string   `json:"class"`
	Response Response `json:"response"`
}

// budget is Limits as it goes through the pipe; durations in nanoseconds.
type budget struct {
	Memory int64 `json:"memory"`
	CPU    int64 `json:"cpu"`
	Wall   int64 `json:"wall"`
	Output int64 `json:"output"`
}

func (l Limits) budget() budget {
	return budget{Memory: l.Memory, CPU: int64(l.CPU), Wall: int64(l.Wall), Output: l.Output}
}

func (b budget) limits() Limits {
	return Limits{Memory: b.Memory, CPU: time.Duration(b.CPU), Wall: time.Duration(b.Wall), Output: b.Output}.orDefaults()
}

func writeFrame(w io.Writer, b []byte) error {
	var head [8]byte
	binary.BigEndian.PutUint64(head[:], uint64(len(b)))
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	_, err := w.Write(b)
	return err
}

func readFrame(r io.Reader, limit int64) ([]byte, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint64(head[:])
	if n > uint64(limit) {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are allowed", errTooLarge, n, limit)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	return b, nil
}

func writeJSON(w io.Writer, v any) error {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return err
	}
	return writeFrame(w, b)
}

func readJSON(r io.Reader, limit int64, v any) error {
	b, err := readFrame(r, limit)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v, json.RejectUnknownMembers(true))
}
