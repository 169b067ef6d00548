package seal

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cdgate.dev/cdgate/engine/fault"
)

func TestGenerateAndLoad(t *testing.T) {
	for _, password := range []string{"", "correct horse"} {
		private, public, err := Generate([]byte(password))
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		ask := func() ([]byte, error) { asked++; return []byte(password), nil }
		s, err := LoadSigner("a.key", private, ask)
		if err != nil {
			t.Fatal(err)
		}
		k, err := ParsePublicKey("a.pub", public)
		if err != nil || k != s.Public() || k.PEM != string(public) || k.ID != s.KeyID() || k.Fingerprint() != "SHA256:"+k.ID {
			t.Errorf("public key %+v, signer has %+v (%v)", k, s.Public(), err)
		}
		if want := map[string]int{"": 0}; password == "" && asked != want[""] || password != "" && asked != 1 {
			t.Errorf("password %q was asked %d times", password, asked)
		}
	}
}

func TestLoadSignerRefuses(t *testing.T) {
	private, public, err := Generate(nil)
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := Generate([]byte("right"))
	if err != nil {
		t.Fatal(err)
	}
	right := func() ([]byte, error) { return []byte("right"), nil }
	if _, err := LoadSigner("k", secret, right); err != nil {
		t.Fatalf("twin: %v", err)
	}
	if _, err := LoadSigner("k", []byte("\n"+string(private)+"\n"), nil); err != nil {
		t.Fatalf("twin: %v", err)
	}
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	p256 := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	pkcs8 := func(k any) []byte { return block(pemPrivate, must(x509.MarshalPKCS8PrivateKey(k))) }
	for name, c := range map[string]struct {
		text []byte
		ask  func() ([]byte, error)
		say  string
	}{
		"wrong password":     {secret, func() ([]byte, error) { return []byte("wrong"), nil }, "password"},
		"empty password":     {secret, func() ([]byte, error) { return nil, nil }, "password"},
		"no password":        {secret, nil, "set its password"},
		"password not to be": {secret, func() ([]byte, error) { return nil, errors.New("no terminal") }, "no terminal"},
		"P-384":              {pkcs8(p384), nil, "P-256"},
		"Ed25519":            {pkcs8(ed), nil, "P-256"},
		"RSA":                {pkcs8(rsaKey), nil, "P-256"},
		"SEC 1":              {block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(p256))), nil, "openssl pkcs8"},
		"public key":         {public, nil, "PUBLIC KEY"},
		"two keys":           {append(append([]byte{}, private...), private...), nil, "more than one"},
		"text before":        {append([]byte("key: "), private...), nil, "PEM"},
		"truncated":          {private[:len(private)/2], nil, "PEM"},
		"empty":              {nil, nil, "PEM"},
		"headers":            {[]byte(strings.Replace(string(private), "KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\n\n", 1)), nil, "headers"},
		"too big":            {append(private, make([]byte, MaxKeyFile)...), nil, "limit"},
	} {
		s, err := LoadSigner("some.key", c.text, c.ask)
		if err == nil || s != nil || !strings.Contains(err.Error(), c.say) || !strings.Contains(err.Error(), "some.key") ||
			fault.ClassOf(err) != fault.Usage {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), "right") && name != "wrong password" && name != "empty password") {
			t.Errorf("%s: the error may tell a password: %v", name, err)
		}
	}
}

func TestParsePublicKeyRefuses(t *testing.T) {
	private, public, err := Generate(nil)
	if err != nil {
		t.Fatal(err)
	}
	spki := func(k any) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: pemPublic, Bytes: must(x509.MarshalPKIXPublicKey(k))})
	}
	good, err := ParsePublicKey("k", public)
	if err != nil {
		t.Fatalf("twin: %v", err)
	}
	// The same key in other clothes is the same key: it must not count as two.
	crlf := strings.ReplaceAll(string(public), "\n", "\r\n")
	if again, err := ParsePublicKey("k", []byte("\n"+crlf+"\n\n")); err != nil || again != good {
		t.Errorf("the same key reads as another: %v, %v", again, err)
	}
	edPublic, _, _ := ed25519.GenerateKey(rand.Reader)
	blockDER, _ := pem.Decode(public)
	longer := append(append([]byte{}, blockDER.Bytes...), 0)
	for name, text := range map[string][]byte{
		"private key": private,
		"P-384":       spki(&must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)).PublicKey),
		"Ed25519":     spki(edPublic),
		"RSA":         spki(&must(rsa.GenerateKey(rand.Reader, 2048)).PublicKey),
		"two keys":    append(append([]byte{}, public...), public...),
		"empty":       nil,
		"not PEM":     []byte("ssh-ed25519 AAAA"),
		"longer DER":  pem.EncodeToMemory(&pem.Block{Type: pemPublic, Bytes: longer}),
	} {
		if k, err := ParsePublicKey("a.pub", text); err == nil || k != (PublicKey{}) || fault.ClassOf(err) != fault.Usage {
			t.Errorf("%s: %v, %v", name, k, err)
		}
	}
}

// openssl is an independent maker and reader of keys.
func TestKeysOfOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("SKIPPED: openssl is not installed")
	}
	dir := t.TempDir()
	key := filepath.Join(dir, "k.pem")
	run(t, dir, openssl, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
	public := run(t, dir, openssl, "pkey", "-in", key, "-pubout")
	s, err := LoadSigner(key, must(os.ReadFile(key)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if k, err := ParsePublicKey("k.pub", public); err != nil || k != s.Public() {
		t.Errorf("%v, %v; the signer has %v", k, err, s.Public())
	}
}

func run(t *testing.T, dir, name string, args ...string) []byte {
	t.Helper()
	out, err := runErr(dir, name, args...)
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return out
}

func runErr(dir, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "COSIGN_PASSWORD=pw")
	return cmd.CombinedOutput()
}
