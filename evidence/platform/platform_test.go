package platform

import (
	"io"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// TestTime: the notations of the platforms become UTC; what is no time becomes nothing, with a warning.
func TestTime(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "",
		"2026-03-01T09:00:00Z":         "2026-03-01T09:00:00Z", // GitHub
		"2026-03-01T09:00:00.638Z":     "2026-03-01T09:00:00Z", // GitLab
		"2021-05-08T07:04:25.376+0100": "2021-05-08T06:04:25Z", // Jira
		"2016-09-28T14:01:00+0700":     "2016-09-28T07:01:00Z", // Jira Service Management
		"2022-01-06 12:12:43":          "2022-01-06T12:12:43Z", // ServiceNow
	} {
		r := New(strings.NewReader(""))
		if got := r.Time(text, "at"); got != want || len(r.Warn.List()) > 0 {
			t.Errorf("%q is %q, want %q; %v", text, got, want, r.Warn.List())
		}
	}
	for _, text := range []string{"yesterday", "03/01/2026 09:00:00", "2026-02-30T00:00:00Z", "2026-03-01", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-23:00", "1700000000"} {
		r := New(strings.NewReader(""))
		if got := r.Time(text, "at"); got != "" || r.Warn.Count(evidence.BreaksFormat) != 1 {
			t.Errorf("%q is %q; %v", text, got, r.Warn.List())
		}
	}
}

// TestScalar reads what some platforms write as text, number or truth; an object is none of them.
func TestScalar(t *testing.T) {
	for text, want := range map[string]string{`"x"`: "x", `-5.0`: "-5.0", `true`: "true", `false`: "false", `null`: ""} {
		s := ""
		if err := New(strings.NewReader(text)).Scalar(&s)(); err != nil || s != want {
			t.Errorf("%s is %q, want %q: %v", text, s, want, err)
		}
	}
	s := ""
	if err := New(strings.NewReader(`{}`)).Scalar(&s)(); err == nil {
		t.Error("an object was read as a scalar")
	}
}

// repeated is a source that says the same thing n times.
func repeated(start, part string, n int) io.Reader {
	return io.MultiReader(strings.NewReader(start), &again{part: part, left: n})
}

type again struct {
	part string
	left int
	rest string
}

func (a *again) Read(p []byte) (int, error) {
	if a.rest == "" {
		if a.left == 0 {
			return 0, io.EOF
		}
		a.left--
		a.rest = a.part
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// TestBounds: an answer with too many entries or bytes is refused, and one just below is read.
func TestBounds(t *testing.T) {
	count := func(entries int) error {
		var list []struct{}
		var one struct{}
		r := New(io.MultiReader(repeated("[{}", ",{}", entries-1), strings.NewReader("]")))
		return Objects(r, &list, &one, strictjson.Members{})()
	}
	if err := count(maxEntries); err != nil {
		t.Error(err)
	}
	if err := count(maxEntries + 1); err == nil || !strings.Contains(err.Error(), "more than 100000 entries") {
		t.Errorf("too many entries: %v", err)
	}
	mebibyte := `"` + strings.Repeat("a", 1<<20-3) + `",`
	size := func(mebibytes int) error {
		r := New(io.MultiReader(repeated("[", mebibyte, mebibytes), strings.NewReader("1]")))
		return r.List(r.Skip)()
	}
	if err := size(evidence.MaxKept>>20 - 1); err != nil {
		t.Error(err)
	}
	if err := size(evidence.MaxKept >> 20); err == nil || !strings.Contains(err.Error(), "an API answer of more than") {
		t.Errorf("too many bytes: %v", err)
	}
}

// TestObjectsForget: what one entry says is not taken over into the next.
func TestObjectsForget(t *testing.T) {
	type entry struct{ a, b string }
	var list []entry
	var one entry
	r := New(strings.NewReader(`[{"a":"1","b":"2"},{"a":"3"},null]`))
	err := Objects(r, &list, &one, strictjson.Members{"a": r.Into(&one.a), "b": r.Into(&one.b)})()
	if err != nil || len(list) != 3 || list[1] != (entry{a: "3"}) || list[2] != (entry{}) {
		t.Errorf("%v, %v", list, err)
	}
}

// TestFullPage: a list as long as a page is probably one, any other is not.
func TestFullPage(t *testing.T) {
	for n, want := range map[int]bool{0: false, 29: false, 30: true, 31: false, 100: true, 101: false} {
		r := New(strings.NewReader(""))
		if got := r.FullPage(n, "reviews", 30, 100); got != want || (r.Warn.Count(evidence.Incomplete) == 1) != want {
			t.Errorf("%d: %v", n, got)
		}
	}
}
