package collect

import (
	"errors"

	"cdgate.dev/cdgate/evidence/secrets"
)

const (
	// heldBlob is how much of a blob is kept in memory before the spool gets it, heldAll how much of all together.
	heldBlob = 256 << 10
	heldAll  = 16 << 20
	// heldOpen is how many blobs may be open in the spool at once. Beyond that they are committed before all reports are
	// read: blobs that nothing names do no harm, and open files are few.
	heldOpen = 128
)

// holder keeps blobs back until every report is known to be good.
type holder struct {
	spool Spool
	bytes int
	open  int
	// head is where the beginning of a report is read to.
	head []byte
	// secrets is what every report is read through; redact says what becomes of a report that has some.
	secrets *secrets.Reader
	redact  bool
	// progress is told of every byte; nil when nobody wants to know.
	progress *progress
}

// held is a blob that is kept back.
type held struct {
	h      *holder
	buf    []byte
	inner  Blob
	digest string
	size   int64
	done   bool
}

func (h *holder) blob() *held { return &held{h: h} }

// Write keeps p, or passes it on when there is too much of it.
func (b *held) Write(p []byte) (int, error) {
	if b.inner == nil && len(b.buf)+len(p) <= heldBlob && b.h.bytes+len(p) <= heldAll {
		b.buf = append(b.buf, p...)
		b.h.bytes += len(p)
		return len(p), nil
	}
	if err := b.pass(); err != nil {
		return 0, err
	}
	return b.inner.Write(p)
}

// pass hands what was kept to the spool.
func (b *held) pass() error {
	if b.inner != nil {
		return nil
	}
	inner, err := b.h.spool.Blob()
	if err != nil {
		return err
	}
	b.inner = inner
	b.h.open++
	if len(b.buf) > 0 {
		_, err = inner.Write(b.buf)
	}
	b.h.bytes -= len(b.buf)
	b.buf = nil
	return err
}

// commit makes the blob durable. Committing twice gives the same answer.
func (b *held) commit() error {
	if b.done {
		if b.digest == "" {
			return errors.New("commit a blob that was given up")
		}
		return nil
	}
	if err := b.pass(); err != nil {
		return err
	}
	digest, size, err := b.inner.Commit()
	if err != nil {
		b.abort()
		return err
	}
	b.h.open--
	b.digest, b.size, b.done = digest, size, true
	return nil
}

// abort forgets the blob, unless it was committed.
func (b *held) abort() {
	if b.done {
		return
	}
	b.done = true
	b.h.bytes -= len(b.buf)
	b.buf = nil
	if b.inner != nil {
		b.h.open--
		b.inner.Abort()
	}
}
