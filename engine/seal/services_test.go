package seal_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/timestamp"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/seal/sealtest"
)

const secretToken = "eyJ0.c2VjcmV0.c2ln"

// servers are a certificate authority and a timestamp authority over HTTP, at times that the test sets.
type servers struct {
	*sealtest.World
	url     string
	now     time.Time
	id      sealtest.Identity
	issued  int
	certify func(w http.ResponseWriter, key *ecdsa.PublicKey) bool // answers instead where it says true
	stamp   func(w http.ResponseWriter, r *timestamp.Request) bool
}

func newServers(t *testing.T) *servers {
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	s := &servers{World: sealtest.New(t, at), now: at, id: sealtest.Identity{Issuer: "https://sso.example", Subject: "ci@acme.example"}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/signingCert", s.fulcio)
	mux.HandleFunc("POST /tsa", s.tsa)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *servers) fulcio(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Credentials struct {
			OIDCIdentityToken string `json:"oidcIdentityToken"`
		} `json:"credentials"`
		CSR []byte `json:"certificateSigningRequest"`
	}
	b, _ := io.ReadAll(r.Body)
	block := new(pem.Block)
	if json.Unmarshal(b, &q) == nil {
		block, _ = pem.Decode(q.CSR)
	}
	if block == nil || q.Credentials.OIDCIdentityToken != secretToken {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"message": "no good: " + string(b)}) // repeats the token
		return
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil || csr.CheckSignature() != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	key := csr.PublicKey.(*ecdsa.PublicKey)
	s.issued++
	if s.certify != nil && s.certify(w, key) {
		return
	}
	s.answer(w, s.id, key)
}

func (s *servers) answer(w http.ResponseWriter, id sealtest.Identity, key *ecdsa.PublicKey) {
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate(id, key, s.now).Raw})
	_ = json.NewEncoder(w).Encode(map[string]any{"signedCertificateDetachedSct": map[string]any{"chain": map[string]any{"certificates": []string{string(cert)}}}})
}

func (s *servers) tsa(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	q, err := timestamp.ParseRequest(b)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if s.stamp != nil && s.stamp(w, q) {
		return
	}
	_, _ = w.Write(s.TimestampOf(q.HashedMessage, q.Nonce, s.now))
}

func (s *servers) services(t *testing.T) seal.Services {
	t.Helper()
	roots, err := seal.ParseRoots("tr", s.TrustedRoot())
	if err != nil {
		t.Fatal(err)
	}
	return seal.Services{Authority: s.url, Timestamps: []string{s.url + "/tsa"}, Roots: roots, Now: func() time.Time { return s.now }}
}

func tokenIs(token string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return token, nil }
}

func theStatement() seal.Statement {
	return seal.Statement{
		Subject: []seal.Subject{{Digest: map[string]string{"sha256": strings.Repeat("a", 64)}}}, PredicateType: "https://cdgate.dev/tests/v1", Predicate: []byte(`{}`),
	}
}

func TestKeyless(t *testing.T) {
	s := newServers(t)
	v := s.services(t)
	signer, err := seal.OpenKeyless(t.Context(), tokenIs(secretToken), v)
	if err != nil {
		t.Fatal(err)
	}
	want := seal.Identity{Issuer: s.id.Issuer, Subject: s.id.Subject}
	if signer.Signatory() != (seal.Signatory{Identity: want}) || signer.KeyID() != "" || !signer.Timestamps() {
		t.Errorf("it signs as %s", signer.Signatory())
	}
	for range 2 {
		b, err := signer.Sign(theStatement())
		if err != nil {
			t.Fatal(err)
		}
		o, err := seal.Trust{Roots: v.Roots, Identity: func(i seal.Identity) bool { return i == want }}.Open(b)
		if err != nil || !o.Timestamped.Equal(s.now) {
			t.Errorf("%v, timestamped %s", err, o.Timestamped)
		}
	}
	if s.issued != 1 {
		t.Errorf("%d certificates for two signatures", s.issued)
	}
	// Nine minutes later the certificate has less than a minute left.
	s.now = s.now.Add(9*time.Minute + time.Second)
	if _, err := signer.Sign(theStatement()); err != nil || s.issued != 2 {
		t.Errorf("%d certificates, %v", s.issued, err)
	}
	// A renewal for somebody else is no renewal.
	s.now, s.id.Subject = s.now.Add(time.Hour), "eva@acme.example"
	if _, err := signer.Sign(theStatement()); err == nil || fault.ClassOf(err) != fault.Record || !strings.Contains(err.Error(), "eva@acme.example") {
		t.Errorf("renewed for somebody else: %v", err)
	}
}

func TestKeylessRefuses(t *testing.T) {
	other := sealtest.New(t, time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))
	for name, c := range map[string]struct {
		edit  func(*servers, *seal.Services)
		token string
		say   string
	}{
		"twin":                       {func(*servers, *seal.Services) {}, secretToken, ""},
		"another token":              {func(*servers, *seal.Services) {}, "eyJ0.dG9wIHNlY3JldA.c2ln", "it answers 400"},
		"no authority":               {func(_ *servers, v *seal.Services) { v.Authority = "" }, secretToken, "no certificate authority"},
		"no timestamps":              {func(_ *servers, v *seal.Services) { v.Timestamps = nil }, secretToken, "no timestamp authority"},
		"no trusted root":            {func(_ *servers, v *seal.Services) { v.Roots = nil }, secretToken, "--trusted-root"},
		"credentials in the address": {func(_ *servers, v *seal.Services) { v.Timestamps = []string{"https://me:pw@tsa.example"} }, secretToken, "without credentials"},
		"a token in the clear":       {func(_ *servers, v *seal.Services) { v.Authority = "http://fulcio.example" }, secretToken, "only sent over https"},
		"a file as address":          {func(_ *servers, v *seal.Services) { v.Timestamps = []string{"file:///etc/passwd"} }, secretToken, "https://HOST"},
		"certificate of another key": {func(s *servers, _ *seal.Services) {
			s.certify = func(w http.ResponseWriter, key *ecdsa.PublicKey) bool {
				other, err := ecdsa.GenerateKey(key.Curve, rand.Reader)
				if err == nil {
					s.answer(w, s.id, &other.PublicKey)
				}
				return err == nil
			}
		}, secretToken, "another key"},
		"no certificate": {func(s *servers, _ *seal.Services) {
			s.certify = func(w http.ResponseWriter, _ *ecdsa.PublicKey) bool { _, _ = io.WriteString(w, "{}"); return true }
		}, secretToken, "no certificate in it"},
		"endless answer": {func(s *servers, _ *seal.Services) {
			s.certify = func(w http.ResponseWriter, _ *ecdsa.PublicKey) bool {
				_, _ = w.Write(bytes.Repeat([]byte(" "), 2<<20))
				return true
			}
		}, secretToken, "too large"},
		"redirect elsewhere": {func(s *servers, _ *seal.Services) {
			s.certify = func(w http.ResponseWriter, _ *ecdsa.PublicKey) bool {
				w.Header().Set("Location", "https://evil.example/")
				w.WriteHeader(http.StatusTemporaryRedirect)
				return true
			}
		}, secretToken, "redirect"},
		"another authority's certificate": {func(s *servers, _ *seal.Services) {
			s.certify = func(w http.ResponseWriter, key *ecdsa.PublicKey) bool {
				cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: other.Certificate(s.id, key, s.now).Raw})
				_ = json.NewEncoder(w).Encode(map[string]any{"signedCertificateEmbeddedSct": map[string]any{"chain": map[string]any{"certificates": []string{string(cert)}}}})
				return true
			}
		}, secretToken, "not vouched for"},
		"another authority's timestamp": {func(s *servers, _ *seal.Services) {
			s.stamp = func(w http.ResponseWriter, q *timestamp.Request) bool {
				_, _ = w.Write(other.TimestampOf(q.HashedMessage, q.Nonce, s.now))
				return true
			}
		}, secretToken, "not vouched for"},
		"a timestamp again": {func(s *servers, _ *seal.Services) {
			s.stamp = func(w http.ResponseWriter, q *timestamp.Request) bool {
				_, _ = w.Write(s.TimestampOf(q.HashedMessage, nil, s.now))
				return true
			}
		}, secretToken, "about something else"},
		"a timestamp of something else": {func(s *servers, _ *seal.Services) {
			s.stamp = func(w http.ResponseWriter, q *timestamp.Request) bool {
				_, _ = w.Write(s.TimestampOf(make([]byte, 32), q.Nonce, s.now))
				return true
			}
		}, secretToken, "about something else"},
		"a timestamp long after": {func(s *servers, _ *seal.Services) {
			s.stamp = func(w http.ResponseWriter, q *timestamp.Request) bool {
				_, _ = w.Write(s.TimestampOf(q.HashedMessage, q.Nonce, s.now.Add(time.Hour)))
				return true
			}
		}, secretToken, "not vouched for"},
		"no such log": {func(s *servers, v *seal.Services) { v.Logs = []string{s.url + "/log"} }, secretToken, "it answers 404"},
	} {
		s := newServers(t)
		v := s.services(t)
		c.edit(s, &v)
		signer, err := seal.OpenKeyless(t.Context(), tokenIs(c.token), v)
		if err == nil {
			_, err = signer.Sign(theStatement())
		}
		switch {
		case c.say == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.say != "" && (err == nil || !strings.Contains(err.Error(), c.say)):
			t.Errorf("%s: %v, want %q", name, err, c.say)
		case err != nil && (strings.Contains(err.Error(), c.token) || strings.Contains(err.Error(), "pw@")):
			t.Errorf("%s: the error tells a secret: %v", name, err)
		}
	}
	if _, err := seal.OpenKeyless(t.Context(), func(context.Context) (string, error) { return "", errors.New("no token today") }, newServers(t).services(t)); err == nil ||
		!strings.Contains(err.Error(), "no token today") || fault.ClassOf(err) != fault.Usage {
		t.Errorf("no token: %v", err)
	}
}

func TestKeyWithTimestamps(t *testing.T) {
	s := newServers(t)
	private, _, err := seal.Generate(nil)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := seal.LoadSigner("k", private, nil)
	if err != nil {
		t.Fatal(err)
	}
	v := s.services(t)
	signer, err := plain.With(t.Context(), v)
	if err != nil || plain.Timestamps() || !signer.Timestamps() {
		t.Fatal(err)
	}
	b, err := signer.Sign(theStatement())
	if err != nil {
		t.Fatal(err)
	}
	o, err := seal.Trust{Keys: []seal.PublicKey{plain.Public()}, Roots: v.Roots}.Open(b)
	if err != nil || !o.Timestamped.Equal(s.now) || o.KeyID != plain.KeyID() {
		t.Errorf("%+v, %v", o, err)
	}
	v.Roots = nil
	if _, err := plain.With(t.Context(), v); err == nil || fault.ClassOf(err) != fault.Usage {
		t.Errorf("nothing to check with: %v", err)
	}
}

func TestReadServices(t *testing.T) {
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	service := func(url, version, since string) string {
		return `{"url":"` + url + `","majorApiVersion":` + version + `,"validFor":{"start":"` + since + `"},"operator":"o-` + base64.StdEncoding.EncodeToString([]byte(url)) + `"}`
	}
	past, future := "2025-01-01T00:00:00Z", "2027-01-01T00:00:00Z"
	config := func(ca, log, tsa string) string {
		return `{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","caUrls":[` + ca + `],"rekorTlogUrls":[` + log + `],"tsaUrls":[` + tsa +
			`],"rekorTlogConfig":{"selector":"ANY"},"tsaConfig":{"selector":"ALL"}}`
	}
	ca := service("https://ca.example", "1", past)
	two := service("https://a.example/tsa", "1", past) + "," + service("https://b.example/tsa", "1", past)
	v, err := seal.ReadServices("sc", []byte(config(ca+","+service("https://new.example", "1", future), service("https://log.example", "2", past), two)), at)
	if err != nil || v.Authority != "https://ca.example" || len(v.Timestamps) != 2 || len(v.Logs) != 1 || v.Logs[0] != "https://log.example" {
		t.Errorf("%+v, %v", v, err)
	}
	for name, text := range map[string]string{
		"empty": "", "a trusted root": string(sealtest.New(t, at).TrustedRoot()),
		"only the first version of Rekor": config(ca, service("https://log.example", "1", past), two),
		"not valid yet":                   config(service("https://new.example", "1", future), "", two),
		"no such version":                 config(service("https://ca.example", "7", past), "", two),
		"too big":                         config(ca, "", two) + strings.Repeat(" ", seal.MaxRoots),
	} {
		if _, err := seal.ReadServices("sc.json", []byte(text), at); err == nil || !strings.Contains(err.Error(), "sc.json") || fault.ClassOf(err) != fault.Usage {
			t.Errorf("%s: %v", name, err)
		}
	}
}
