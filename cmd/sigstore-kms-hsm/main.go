// Command sigstore-kms-hsm signs with a key in a hardware security module that speaks PKCS#11, for programs that speak the
// protocol of sigstore's command line plugins: cdgate and cosign. They run it for keys named hsm://TOKEN/KEY, by the
// labels of the token and of the key pair; it is not meant to be run by hand. PKCS11_MODULE is the path of the module's
// library, PKCS11_PIN the token's PIN.
package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/ThalesGroup/crypto11"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms/cliplugin/handler"
)

func main() {
	if err := run(); err != nil {
		os.Exit(1)
	}
}

func run() error {
	args, err := handler.GetPluginArgs(os.Args)
	if err != nil {
		_ = handler.WriteErrorResponse(os.Stdout, err) // nothing else could be done
		return err
	}
	key, err := open(args.InitOptions.KeyResourceID, args.InitOptions.HashFunc)
	if err != nil {
		_ = handler.WriteErrorResponse(os.Stdout, err)
		return err
	}
	defer key.module.Close()
	_, err = handler.Dispatch(os.Stdout, os.Stdin, args, key)
	return err
}

// hsmKey is one key pair of a token.
type hsmKey struct {
	module *crypto11.Context
	signer crypto11.Signer
	hash   crypto.Hash
}

// open finds the key pair TOKEN/KEY, both labels percent-encoded where they need to be.
func open(id string, hash crypto.Hash) (*hsmKey, error) {
	token, label, ok := strings.Cut(id, "/")
	token, terr := url.PathUnescape(token)
	label, lerr := url.PathUnescape(label)
	library, pin := os.Getenv("PKCS11_MODULE"), os.Getenv("PKCS11_PIN")
	switch {
	case !ok || token == "" || label == "" || terr != nil || lerr != nil:
		return nil, errors.New("name the key as hsm://TOKEN/KEY, by the labels of the token and of the key pair")
	case library == "":
		return nil, errors.New("PKCS11_MODULE does not name the module's library, such as /usr/lib/softhsm/libsofthsm2.so")
	}
	module, err := crypto11.Configure(&crypto11.Config{Path: library, TokenLabel: token, Pin: pin})
	if err != nil {
		return nil, fmt.Errorf("open token %q: %w", token, err)
	}
	signer, err := module.FindKeyPair(nil, []byte(label))
	if err != nil || signer == nil {
		_ = module.Close()
		return nil, fmt.Errorf("find key pair %q in token %q: %w", label, token, orElse(err, errors.New("there is none")))
	}
	return &hsmKey{module: module, signer: signer, hash: hash}, nil
}

func orElse(err, instead error) error {
	if err == nil {
		return instead
	}
	return err
}

// PublicKey is the public key of the pair.
func (k *hsmKey) PublicKey(...signature.PublicKeyOption) (crypto.PublicKey, error) {
	return k.signer.Public(), nil
}

// SignMessage signs the hash of a message; for ECDSA the signature is ASN.1.
func (k *hsmKey) SignMessage(message io.Reader, _ ...signature.SignOption) ([]byte, error) {
	h := k.hash.New()
	if _, err := io.Copy(h, message); err != nil {
		return nil, err
	}
	return k.signer.Sign(rand.Reader, h.Sum(nil), k.hash)
}

// VerifySignature checks a signature with the public key, outside of the token.
func (k *hsmKey) VerifySignature(sig, message io.Reader, opts ...signature.VerifyOption) error {
	v, err := signature.LoadVerifier(k.signer.Public(), k.hash)
	if err != nil {
		return err
	}
	return v.VerifySignature(sig, message, opts...)
}

// CreateKey refuses: keys of a token are made with its own tools.
func (k *hsmKey) CreateKey(context.Context, string) (crypto.PublicKey, error) {
	return nil, errors.New("make the key pair with the token's own tools, such as pkcs11-tool --keypairgen --key-type EC:prime256v1")
}

// CryptoSigner is the key pair itself.
func (k *hsmKey) CryptoSigner(context.Context, func(error)) (crypto.Signer, crypto.SignerOpts, error) {
	return k.signer, k.hash, nil
}

// SupportedAlgorithms are those that cdgate takes.
func (k *hsmKey) SupportedAlgorithms() []string { return []string{k.DefaultAlgorithm()} }

// DefaultAlgorithm is ECDSA on P-256 with SHA-256.
func (k *hsmKey) DefaultAlgorithm() string { return "ecdsa-p256-sha256" }
