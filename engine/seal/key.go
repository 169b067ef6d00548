package seal

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"

	"cdgate.dev/cdgate/engine/fault"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

const (
	pemPublic         = "PUBLIC KEY"
	pemPrivate        = "PRIVATE KEY"
	pemEncrypted      = "ENCRYPTED SIGSTORE PRIVATE KEY"
	pemEncryptedOlder = "ENCRYPTED COSIGN PRIVATE KEY"
)

// PublicKey is a P-256 public key in one canonical form, so that the same key always compares equal with ==.
type PublicKey struct {
	// ID is base64(SHA-256(SPKI DER)), which cosign and sigstore-go write as hint of a bundle.
	ID string
	// PEM is the key as one PUBLIC KEY block.
	PEM string
}

// Fingerprint is the key's ID as people pin it: "SHA256:" and the ID.
func (k PublicKey) Fingerprint() string { return "SHA256:" + k.ID }

// ParsePublicKey reads a PEM file with one PUBLIC KEY block that holds a P-256 key. file names it in errors, which are
// usage faults.
func ParsePublicKey(file string, text []byte) (PublicKey, error) {
	k, _, err := parsePublic(text)
	if err != nil {
		return PublicKey{}, fault.New(fault.Usage, "read public key %q: %w", file, err)
	}
	return k, nil
}

func parsePublic(text []byte) (PublicKey, *ecdsa.PublicKey, error) {
	block, err := onlyBlock(text)
	if err != nil {
		return PublicKey{}, nil, err
	}
	if block.Type != pemPublic {
		return PublicKey{}, nil, fmt.Errorf("it holds a %q block, want %q", block.Type, pemPublic)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return PublicKey{}, nil, err
	}
	pub, ok := parsed.(*ecdsa.PublicKey)
	if !ok || pub.Curve != elliptic.P256() {
		return PublicKey{}, nil, errors.New("only ECDSA P-256 keys are supported, this is another kind")
	}
	k, err := publicKey(pub)
	if err != nil {
		return PublicKey{}, nil, err
	}
	// Another encoding of the same key would have another ID, and one key could count as two.
	if again, _ := pem.Decode([]byte(k.PEM)); again == nil || !bytes.Equal(again.Bytes, block.Bytes) {
		return PublicKey{}, nil, errors.New("the key is not in its canonical DER encoding")
	}
	return k, pub, nil
}

func publicKey(pub *ecdsa.PublicKey) (PublicKey, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return PublicKey{}, fmt.Errorf("encode public key: %w", err)
	}
	sum := sha256.Sum256(der)
	return PublicKey{
		ID:  base64.StdEncoding.EncodeToString(sum[:]),
		PEM: string(pem.EncodeToMemory(&pem.Block{Type: pemPublic, Bytes: der})),
	}, nil
}

// verifier is the key in the form the signature check wants. A PublicKey whose ID is not that of its PEM is refused: it
// was not made by ParsePublicKey.
func (k PublicKey) verifier() (*ecdsa.PublicKey, error) {
	parsed, pub, err := parsePublic([]byte(k.PEM))
	if err != nil {
		return nil, fault.New(fault.Trust, "read key %q: %w", k.ID, err)
	}
	if parsed.ID != k.ID {
		return nil, fault.New(fault.Trust, "key %q carries the key material of %q", k.ID, parsed.ID)
	}
	return pub, nil
}

// Generate makes a P-256 key pair. The private key is encrypted the way cosign encrypts (scrypt, NaCl secretbox) when
// password is not empty, and plain PKCS#8 otherwise.
func Generate(password []byte) (privatePEM, publicPEM []byte, err error) {
	var ask cryptoutils.PassFunc
	if len(password) > 0 {
		ask = cryptoutils.StaticPasswordFunc(password)
	}
	privatePEM, publicPEM, err = cryptoutils.GeneratePEMEncodedECDSAKeyPair(elliptic.P256(), ask)
	if err != nil {
		return nil, nil, fault.New(fault.Internal, "generate key: %w", err)
	}
	return privatePEM, publicPEM, nil
}

// LoadSigner reads a P-256 private key: PKCS#8, or encrypted as cosign and Generate do it. password is asked only for an
// encrypted key, at most once. file names the key in errors, which are usage faults and never hold the password.
func LoadSigner(file string, text []byte, password func() ([]byte, error)) (*Signer, error) {
	private, err := parsePrivate(text, password)
	if err != nil {
		return nil, fault.New(fault.Usage, "read private key %q: %w", file, err)
	}
	public, err := publicKey(&private.PublicKey)
	if err != nil {
		return nil, fault.New(fault.Usage, "read private key %q: %w", file, err)
	}
	return &Signer{sign: local(private), public: public}, nil
}

func parsePrivate(text []byte, password func() ([]byte, error)) (*ecdsa.PrivateKey, error) {
	block, err := onlyBlock(text)
	if err != nil {
		return nil, err
	}
	var ask cryptoutils.PassFunc
	switch block.Type {
	case pemPrivate:
	case pemEncrypted, pemEncryptedOlder:
		if password == nil {
			return nil, errors.New("the key is encrypted: set its password")
		}
		secret, err := password()
		if err != nil {
			return nil, fmt.Errorf("ask password: %w", err)
		}
		// Not nil: cosign encrypts with an empty password too, and nil would mean "not encrypted".
		ask = cryptoutils.StaticPasswordFunc(append([]byte{}, secret...))
	case pemPublic:
		return nil, errors.New("it holds a \"PUBLIC KEY\" block: the private key is wanted, which cdgate init and cdgate keys generate write as NAME.key")
	default:
		return nil, fmt.Errorf("it holds a %q block, want %q or %q; `openssl pkcs8 -topk8 -nocrypt` converts other P-256 keys",
			block.Type, pemPrivate, pemEncrypted)
	}
	parsed, err := cryptoutils.UnmarshalPEMToPrivateKey(text, ask)
	if err != nil && ask != nil {
		return nil, fmt.Errorf("decrypt, is the password of CDGATE_KEY_PASSWORD or COSIGN_PASSWORD right? %w", err)
	}
	if err != nil {
		return nil, err
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return nil, errors.New("only ECDSA P-256 keys are supported, this is another kind")
	}
	return private, nil
}

// onlyBlock is the single PEM block of a key file: two keys in a file would leave it open which one is meant.
func onlyBlock(text []byte) (*pem.Block, error) {
	if len(text) > MaxKeyFile {
		return nil, fmt.Errorf("it has %d bytes, more than the limit of %d", len(text), MaxKeyFile)
	}
	text = bytes.TrimSpace(text)
	block, rest := pem.Decode(text)
	if block == nil || !bytes.HasPrefix(text, []byte("-----BEGIN ")) {
		return nil, errors.New("it is not a PEM file")
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("there is more than one PEM block in it")
	}
	if len(block.Headers) > 0 {
		return nil, errors.New("PEM headers are not supported")
	}
	return block, nil
}
