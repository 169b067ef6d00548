package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// background starts a program that serves until the script ends. What it says is shown when the script fails before it is ready.
func background(ts *testscript.TestScript, ready, program string, args ...string) []byte {
	said, err := os.Create(filepath.Join(ts.Getenv("WORK"), "."+program+".log"))
	ts.Check(err)
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = said, said
	ts.Check(cmd.Start())
	ts.Defer(func() { _ = cmd.Process.Kill(); _ = cmd.Wait(); said.Close() })
	for range 300 {
		if b, ok := get(ready); ok {
			return b
		}
		time.Sleep(100 * time.Millisecond)
	}
	b, _ := os.ReadFile(said.Name())
	ts.Fatalf("%s is not ready after half a minute:\n%s", program, b)
	return nil
}

func get(address string) ([]byte, bool) {
	resp, err := http.Get(address)
	if err != nil {
		return nil, false
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return b, err == nil && resp.StatusCode == http.StatusOK
}

// services is held by the story that runs the services: two of them have places that cannot be chosen.
var services sync.Mutex

// sigstoreServices starts an OpenID Connect provider, Fulcio, a timestamp authority and Rekor v2, and has cosign write the trusted
// root tr.json and the signing config sc.json of them. ISSUER and TSA are their addresses.
func sigstoreServices(ts *testscript.TestScript, _ bool, _ []string) {
	services.Lock()
	ts.Defer(services.Unlock) // after the services have ended
	work := ts.Getenv("WORK")
	file := func(name string, b []byte) string {
		p := filepath.Join(work, name)
		ts.Check(os.WriteFile(p, b, 0o600))
		return p
	}
	port := func(at string) string { _, p, err := net.SplitHostPort(at); ts.Check(err); return p }

	issuer := service(ts, "oidc", freePort(ts))
	ts.Setenv("ISSUER", issuer)
	config := fmt.Appendf(nil, "oidc-issuers:\n  %s:\n    issuer-url: %s\n    client-id: sigstore\n    type: email\n", issuer, issuer)
	fulcio := freePort(ts)
	bundle := background(ts, "http://"+fulcio+"/api/v2/trustBundle", "fulcio", "serve", "--host", "127.0.0.1", "--port", port(fulcio),
		"--grpc-host", "127.0.0.1", "--grpc-port", port(freePort(ts)), "--metrics-port", port(freePort(ts)), "--ca", "ephemeralca", "--ct-log-url", "",
		"--config-path", file("fulcio.yaml", config))
	var chains struct {
		Chains []struct {
			Certificates []string `json:"certificates"`
		} `json:"chains"`
	}
	ts.Check(json.Unmarshal(bundle, &chains))
	ca := file("fulcio.pem", []byte(strings.Join(chains.Chains[0].Certificates, "\n")))

	tsa := freePort(ts)
	chain := background(ts, "http://"+tsa+"/api/v1/timestamp/certchain", "timestamp-server", "serve", "--host", "127.0.0.1", "--port", port(tsa),
		"--timestamp-signer", "memory", "--disable-ntp-monitoring")
	ts.Setenv("TSA", "http://"+tsa+"/api/v1/timestamp")

	public, private, err := ed25519.GenerateKey(rand.Reader)
	ts.Check(err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	ts.Check(err)
	spki, err := x509.MarshalPKIXPublicKey(public)
	ts.Check(err)
	at := port(freePort(ts))
	// The origin of the log's checkpoints is the host of its address without the port.
	rekor := "http://localhost:" + at
	background(ts, rekor+"/healthz", "rekor", "serve", "--http-address", "127.0.0.1", "--http-port", at, "--grpc-address", "127.0.0.1", "--grpc-port", port(freePort(ts)),
		"--http-metrics-port", port(freePort(ts)), "--hostname=localhost", "--storage-dir", filepath.Join(work, ".rekor"),
		"--signer-filepath", file("rekor.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})),
		"--checkpoint-interval=200ms", "--batch-max-age=100ms")

	const since = "start-time=2025-01-01T00:00:00Z"
	ts.Check(ts.Exec("cosign", "trusted-root", "create", "--fulcio=url=http://"+fulcio+",certificate-chain="+ca,
		"--tsa=url="+ts.Getenv("TSA")+",certificate-chain="+file("tsa.pem", chain),
		"--rekor=url="+rekor+",public-key="+file("rekor.pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))+","+since+",origin=localhost",
		"--out", filepath.Join(work, "tr.json")))
	ts.Check(ts.Exec("cosign", "signing-config", "create", "--fulcio=url=http://"+fulcio+",api-version=1,"+since+",operator=local",
		"--rekor=url="+rekor+",api-version=2,"+since+",operator=local", "--rekor-config=ANY",
		"--tsa=url="+ts.Getenv("TSA")+",api-version=1,"+since+",operator=local", "--tsa-config=ANY",
		"--oidc-provider=url="+issuer+",api-version=1,"+since+",operator=local", "--out", filepath.Join(work, "sc.json")))
}

// identityToken writes an identity token for an address to a file.
func identityToken(ts *testscript.TestScript, _ bool, args []string) {
	token, ok := get(ts.Getenv("ISSUER") + "/.well-known/openid-configuration?mint=" + url.QueryEscape(args[0]))
	if !ok || len(token) == 0 {
		ts.Fatalf("no token for %s", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), token, 0o600))
}
