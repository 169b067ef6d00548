// Package prometheus asks a Prometheus server, or one that speaks its API, and makes a report of the answer: a document
// that says who was asked, what, about which time, when, and what the answer was, byte for byte. The reader of format
// prometheus reads it like any other report.
package prometheus

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/outbound"
)

const (
	// APIVersion marks the documents this package makes.
	APIVersion = "cdgate.dev/prometheus/v1"
	// MaxAnswer is how long an answer may be, in bytes.
	MaxAnswer = 32 << 20
	// maxURL is how long the parameters of a question may be until it is posted as a form.
	maxURL = 4 << 10
	// maxToken is how long a bearer token may be, in bytes.
	maxToken = 16 << 10
	// maxShown is how much of a query is in the name of its report, in bytes.
	maxShown = 200
)

// Options says how a server is asked.
type Options struct {
	// Token is a bearer token; it is sent to the server alone and written nowhere.
	Token string
	// Roots, if set, replace the certificate authorities of the system.
	Roots *x509.CertPool
	// Timeout is how long one question may take; zero means outbound.Timeout.
	Timeout time.Duration
}

// Server is a Prometheus server.
type Server struct {
	url    *url.URL
	token  string
	client *http.Client
}

// Open checks the address of a server, such as https://prometheus.example:9090 or https://thanos.example/prometheus,
// without asking it anything. Addresses with credentials are refused, and so is a token over an unencrypted connection
// to another machine. The errors do not repeat the address where it could hold a secret.
func Open(address string, o Options) (*Server, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, errors.New("the address is no URL; want one such as https://prometheus.example:9090")
	case u.User != nil || strings.Contains(u.Host, "@"):
		return nil, errors.New("the address has credentials in it; name a token with a file instead, so that it is neither seen nor stored")
	case u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "" || u.Hostname() == "":
		return nil, fmt.Errorf("the address %q is no URL of a server; want one such as https://prometheus.example:9090", evidence.Cut(address))
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("the address has something after ? or #; want only where the server is, such as https://prometheus.example:9090")
	case strings.ContainsFunc(u.Host, func(r rune) bool { return r > unicode.MaxASCII }):
		return nil, fmt.Errorf("the host %q has letters that are not ASCII; write it as xn--…", evidence.Cut(u.Host))
	case o.Token != "" && u.Scheme != "https" && !outbound.IsLocal(u.Hostname()):
		return nil, fmt.Errorf("a token is not sent to %s unencrypted; use https", u.Host)
	case len(o.Token) > maxToken || strings.ContainsFunc(o.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, fmt.Errorf("the token is not one line of at most %d printable ASCII characters", maxToken)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = strings.TrimRight(u.RawPath, "/")
	return &Server{url: u, token: o.Token, client: outbound.New(outbound.Options{Scheme: u.Scheme, Host: u.Hostname(), Roots: o.Roots, Timeout: o.Timeout})}, nil
}

// String is the address of the server.
func (s *Server) String() string { return s.url.String() }

// Query is one question: an instant query at Time, or a range query from Start to End in steps. The other fields are zero.
type Query struct {
	// Expr is PromQL.
	Expr string
	Time time.Time
	// Start and End are the range; Step is a duration in hours, minutes, seconds and milliseconds, such as 15s or 1m30s.
	Start, End time.Time
	Step       string
}

// step is a duration that Prometheus, Go and people read alike: no days, weeks and years. noStep has nothing but zeros.
var (
	step   = regexp.MustCompile(`^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?([0-9]{1,6}ms)?$`)
	noStep = regexp.MustCompile(`^[^1-9]*$`)
)

// Check says what is wrong with a question that is asked now.
func (q Query) Check(now time.Time) error {
	instant := !q.Time.IsZero()
	newest := q.Time
	if !instant {
		newest = q.End
	}
	switch {
	case strings.TrimSpace(q.Expr) == "":
		return errors.New("the query is empty")
	case len(q.Expr) > evidence.MaxName || !utf8.ValidString(q.Expr):
		return fmt.Errorf("the query is not UTF-8 of at most %d bytes", evidence.MaxName)
	case instant == !q.Start.IsZero() || q.Start.IsZero() != q.End.IsZero() || instant == (q.Step != ""):
		return errors.New("a query is about a time, or about a start, an end and a step")
	case newest.After(now):
		return fmt.Errorf("%s lies in the future; it is %s now", stamp(newest), stamp(now))
	case !instant && !q.Start.Before(q.End):
		return fmt.Errorf("the start %s is not before the end %s", stamp(q.Start), stamp(q.End))
	case !instant && (!step.MatchString(q.Step) || noStep.MatchString(q.Step)):
		return fmt.Errorf("the step %q is no duration; want one such as 15s or 1m30s", evidence.Cut(q.Step))
	}
	return nil
}

// stamp is a time in a question and in the report.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// Name is what the report of an answer is called: the same for the same question to the same server.
func (s *Server) Name(q Query) string {
	expr := strings.Join(strings.Fields(q.Expr), " ")
	if len(expr) > maxShown {
		sum := sha256.Sum256([]byte(q.Expr))
		expr = strings.ToValidUTF8(expr[:maxShown], "") + "… " + hex.EncodeToString(sum[:4])
	}
	return s.url.Host + ": " + expr
}

// Ask asks a question now and makes a report of the answer. What is no complete, successful answer is an error that
// names server and query.
func (s *Server) Ask(ctx context.Context, q Query, now time.Time) ([]byte, error) {
	err := q.Check(now)
	var answer []byte
	if err == nil {
		answer, err = s.ask(ctx, q)
	}
	if err != nil {
		return nil, fmt.Errorf("ask Prometheus at %s %q: %w", s, evidence.Cut(q.Expr), err)
	}
	return s.report(q, now, answer), nil
}
