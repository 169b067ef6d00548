package strictxml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"cdgate.dev/cdgate/evidence"
)

// trace writes the events of a document in one line each.
func trace(src io.Reader) (string, error) {
	r, err := New(src)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	text := ""
	flush := func() {
		if text != "" {
			fmt.Fprintf(&b, "text %q\n", text)
		}
		text = ""
	}
	for {
		ev, err := r.Next()
		if err != nil {
			return b.String(), err
		}
		switch ev {
		case Start:
			flush()
			fmt.Fprintf(&b, "start %s", r.Name())
			for _, a := range r.Attrs() {
				fmt.Fprintf(&b, " %s=%q", a.Name, a.Value)
			}
			b.WriteByte('\n')
		case End:
			flush()
			fmt.Fprintf(&b, "end %s\n", r.Name())
		case Text:
			text += string(r.Text())
		case EOF:
			return b.String(), nil
		}
	}
}

// TestAccepted reads documents that are right, whole and byte by byte.
func TestAccepted(t *testing.T) {
	for in, want := range map[string]string{
		`<a/>`:                                "start a\nend a\n",
		"\uFEFF<?xml version='1.0'?><a></a >": "start a\nend a\n",
		`<a x="1" y='"' z = "&lt;&#65;&#x42;&amp;"/>`: `start a x="1" y="\"" z="<AB&"` + "\nend a\n",
		"<a x='1\n\t2'/>":                                                  "start a x=\"1  2\"\nend a\n",
		`<a>b<c/>d&gt;e</a>`:                                               "start a\ntext \"b\"\nstart c\nend c\ntext \"d>e\"\nend a\n",
		`<a><![CDATA[<b>]]&amp;]]]></a>`:                                   "start a\ntext \"<b>]]&amp;]\"\nend a\n",
		`<!-- c - c --><a><!----></a><!-- d -->` + "\n":                    "start a\nend a\n",
		`<!DOCTYPE a PUBLIC "-//x" 'y"z'><a/>`:                             "start a\nend a\n",
		"<!DOCTYPE a SYSTEM 'x'[ \n]><a/>":                                 "start a\nend a\n",
		`<?pi x?><a><?pi?></a><?pi >?>`:                                    "start a\nend a\n",
		`<p:a xmlns:p="u" p:x="1" xml:lang="en"/>`:                         `start p:a xmlns:p="u" p:x="1" xml:lang="en"` + "\nend p:a\n",
		"<?xml version='1.0' encoding='ISO-8859-15'?><a b='\xA4'>\xE9</a>": "start a b=\"€\"\ntext \"é\"\nend a\n",
		"<?xml version='1.0' encoding='windows-1252'?><a>\x80</a>":         "start a\ntext \"€\"\nend a\n",
		`<?xml version="1.0" encoding="utf-16"?><a/>`:                      "start a\nend a\n",
		`<a>é€😀</a>`:                                                       "start a\ntext \"é€😀\"\nend a\n",
	} {
		for name, src := range map[string]io.Reader{"whole": strings.NewReader(in), "bytes": iotest.OneByteReader(strings.NewReader(in))} {
			if got, err := trace(src); err != nil || got != want {
				t.Errorf("%s %q:\n got %s (%v)\nwant %s", name, in, got, err, want)
			}
		}
	}
}

// TestRefused reads documents that are wrong; each is an error with its line.
func TestRefused(t *testing.T) {
	deep := strings.Repeat("<a>", evidence.MaxDepth+1)
	many := "<a"
	for i := range evidence.MaxAttributes + 1 {
		many += fmt.Sprintf(" a%d=''", i)
	}
	for in, want := range map[string]string{
		"":                                   "line 1: the report holds no XML element",
		" \n ":                               "line 2: the report holds no XML element",
		"<a>":                                "cut off",
		"\n<a>\n</b>":                        "line 3: </b> closes <a>",
		"<a/></a>":                           "closes nothing",
		"<a/><b/>":                           "second root",
		"<a/>x":                              "text outside",
		"x<a/>":                              "text outside",
		"<a/>&amp;":                          "text outside",
		"<a/><![CDATA[x]]>":                  "text outside",
		"<a b='1' b='2'/>":                   "attribute b twice",
		"<a b=1/>":                           "no quotes",
		"<a b/>":                             "broken attribute",
		"<a b='1'c='2'/>":                    "white space",
		"<a b='<'/>":                         `"<" in its value`,
		"<a b='&c;'/>":                       "entity &c;",
		"<a>&c;</a>":                         "entity &c;",
		"<a>&</a>":                           "starts no entity",
		"<a>& b</a>":                         "starts no entity",
		"<a>&#0;</a>":                        "no character",
		"<a>&#x1b;</a>":                      "no character",
		"<a>&#xD800;</a>":                    "no character",
		"<a>&#x110000;</a>":                  "no character",
		"<a>\x00</a>":                        "control character U+0000",
		"<a b='\x1b'/>":                      "control character U+001B",
		"<a>\n\xff</a>":                      "line 2: bytes that are no UTF-8",
		"<a>\xc3</a>":                        "no UTF-8",
		"<a>\xed\xa0\x80</a>":                "no UTF-8",
		"<a><!-- -- --></a>":                 `"--" inside`,
		"<a><!--":                            "inside a comment",
		"<a><![CDATA[":                       "CDATA",
		"<a":                                 "inside a tag",
		"<a b='":                             "inside a tag",
		"< a/>":                              "starts no tag",
		"<a/ >":                              `"/" inside`,
		"<1/>":                               "starts no tag",
		"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>": "definitions",
		"<!DOCTYPE a SYSTEM 'x' [ <!-- -->]><a/>": "definitions",
		"<a><!DOCTYPE a></a>":                     "second DOCTYPE",
		"<!DOCTYPE a><!DOCTYPE a><a/>":            "second DOCTYPE",
		"<a><!ELEMENT b></a>":                     "declaration",
		"<a/><?xml version='1.0'?>":               "two documents",
		"<?>":                                     "inside a tag",
		"<??>":                                    "without a name",
		"<p:a/>":                                  "not declared",
		"<a p:b=''/>":                             "not declared",
		"<a:b:c xmlns:a='u'/>":                    "not declared",
		"\xff\xfe<\x00a\x00":                      "UTF-16",
		"<\x00a\x00":                              "UTF-16",
		"<?xml version='1.0' encoding='x-y'?><a/>": `encoding "x-y"`,
		deep:        "inside one another",
		many + "/>": "attributes",
	} {
		for name, src := range map[string]io.Reader{"whole": strings.NewReader(in), "bytes": iotest.OneByteReader(strings.NewReader(in))} {
			_, err := trace(src)
			var place *Error
			if err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, &place) {
				t.Errorf("%s %.60q: error %v, want one with %q", name, in, err, want)
			}
		}
	}
}

// TestLongPieces: text, comments and CDATA sections of any length are read in little memory, also when a piece ends in
// the middle of a character, a reference or an end mark.
func TestLongPieces(t *testing.T) {
	long := strings.Repeat("é&amp;x", 60_000)
	in := "<a>" + long + "<!--" + strings.Repeat("- ", 200_000) + "--><![CDATA[" + strings.Repeat("]]é", 100_000) + "]]></a>"
	want := "start a\ntext " + fmt.Sprintf("%q", strings.ReplaceAll(long, "&amp;", "&")+strings.Repeat("]]é", 100_000)) + "\nend a\n"
	for _, src := range []io.Reader{strings.NewReader(in), iotest.HalfReader(strings.NewReader(in))} {
		if got, err := trace(src); err != nil || got != want {
			t.Errorf("%d bytes, error %v", len(got), err)
		}
	}
	r, err := New(strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	for ev := None; ev != EOF; {
		if ev, err = r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.buf) > bufferSize {
		t.Errorf("the buffer grew to %d bytes", len(r.buf))
	}
	if _, err := trace(iotest.ErrReader(errors.New("disk"))); err == nil || !strings.Contains(err.Error(), "disk") {
		t.Errorf("error %v", err)
	}
}

// TestNames: names in the wrong case or in another namespace are refused.
func TestNames(t *testing.T) {
	for in, want := range map[string]string{
		`<a><b/><c/></a>`: "", `<a><B/></a>`: "wrong case", `<a xmlns:p="u"><p:b/></a>`: "namespace", `<a><b xmlns="u"/></a>`: "namespace",
		`<a xmlns="u"><b/></a>`: "", `<a><x><b/></x></a>`: "inside <x>", `<a><c><B/></c></a>`: "wrong case",
	} {
		names := NewNames("a", "b")
		r, err := New(strings.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			var ev Event
			if ev, err = r.Next(); err != nil || ev == EOF {
				break
			}
			if ev != Start {
				continue
			}
			var known bool
			if known, err = names.Known(r); err == nil && !known {
				err = names.SkipOther(r)
			}
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", in, err, want)
		}
	}
}

// FuzzAgainstStandardLibrary: what this reader accepts, encoding/xml accepts too and sees the same in it.
func FuzzAgainstStandardLibrary(f *testing.F) {
	for _, s := range []string{`<a b="c">d<e/>&lt;</a>`, `<?xml version="1.0"?><!DOCTYPE a><a><![CDATA[b]]><!--c--></a>`, `<p:a xmlns:p="u" p:b=""/>`, `<a>]]</a>`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := trace(bytes.NewReader(b))
		if err != nil || bytes.IndexByte(b, '\r') >= 0 || bytes.Contains(b, []byte("&#")) || bytes.Contains(b, []byte("encoding")) || bytes.Contains(b, []byte("version")) {
			return
		}
		want, werr := standard(b)
		if werr != nil {
			if strings.Contains(werr.Error(), "]]>") {
				return // "]]>" in text is let through here: it hides nothing
			}
			t.Fatalf("accepted %q, which encoding/xml refuses: %v", b, werr)
		}
		if got != want {
			t.Fatalf("%q:\n%s\nencoding/xml:\n%s", b, got, want)
		}
	})
}

// standard traces with encoding/xml.
func standard(src []byte) (string, error) {
	d := xml.NewDecoder(bytes.NewReader(src))
	var b strings.Builder
	text, depth := "", 0
	flush := func() {
		if text != "" && depth > 0 {
			fmt.Fprintf(&b, "text %q\n", text)
		}
		text = ""
	}
	full := func(n xml.Name) string {
		if n.Space != "" {
			return n.Space + ":" + n.Local
		}
		return n.Local
	}
	for {
		tok, err := d.RawToken()
		if err == io.EOF {
			return b.String(), nil
		}
		if err != nil {
			return "", err
		}
		switch x := tok.(type) {
		case xml.StartElement:
			flush()
			depth++
			fmt.Fprintf(&b, "start %s", full(x.Name))
			for _, a := range x.Attr {
				fmt.Fprintf(&b, " %s=%q", full(a.Name), strings.NewReplacer("\n", " ", "\t", " ").Replace(a.Value))
			}
			b.WriteByte('\n')
		case xml.EndElement:
			flush()
			depth--
			fmt.Fprintf(&b, "end %s\n", full(x.Name))
		case xml.CharData:
			text += string(x)
		}
	}
}
