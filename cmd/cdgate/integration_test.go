package main

import (
	"bufio"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestIntegration runs the scripts that need real components on loopback. Each says which it misses and is skipped then;
// make test-integration builds and provides all of them.
func TestIntegration(t *testing.T) {
	testscript.Run(t, integration("testdata/integration"))
}

// integration is how scripts run that start real components.
func integration(dir string) testscript.Params {
	p := params(dir)
	p.Cmds["vault"], p.Cmds["rotate"], p.Cmds["hsm"] = vaultServer, rotate, hsmToken
	p.Cmds["sigstore"], p.Cmds["identity"] = sigstoreServices, identityToken
	p.Cmds["witness"] = witnessServer()
	return p
}

// freePort is a port of loopback that nobody listens on.
func freePort(ts *testscript.TestScript) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	defer l.Close()
	return l.Addr().String()
}

// service starts a program that serves until the script ends, and gives the first line it prints.
func service(ts *testscript.TestScript, program string, args ...string) string {
	cmd := exec.Command(program, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line := make(chan string, 1)
	go func() {
		s, _ := bufio.NewReader(out).ReadString('\n')
		line <- strings.TrimSpace(s)
	}()
	select {
	case s := <-line:
		return s
	case <-time.After(30 * time.Second):
		ts.Fatalf("%s did not start", program)
	}
	return ""
}

// pluginsDir makes the directory of plugins from the programs on PATH: PLUGINS names it.
func pluginsDir(ts *testscript.TestScript, schemes ...string) {
	dir := filepath.Join(ts.Getenv("WORK"), ".plugins")
	ts.Check(os.MkdirAll(dir, 0o755))
	for _, s := range schemes {
		program, err := exec.LookPath("sigstore-kms-" + s)
		ts.Check(err)
		ts.Check(os.Symlink(program, filepath.Join(dir, "sigstore-kms-"+s)))
	}
	ts.Setenv("PLUGINS", dir)
}

// vaultServer starts Vault with a P-256 key for each name.
func vaultServer(ts *testscript.TestScript, _ bool, keys []string) {
	at := freePort(ts)
	token := service(ts, "vault-transit", at)
	ts.Setenv("VAULT_ADDR", "http://"+at)
	ts.Setenv("VAULT_TOKEN", token)
	askVault(ts, "sys/mounts/transit", `{"type":"transit"}`)
	for _, name := range keys {
		askVault(ts, "transit/keys/"+name, `{"type":"ecdsa-p256"}`)
	}
	pluginsDir(ts, "hashivault")
}

// rotate makes Vault sign with a new version of the keys.
func rotate(ts *testscript.TestScript, _ bool, keys []string) {
	for _, name := range keys {
		askVault(ts, "transit/keys/"+name+"/rotate", `{}`)
	}
}

func askVault(ts *testscript.TestScript, path, body string) {
	req, err := http.NewRequest(http.MethodPost, ts.Getenv("VAULT_ADDR")+"/v1/"+path, strings.NewReader(body))
	ts.Check(err)
	req.Header.Set("X-Vault-Token", ts.Getenv("VAULT_TOKEN"))
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		ts.Fatalf("%s: %s", path, resp.Status)
	}
}

// hsmToken makes a SoftHSM token with a P-256 key pair for each name.
func hsmToken(ts *testscript.TestScript, _ bool, keys []string) {
	dir := filepath.Join(ts.Getenv("WORK"), ".tokens")
	ts.Check(os.MkdirAll(dir, 0o700))
	conf := filepath.Join(dir, "softhsm2.conf")
	ts.Check(os.WriteFile(conf, []byte("directories.tokendir = "+dir+"\nlog.level = ERROR\n"), 0o600))
	ts.Setenv("SOFTHSM2_CONF", conf)
	ts.Setenv("PKCS11_MODULE", "/usr/lib/softhsm/libsofthsm2.so")
	ts.Setenv("PKCS11_PIN", "1234")
	ts.Check(ts.Exec("softhsm2-util", "--init-token", "--free", "--label", "release", "--pin", "1234", "--so-pin", "5678"))
	for _, k := range keys {
		ts.Check(ts.Exec("pkcs11-tool", "--module", "/usr/lib/softhsm/libsofthsm2.so", "--login", "--pin", "1234", "--token-label", "release",
			"--keypairgen", "--key-type", "EC:prime256v1", "--label", k))
	}
	pluginsDir(ts, "hsm")
}
