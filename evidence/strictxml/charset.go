package strictxml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// declaration finds the encoding in an XML declaration (XML 1.0, production 80).
var declaration = regexp.MustCompile(`^<\?xml[ \t\r\n][^>]*?[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z][A-Za-z0-9._-]*)["']`)

// declarationBytes is where an XML declaration must have ended.
const declarationBytes = 512

// decoded returns src as UTF-8 without a byte order mark.
func decoded(src io.Reader) (io.Reader, error) {
	head := make([]byte, declarationBytes)
	n, err := io.ReadFull(src, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && err != io.EOF {
		return nil, err
	}
	head = head[:n]
	if bytes.HasPrefix(head, []byte{0xFE, 0xFF}) || bytes.HasPrefix(head, []byte{0xFF, 0xFE}) || bytes.HasPrefix(head, []byte{'<', 0}) ||
		bytes.HasPrefix(head, []byte{0, '<'}) {
		return nil, &Error{Line: 1, Msg: "the report is UTF-16; write it as UTF-8"}
	}
	head, marked := bytes.CutPrefix(head, []byte("\xEF\xBB\xBF"))
	all := io.MultiReader(bytes.NewReader(head), src)
	m := declaration.FindSubmatch(head)
	if m == nil {
		return all, nil
	}
	name := strings.ToLower(string(m[1]))
	switch name {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return all, nil
	case "utf-16":
		// .NET writes this declaration into UTF-8 files; the bytes above showed that it is no UTF-16.
		return all, nil
	}
	set, ok := charsets[name]
	if !ok {
		return nil, &Error{Line: 1, Msg: fmt.Sprintf("encoding %q is not known; write the report as UTF-8", name)}
	}
	if marked {
		return nil, &Error{Line: 1, Msg: fmt.Sprintf("a UTF-8 byte order mark, but encoding %q is declared", name)}
	}
	return set.NewDecoder().Reader(all), nil
}

// charsets are the single-byte character sets that reports declare.
var charsets = map[string]*charmap.Charmap{
	"iso-8859-1":   charmap.ISO8859_1,
	"latin1":       charmap.ISO8859_1,
	"iso-8859-2":   charmap.ISO8859_2,
	"iso-8859-5":   charmap.ISO8859_5,
	"iso-8859-9":   charmap.ISO8859_9,
	"iso-8859-15":  charmap.ISO8859_15,
	"windows-1250": charmap.Windows1250,
	"windows-1251": charmap.Windows1251,
	"windows-1252": charmap.Windows1252,
	"cp1252":       charmap.Windows1252,
	"windows-1254": charmap.Windows1254,
	"koi8-r":       charmap.KOI8R,
}
