package formats

import (
	"bytes"
	"strings"

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

// inspect looks at the first bytes of a report. It never fails: what it cannot understand it does not note.
func inspect(b []byte) evidence.Head {
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
	r, err := strictxml.New(bytes.NewReader(b))
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

// inspectJSON notes members until the head ends or breaks. All documents of a sequence are looked at together.
func inspectJSON(h *evidence.Head, b []byte) {
	dec := jsontext.NewDecoder(bytes.NewReader(b), jsontext.AllowDuplicateNames(true))
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
