package prometheus

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cdgate.dev/cdgate/evidence/outbound"
)

// now is the moment of every question here.
var now = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// vector is an answer of the API; the spaces and the order show that nothing is written anew.
const vector = `{"status":"success", "data":{"resultType":"vector","result":[{"metric":{"__name__":"up"},"value":[1772445600,"1"]}]}}` + "\n"

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// reply is a handler with a fixed answer.
func reply(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func ask(t *testing.T, address string, o Options, q Query) ([]byte, error) {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = 20 * time.Second
	}
	s, err := Open(address, o)
	if err != nil {
		t.Fatal(err)
	}
	return s.Ask(context.Background(), q, now)
}

// TestReport: the document says who was asked, what and when, and holds the answer byte for byte.
func TestReport(t *testing.T) {
	var asked string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		asked = r.Method + " " + r.URL.Path + " " + r.Form.Encode()
		reply(200, "application/json; charset=utf-8", vector)(w, r)
	})
	long := "up or " + strings.Repeat("up or ", 1000) + "up"
	zone := time.FixedZone("CET", 3600)
	for _, c := range []struct {
		q           Query
		asked, want string
	}{
		{Query{Expr: `up{job="a"}`, Time: time.Date(2026, 3, 2, 10, 59, 0, 500e6, zone)}, "GET /p/api/v1/query query=up%7Bjob%3D%22a%22%7D&time=2026-03-02T09%3A59%3A00.5Z",
			`"query":"up{job=\"a\"}","time":"2026-03-02T09:59:00.5Z"`},
		{Query{Expr: "up", Start: now.Add(-time.Hour), End: now, Step: "1m30s"}, "GET /p/api/v1/query_range end=2026-03-02T10%3A00%3A00Z&query=up&start=2026-03-02T09%3A00%3A00Z&step=1m30s",
			`"query":"up","start":"2026-03-02T09:00:00Z","end":"2026-03-02T10:00:00Z","step":"1m30s"`},
		{Query{Expr: long, Time: now}, "POST /p/api/v1/query query=" + strings.ReplaceAll(long, " ", "+") + "&time=2026-03-02T10%3A00%3A00Z",
			`"query":"` + long + `","time":"2026-03-02T10:00:00Z"`},
	} {
		got, err := ask(t, s.URL+"/p/", Options{}, c.q)
		want := `{"apiVersion":"cdgate.dev/prometheus/v1","server":"` + s.URL + `/p",` + c.want + `,"collectedAt":"2026-03-02T10:00:00Z","response":` + vector + "}\n"
		if err != nil || string(got) != want || !json.Valid(got) {
			t.Errorf("got %s error %v\nwant %s", got, err, want)
		}
		if asked != c.asked {
			t.Errorf("asked %s\nwant  %s", asked, c.asked)
		}
	}
}

// TestRefusedAddresses: an address that is not where a server is, is refused, and no secret in it is repeated.
func TestRefusedAddresses(t *testing.T) {
	for _, c := range []struct{ address, token, want string }{
		{"https://user:s3cret@prometheus.example", "", "credentials"}, {"https://s3cret@prometheus.example", "", "credentials"},
		{"https://prometheus.example?token=s3cret", "", "after ? or #"}, {"https://prometheus.example#s3cret", "", "after ? or #"}, {"https://prometheus.example?", "", "after ? or #"},
		{"prometheus.example:9090", "", "no URL"}, {"", "", "no URL"}, {"https://", "", "no URL"}, {"https://:9090", "", "no URL"}, {"file:///etc/passwd", "", "no URL"},
		{"ftp://prometheus.example", "", "no URL"}, {"https:prometheus.example", "", "no URL"}, {"://s3cret", "", "no URL"}, {"https://a b", "", "no URL"},
		{"https://prömetheus.example", "", "not ASCII"},
		{"http://prometheus.example", "s3cret", "unencrypted"}, {"https://prometheus.example", "s3cret\nX: y", "one line"}, {"https://prometheus.example", strings.Repeat("s3cret", 4000), "one line"},
	} {
		_, err := Open(c.address, Options{Token: c.token})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: error %v, want %q and no secret", c.address, err, c.want)
		}
	}
	for address, want := range map[string]string{"https://prometheus.example": "https://prometheus.example", "HTTP://prometheus.example:9090/p//": "http://prometheus.example:9090/p",
		"http://[::1]:9090/": "http://[::1]:9090"} {
		if s, err := Open(address, Options{}); err != nil || s.String() != want {
			t.Errorf("%q: %v, error %v", address, s, err)
		}
	}
	for _, address := range []string{"https://prometheus.example", "http://localhost:9090", "http://127.0.0.1:9090"} {
		if _, err := Open(address, Options{Token: "s3cret"}); err != nil {
			t.Errorf("%q with a token: %v", address, err)
		}
	}
}

// TestRefusedQueries says which questions are not asked.
func TestRefusedQueries(t *testing.T) {
	hour := now.Add(-time.Hour)
	for _, c := range []struct {
		q    Query
		want string
	}{
		{Query{Time: now}, "empty"}, {Query{Expr: " \n", Time: now}, "empty"}, {Query{Expr: "\xff", Time: now}, "not UTF-8"}, {Query{Expr: strings.Repeat("a", 20000), Time: now}, "not UTF-8 of at most"},
		{Query{Expr: "up"}, "about a time, or"}, {Query{Expr: "up", Time: now, Start: hour}, "about a time, or"}, {Query{Expr: "up", Start: hour}, "about a time, or"},
		{Query{Expr: "up", Time: now, Step: "15s"}, "about a time, or"}, {Query{Expr: "up", Start: hour, End: now}, "about a time, or"},
		{Query{Expr: "up", Time: now, Start: hour, End: now, Step: "15s"}, "about a time, or"},
		{Query{Expr: "up", Time: now.Add(time.Second)}, "in the future"}, {Query{Expr: "up", Start: hour, End: now.Add(time.Second), Step: "15s"}, "in the future"},
		{Query{Expr: "up", Start: now, End: hour, Step: "15s"}, "is not before"}, {Query{Expr: "up", Start: now, End: now, Step: "15s"}, "is not before"},
		{Query{Expr: "up", Start: hour, End: now, Step: "15"}, "no duration"}, {Query{Expr: "up", Start: hour, End: now, Step: "0s"}, "no duration"},
		{Query{Expr: "up", Start: hour, End: now, Step: "1s1m"}, "no duration"}, {Query{Expr: "up", Start: hour, End: now, Step: "-15s"}, "no duration"},
		{Query{Expr: "up", Start: hour, End: now, Step: "1d"}, "no duration"},
	} {
		if err := c.q.Check(now); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80q: error %v, want %q", fmt.Sprint(c.q), err, c.want)
		}
	}
	for _, q := range []Query{{Expr: "up", Time: now}, {Expr: "up", Start: hour, End: now, Step: "1h30m"}, {Expr: "up", Start: hour, End: now, Step: "500ms"}, {Expr: "up", Start: hour, End: now, Step: "10s"}} {
		if err := q.Check(now); err != nil {
			t.Errorf("%v: %v", q, err)
		}
	}
}

// TestBadAnswers: what is no complete, successful answer is an error that names server and query.
func TestBadAnswers(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 8<<20)) // in memory
	_ = z.Close()
	json200 := func(body string) http.HandlerFunc { return reply(200, "application/json", body) }
	for name, c := range map[string]struct {
		h    http.HandlerFunc
		want string
	}{
		"error of the API":      {reply(400, "application/json", `{"status":"error","errorType":"bad_data","error":"1:3: parse error"}`), "HTTP 400 Bad Request: bad_data: 1:3: parse error"},
		"error with status 200": {json200(`{"status":"error","errorType":"timeout","error":"query timed out"}`), "timeout: query timed out"},
		"error with data":       {json200(`{"status":"error","errorType":"x","error":"y","data":{}}`), "x: y"},
		"page":                  {reply(200, "text/html; charset=utf-8", "<!doctype html><title>Log in</title>"), "a web page; this is not the API"},
		"page called text":      {reply(200, "text/plain", "<html>"), "a web page"},
		"page called JSON":      {json200("<!doctype html>"), "read the answer"},
		"no type": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			_, _ = io.WriteString(w, vector)
		}, "an answer of no type"},
		"wrong type":           {reply(200, "text/plain", vector), "an answer of type text/plain"},
		"login":                {reply(401, "text/plain", "Unauthorized"), "bearer token"},
		"login in JSON":        {reply(403, "application/json", `{"message":"no"}`), "bearer token"},
		"gateway":              {reply(502, "text/html", "<html>Bad gateway"), "HTTP 502 Bad Gateway with a web page; the server, or something before it"},
		"elsewhere":            {reply(404, "text/plain", "404 page not found"), "name the address before /api/v1"},
		"success that is none": {reply(500, "application/json", vector), "HTTP 500"},
		"created":              {reply(201, "application/json", vector), "HTTP 201"},
		"nothing":              {json200(""), "cut off"},
		"no status":            {json200(`{"data":{}}`), `status ""`},
		"no data":              {json200(`{"status":"success"}`), "or no data"},
		"null data":            {json200(`{"status":"success","data":null}`), "or no data"},
		"status twice":         {json200(`{"status":"success","status":"success","data":{}}`), "duplicate"},
		"status in capitals":   {json200(`{"Status":"success","status":"success","data":{}}`), "wrong case"},
		"two documents":        {json200(vector + vector), "second document"},
		"not an object":        {json200(`["success"]`), "want an object"},
		"cut JSON":             {json200(vector[:60]), "cut off"},
		"cut body": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10000")
			json200(vector)(w, r)
		}, "it was cut off"},
		"bomb": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			json200(packed.String())(w, r)
		}, `packed ("gzip")`},
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for some := bytes.Repeat([]byte(" "), 1<<20); r.Context().Err() == nil; {
				if _, err := w.Write(some); err != nil {
					return
				}
			}
		}, "longer than 32 MiB"},
		"slow": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(20 * time.Millisecond)
			}
		}, "no answer in time"},
		"redirect to another scheme": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://"+r.Host+r.URL.String(), http.StatusFound)
		}, "refused a redirect"},
		"redirect in a ring": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), http.StatusFound) }, "stopped after 3 redirects"},
	} {
		o := Options{}
		if name == "slow" {
			o.Timeout = time.Second
		}
		s := serve(t, c.h)
		got, err := ask(t, s.URL, o, Query{Expr: "up == 1", Time: now})
		if err == nil || got != nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), s.URL) || !strings.Contains(err.Error(), "up == 1") {
			t.Errorf("%s: error %v, want %q, the server and the query", name, err, c.want)
		}
	}
	// The twin: the same server, well-behaved, also behind a redirect within itself.
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/moved") {
			http.Redirect(w, r, "/moved"+r.URL.String(), http.StatusPermanentRedirect)
			return
		}
		json200(vector)(w, r)
	})
	if got, err := ask(t, s.URL, Options{}, Query{Expr: "up == 1", Time: now}); err != nil || !bytes.Contains(got, []byte(vector)) {
		t.Errorf("%s, error %v", got, err)
	}
}

// TestToken: the token goes to the server that was named and to no other, and is written nowhere.
func TestToken(t *testing.T) {
	var hits atomic.Int64
	other := serve(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	for path, want := range map[string]string{"/good": "", "/away": "refused a redirect", "/bad": "HTTP 400"} {
		var seen string
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			seen = r.Header.Get("Authorization")
			switch {
			case strings.HasPrefix(r.URL.Path, "/away"):
				http.Redirect(w, r, other.URL+"/", http.StatusTemporaryRedirect) // the same host, another port
			case strings.HasPrefix(r.URL.Path, "/bad"):
				reply(400, "application/json", `{"status":"error"}`)(w, r)
			default:
				reply(200, "application/json", vector)(w, r)
			}
		})
		got, err := ask(t, s.URL+path, Options{Token: "s3cret"}, Query{Expr: "up", Time: now})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
		if seen != "Bearer s3cret" || strings.Contains(fmt.Sprint(string(got), err), "s3cret") {
			t.Errorf("%s: header %q, document %s, error %v", path, seen, got, err)
		}
	}
	if hits.Load() != 0 {
		t.Error("another server was asked")
	}
}

// TestAuthority: a server with a certificate of one's own is believed when its authority is named, and only then.
func TestAuthority(t *testing.T) {
	s := httptest.NewUnstartedServer(reply(200, "application/json", vector))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // the refusals of the client
	s.StartTLS()
	t.Cleanup(s.Close)
	if _, err := ask(t, s.URL, Options{}, Query{Expr: "up", Time: now}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("error %v", err)
	}
	roots, err := outbound.Roots(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t, s.URL, Options{Roots: roots}, Query{Expr: "up", Time: now}); err != nil {
		t.Error(err)
	}
	if _, err := outbound.Roots([]byte("no certificate")); err == nil {
		t.Error("a file without certificates is accepted")
	}
}

// TestNames: a report is called after server and query, on one line, and two queries are never called the same.
func TestNames(t *testing.T) {
	s, err := Open("https://prometheus.example:9090/p", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Name(Query{Expr: "sum(\n  up\n)"}); got != "prometheus.example:9090: sum( up )" {
		t.Errorf("%q", got)
	}
	long := strings.Repeat("é", 300)
	a, b := s.Name(Query{Expr: long + "a"}), s.Name(Query{Expr: long + "b"})
	if a == b || len(a) > 300 {
		t.Errorf("%q and %q", a, b)
	}
}
