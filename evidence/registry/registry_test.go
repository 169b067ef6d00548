package registry

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const manifest = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"a/b","config":{},"layers":[]}`

var hexDigest = digest.FromString(manifest).String()

// TestReferences says how images are named.
func TestReferences(t *testing.T) {
	d := "@sha256:" + strings.Repeat("ab", 32)
	for in, want := range map[string]string{
		"ghcr.io/acme/shop" + d: "ghcr.io/acme/shop" + d, "localhost/shop" + d: "localhost/shop" + d, "localhost:5000/a/b/c" + d: "localhost:5000/a/b/c" + d,
		"registry.corp:5000/shop:1.2" + d: "registry.corp:5000/shop" + d, "[::1]:5000/shop" + d: "[::1]:5000/shop" + d, "docker.io/library/alpine" + d: "docker.io/library/alpine" + d,
	} {
		if got, err := ParseReference(in); err != nil || got.String() != want {
			t.Errorf("%q: %s, error %v", in, got, err)
		}
	}
	for in, want := range map[string]string{
		"ghcr.io/acme/shop:1.2": "named by a tag, which can move; name a digest", "ghcr.io/acme/shop:latest": "named by a tag", "ghcr.io/acme/shop": "has no digest",
		"localhost:5000/shop": "has no digest", "": "has no digest", "alpine" + d: "does not name its registry", "acme/shop" + d: "does not name its registry",
		"ghcr.io/acme/shop@sha256:abc": "64 lower-case", "ghcr.io/acme/shop@sha512:" + strings.Repeat("ab", 64): "64 lower-case", "ghcr.io/acme/shop@sha256:" + strings.Repeat("AB", 32): "64 lower-case",
		"ghcr.io/acme/shop@": "64 lower-case", "ghcr.io/acme/shop" + d + d: "64 lower-case", "ghcr.io/" + d: "invalid", "ghcr.io/ACME/shop" + d: "invalid", "user:s@ghcr.io/acme" + d: "64 lower-case",
		"https://ghcr.io/acme/shop" + d: "invalid", "ghcr.io/../shop" + d: "invalid", "a b.io/shop" + d: "invalid", "ghcr.io/shop?x" + d: "invalid",
	} {
		if got, err := ParseReference(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %s, error %v, want %q", in, got, err, want)
		}
	}
}

// found asks a repository on this server for the manifest.
func found(t *testing.T, server string, o Options) error {
	t.Helper()
	_, host, _ := strings.Cut(server, "://")
	repo, err := Open(Reference{Registry: host, Repository: "shop"}, o)
	if err != nil {
		t.Fatal(err)
	}
	d, err := repo.Find(context.Background(), hexDigest)
	if err != nil {
		return err
	}
	b, err := repo.Fetch(context.Background(), d, MaxManifest)
	if err == nil && string(b) != manifest {
		t.Errorf("fetched %q", b)
	}
	return err
}

// serveManifest answers like a registry.
func serveManifest(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", ocispec.MediaTypeImageManifest)
	w.Header().Set("Docker-Content-Digest", hexDigest)
	_, _ = io.WriteString(w, manifest)
}

// dockerConfig writes a Docker configuration.
func dockerConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLogin: credentials come from the Docker configuration and go to their own registry; a token is fetched where the
// registry says, if that is itself or public.
func TestLogin(t *testing.T) {
	var hits atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(elsewhere.Close)
	var challenge string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, basic := r.BasicAuth()
		good := basic && user == "eva" && password == "s3cret"
		switch {
		case r.URL.Path == "/token" && good:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"token":"t0ken"}`)
		case r.URL.Path != "/token" && (good && challenge == "Basic realm=x" || r.Header.Get("Authorization") == "Bearer t0ken"):
			serveManifest(w, r)
		default:
			w.Header().Set("WWW-Authenticate", challenge)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(s.Close)
	host := strings.TrimPrefix(s.URL, "http://")
	auth := func(host string) string { return dockerConfig(t, `{"auths":{"`+host+`":{"auth":"ZXZhOnMzY3JldA=="}}}`) } // eva:s3cret
	for _, c := range []struct{ name, challenge, config, want string }{
		{"password", "Basic realm=x", auth(host), ""},
		{"token", `Bearer realm="` + s.URL + `/token",service="x"`, auth(host), ""},
		{"nobody", "Basic realm=x", "", "docker login " + host},
		{"no configuration", "Basic realm=x", filepath.Join(t.TempDir(), "absent"), "docker login " + host},
		{"another registry's", "Basic realm=x", auth("127.0.0.1:1"), "docker login " + host},
		{"a token service of this network", `Bearer realm="http://10.0.0.1/token",service="x"`, auth(host), "private"},
		{"a token service that hands out credentials", `Bearer realm="http://169.254.169.254/token",service="x"`, auth(host), "link-local"},
		{"a token service that is not encrypted", `Bearer realm="http://8.8.8.8/token",service="x"`, auth(host), "refused to ask http://8.8.8.8"},
		{"a token service by another name", `Bearer realm="` + strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1) + `/token",service="x"`, auth(host), "loopback"},
	} {
		challenge = c.challenge
		err := found(t, s.URL, Options{DockerConfig: c.config, Timeout: 5 * time.Second})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret")) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	if hits.Load() != 0 {
		t.Error("another server was asked")
	}
	if _, err := Open(Reference{Registry: host, Repository: "shop"}, Options{DockerConfig: dockerConfig(t, "{")}); err == nil {
		t.Error("a broken configuration is accepted")
	}
}

// TestTLS: a registry with an authority of its own is believed when that is named, and plain http is for this machine alone.
func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(serveManifest))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // the refusals of the client
	s.StartTLS()
	t.Cleanup(s.Close)
	mine, others := x509.NewCertPool(), x509.NewCertPool()
	mine.AddCert(s.Certificate())
	if err := found(t, s.URL, Options{Roots: mine}); err != nil {
		t.Error(err)
	}
	if err := found(t, s.URL, Options{Roots: others}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("error %v", err)
	}
	for registry, plain := range map[string]bool{"localhost:5000": true, "127.0.0.1:5000": true, "[::1]:5000": true, "localhost": true,
		"10.0.0.1:5000": false, "registry.corp:5000": false, "localhost.example:5000": false, "docker.io": false} {
		repo, err := Open(Reference{Registry: registry, Repository: "shop"}, Options{})
		if err != nil || repo.remote.PlainHTTP != plain {
			t.Errorf("%s: plain http %t, error %v", registry, repo.remote.PlainHTTP, err)
		}
	}
}

// TestManifests: a manifest is read strictly.
func TestManifests(t *testing.T) {
	m, err := readManifest([]byte(`{"schemaVersion":2,"config":{"mediaType":"c/d"},"layers":[{"mediaType":"e/f","digest":"sha256:x","size":3}],"subject":{"digest":"sha256:y"},"annotations":{"a":"b"}}`))
	if err != nil || m.ArtifactType != "c/d" || m.Subject != "sha256:y" || len(m.Layers) != 1 || !reflect.DeepEqual(m.Layers[0], Descriptor{MediaType: "e/f", Digest: "sha256:x", Size: 3}) {
		t.Errorf("%+v, error %v", m, err)
	}
	for _, text := range []string{"", "{}", "[]", `{"schemaVersion":1}`, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json"}`,
		`{"schemaVersion":2,"schemaVersion":2}`, `{"schemaVersion":2,"layers":[{"size":"3"}]}`, `{"schemaVersion":2}{}`, `{"schemaVersion":2,"layers":{}}`} {
		if m, err := readManifest([]byte(text)); err == nil {
			t.Errorf("%s: %+v", text, m)
		}
	}
}

// TestUnreachable: a registry that does not answer is an error that names it.
func TestUnreachable(t *testing.T) {
	s := httptest.NewServer(nil)
	s.Close()
	err := found(t, s.URL, Options{Timeout: time.Second})
	if err == nil || errors.Is(err, ErrTampered) || errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), s.Listener.Addr().String()) {
		t.Errorf("error %v", err)
	}
}
