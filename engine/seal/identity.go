package seal

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
)

// Identity is what a certificate says about who signed, in the words of its issuer. It is comparable; the zero Identity is
// that of a signature with a key. Everything but Issuer and Subject is empty where a person signed.
type Identity struct {
	// Issuer is the URL of the OpenID Connect provider that vouched for the signer (OID 1.3.6.1.4.1.57264.1.8).
	Issuer string
	// Subject is the certificate's one subject alternative name: an e-mail address, a URI, or a user name.
	Subject string
	// Repository is the URL of the source repository, RepositoryID the number it keeps when it is renamed.
	Repository, RepositoryID string
	// Ref is the git reference that was built, Revision the commit.
	Ref, Revision string
	// Workflow is the URI of the build's top configuration with its reference; Job that of the workflow that the signing job is
	// written in. They differ when a workflow calls another.
	Workflow, Job string
	// Runner is where it ran, such as github-hosted; Trigger what started it, such as push.
	Runner, Trigger string
}

// String names the identity for people.
func (i Identity) String() string {
	if i == (Identity{}) {
		return "nobody"
	}
	return fmt.Sprintf("%s (vouched for by %s)", i.Subject, i.Issuer)
}

// Signatory is who signed, or signs: the ID of a key, or the identity of a certificate. The other is zero.
type Signatory struct {
	KeyID    string
	Identity Identity
}

// String names the signatory for people.
func (s Signatory) String() string {
	if s.Identity != (Identity{}) {
		return s.Identity.String()
	}
	return "key SHA256:" + s.KeyID
}

// ID is one text for the signatory: the key's ID, or issuer and subject.
func (s Signatory) ID() string {
	if s.Identity != (Identity{}) {
		return s.Identity.Issuer + " " + s.Identity.Subject
	}
	return s.KeyID
}

// readCertificate reads the certificate of a bundle. Nothing is believed by that: whoever wrote it chose what it says.
func readCertificate(der []byte) (*ecdsa.PublicKey, Identity, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, Identity{}, err
	}
	key, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, Identity{}, errors.New("only ECDSA P-256 keys are supported, the certificate has another kind")
	}
	if n := len(cert.URIs) + len(cert.EmailAddresses) + len(cert.DNSNames) + len(cert.IPAddresses); n > 1 {
		return nil, Identity{}, fmt.Errorf("it has %d subject alternative names, want 1", n)
	}
	s, err := certificate.SummarizeCertificate(cert)
	if err != nil {
		return nil, Identity{}, err
	}
	if s.Issuer == "" {
		return nil, Identity{}, errors.New("it does not name the issuer that vouched for its subject (OID 1.3.6.1.4.1.57264.1.8)")
	}
	return key, Identity{
		Issuer: s.Issuer, Subject: s.SubjectAlternativeName,
		Repository: s.SourceRepositoryURI, RepositoryID: s.SourceRepositoryIdentifier,
		Ref: s.SourceRepositoryRef, Revision: s.SourceRepositoryDigest,
		Workflow: s.BuildConfigURI, Job: s.BuildSignerURI, Runner: s.RunnerEnvironment, Trigger: s.BuildTrigger,
	}, nil
}
