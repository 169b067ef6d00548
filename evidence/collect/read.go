package collect

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/formats"
)

// reading is one report that was read but not yet committed.
type reading struct {
	item      evidence.Item
	raw, rows *held
}

// abort forgets the blobs of a report.
func (r *reading) abort() {
	r.raw.abort()
	r.rows.abort()
}

// commit makes the blobs durable and completes the item. The rows of an attestation are not kept: they are read again from what was
// signed.
func (r *reading) commit() error {
	if r.item.Attested != nil {
		r.rows.abort()
		err := r.raw.commit()
		r.item.Raw.Digest, r.item.Raw.Size = r.raw.digest, r.raw.size
		return err
	}
	if err := errors.Join(r.raw.commit(), r.rows.commit()); err != nil {
		return err
	}
	r.item.Raw.Digest, r.item.Raw.Size = r.raw.digest, r.raw.size
	r.item.Rows.Digest, r.item.Rows.Size = r.rows.digest, r.rows.size
	return nil
}

// rowsMediaType is that of a document of rows.
const rowsMediaType = "application/vnd.cdgate.rows.v1+json"

// readSource reads one file, stdin or what was made, in one pass: its bytes go to the raw blob and to the reader together. It is
// one report, or several attestations.
func readSource(ctx context.Context, s source, req Request, h *holder) ([]*reading, error) {
	in := req.Stdin
	switch {
	case s.made != nil:
		in = bytes.NewReader(s.made.Data)
	case s.root != nil:
		f, err := openRegular(s.root, s.rel)
		if err != nil {
			return nil, err
		}
		defer f.Close() // read only
		in = f
	}
	if in == nil {
		return nil, errors.New("there is no standard input")
	}
	h.progress.start(s.name)
	r := &reading{raw: h.blob(), rows: h.blob()}
	attested, err := r.read(ctx, s, req, in, h)
	if err == nil && len(attested) == 0 {
		return []*reading{r}, nil
	}
	r.abort()
	if err != nil {
		for _, a := range attested {
			a.abort()
		}
		return nil, err
	}
	return attested, nil
}

// read reads a report into r, or gives the attestations that the file holds.
func (r *reading) read(ctx context.Context, s source, req Request, in io.Reader, h *holder) ([]*reading, error) {
	// With redact the report is what is left of it; else it is the file, and is not kept when something has to go.
	file := io.Reader(&bounded{ctx: ctx, r: in, left: evidence.MaxReportBytes, progress: h.progress})
	if !h.redact {
		file = io.TeeReader(file, r.raw)
	}
	packed := &counter{r: file}
	plain, isPacked, err := unpack(packed)
	if err != nil {
		return nil, err
	}
	head, err := h.readHead(plain)
	if err != nil {
		return nil, err
	}
	begin := io.MultiReader(bytes.NewReader(head), plain)
	own := req.Own[s.kind]
	if own == nil && req.Attestations != nil && formats.IsAttestation(head) {
		out, err := readAttested(begin, s, req, h)
		return out, errors.Join(err, ended(packed, isPacked))
	}
	g := h.guard(begin)
	if plain = g.secrets; h.redact {
		plain = io.TeeReader(plain, r.raw)
	}
	var f evidence.Format
	var report evidence.Report
	if own != nil {
		f, err = readOwn(plain, s, own, g.rows(r.rows))
	} else {
		f, report, err = formats.Read(plain, s.kind, g.rows(r.rows))
	}
	if err == nil && evidence.IsAttested(f.Kind) {
		err = fmt.Errorf("read %s: nobody signed it; collect the attestation it stands in, with its signature (a Sigstore bundle or a DSSE envelope)", f.Title)
	}
	if err = g.judge(err, s.name, &report); err != nil {
		return nil, err
	}
	if err := ended(packed, isPacked); err != nil {
		return nil, err
	}
	level := s.level
	if level == "" && f.Kind == evidence.Tests {
		level = defaultLevel
	}
	media := f.MediaType
	if isPacked && !h.redact {
		media += "+gzip"
	}
	r.item = evidence.Item{
		Kind: f.Kind, Level: level, Format: f.Name, Tool: report.Tool, Summary: report.Summary, Warnings: report.Warnings.List(),
		Raw:  evidence.Descriptor{Name: s.name, MediaType: media},
		Rows: evidence.Descriptor{MediaType: rowsMediaType}, Path: s.name,
	}
	return nil, nil
}

// readHead reads the beginning of a report, into a buffer that the next report has too.
func (h *holder) readHead(plain io.Reader) ([]byte, error) {
	if h.head == nil {
		h.head = make([]byte, evidence.HeadBytes)
	}
	n, err := io.ReadFull(plain, h.head)
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return h.head[:n], err
}

// ended refuses what follows a compressed report.
func ended(packed *counter, isPacked bool) error {
	if n, err := io.Copy(io.Discard, packed); err != nil {
		return err
	} else if n > 0 && isPacked {
		return fmt.Errorf("%d bytes after the end of the compressed report", n)
	}
	return nil
}

// unpack returns the report inside a gzip file, or the report itself. What it unpacks to is bounded.
func unpack(packed *counter) (plain io.Reader, isPacked bool, err error) {
	buffered := bufio.NewReaderSize(packed, 32<<10)
	if is, err := isGzip(buffered); !is {
		return buffered, false, err
	}
	z, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, false, fmt.Errorf("unpack the report: %w", err)
	}
	z.Multistream(false)
	return &unpacked{z: z, buffered: buffered, packed: packed}, true, nil
}

// isGzip reports whether a gzip member (RFC 1952 section 2.3.1) starts here.
func isGzip(r *bufio.Reader) (bool, error) {
	magic, err := r.Peek(2)
	if err != nil && err != io.EOF {
		return false, err
	}
	return bytes.Equal(magic, []byte{0x1F, 0x8B}), nil
}

// counter counts what was read.
type counter struct {
	r io.Reader
	n int64
}

// Read passes on the inner reader.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// bounded ends with an error when there is more than left, or when the context is done.
type bounded struct {
	ctx      context.Context
	r        io.Reader
	left     int64
	progress *progress
}

// Read passes on the inner reader within the bounds.
func (b *bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p)
	b.progress.add(n)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("the report is larger than %d MiB; split it", evidence.MaxReportBytes>>20)
	}
	return n, err
}

// maxMembers is how many gzip members one report may have: tools that pack in parallel write one for some 64 KiB or more.
const maxMembers = 2 * evidence.MaxReportBytes / (64 << 10)

// unpacked bounds what a gzip file unpacks to, by size and by ratio. The members of a file are one report, as RFC 1952 section
// 2.2 says.
type unpacked struct {
	z        *gzip.Reader
	buffered *bufio.Reader
	packed   *counter
	n        int64
	members  int
}

// Read unpacks. A member without content does not end it, nor does it return nothing for one.
func (u *unpacked) Read(p []byte) (n int, err error) {
	for n == 0 && err == nil && len(p) > 0 {
		n, err = u.read(p)
	}
	return n, err
}

func (u *unpacked) read(p []byte) (int, error) {
	n, err := u.z.Read(p)
	u.n += int64(n)
	switch {
	case u.n > evidence.MaxReportBytes:
		return 0, fmt.Errorf("the report unpacks to more than %d MiB; split it", evidence.MaxReportBytes>>20)
	case u.n > evidence.MaxPackedFree+evidence.MaxPackedRatio*u.packed.n:
		return 0, fmt.Errorf("the report unpacks to more than %d times its size, which no real report does; collect it unpacked", evidence.MaxPackedRatio)
	case err == io.EOF:
		err = u.next()
	}
	if err != nil && err != io.EOF {
		err = unpackError(err)
	}
	return n, err
}

// next goes on to the member behind the one that ended; io.EOF says that the file ends there.
func (u *unpacked) next() error {
	is, err := isGzip(u.buffered)
	if is {
		if u.members++; u.members > maxMembers {
			return fmt.Errorf("more than %d compressed files one after the other; collect it unpacked", maxMembers)
		}
		if err = u.z.Reset(u.buffered); err == nil {
			u.z.Multistream(false)
		}
		return err
	}
	if err != nil {
		return err
	}
	if _, err := u.buffered.Peek(1); err != nil {
		return err
	}
	return errors.New("something that is not compressed follows the end of the compressed report; collect the file that was written, or unpack it")
}

// unpackError says what is wrong with a compressed report.
func unpackError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the compressed report ends in the middle: it was cut off")
	}
	return fmt.Errorf("unpack the report: %w", err)
}
