package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// attest signs a statement as other tools do, with nothing of cdgate's: attest KEY STATEMENT OUT. KEY is made on first use; its public
// half is keys/KEY.pub. OUT is a DSSE envelope, or a Sigstore bundle where its name says so. In the statement @app@ is the SHA-256 of
// app, @commit@ what is checked out, and @now@ the time.
func attest(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: attest KEY STATEMENT OUT")
	}
	key := attesterKey(ts, args[0])
	payload := fillIn(ts, ts.ReadFile(args[1]))
	const typ = "application/vnd.in-toto+json"
	digest := sha256.Sum256(fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(typ), typ, len(payload), payload))
	sig, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	ts.Check(err)
	type signature struct {
		Sig string `json:"sig"`
	}
	var out any = map[string]any{"payload": base64.StdEncoding.EncodeToString([]byte(payload)), "payloadType": typ,
		"signatures": []signature{{base64.StdEncoding.EncodeToString(sig)}}}
	if strings.Contains(args[2], "bundle") {
		out = map[string]any{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": out,
			"verificationMaterial": map[string]any{"publicKey": map[string]string{"hint": args[0]}}}
	}
	b, err := json.Marshal(out)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), append(b, '\n'), 0o644))
}

// fillIn says what an attestation is about.
func fillIn(ts *testscript.TestScript, text string) string {
	app, err := os.ReadFile(ts.MkAbs("app"))
	ts.Check(err)
	sum := sha256.Sum256(app)
	git := exec.Command("git", "rev-parse", "HEAD")
	git.Dir = ts.MkAbs(".")
	commit, err := git.Output()
	ts.Check(err)
	return strings.NewReplacer("@app@", hex.EncodeToString(sum[:]), "@commit@", strings.TrimSpace(string(commit)),
		"@now@", time.Now().UTC().Format(time.RFC3339)).Replace(text)
}

// attesterKey is the key of a name.
func attesterKey(ts *testscript.TestScript, name string) *ecdsa.PrivateKey {
	file := filepath.Join(ts.Getenv("WORK"), "attester-"+name+".pem")
	if b, err := os.ReadFile(file); err == nil {
		block, _ := pem.Decode(b)
		key, err := x509.ParseECPrivateKey(block.Bytes)
		ts.Check(err)
		return key
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	der, err := x509.MarshalECPrivateKey(key)
	ts.Check(err)
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	ts.Check(err)
	ts.Check(os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(filepath.Join("keys", name+".pub")), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), 0o644))
	return key
}
