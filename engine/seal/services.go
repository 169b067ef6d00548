package seal

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/sigstore/sigstore-go/pkg/root"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal/authority"
)

// Services are those that vouch for signatures when they are made, by their URLs.
type Services struct {
	// Authority issues certificates (Fulcio, version 2 of its API); it is asked only where there is no key.
	Authority string
	// Timestamps are timestamp authorities (RFC 3161), Logs are transparency logs (Rekor v2); each gets every signature.
	Timestamps, Logs []string
	// Roots are what their answers are checked with, before a bundle is given out.
	Roots *Roots
	// Now is the clock that says when a certificate has to be renewed.
	Now func() time.Time
}

// ReadServices picks services from a Sigstore signing config (signing_config.json, version 0.2) as it says itself: all, any
// or some of them, of those that are valid now. file names it in errors, which are usage faults.
func ReadServices(file string, text []byte, now time.Time) (Services, error) {
	var out Services
	if len(text) > MaxRoots {
		return out, fault.New(fault.Usage, "read signing config %q: it has %d bytes, more than the limit of %d", file, len(text), MaxRoots)
	}
	c, err := root.NewSigningConfigFromJSON(text)
	if err != nil {
		return out, fault.New(fault.Usage, "read signing config %q: %w; make one with: cosign signing-config create", file, err)
	}
	if all := c.FulcioCertificateAuthorityURLs(); len(all) > 0 {
		s, err := root.SelectService(all, []uint32{1}, now)
		if err != nil {
			return out, fault.New(fault.Usage, "read signing config %q: certificate authority: %w", file, err)
		}
		out.Authority = s.URL
	}
	if out.Timestamps, err = pick(c.TimestampAuthorityURLs(), c.TimestampAuthorityURLsConfig(), 1, now); err != nil {
		return out, fault.New(fault.Usage, "read signing config %q: timestamp authority: %w", file, err)
	}
	if out.Logs, err = pick(c.RekorLogURLs(), c.RekorLogURLsConfig(), 2, now); err != nil {
		return out, fault.New(fault.Usage, "read signing config %q: transparency log: %w; only version 2 of Rekor is supported", file, err)
	}
	return out, nil
}

func pick(all []root.Service, how root.ServiceConfiguration, version uint32, now time.Time) ([]string, error) {
	if len(all) == 0 {
		return nil, nil
	}
	some, err := root.SelectServices(all, how, []uint32{version}, now)
	var out []string
	for _, s := range some {
		out = append(out, s.URL)
	}
	return out, err
}

// check refuses services that could not be used, before anything is signed.
func (v Services) check() error {
	if v.Roots == nil {
		return fault.New(fault.Usage, "sign: nothing says how the services' answers are checked; name their trusted root with --trusted-root or CDGATE_TRUSTED_ROOT")
	}
	for _, u := range slices.Concat(v.Timestamps, v.Logs) {
		if _, err := authority.Parse(u); err != nil {
			return fault.New(fault.Usage, "sign: %w", err)
		}
	}
	return nil
}

// With is the signer with every signature vouched for by services. Errors are usage faults.
func (s *Signer) With(ctx context.Context, v Services) (*Signer, error) {
	if err := v.check(); err != nil {
		return nil, err
	}
	out := *s
	out.ctx, out.services = ctx, v
	return &out, nil
}

// OpenKeyless makes a signer without a key of its own: an authority issues certificates of keys that live in memory, for
// minutes, to whom an identity token names. token is asked for one whenever a certificate is needed. Timestamps are needed too, since nothing else says later
// when the certificate was used. Errors are usage faults and never hold the token.
func OpenKeyless(ctx context.Context, token func(context.Context) (string, error), v Services) (*Signer, error) {
	switch err := v.check(); {
	case err != nil:
		return nil, err
	case v.Authority == "":
		return nil, fault.New(fault.Usage, "sign without a key: the signing config names no certificate authority")
	case len(v.Timestamps) == 0:
		return nil, fault.New(fault.Usage, "sign without a key: no timestamp authority is named, and a certificate that lives for minutes is worth nothing without a timestamp; "+
			"add one to the signing config, or name it with --timestamp-url")
	}
	s := &Signer{ctx: ctx, services: v, token: token}
	if err := s.renew(); err != nil {
		return nil, fault.New(fault.Usage, "sign without a key: %w", err)
	}
	return s, nil
}

// certified is a certificate and what it says.
type certified struct {
	der      []byte
	identity Identity
	until    time.Time
}

// spare is how long a certificate must still be valid to be used.
const spare = time.Minute

// renew gets a certificate for a new key where there is none, or not for long. The identity must stay the same.
func (s *Signer) renew() error {
	if s.token == nil || s.services.Now().Add(spare).Before(s.certificate.until) {
		return nil
	}
	token, err := s.token(s.ctx)
	if err != nil {
		return err
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := authority.Certificate(s.ctx, s.services.Authority, token, private)
	if err != nil {
		return err
	}
	key, identity, err := readCertificate(der)
	switch {
	case err != nil:
		return fmt.Errorf("read the certificate that was issued: %w", err)
	case !key.Equal(&private.PublicKey):
		return errors.New("read the certificate that was issued: it is of another key")
	case s.certificate.der != nil && s.certificate.identity != identity:
		return fmt.Errorf("the certificate was renewed for %s, and it was %s", identity, s.certificate.identity)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	s.certificate, s.sign = certified{der: der, identity: identity, until: cert.NotAfter}, local(private)
	return nil
}

// vouch adds to a bundle what services say about its signature.
func (s *Signer) vouch(m *materialJSON, message, signature []byte) error {
	for _, u := range s.services.Timestamps {
		der, err := authority.Timestamp(s.ctx, u, signature)
		if err != nil {
			return err
		}
		stamp := jsontext.Value(`{"signedTimestamp":"` + base64.StdEncoding.EncodeToString(der) + `"}`)
		m.Timestamps.RFC3161 = append(m.Timestamps.RFC3161, stamp)
	}
	var spki []byte
	if block, _ := pem.Decode([]byte(s.public.PEM)); block != nil {
		spki = block.Bytes
	}
	for _, u := range s.services.Logs {
		entry, err := authority.Log(s.ctx, u, message, signature, s.certificate.der, spki)
		if err != nil {
			return err
		}
		m.LogEntries = append(m.LogEntries, entry)
	}
	return nil
}

// self is what a bundle of the signer must open with.
func (s *Signer) self() Trust {
	if s.token == nil {
		return Trust{Keys: []PublicKey{s.public}, Roots: s.services.Roots}
	}
	return Trust{Identity: func(i Identity) bool { return i == s.certificate.identity }, Roots: s.services.Roots}
}
