// Package sealtest makes what a certificate authority, a timestamp authority and a signer with a short-lived certificate would
// make, at chosen times, for tests. The product does not import it.
package sealtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/timestamp"
)

// World is a certificate authority, a timestamp authority and a transparency log.
type World struct {
	t        testing.TB
	ca, tsa  *x509.Certificate
	caKey    *ecdsa.PrivateKey
	tsaKey   *ecdsa.PrivateKey
	logKey   *ecdsa.PrivateKey
	from, to time.Time
}

// Identity is what a certificate says; the CI facts are left out where they are empty.
type Identity struct {
	Issuer, Subject                                                         string
	Repository, RepositoryID, Ref, Revision, Workflow, Job, Runner, Trigger string
}

// New makes authorities that are valid for ten years around an instant.
func New(t testing.TB, around time.Time) *World {
	t.Helper()
	w := &World{t: t, from: around.AddDate(-5, 0, 0), to: around.AddDate(5, 0, 0)}
	w.caKey, w.tsaKey, w.logKey = w.key(), w.key(), w.key()
	w.ca = w.issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "test CA"}, NotBefore: w.from, NotAfter: w.to, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}, nil, &w.caKey.PublicKey, w.caKey)
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}}) // time stamping, critical as RFC 3161 2.3 demands
	w.check(err)
	w.tsa = w.issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "test TSA"}, NotBefore: w.from, NotAfter: w.to, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}},
	}, w.ca, &w.tsaKey.PublicKey, w.caKey)
	return w
}

func (w *World) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *World) key() *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.check(err)
	return k
}

// issue makes a certificate; without a parent it is its own.
func (w *World) issue(c, parent *x509.Certificate, key *ecdsa.PublicKey, by *ecdsa.PrivateKey) *x509.Certificate {
	w.t.Helper()
	if parent == nil {
		parent = c
	}
	var err error
	c.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62))
	w.check(err)
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key, by)
	w.check(err)
	out, err := x509.ParseCertificate(der)
	w.check(err)
	return out
}

// TrustedRoot is the trusted_root.json of this world.
func (w *World) TrustedRoot() []byte {
	chain := func(certs ...*x509.Certificate) map[string]any {
		var list []any
		for _, c := range certs {
			list = append(list, map[string]string{"rawBytes": base64.StdEncoding.EncodeToString(c.Raw)})
		}
		return map[string]any{
			"subject": map[string]string{"organization": "test", "commonName": certs[0].Subject.CommonName}, "uri": "https://test.example",
			"certChain": map[string]any{"certificates": list}, "validFor": map[string]any{"start": w.from.Format(time.RFC3339)},
		}
	}
	b, err := json.Marshal(map[string]any{
		"mediaType":              "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
		"certificateAuthorities": []any{chain(w.ca)}, "timestampAuthorities": []any{chain(w.tsa, w.ca)},
		"tlogs": []any{map[string]any{
			"baseUrl": "https://log.example", "hashAlgorithm": "SHA2_256", "logId": map[string]any{"keyId": w.logID()},
			"publicKey": map[string]any{
				"rawBytes": w.logDER(), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": map[string]any{"start": w.from.Format(time.RFC3339)},
			},
		}},
	})
	w.check(err)
	return b
}

// Certificate is one that is valid for ten minutes from an instant.
func (w *World) Certificate(id Identity, key *ecdsa.PublicKey, from time.Time) *x509.Certificate {
	c := &x509.Certificate{
		NotBefore: from, NotAfter: from.Add(10 * time.Minute), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
	if u, err := url.Parse(id.Subject); err == nil && u.Scheme != "" {
		c.URIs = []*url.URL{u}
	} else {
		c.EmailAddresses = []string{id.Subject}
	}
	// The numbers are those of Fulcio's docs/oid-info.md, under 1.3.6.1.4.1.57264.1.
	for number, value := range map[int]string{
		8: id.Issuer, 9: id.Job, 11: id.Runner, 12: id.Repository, 13: id.Revision, 14: id.Ref, 15: id.RepositoryID, 18: id.Workflow, 20: id.Trigger,
	} {
		if value == "" {
			continue
		}
		der, err := asn1.MarshalWithParams(value, "utf8")
		w.check(err)
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, number}, Value: der})
	}
	return w.issue(c, w.ca, key, w.caKey)
}

// Timestamp is a timestamp authority's answer (DER) about a signature at an instant.
func (w *World) Timestamp(signature []byte, at time.Time) []byte {
	digest := sha256.Sum256(signature)
	return w.TimestampOf(digest[:], nil, at)
}

// TimestampOf is Timestamp for a digest, with the nonce of a request.
func (w *World) TimestampOf(digest []byte, nonce *big.Int, at time.Time) []byte {
	ts := timestamp.Timestamp{
		HashAlgorithm: crypto.SHA256, HashedMessage: digest, Nonce: nonce, Time: at, Policy: asn1.ObjectIdentifier{1, 2, 3, 4},
		AddTSACertificate: true,
	}
	der, err := ts.CreateResponseWithOpts(w.tsa, w.tsaKey, crypto.SHA256)
	w.check(err)
	return der
}

// Sign is a bundle around a payload, signed by an identity whose certificate starts at an instant and with a timestamp of
// another; without one when stamped is zero.
func (w *World) Sign(payload string, id Identity, from, stamped time.Time) []byte {
	key := w.key()
	cert := w.Certificate(id, &key.PublicKey, from)
	material := map[string]any{"certificate": map[string]string{"rawBytes": base64.StdEncoding.EncodeToString(cert.Raw)}}
	return w.bundle(payload, key, material, stamped)
}

// Stamp adds a timestamp of an instant to a bundle.
func (w *World) Stamp(bundle []byte, at time.Time) []byte {
	var b map[string]any
	w.check(json.Unmarshal(bundle, &b))
	sig := b["dsseEnvelope"].(map[string]any)["signatures"].([]any)[0].(map[string]any)["sig"].(string)
	raw, err := base64.StdEncoding.DecodeString(sig)
	w.check(err)
	b["verificationMaterial"].(map[string]any)["timestampVerificationData"] = w.stamps(raw, at)
	out, err := json.Marshal(b)
	w.check(err)
	return out
}

// Log adds to the bundle of a key (PEM) what a log of Rekor's first version promises of it: an entry of type dsse 0.0.1 that was
// taken in at an instant. The bundle becomes one of version 0.1, which needs no proof of inclusion.
func (w *World) Log(bundle []byte, publicPEM string, at time.Time) []byte {
	var b struct {
		Material map[string]any `json:"verificationMaterial"`
		Envelope struct {
			Payload     string              `json:"payload"`
			PayloadType string              `json:"payloadType"`
			Signatures  []map[string]string `json:"signatures"`
		} `json:"dsseEnvelope"`
	}
	w.check(json.Unmarshal(bundle, &b))
	payload, err := base64.StdEncoding.DecodeString(b.Envelope.Payload)
	w.check(err)
	hash := func(b []byte) map[string]any {
		return map[string]any{"algorithm": "sha256", "value": fmt.Sprintf("%x", sha256.Sum256(b))}
	}
	body, err := json.Marshal(map[string]any{"apiVersion": "0.0.1", "kind": "dsse", "spec": map[string]any{
		"envelopeHash": hash(bundle), "payloadHash": hash(payload),
		"signatures": []any{map[string]any{"signature": b.Envelope.Signatures[0]["sig"], "verifier": []byte(publicPEM)}},
	}})
	w.check(err)
	id, err := base64.StdEncoding.DecodeString(w.logID())
	w.check(err)
	// The promise is a signature over these members in the order of RFC 8785.
	promise := sha256.Sum256(fmt.Appendf(nil, `{"body":%q,"integratedTime":%d,"logID":"%x","logIndex":7}`, base64.StdEncoding.EncodeToString(body), at.Unix(), id))
	sig, err := ecdsa.SignASN1(rand.Reader, w.logKey, promise[:])
	w.check(err)
	b.Material["tlogEntries"] = []any{map[string]any{
		"logIndex": "7", "logId": map[string]any{"keyId": w.logID()}, "kindVersion": map[string]string{"kind": "dsse", "version": "0.0.1"},
		"integratedTime": fmt.Sprint(at.Unix()), "inclusionPromise": map[string]any{"signedEntryTimestamp": sig}, "canonicalizedBody": body,
	}}
	out, err := json.Marshal(map[string]any{
		"mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1", "verificationMaterial": b.Material, "dsseEnvelope": b.Envelope,
	})
	w.check(err)
	return out
}

// logDER is the log's public key, logID the name that Rekor gives a log: the SHA-256 of that, in base64.
func (w *World) logDER() []byte {
	der, err := x509.MarshalPKIXPublicKey(&w.logKey.PublicKey)
	w.check(err)
	return der
}

func (w *World) logID() string {
	id := sha256.Sum256(w.logDER())
	return base64.StdEncoding.EncodeToString(id[:])
}

func (w *World) stamps(signature []byte, at time.Time) map[string]any {
	return map[string]any{"rfc3161Timestamps": []any{map[string]string{"signedTimestamp": base64.StdEncoding.EncodeToString(w.Timestamp(signature, at))}}}
}

func (w *World) bundle(payload string, key *ecdsa.PrivateKey, material map[string]any, stamped time.Time) []byte {
	const kind = "application/vnd.in-toto+json"
	digest := sha256.Sum256(fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(payload), payload))
	sig, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	w.check(err)
	if !stamped.IsZero() {
		material["timestampVerificationData"] = w.stamps(sig, stamped)
	}
	out, err := json.Marshal(map[string]any{
		"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial": material,
		"dsseEnvelope": map[string]any{
			"payload": base64.StdEncoding.EncodeToString([]byte(payload)), "payloadType": kind,
			"signatures": []any{map[string]string{"sig": base64.StdEncoding.EncodeToString(sig)}},
		},
	})
	w.check(err)
	return out
}

// Workflow is the identity that GitHub's provider gives to a workflow of a repository at a reference.
func Workflow(repository, workflow, ref string) Identity {
	uri := strings.TrimSuffix(repository, "/") + "/" + workflow + "@" + ref
	return Identity{
		Issuer: "https://token.actions.githubusercontent.com", Subject: uri, Repository: repository, RepositoryID: "4711", Ref: ref,
		Revision: strings.Repeat("a", 40), Workflow: uri, Job: uri, Runner: "github-hosted", Trigger: "push",
	}
}
