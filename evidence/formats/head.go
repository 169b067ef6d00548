package formats

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictxml"
)

const (
	// headDepth is how deep places are noted, headPaths how many, headText how long their text may be.
	headDepth = 5
	headPaths = 2000
	headText  = 200
)

// inspect looks at the first bytes of a report. It never fails, and it is lenient: a damaged report must be recognised
// for what it is, so that its reader refuses it and nobody takes it for some other file.
func inspect(b []byte) evidence.Head {
	if isUTF16(b) {
		b = fromUTF16(b)
	}
	b = bytes.TrimPrefix(b, []byte("\xEF\xBB\xBF"))
	h := evidence.Head{Syntax: evidence.Text, Paths: map[string]string{}, Bytes: b}
	trimmed := bytes.TrimLeft(b, " \t\r\n")
	if len(trimmed) == 0 {
		return h
	}
	switch trimmed[0] {
	case '<':
		inspectXML(&h, b)
	case '{', '[':
		inspectJSON(&h, trimmed)
	}
	return h
}

func note(h *evidence.Head, path, text string) {
	if _, ok := h.Paths[path]; ok || len(h.Paths) >= headPaths {
		return
	}
	if len(text) > headText {
		text = ""
	}
	h.Paths[path] = text
}

// inspectXML notes elements and attributes until the head ends or breaks.
func inspectXML(h *evidence.Head, b []byte) {
	r, err := strictxml.New(bytes.NewReader(mended(b)))
	if err != nil {
		return
	}
	var path []string
	for {
		ev, err := r.Next()
		if err != nil || ev == strictxml.EOF {
			return
		}
		switch ev {
		case strictxml.Start:
			if len(path) == 0 {
				h.Syntax, h.Root, h.Space = evidence.XML, string(r.Local()), strings.Clone(r.Space())
			}
			path = append(path, string(r.Local()))
			if len(path) > headDepth {
				continue
			}
			place := strings.Join(path, "/")
			note(h, place, "")
			for _, a := range r.Attrs() {
				note(h, place+"/@"+string(a.Name), string(a.Value))
			}
		case strictxml.End:
			path = path[:len(path)-1]
		}
	}
}

// subset is a DOCTYPE with definitions of its own.
var subset = regexp.MustCompile(`(?s)<!DOCTYPE[^\[>]*\[.*?\]\s*>`)

// mended returns XML without what would stop a strict reader at once: control characters, bytes that are no UTF-8, and
// a DOCTYPE with definitions.
func mended(b []byte) []byte {
	out := bytes.ToValidUTF8(b, []byte("?"))
	out = bytes.Map(func(r rune) rune {
		if r < ' ' && r != '\n' {
			return ' '
		}
		return r
	}, out)
	return subset.ReplaceAll(out, nil)
}

// isUTF16 reports whether bytes start like UTF-16.
func isUTF16(b []byte) bool {
	return len(b) >= 2 && (b[0] == 0xFF && b[1] == 0xFE || b[0] == 0xFE && b[1] == 0xFF || (b[0] == '<' || b[0] == '{') && b[1] == 0 ||
		b[0] == 0 && (b[1] == '<' || b[1] == '{'))
}

// fromUTF16 returns UTF-16 as UTF-8.
func fromUTF16(b []byte) []byte {
	big := b[0] == 0xFE || b[0] == 0
	var units []uint16
	for i := 0; i+1 < len(b); i += 2 {
		hi, lo := b[i+1], b[i]
		if big {
			hi, lo = lo, hi
		}
		units = append(units, uint16(hi)<<8|uint16(lo))
	}
	return []byte(string(utf16.Decode(units)))
}

// inspectJSON notes members until the head ends or breaks. All documents of a sequence are looked at together.
func inspectJSON(h *evidence.Head, b []byte) {
	dec := jsontext.NewDecoder(bytes.NewReader(b), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	type level struct {
		prefix string
		array  bool
	}
	levels := []level{{}}
	name := ""
	for {
		top := &levels[len(levels)-1]
		inObject := len(levels) > 1 && !top.array
		_, length := dec.StackIndex(dec.StackDepth())
		isName := inObject && length%2 == 0
		tok, err := dec.ReadToken()
		if err != nil {
			if inObject && !isName && len(levels) <= headDepth+1 {
				note(h, strings.TrimPrefix(top.prefix+"."+name, "."), "") // a member whose value is broken
			}
			return
		}
		if h.Syntax == evidence.Text {
			h.Syntax = evidence.JSON
		}
		if isName && tok.Kind() == '"' {
			name = tok.String()
			continue
		}
		path := top.prefix
		if inObject {
			path = strings.TrimPrefix(path+"."+name, ".")
		}
		switch tok.Kind() {
		case '{', '[':
			if len(levels) > 100 {
				return
			}
			if len(levels) <= headDepth+1 {
				note(h, path, "")
			}
			if tok.Kind() == '[' {
				levels = append(levels, level{path + "[]", true})
			} else {
				levels = append(levels, level{path, false})
			}
		case '}', ']':
			levels = levels[:len(levels)-1]
		default:
			if len(levels) <= headDepth+1 {
				note(h, path, tok.String())
			}
		}
	}
}
