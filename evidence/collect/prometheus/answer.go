package prometheus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/outbound"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// member is one member of a question or of a report.
type member struct{ name, value string }

// about are the members that say which time a question is about.
func (q Query) about() []member {
	if !q.Time.IsZero() {
		return []member{{"time", stamp(q.Time)}}
	}
	return []member{{"start", stamp(q.Start)}, {"end", stamp(q.End)}, {"step", q.Step}}
}

// report writes the document. The answer is put in as it came.
func (s *Server) report(q Query, now time.Time, answer []byte) []byte {
	members := append([]member{{"apiVersion", APIVersion}, {"server", s.String()}, {"query", q.Expr}}, q.about()...)
	members = append(members, member{"collectedAt", now.UTC().Format(time.RFC3339)})
	var b bytes.Buffer
	b.WriteByte('{')
	for _, m := range members {
		value, _ := jsontext.AppendQuote(nil, m.value) // fails only for what is not UTF-8
		fmt.Fprintf(&b, "%q:%s,", m.name, value)
	}
	b.WriteString(`"response":`)
	b.Write(answer)
	b.WriteString("}\n")
	return b.Bytes()
}

// request is the question as the API wants it (https://prometheus.io/docs/prometheus/latest/querying/api/): in the URL,
// or as a form where it is long.
func (s *Server) request(ctx context.Context, q Query) (*http.Request, error) {
	form := url.Values{"query": {q.Expr}}
	for _, m := range q.about() {
		form.Set(m.name, m.value)
	}
	path := "query"
	if q.Time.IsZero() {
		path = "query_range"
	}
	u := s.url.JoinPath("api", "v1", path)
	method, body := http.MethodPost, form.Encode()
	if len(body) <= maxURL {
		u.RawQuery = body
		method, body = http.MethodGet, ""
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Accept", "application/json")
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	return req, nil
}

// ask sends the question and returns the bytes of a complete, successful answer.
func (s *Server) ask(ctx context.Context, q Query) ([]byte, error) {
	req, err := s.request(ctx, q)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, outbound.Cause(err)
	}
	defer resp.Body.Close()
	if e := resp.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, fmt.Errorf("the answer is packed (%q), which was not asked for", evidence.Cut(e))
	}
	body, err := outbound.ReadAll(resp.Body, MaxAnswer)
	switch {
	case errors.Is(err, outbound.ErrTooLarge):
		return nil, fmt.Errorf("the answer is longer than %d MiB; ask for less: a shorter range, a longer step, fewer series", MaxAnswer>>20)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("the answer ends in the middle: it was cut off")
	case err != nil:
		return nil, outbound.Cause(err)
	}
	return judge(resp, body)
}

// judge lets only a complete, successful answer of the API pass.
func judge(resp *http.Response, body []byte) ([]byte, error) {
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if media != "application/json" {
		return nil, fmt.Errorf("HTTP %s with %s; %s", evidence.Cut(resp.Status), describe(media, body), advice(resp.StatusCode))
	}
	a, err := read(body)
	switch {
	case err != nil && resp.StatusCode == http.StatusOK:
		return nil, fmt.Errorf("read the answer: %w", err)
	case err == nil && a.status == "error":
		return nil, fmt.Errorf("HTTP %s: %s: %s", evidence.Cut(resp.Status), evidence.Cut(a.errorType), evidence.Cut(a.message))
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("HTTP %s; %s", evidence.Cut(resp.Status), advice(resp.StatusCode))
	case a.status != "success" || !a.data:
		return nil, fmt.Errorf("the answer has status %q, or no data; want the answer of a Prometheus API", evidence.Cut(a.status))
	}
	return body, nil
}

// answer is what tells whether the API succeeded.
type answer struct {
	status, errorType, message string
	data                       bool
}

// read reads an answer to its last byte.
func read(body []byte) (a answer, err error) {
	known := strictjson.NewNames("status", "data", "errorType", "error", "warnings", "infos")
	r := strictjson.New(bytes.NewReader(body))
	err = r.Object(func(name []byte) error {
		switch string(name) {
		case "status":
			return r.IntoMessage(&a.status)()
		case "errorType":
			return r.IntoMessage(&a.errorType)()
		case "error":
			return r.IntoMessage(&a.message)()
		case "data":
			a.data = r.Kind() == '{'
			return r.Skip()
		}
		return r.Other(known, name)
	})
	if err == nil {
		err = r.End()
	}
	return a, err
}

// describe says what an answer is that is not JSON.
func describe(media string, body []byte) string {
	head := bytes.ToLower(bytes.TrimSpace(body[:min(len(body), 64)]))
	switch {
	case len(body) == 0:
		return "an empty answer"
	case media == "text/html", bytes.HasPrefix(head, []byte("<!doctype html")), bytes.HasPrefix(head, []byte("<html")):
		return "a web page"
	case media == "":
		return "an answer of no type"
	}
	return fmt.Sprintf("an answer of type %s", evidence.Cut(media))
}

// advice says what to do about a status.
func advice(status int) string {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return "the server wants a login; name a file with a bearer token"
	case status == http.StatusNotFound, status == http.StatusOK:
		return "this is not the API of Prometheus; name the address before /api/v1, and not that of a login or a dashboard"
	case status/100 == 5:
		return "the server, or something before it, does not work; try again later"
	}
	return "want the answer of a Prometheus API"
}
