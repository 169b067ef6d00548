// Package outbound makes the HTTP client of the collectors that ask a server: which addresses it may connect to, where a
// redirect may lead, and how long all of it may take. No other package opens a connection.
//
// The user names a host, and that host may be anywhere but at an address that is refused to everybody: link-local
// addresses, and those at which clouds hand out credentials. Every other host is named by a server (a redirect, a token
// service) and must have public addresses only. The addresses are checked when the connection is made, so that a name
// cannot be one thing when it is checked and another when it is used. Proxies that the environment names are not used.
package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

const (
	// Timeout is how long one request may take, until the last byte of its answer, when Options do not say.
	Timeout = 3 * time.Minute
	// connectTimeout is how long it may take until a connection stands, and until TLS does.
	connectTimeout = 10 * time.Second
	// maxRedirects is how many redirects one request follows.
	maxRedirects = 3
	// maxHeader is how long the header of an answer may be, in bytes.
	maxHeader = 64 << 10
	// maxAddresses is how many addresses of one name are tried.
	maxAddresses = 8
)

// ErrTooLarge says that an answer has more bytes than were allowed.
var ErrTooLarge = errors.New("the answer is too large")

// Options says whom a client talks to.
type Options struct {
	// Scheme and Host are those that the user named, as in the URL, Host without port. A client for https never asks
	// anything over http.
	Scheme, Host string
	// Roots, if set, replace the certificate authorities of the system.
	Roots *x509.CertPool
	// Timeout is how long one request may take; zero means the package's.
	Timeout time.Duration
	// Elsewhere allows redirects to other hosts, over https and to public addresses only. Without it a redirect stays at
	// the scheme, host and port that were asked.
	Elsewhere bool
}

// New makes a client.
func New(o Options) *http.Client {
	if o.Timeout <= 0 {
		o.Timeout = Timeout
	}
	d := &dialer{host: o.Host, resolve: resolve, connect: (&net.Dialer{Timeout: connectTimeout}).DialContext}
	return o.client(d)
}

func (o Options) client(d *dialer) *http.Client {
	return &http.Client{Timeout: o.Timeout, CheckRedirect: o.redirect, Transport: &guard{Options: o, Transport: &http.Transport{
		DialContext:            d.dial,
		TLSClientConfig:        &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    connectTimeout,
		ResponseHeaderTimeout:  o.Timeout,
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        connectTimeout,
		// What arrives is what was sent: nothing is unpacked on the way, so nothing can grow.
		DisableCompression: true,
	}}}
}

// guard looks at every request, whoever makes it: the redirects of a client are not the only way in which a server names
// another (a registry also names a token service).
type guard struct {
	Options
	*http.Transport
}

// RoundTrip sends what may be sent.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	named := strings.EqualFold(r.URL.Hostname(), g.Host)
	switch {
	case r.URL.Scheme == "https" && (named || g.Elsewhere), r.URL.Scheme == "http" && named && g.Scheme == "http":
		return g.Transport.RoundTrip(r)
	}
	return nil, fmt.Errorf("refused to ask %s://%s: named was %s://%s, and another host is only asked over https", r.URL.Scheme, r.URL.Host, g.Scheme, g.Host)
}

// redirect decides where a redirect may lead.
func (o Options) redirect(next *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	case next.URL.User != nil:
		return errors.New("refused a redirect to an address with credentials in it")
	case sameOrigin(first, next.URL):
		return nil
	case !o.Elsewhere:
		return fmt.Errorf("refused a redirect to %s://%s; name that server if it is the right one", next.URL.Scheme, next.URL.Host)
	case next.URL.Scheme != "https":
		return fmt.Errorf("refused a redirect to %s://%s: another host is only asked over https", next.URL.Scheme, next.URL.Host)
	}
	return nil
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// dialer connects to the addresses that may be connected to.
type dialer struct {
	host    string
	resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	connect func(ctx context.Context, network, address string) (net.Conn, error)
}

func resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// dial resolves a host, judges all its addresses, and connects to the first that answers.
func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	var addrs []netip.Addr
	if a, err := netip.ParseAddr(host); err == nil {
		addrs = []netip.Addr{a}
	} else if addrs, err = d.resolve(ctx, host); err != nil {
		return nil, err
	}
	for _, a := range addrs {
		if err := d.permit(host, a); err != nil {
			return nil, err
		}
	}
	err = fmt.Errorf("host %s has no address", host)
	for _, a := range addrs[:min(len(addrs), maxAddresses)] {
		var conn net.Conn
		if conn, err = d.connect(ctx, network, net.JoinHostPort(a.Unmap().String(), port)); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// permit says whether a host may be at an address.
func (d *dialer) permit(host string, a netip.Addr) error {
	named := strings.EqualFold(host, d.host)
	switch r := reachOf(a); {
	case r == never:
		return fmt.Errorf("refused to connect to %s at %s, %s", host, a, r)
	case r != loopback && IsLocal(host):
		return fmt.Errorf("refused to connect to %s at %s, %s: localhost is this machine", host, a, r)
	case r == loopback && !(named && IsLocal(host)):
		return fmt.Errorf("refused to connect to %s at %s, %s; write localhost or the address if that is what you mean", host, a, r)
	case r == internal && !named:
		return fmt.Errorf("refused to connect to %s at %s, %s: a server named this host, and it must be public", host, a, r)
	}
	return nil
}

// ReadAll reads an answer of at most limit bytes.
func ReadAll(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
	}
	return b, err
}

// Cause is an error of a client without the address that was asked, which may be long and is known to the caller.
func Cause(err error) error {
	cause := err
	if u := (*url.Error)(nil); errors.As(err, &u) {
		cause = u.Err
	}
	// A time that runs out while the body is read comes without an address.
	if t := (net.Error)(nil); errors.As(err, &t) && t.Timeout() {
		return fmt.Errorf("no answer in time: %w", cause)
	}
	return cause
}

// Roots reads certificate authorities in PEM.
func Roots(pem []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("it holds no certificate in PEM (-----BEGIN CERTIFICATE-----)")
	}
	return pool, nil
}
