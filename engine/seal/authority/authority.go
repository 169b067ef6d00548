// Package authority asks the services that vouch for signatures: certificate authorities (Fulcio), timestamp authorities
// (RFC 3161) and transparency logs (Rekor v2). It believes none of their answers; package seal checks those as a verifier would.
//
// There are three requests, so no client library is used: those of sigstore-go bring a dozen modules for the first version of Rekor, and
// not all of them let the caller choose how to connect.
package authority

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/digitorus/timestamp"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/evidence/outbound"
)

const (
	timeout   = 30 * time.Second
	maxAnswer = 1 << 20
	// maxSaid is how much of a server's words an error repeats.
	maxSaid = 300
)

// post sends one request and gives the bytes of an answer 200 or 201. Redirects stay at the server that was named.
func post(ctx context.Context, address, contentType string, body []byte) ([]byte, error) {
	u, err := Parse(address)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", contentType)
	return send(r)
}

func send(r *http.Request) ([]byte, error) {
	where := r.URL.Scheme + "://" + r.URL.Host
	c := outbound.New(outbound.Options{Scheme: r.URL.Scheme, Host: r.URL.Hostname(), Timeout: timeout})
	defer c.CloseIdleConnections()
	answer, err := c.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", where, outbound.Cause(err))
	}
	defer answer.Body.Close()
	b, err := outbound.ReadAll(answer.Body, maxAnswer)
	switch {
	case err != nil:
		return nil, fmt.Errorf("ask %s: %w", where, err)
	case answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusCreated:
		return nil, fmt.Errorf("ask %s: it answers %d: %s", where, answer.StatusCode, said(b))
	}
	return b, nil
}

// said is what a server says about an error, cut for people. Answers that are no JSON are not repeated.
func said(b []byte) string {
	var m struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(b, &m) != nil || m.Message == "" {
		return "without saying why"
	}
	return m.Message[:min(len(m.Message), maxSaid)]
}

// Parse reads the address of a service: http or https, without credentials, query and fragment.
func Parse(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, errors.New("the address of a service is no URL")
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("the address of a service is https://HOST/PATH, without credentials and query, not %q", u.Redacted())
	}
	return u, nil
}

// Certificate asks a Fulcio for a certificate (DER) of the key, for whoever the identity token names. The token is sent over
// TLS only, or to this machine; an error never repeats it.
func Certificate(ctx context.Context, base, token string, key *ecdsa.PrivateKey) ([]byte, error) {
	u, err := Parse(base)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "https" && !outbound.IsLocal(u.Hostname()) {
		return nil, fmt.Errorf("ask %s: the identity token is only sent over https", base)
	}
	// The request is signed with the key, which proves that whoever holds the token holds the key.
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]any{
		"credentials":               map[string]string{"oidcIdentityToken": token},
		"certificateSigningRequest": base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})),
	})
	if err != nil {
		return nil, err
	}
	b, err := post(ctx, strings.TrimSuffix(base, "/")+"/api/v2/signingCert", "application/json", body)
	if err != nil {
		return nil, hide(err, token)
	}
	return leaf(b)
}

// leaf is the first certificate of Fulcio's answer.
func leaf(answer []byte) ([]byte, error) {
	type chain struct {
		Chain struct {
			Certificates []string `json:"certificates"`
		} `json:"chain"`
	}
	var a struct {
		Embedded chain `json:"signedCertificateEmbeddedSct"`
		Detached chain `json:"signedCertificateDetachedSct"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return nil, fmt.Errorf("read the certificate authority's answer: %w", err)
	}
	if all := append(a.Embedded.Chain.Certificates, a.Detached.Chain.Certificates...); len(all) > 0 {
		if block, _ := pem.Decode([]byte(all[0])); block != nil && block.Type == "CERTIFICATE" {
			return block.Bytes, nil
		}
	}
	return nil, errors.New("read the certificate authority's answer: there is no certificate in it")
}

// hide takes a secret out of an error: a server may repeat what it was sent.
func hide(err error, secret string) error {
	if secret == "" || !strings.Contains(err.Error(), secret) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), secret, "[token]"))
}

// Timestamp asks a timestamp authority about a signature and gives its answer (DER), which is about this very request.
func Timestamp(ctx context.Context, address string, signature []byte) ([]byte, error) {
	digest := sha256.Sum256(signature)
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, err
	}
	body, err := (&timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: digest[:], Certificates: true, Nonce: nonce}).Marshal()
	if err != nil {
		return nil, err
	}
	b, err := post(ctx, address, "application/timestamp-query", body)
	if err != nil {
		return nil, err
	}
	ts, err := timestamp.ParseResponse(b)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the timestamp of %s: %w", address, err)
	case ts.Nonce == nil || ts.Nonce.Cmp(nonce) != 0 || !bytes.Equal(ts.HashedMessage, digest[:]):
		return nil, fmt.Errorf("read the timestamp of %s: it is about something else", address)
	}
	return b, nil
}

// Log adds a signature over a message to a Rekor v2 log and gives the entry with its proof, as JSON. Either certificate or
// key (both DER) is what it is checked with.
func Log(ctx context.Context, base string, message, signature, certificate, key []byte) (jsontext.Value, error) {
	type raw struct {
		RawBytes []byte `json:"rawBytes"`
	}
	verifier := map[string]any{"keyDetails": "PKIX_ECDSA_P256_SHA_256"}
	if certificate != nil {
		verifier["x509Certificate"] = raw{certificate}
	} else {
		verifier["publicKey"] = raw{key}
	}
	digest := sha256.Sum256(message)
	body, err := json.Marshal(map[string]any{"hashedRekordRequestV002": map[string]any{
		"digest": digest[:], "signature": map[string]any{"content": signature, "verifier": verifier},
	}})
	if err != nil {
		return nil, err
	}
	b, err := post(ctx, strings.TrimSuffix(base, "/")+"/api/v2/log/entries", "application/json", body)
	if err != nil {
		return nil, err
	}
	v := jsontext.Value(bytes.TrimSpace(b))
	if v.Kind() != '{' || !v.IsValid() {
		return nil, fmt.Errorf("read the log entry of %s: it is no JSON object", base)
	}
	return v, nil
}

// GitHubToken asks GitHub's runner for an identity token for Sigstore. address and bearer are those of its environment
// (ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN).
func GitHubToken(ctx context.Context, address, bearer string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && outbound.IsLocal(u.Hostname())) {
		return "", errors.New("ask the runner for an identity token: ACTIONS_ID_TOKEN_REQUEST_URL is no https address")
	}
	q := u.Query()
	q.Set("audience", "sigstore")
	u.RawQuery = q.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+bearer)
	b, err := send(r)
	if err != nil {
		return "", hide(err, bearer)
	}
	var a struct {
		Value string `json:"value"`
	}
	if err := json.Unmarshal(b, &a); err != nil || a.Value == "" {
		return "", errors.New("ask the runner for an identity token: there is none in its answer")
	}
	return a.Value, nil
}
