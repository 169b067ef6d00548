package engine_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/registry/remote"

	"cdgate.dev/cdgate/engine"
)

// need is a program of this machine; without it the test says loudly what it did not do.
func need(t *testing.T, name, where string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("NOT TESTED: %s is not on PATH; %s", name, where)
	}
	return path
}

// distribution starts Debian's docker-registry, which has no referrers API.
func distribution(t *testing.T) string {
	t.Helper()
	program := need(t, "docker-registry", "apt-get install docker-registry")
	for range 5 {
		if address := serveDistribution(t, program); address != "" {
			return address
		}
	}
	t.Fatal("the registry does not answer")
	return ""
}

// serveDistribution starts the registry on a port that was free a moment ago; "" when somebody else took it. Its answers
// bear a name of its own, so that another registry on that port is not taken for it.
func serveDistribution(t *testing.T, program string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, name := l.Addr().String(), rand.Text()
	l.Close()
	config := filepath.Join(t.TempDir(), "config.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %s, headers: {X-Name: [%s]}}\n", t.TempDir(), address, name)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "serve", config)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for range 100 {
		if resp, err := http.Get("http://" + address + "/v2/"); err == nil {
			resp.Body.Close()
			if resp.Header.Get("X-Name") == name {
				return address
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return ""
}

// TestRealRegistries: from collecting to replay in registries of others, and what other tools find there: oras lists the
// statements of an image, and cosign verifies one with the collector's key and with no other.
func TestRealRegistries(t *testing.T) {
	for name, start := range map[string]func(*testing.T) string{
		"distribution, without the referrers API": distribution,
		"olareg, with it":                         func(t *testing.T) string { return strings.TrimPrefix(newShelf(t, true).server.URL, "http://") },
	} {
		t.Run(name, func(t *testing.T) {
			host := start(t)
			o := newOrg(t, gateText)
			repo, err := remote.NewRepository(host + "/acme/shop")
			if err != nil {
				t.Fatal(err)
			}
			repo.PlainHTTP = true
			image, err := oras.PackManifest(context.Background(), repo, oras.PackManifestVersion1_1, "application/vnd.example.image", oras.PackManifestOptions{})
			if err != nil {
				t.Fatal(err)
			}
			ref := host + "/acme/shop@" + image.Digest.String()
			store := "oci://" + host + "/acme/shop"
			built := engine.Artifact{Name: host + "/acme/shop", Digest: image.Digest.String()}
			o.collect(func(c *engine.CollectOptions) {
				c.Store, c.Registries, c.Artifacts = store, machine(t), []engine.Artifact{built}
			}, allGood...)
			ev := o.evaluate(0, "staging", func(e *engine.EvaluateOptions) {
				e.Store, e.Registries, e.Artifacts = store, machine(t), []engine.Artifact{built}
			})
			r, err := engine.Replay(context.Background(), engine.ReplayOptions{Store: store, Registries: machine(t), Root: o.places().Root, Record: readFile(t, ev.Path), Sandbox: o.sandbox})
			if err != nil || r.ExitCode != 0 {
				t.Errorf("replay: %+v, error %v", r, err)
			}
			if c, err := engine.StoreCheck(context.Background(), store, machine(t)); err != nil || c.ExitCode != 0 || len(c.Orphans) > 0 {
				t.Errorf("check: %+v, error %v", c, err)
			}
			t.Run("oras", func(t *testing.T) {
				out, err := exec.Command(need(t, "oras", ".tools/tool oras"), "discover", "--plain-http", "--format", "json", ref).CombinedOutput()
				// Five reports, the build, the collection and the decision.
				if n := strings.Count(string(out), `"artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json"`); err != nil || n != 8 {
					t.Errorf("oras discover finds %d statements, error %v\n%s", n, err, out)
				}
			})
			t.Run("cosign", func(t *testing.T) {
				cosign := need(t, "cosign", ".tools/tool cosign")
				verify := func(key, kind string) ([]byte, error) {
					cmd := exec.Command(cosign, "verify-attestation", "--key", o.path(key), "--type", kind,
						"--insecure-ignore-tlog", "--allow-http-registry", ref)
					cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
					return cmd.CombinedOutput()
				}
				if out, err := verify("ci.pub", "https://cdgate.dev/tests/v1"); err != nil {
					t.Errorf("cosign verify-attestation: %v\n%s", err, out)
				}
				if out, err := verify("mallory.pub", "https://cdgate.dev/tests/v1"); err == nil {
					t.Errorf("cosign believes another key: %s", out)
				}
				if out, err := verify("ci.pub", "https://cdgate.dev/tests/v2"); err == nil {
					t.Errorf("cosign believes another predicate type: %s", out)
				}
			})
		})
	}
}
