package outbound

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestReach holds the classes against the registries of special addresses (RFC 6890, the clouds' own pages).
func TestReach(t *testing.T) {
	for text, want := range map[string]reach{
		"169.254.169.254": never, "169.254.170.2": never, "fe80::1": never, "fe80::1%eth0": never, "fd00:ec2::254": never, "fd20:ce::254": never,
		"100.100.100.200": never, "168.63.129.16": never, "192.0.0.192": never, "0.0.0.0": never, "0.1.2.3": never, "::": never, "224.0.0.1": never,
		"255.255.255.255": never, "240.0.0.1": never, "ff02::1": never, "::ffff:169.254.169.254": never, "64:ff9b::a9fe:a9fe": never,
		"2002:a9fe:a9fe::1": never, "::169.254.169.254": never, "2001::1": never,
		"127.0.0.1": loopback, "127.8.8.8": loopback, "::1": loopback, "::ffff:127.0.0.1": loopback, "64:ff9b::7f00:1": loopback, "2002:7f00:1::": loopback,
		"10.0.0.1": internal, "172.16.0.1": internal, "192.168.1.1": internal, "100.64.0.1": internal, "fd12::1": internal, "198.18.0.1": internal,
		"192.0.2.1": internal, "::ffff:10.0.0.1": internal, "64:ff9b::a00:1": internal, "64:ff9b:1::1": internal, "2001:db8::1": internal,
		"8.8.8.8": public, "172.32.0.1": public, "100.128.0.1": public, "2606:4700::1": public, "64:ff9b::808:808": public, "192.0.1.1": public, "2001:4860::1": public,
	} {
		if got := reachOf(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	if reachOf(netip.Addr{}) != never {
		t.Error("no address is not refused")
	}
}

// canary is a server that counts who came.
func canary(t *testing.T, h http.HandlerFunc) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var hits atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		if h != nil {
			h(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s, &hits
}

// faked makes a client whose names and connections are the test's: names are looked up in zone, and every connection
// that is allowed ends at server.
func faked(o Options, zone map[string][]string, server string) *http.Client {
	d := &dialer{host: o.Host,
		resolve: func(_ context.Context, host string) (out []netip.Addr, err error) {
			for _, a := range zone[strings.ToLower(host)] {
				out = append(out, netip.MustParseAddr(a))
			}
			if out == nil {
				err = errors.New("no such host")
			}
			return out, err
		},
		connect: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, server)
		}}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	return o.client(d)
}

// TestForbiddenSpellings: no spelling of an address that is refused reaches anything.
func TestForbiddenSpellings(t *testing.T) {
	s, hits := canary(t, nil)
	server := s.Listener.Addr().String()
	// What the C library makes of spellings that are no address to Go.
	zone := map[string][]string{
		"2852039166": {"169.254.169.254"}, "0xa9fea9fe": {"169.254.169.254"}, "0xa9.0xfe.0xa9.0xfe": {"169.254.169.254"}, "0251.0376.0251.0376": {"169.254.169.254"},
		"169.254.43518": {"169.254.169.254"}, "2130706433": {"127.0.0.1"}, "127.1": {"127.0.0.1"}, "0x7f000001": {"127.0.0.1"}, "017700000001": {"127.0.0.1"},
		"metadata.google.internal": {"169.254.169.254"}, "169.254.169.254.nip.io": {"169.254.169.254"}, "localtest.me": {"127.0.0.1"}, "six.example": {"::1"},
		"both.example": {"8.8.8.8", "169.254.169.254"}, "mapped.example": {"::ffff:169.254.169.254"}, "nat64.example": {"64:ff9b::a9fe:a9fe"}, "localhost.": {"127.0.0.1"},
		"localhost.evil.example": {"127.0.0.1"}, "zero.example": {"0.0.0.0"}, "ec2.example": {"fd00:ec2::254"},
	}
	hosts := []string{"169.254.169.254", "169.254.170.2", "[fe80::1]", "[fe80::1%25eth0]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[0:0:0:0:0:ffff:a9fe:a9fe]",
		"[64:ff9b::169.254.169.254]", "[2002:a9fe:a9fe::]", "[::169.254.169.254]", "[fd00:ec2::254]", "0.0.0.0", "[::]", "224.0.0.1", "255.255.255.255", "100.100.100.200", "168.63.129.16"}
	for h := range zone {
		hosts = append(hosts, h)
	}
	for _, h := range hosts {
		u := "http://" + h + ":9090/"
		parsed, err := url.Parse(u)
		if err != nil {
			t.Fatalf("%s: %v", u, err)
		}
		resp, err := faked(Options{Scheme: "http", Host: parsed.Hostname()}, zone, server).Get(u)
		if err == nil {
			resp.Body.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "refused to connect") {
			t.Errorf("%s: error %v", u, err)
		}
	}
	// localhost is trusted with what is not encrypted, and must be this machine.
	for _, a := range []string{"10.0.0.1", "8.8.8.8"} {
		if resp, err := faked(Options{Scheme: "http", Host: "localhost"}, map[string][]string{"localhost": {a}}, server).Get("http://localhost:9090/"); err == nil {
			resp.Body.Close()
			t.Errorf("localhost at %s is asked", a)
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
	// The twin: what may be named is reached.
	zone = map[string][]string{"localhost": {"127.0.0.1", "::1"}, "prometheus.corp": {"10.1.2.3"}, "prometheus.example": {"8.8.8.8"}}
	for _, h := range []string{"localhost", "LOCALHOST", "127.0.0.1", "127.0.0.2", "[::1]", "10.0.0.1", "[fd12::1]", "8.8.8.8", "prometheus.corp", "prometheus.example"} {
		parsed, _ := url.Parse("http://" + h + ":9090/")
		resp, err := faked(Options{Scheme: "http", Host: parsed.Hostname()}, zone, server).Get(parsed.String())
		if err != nil {
			t.Errorf("%s: %v", h, err)
			continue
		}
		resp.Body.Close()
	}
	if n := hits.Load(); n != 10 {
		t.Errorf("%d requests arrived, want 10", n)
	}
}

// TestRedirects says where a redirect may lead.
func TestRedirects(t *testing.T) {
	zone := map[string][]string{"named.example": {"8.8.8.8"}, "cdn.example": {"8.8.4.4"}, "inner.example": {"10.0.0.1"}, "rebound.example": {"127.0.0.1"}, "named.corp": {"10.0.0.2"}, "localhost": {"127.0.0.1"}}
	for _, c := range []struct {
		name, host, to string
		elsewhere      bool
		want           string // of the error, "" where the redirect is followed
	}{
		{"same host", "named.example", "/b", false, ""},
		{"same host, spelt out", "named.example", "http://NAMED.example:80/b", false, ""},
		{"another host", "named.example", "http://cdn.example/b", false, "refused a redirect to http://cdn.example"},
		{"another port", "named.example", "http://named.example:8080/b", false, "refused a redirect"},
		{"another scheme", "named.example", "https://named.example/b", false, "refused a redirect"},
		{"a file", "named.example", "file:///etc/passwd", false, "refused a redirect"},
		{"credentials", "named.example", "http://a:b@named.example/b", false, "credentials"},
		{"endless", "named.example", "/", false, "stopped after 3 redirects"},
		{"elsewhere, not encrypted", "named.example", "http://cdn.example/b", true, "only asked over https"},
		{"elsewhere, private", "named.example", "https://inner.example/b", true, "it must be public"},
		{"elsewhere, private, from a private host", "named.corp", "https://inner.example/b", true, "it must be public"},
		{"elsewhere, this machine", "named.example", "https://rebound.example/b", true, "refused to connect"},
		{"elsewhere, this machine by name", "named.example", "https://localhost/b", true, "refused to connect"},
		{"elsewhere, this machine by address", "named.example", "https://127.0.0.1/b", true, "refused to connect"},
		{"elsewhere, metadata", "named.example", "https://169.254.169.254/b", true, "refused to connect"},
	} {
		s, _ := canary(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				http.Redirect(w, r, c.to, http.StatusFound)
			}
		})
		resp, err := faked(Options{Scheme: "http", Host: c.host, Elsewhere: c.elsewhere}, zone, s.Listener.Addr().String()).Get("http://" + c.host + "/")
		if err == nil {
			resp.Body.Close()
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestElsewhere: a redirect to another public host over https is followed where that is allowed, and the certificate
// must be that host's.
func TestElsewhere(t *testing.T) {
	var to string
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "example.com" {
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
			return
		}
		_, _ = io.WriteString(w, "blob from "+r.Host+r.Header.Get("Authorization"))
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // the refusals of the client
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate()) // for example.com and *.example.com
	zone := map[string][]string{"example.com": {"8.8.8.8"}, "cdn.example.com": {"8.8.4.4"}, "cdn.example": {"8.8.4.4"}}
	for target, want := range map[string]string{"https://cdn.example.com/x": "", "https://cdn.example/x": "certificate"} {
		to = target
		client := faked(Options{Scheme: "https", Host: "example.com", Elsewhere: true, Roots: roots}, zone, s.Listener.Addr().String())
		req, _ := http.NewRequest(http.MethodGet, "https://example.com/", nil)
		req.Header.Set("Authorization", "Bearer secret")
		resp, err := client.Do(req)
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q", target, err, want)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		b, err := ReadAll(resp.Body, 100)
		resp.Body.Close()
		// net/http sends it to subdomains; the registry client takes it away, and its own test says so.
		if err != nil || !strings.HasPrefix(string(b), "blob from cdn.example.com") {
			t.Errorf("%s: %q, error %v", target, b, err)
		}
	}
	// Without the authority of its own, the certificate is not believed.
	if _, err := faked(Options{Scheme: "https", Host: "example.com"}, zone, s.Listener.Addr().String()).Get("https://example.com/"); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("error %v", err)
	}
}

// TestSlow: an answer that does not end is given up.
func TestSlow(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"no header": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"a byte now and then": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		},
	} {
		s, _ := canary(t, h)
		start := time.Now()
		client := New(Options{Scheme: "http", Host: "127.0.0.1", Timeout: 200 * time.Millisecond})
		resp, err := client.Get(s.URL)
		if err == nil {
			_, err = ReadAll(resp.Body, 1<<20)
			resp.Body.Close()
		}
		if err == nil || time.Since(start) > 5*time.Second {
			t.Errorf("%s: error %v after %s", name, err, time.Since(start))
		}
	}
}

// TestReadAll: an endless answer is given up, one of just the limit is not.
func TestReadAll(t *testing.T) {
	if _, err := ReadAll(strings.NewReader(strings.Repeat("a", 11)), 10); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v", err)
	}
	if b, err := ReadAll(strings.NewReader(strings.Repeat("a", 10)), 10); err != nil || len(b) != 10 {
		t.Errorf("%d bytes, error %v", len(b), err)
	}
}

// TestProxyIsNotUsed: a proxy that the environment names is not asked.
func TestProxyIsNotUsed(t *testing.T) {
	if tr := New(Options{Scheme: "https", Host: "a"}).Transport.(*guard).Transport; tr.Proxy != nil || tr.TLSClientConfig.InsecureSkipVerify || !tr.DisableCompression {
		t.Error("a proxy, unverified TLS or unpacking is possible")
	}
}

// TestGuard: whoever makes a request, it goes over https, or to the server that was named over http.
func TestGuard(t *testing.T) {
	s, hits := canary(t, nil)
	zone := map[string][]string{"named.example": {"8.8.8.8"}, "other.example": {"8.8.4.4"}}
	for _, c := range []struct {
		o    Options
		url  string
		want string
	}{
		{Options{Scheme: "http", Host: "named.example"}, "http://named.example/", ""},
		{Options{Scheme: "https", Host: "named.example"}, "http://named.example/", "refused to ask http://named.example"},
		{Options{Scheme: "http", Host: "named.example", Elsewhere: true}, "http://other.example/", "refused to ask http://other.example"},
		{Options{Scheme: "http", Host: "named.example"}, "https://other.example/", "refused to ask https://other.example"},
		{Options{Host: "named.example"}, "http://named.example/", "refused to ask"},
		{Options{}, "https://named.example/", "refused to ask"},
	} {
		resp, err := faked(c.o, zone, s.Listener.Addr().String()).Get(c.url)
		if err == nil {
			resp.Body.Close()
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v %s: error %v, want %q", c.o, c.url, err, c.want)
		}
	}
	if hits.Load() != 1 {
		t.Errorf("%d requests arrived", hits.Load())
	}
}
