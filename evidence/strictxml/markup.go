package strictxml

import (
	"bytes"
	"errors"
	"io"

	"cdgate.dev/cdgate/evidence"
)

var errShort = errors.New("tag goes on beyond the buffer")

// readMarkup reads what starts with '<': a tag, comment, declaration or instruction. It returns None for what is
// skipped.
func (r *Reader) readMarkup() (Event, error) {
	for {
		ev, n, err := r.parseMarkup(r.buf[r.pos:r.end])
		if err == nil {
			r.pos += n
			return ev, nil
		}
		if err != errShort {
			return None, err
		}
		if r.end-r.pos > evidence.MaxToken {
			return None, r.Errorf("a tag of more than %d bytes", evidence.MaxToken)
		}
		if err := r.fill(); err == io.EOF {
			return None, r.Errorf("the report ends inside a tag: it was cut off")
		} else if err != nil {
			return None, err
		}
	}
}

// parseMarkup parses b, which starts with '<', and returns how many bytes it used.
func (r *Reader) parseMarkup(b []byte) (Event, int, error) {
	if len(b) < 2 {
		return None, 0, errShort
	}
	switch b[1] {
	case '/':
		return r.parseEnd(b)
	case '?':
		return r.parseInstruction(b)
	case '!':
		return r.parseDeclaration(b)
	}
	return r.parseStart(b)
}

func (r *Reader) parseEnd(b []byte) (Event, int, error) {
	close := bytes.IndexByte(b, '>')
	if close < 0 {
		return None, 0, errShort
	}
	name := bytes.TrimRight(b[2:close], " \t\r\n")
	if len(r.stack) == 0 {
		return None, 0, r.Errorf("</%s> closes nothing", shown(name))
	}
	if !bytes.Equal(name, r.Name()) {
		return None, 0, r.Errorf("</%s> closes <%s>", shown(name), r.Name())
	}
	r.pop = true
	r.attrs = r.attrs[:0]
	return End, close + 1, nil
}

func (r *Reader) parseInstruction(b []byte) (Event, int, error) {
	end := bytes.Index(b[2:], []byte("?>"))
	if end < 0 {
		return None, 0, errShort
	}
	name := b[2 : 2+end]
	if i := bytes.IndexAny(name, " \t\r\n"); i >= 0 {
		name = name[:i]
	}
	if len(name) == 0 || !isName(name) {
		return None, 0, r.Errorf("a processing instruction without a name")
	}
	if bytes.EqualFold(name, []byte("xml")) && r.started {
		return None, 0, r.Errorf("an XML declaration in the middle: two documents in one file?")
	}
	r.started = true
	return None, end + 4, nil
}

// parseDeclaration reads comments, CDATA sections and the document type.
func (r *Reader) parseDeclaration(b []byte) (Event, int, error) {
	r.started = true
	switch {
	case bytes.HasPrefix(b, []byte("<!--")):
		return r.skipComment()
	case bytes.HasPrefix(b, []byte("<![CDATA[")):
		if len(r.stack) == 0 {
			return None, 0, r.Errorf("text outside of the root element")
		}
		r.cdata = true
		return None, len("<![CDATA["), nil
	case bytes.HasPrefix(b, []byte("<!DOCTYPE")):
		return r.parseDoctype(b)
	case len(b) < len("<![CDATA["):
		return None, 0, errShort
	}
	return None, 0, r.Errorf("a declaration %q, which a report may not hold", shown(b[:9]))
}

// parseDoctype passes over a document type declaration. One with an internal subset could define entities and is
// refused; external names are never fetched.
func (r *Reader) parseDoctype(b []byte) (Event, int, error) {
	var quote byte
	for i, c := range b {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '[':
			// An empty subset, as Pester writes it, defines nothing.
			if rest := bytes.TrimLeft(b[i+1:], " \t\r\n"); len(rest) == 0 {
				return None, 0, errShort
			} else if rest[0] == ']' {
				continue
			}
			return None, 0, r.Errorf("a DOCTYPE with definitions of its own (entities), which is refused; remove it from the report")
		case c == '<' && i > 0:
			return None, 0, r.Errorf("a broken DOCTYPE") // also a comment in it
		case c == '>':
			if r.rootSeen || r.doctype != "" {
				return None, 0, r.Errorf("a second DOCTYPE, or one after the root element")
			}
			r.doctype = string(b[2:i])
			return None, i + 1, nil
		}
	}
	return None, 0, errShort
}

// skipComment passes over a comment of any length.
func (r *Reader) skipComment() (Event, int, error) {
	r.pos += len("<!--")
	for {
		b := r.buf[r.pos:r.end]
		i := bytes.Index(b, []byte("--"))
		switch {
		case i >= 0 && i+2 < len(b):
			if b[i+2] != '>' {
				return None, 0, r.Errorf("\"--\" inside a comment")
			}
			r.pos += i + 3
			return None, 0, nil
		case i >= 0:
			r.pos += i
		case len(b) > 1:
			r.pos = r.end - 1
		}
		if err := r.fill(); err == io.EOF {
			return None, 0, r.Errorf("the report ends inside a comment: it was cut off")
		} else if err != nil {
			return None, 0, err
		}
	}
}
