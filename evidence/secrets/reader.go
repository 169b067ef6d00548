// Package secrets finds tokens and private keys in the bytes of a report while they are read, and takes them out.
//
// It knows secrets by their shape: the prefix that their issuer gives them, the length, the characters and, where there
// is one, the checksum. A password, or a random string without such a shape, is not found.
package secrets

import (
	"bytes"
	"io"
)

const (
	// lookahead is how many bytes of a secret are looked at to know it; what it has beyond that is taken out too.
	lookahead = 16 << 10
	// lookback is how many bytes before a prefix stay in the buffer: to see what stands before it.
	lookback = 64
	// bufferSize is what is read at a time.
	bufferSize = 128 << 10
	// maxFindings is how many findings are kept; the rest are counted.
	maxFindings = 20
)

// Finding says where a secret stands and of which sort it is; what it is, is said nowhere. Line counts from 1, Byte from
// 0, in the text of the report (unpacked, if it was packed).
type Finding struct {
	Rule string
	Line int64
	Byte int64
}

// Reader passes a report on with every secret replaced by as many "*", so that nothing behind it ever sees one. Lines,
// lengths and the syntax of JSON, XML and text stay as they are. It holds bufferSize bytes whatever the report's size.
type Reader struct {
	src io.Reader
	err error
	scan
}

// NewReader returns a Reader of src.
func NewReader(src io.Reader) *Reader {
	r := &Reader{}
	r.Reset(src)
	return r
}

// Reset forgets everything and starts with another report, in the same buffer.
func (r *Reader) Reset(src io.Reader) {
	r.src, r.err = src, nil
	r.start()
}

// Read passes on the report, masked.
func (r *Reader) Read(p []byte) (int, error) {
	for r.out == r.ready {
		if r.err != nil && r.ready == len(r.buf) {
			return 0, r.err
		}
		r.forget()
		for r.err == nil && len(r.buf) < cap(r.buf) {
			var n int
			n, r.err = r.src.Read(r.buf[len(r.buf):cap(r.buf)])
			r.buf = r.buf[:len(r.buf)+n]
		}
		r.look(r.err != nil)
	}
	n := copy(p, r.buf[r.out:r.ready])
	r.out += n
	return n, nil
}

// Find looks for secrets in a text.
func Find(text []byte) (findings []Finding, count int) {
	r := small(text)
	_, _ = io.Copy(io.Discard, r) // a bytes.Reader has no errors
	return r.Findings(), r.Count()
}

// Mask returns a text without the secrets in it.
func Mask(text string) string {
	masked, _ := io.ReadAll(small([]byte(text))) // a bytes.Reader has no errors
	return string(masked)
}

// small returns a Reader that needs no more memory than the text.
func small(text []byte) *Reader {
	r := &Reader{}
	r.buf = make([]byte, 0, min(len(text)+2, bufferSize))
	r.Reset(bytes.NewReader(text))
	return r
}

// Writer looks for secrets in what is written to it and keeps nothing of it. Close must be called to look at the end.
type Writer struct{ scan }

// NewWriter returns a Writer.
func NewWriter() *Writer {
	w := &Writer{}
	w.start()
	return w
}

// Write looks at p.
func (w *Writer) Write(p []byte) (int, error) {
	for left := p; len(left) > 0; {
		n := copy(w.buf[len(w.buf):cap(w.buf)], left)
		w.buf, left = w.buf[:len(w.buf)+n], left[n:]
		if len(w.buf) == cap(w.buf) {
			w.look(false)
			w.out = w.ready
			w.forget()
		}
	}
	return len(p), nil
}

// Close looks at what is left.
func (w *Writer) Close() error {
	w.look(true)
	return nil
}
