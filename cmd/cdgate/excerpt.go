package main

import "fmt"

// excerptPart is how many bytes of the beginning, and as many of the end, are kept of an output.
const excerptPart = 32 << 10

// excerpt keeps the beginning and the end of what is written to it, in bounded memory.
type excerpt struct {
	head, tail []byte
	n          int64
}

func (e *excerpt) add(p []byte) {
	e.n += int64(len(p))
	room := min(excerptPart-len(e.head), len(p))
	e.head = append(e.head, p[:room]...)
	p = p[room:]
	if len(p) > excerptPart {
		p = p[len(p)-excerptPart:]
	}
	if e.tail = append(e.tail, p...); len(e.tail) > 2*excerptPart {
		e.tail = append([]byte(nil), e.tail[len(e.tail)-excerptPart:]...)
	}
}

// document is the excerpt as evidence has it. Where something is left out a line says how much.
func (e *excerpt) document() outputDocument {
	tail := e.tail
	if len(tail) > excerptPart {
		tail = tail[len(tail)-excerptPart:]
	}
	left := e.n - int64(len(e.head)) - int64(len(tail))
	if left == 0 {
		return outputDocument{Text: validText(string(e.head) + string(tail)), Bytes: e.n}
	}
	return outputDocument{Text: fmt.Sprintf("%s\n… %d bytes left out …\n%s", validText(string(e.head)), left, validText(string(tail))), Bytes: e.n, Cut: true}
}
