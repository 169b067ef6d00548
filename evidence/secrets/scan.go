package secrets

import "bytes"

// scan is a piece of a report in which secrets are searched and covered.
type scan struct {
	search *searcher
	buf    []byte
	// buf[out:ready] can be passed on, buf[:scanned] was searched, and buf[:covered] holds nothing that may match again.
	out, ready, scanned, covered int
	// open goes on with a secret that is longer than lookahead; nil when there is none.
	open func(c byte) verdict
	// before is how many bytes, and lines how many line ends, of the report lie before buf. Both start at -1 for the byte
	// that start puts there.
	before, lines int64
	findings      []Finding
	count         int
	escapes       bool
}

// start forgets everything but the buffer.
func (s *scan) start() {
	buf := s.buf
	if buf == nil {
		buf = make([]byte, 0, bufferSize)
	}
	buf = append(buf[:0], '\n') // what stands before the first byte: no letter
	*s = scan{buf: buf, out: 1, ready: 1, covered: 1, before: -1, lines: -1}
}

// Count is how many secrets were found so far. It is complete at the end of the report.
func (s *scan) Count() int { return s.count }

// Findings are the first secrets that were found.
func (s *scan) Findings() []Finding { return s.findings }

// Escapes reports whether letters, digits or signs of tokens were written as escapes so far (\u002d, &#45;). What is
// written so is not seen here; it has to be looked for in what a reader makes of it.
func (s *scan) Escapes() bool { return s.escapes }

// forget drops what was passed on, but for what lookback needs. An even number of bytes goes, as search wants.
func (s *scan) forget() {
	n := max(0, s.out-lookback) &^ 1
	s.before += int64(n)
	s.lines += int64(bytes.Count(s.buf[:n], []byte{'\n'}))
	s.buf = s.buf[:copy(s.buf, s.buf[n:])]
	s.out, s.ready, s.scanned, s.covered = s.out-n, s.ready-n, max(0, s.scanned-n), max(0, s.covered-n)
}

// look searches what is new. final says that nothing follows; else the last bytes are left for when more is there.
func (s *scan) look(final bool) {
	if s.search == nil {
		s.search = searcherFor(s.buf)
	}
	limit := len(s.buf)
	if !final {
		limit = max(0, limit-lookahead)
	}
	s.goOn()
	for {
		i, ok := s.search.next(s.buf, s.scanned, limit)
		s.scanned = i
		if !ok {
			break
		}
		s.judge(i, final)
		s.scanned += 2
	}
	s.ready = len(s.buf)
	if !final {
		s.ready = max(s.out, limit-lookback)
	}
}

// judge looks closely at a place where a block of a literal fits, and covers what is a secret.
func (s *scan) judge(i int, final bool) {
	for _, c := range s.search.at(s.buf, i) {
		start := i - c.place
		if start < max(s.covered, 1) || !bytes.HasPrefix(s.buf[start:], c.literal) {
			continue
		}
		m, ok := c.rule.find(s.buf, start, start+len(c.literal))
		if !ok {
			continue
		}
		if len(m.spans) == 0 {
			s.escapes = true
			continue
		}
		s.found(c.rule.name, start)
		for _, p := range m.spans {
			cover(s.buf[p.from:p.to])
		}
		s.covered = m.spans[len(m.spans)-1].to
		if s.covered == len(s.buf) && !final {
			s.open = m.goOn
		}
		return
	}
}

// found notes a finding.
func (s *scan) found(rule string, at int) {
	s.count++
	if len(s.findings) < maxFindings {
		line := s.lines + 1 + int64(bytes.Count(s.buf[:at], []byte{'\n'}))
		s.findings = append(s.findings, Finding{Rule: rule, Line: line, Byte: s.before + int64(at)})
	}
}

// verdict is what becomes of a byte behind a long secret.
type verdict int

const (
	ends verdict = iota
	stays
	covered
)

// goOn covers the rest of a secret that did not end in the buffer before.
func (s *scan) goOn() {
	for s.open != nil && s.covered < len(s.buf) {
		switch s.open(s.buf[s.covered]) {
		case ends:
			s.open = nil
			return
		case covered:
			cover(s.buf[s.covered : s.covered+1])
		}
		s.covered++
	}
}

// cover covers bytes, but leaves white space, so that lines stay lines.
func cover(b []byte) {
	for i, c := range b {
		if c > ' ' {
			b[i] = '*'
		}
	}
}
