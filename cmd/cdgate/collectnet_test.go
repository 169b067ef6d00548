package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/olareg/olareg"
	registryconfig "github.com/olareg/olareg/config"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/rogpeppe/go-internal/testscript"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/registry/remote"
)

// registryServer starts a registry with an image to which files are attached, each as MEDIATYPE=FILE, and sets IMAGE to
// the image: registry application/sarif+json=reports/semgrep.sarif. With "tampered" first, one byte of each of those files differs.
func registryServer(ts *testscript.TestScript, _ bool, args []string) {
	tampered := len(args) > 0 && args[0] == "tampered"
	if tampered {
		args = args[1:]
	}
	reg := olareg.New(registryconfig.Config{Storage: registryconfig.ConfigStorage{StoreType: registryconfig.StoreMem}})
	var mediaTypes []string
	var attached [][]byte // all read before the server starts, which reads them from other goroutines
	for _, arg := range args {
		mediaType, file, _ := strings.Cut(arg, "=")
		b, err := os.ReadFile(ts.MkAbs(file))
		ts.Check(err)
		mediaTypes, attached = append(mediaTypes, mediaType), append(attached, b)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		reg.ServeHTTP(answer, r)
		for k, v := range answer.Header() {
			w.Header()[k] = v
		}
		b := answer.Body.Bytes()
		for _, text := range attached {
			if tampered && bytes.Equal(text, b) {
				b = bytes.Replace(b, []byte(" "), []byte("\n"), 1)
			}
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(b)
	}))
	ts.Defer(func() { server.Close(); _ = reg.Close() })
	name := strings.TrimPrefix(server.URL, "http://") + "/acme/shop"
	repo, err := remote.NewRepository(name)
	ts.Check(err)
	repo.PlainHTTP = true
	ctx := context.Background()
	image, err := oras.PackManifest(ctx, repo, oras.PackManifestVersion1_1, "application/vnd.example.image", oras.PackManifestOptions{})
	ts.Check(err)
	for i, b := range attached {
		mediaType := mediaTypes[i]
		layer, err := oras.PushBytes(ctx, repo, mediaType, b)
		ts.Check(err)
		o := oras.PackManifestOptions{Subject: &image}
		o.Layers = append(o.Layers, layer)
		_, err = oras.PackManifest(ctx, repo, oras.PackManifestVersion1_1, mediaType, o)
		ts.Check(err)
	}
	pushIndex(ts, repo)
	ts.Setenv("IMAGE", name+"@"+image.Digest.String())
	ts.Setenv("DIGEST", image.Digest.String())
	ts.Setenv("REPOSITORY", name)
}

// pushIndex pushes an image index of two platforms and sets INDEX, AMD64 and ARM64 to the digests.
func pushIndex(ts *testscript.TestScript, repo *remote.Repository) {
	ctx := context.Background()
	index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex}
	index.SchemaVersion = 2
	for _, arch := range []string{"amd64", "arm64"} {
		config, err := oras.PushBytes(ctx, repo, ocispec.MediaTypeImageConfig, []byte(`{"os":"linux","architecture":"`+arch+`"}`))
		ts.Check(err)
		image, err := oras.PackManifest(ctx, repo, oras.PackManifestVersion1_1, "", oras.PackManifestOptions{ConfigDescriptor: &config})
		ts.Check(err)
		ts.Setenv(strings.ToUpper(arch), image.Digest.String())
		image.Platform = &ocispec.Platform{OS: "linux", Architecture: arch}
		index.Manifests = append(index.Manifests, image)
	}
	b, err := json.Marshal(index)
	ts.Check(err)
	pushed, err := oras.PushBytes(ctx, repo, ocispec.MediaTypeImageIndex, b)
	ts.Check(err)
	ts.Setenv("INDEX", pushed.Digest.String())
}

// prometheusServer starts a server that gives every query of the API the answer in a file, but "sum(" an error of the API,
// and sets PROMETHEUS. It wants the token "t0ken" when told so: prometheus answer.json [token].
func prometheusServer(ts *testscript.TestScript, _ bool, args []string) {
	b, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case len(args) > 1 && r.Header.Get("Authorization") != "Bearer t0ken":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path != "/api/v1/query" && r.URL.Path != "/api/v1/query_range":
			w.WriteHeader(http.StatusNotFound)
		case r.URL.Query().Get("query") == "sum(":
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"status":"error","errorType":"bad_data","error":"1:5: parse error: unclosed left parenthesis"}`)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(b)
		}
	}))
	ts.Defer(server.Close)
	ts.Setenv("PROMETHEUS", server.URL)
}
