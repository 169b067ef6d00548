package referrers

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/olareg/olareg"
	"github.com/olareg/olareg/config"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/registry/remote"

	"cdgate.dev/cdgate/evidence/registry"
)

// shelf is a repository of a real registry (olareg) with one image, filled by another client (oras-go).
type shelf struct {
	t      *testing.T
	server *httptest.Server
	remote *remote.Repository
	image  ocispec.Descriptor
	// before, if set, may answer a request in the registry's place; after may change what the registry answers.
	before func(w http.ResponseWriter, r *http.Request) bool
	after  func(r *http.Request, answer *httptest.ResponseRecorder)
}

// newShelf starts a registry; without the referrers API, referrers are listed under a tag.
func newShelf(t *testing.T, api bool) *shelf {
	t.Helper()
	reg := olareg.New(config.Config{Storage: config.ConfigStorage{StoreType: config.StoreMem}, API: config.ConfigAPI{Referrer: config.ConfigAPIReferrer{Enabled: &api}}})
	s := &shelf{t: t}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.before != nil && s.before(w, r) {
			return
		}
		if s.after == nil {
			reg.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		reg.ServeHTTP(answer, r)
		s.after(r, answer)
		for k, v := range answer.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	}))
	t.Cleanup(func() { s.server.Close(); _ = reg.Close() })
	var err error
	if s.remote, err = remote.NewRepository(strings.TrimPrefix(s.server.URL, "http://") + "/acme/shop"); err != nil {
		t.Fatal(err)
	}
	s.remote.PlainHTTP, s.remote.SkipReferrersGC = true, true
	s.image = s.pack(oras.PackManifestOptions{}, "application/vnd.example.image")
	return s
}

// pack pushes a manifest.
func (s *shelf) pack(o oras.PackManifestOptions, artifactType string) ocispec.Descriptor {
	s.t.Helper()
	o.ManifestAnnotations = map[string]string{ocispec.AnnotationCreated: "2026-03-02T10:00:00Z"}
	d, err := oras.PackManifest(context.Background(), s.remote, oras.PackManifestVersion1_1, artifactType, o)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

// attach pushes a referrer of the image whose layers are these texts, all of one media type.
func (s *shelf) attach(mediaType string, layers ...string) ocispec.Descriptor {
	s.t.Helper()
	return s.attachTo(s.image, mediaType, layers...)
}

func (s *shelf) attachTo(subject ocispec.Descriptor, mediaType string, layers ...string) ocispec.Descriptor {
	s.t.Helper()
	o := oras.PackManifestOptions{Subject: &subject}
	for _, text := range layers {
		d, err := oras.PushBytes(context.Background(), s.remote, mediaType, []byte(text))
		if err != nil {
			s.t.Fatal(err)
		}
		o.Layers = append(o.Layers, d)
	}
	return s.pack(o, mediaType)
}

// put pushes a manifest with these bytes.
func (s *shelf) put(mediaType, text string) ocispec.Descriptor {
	s.t.Helper()
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromString(text), Size: int64(len(text))}
	if err := s.remote.Push(context.Background(), d, strings.NewReader(text)); err != nil {
		s.t.Fatal(err)
	}
	return d
}

// open opens the repository with the client under test.
func (s *shelf) open() *registry.Repository {
	s.t.Helper()
	ref, err := registry.ParseReference(strings.TrimPrefix(s.server.URL, "http://") + "/acme/shop@" + s.image.Digest.String())
	if err != nil {
		s.t.Fatal(err)
	}
	repo, err := registry.Open(ref, registry.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	return repo
}

func (s *shelf) collect() ([]Report, []Skipped, error) {
	s.t.Helper()
	return Collect(context.Background(), s.open(), s.image.Digest.String())
}

// lists makes the registry list these referrers, whatever it has.
func (s *shelf) lists(descriptors ...ocispec.Descriptor) {
	var index ocispec.Index
	index.SchemaVersion, index.MediaType, index.Manifests = 2, ocispec.MediaTypeImageIndex, descriptors
	b, err := json.Marshal(index)
	if err != nil {
		s.t.Fatal(err)
	}
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/referrers/") {
			return false
		}
		w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
		_, _ = w.Write(b)
		return true
	}
}

// answers makes the registry answer for one digest with these bytes.
func (s *shelf) answers(d ocispec.Descriptor, body string) {
	s.after = func(r *http.Request, answer *httptest.ResponseRecorder) {
		if strings.HasSuffix(r.URL.Path, d.Digest.String()) && r.Method == http.MethodGet {
			answer.Body = bytes.NewBufferString(body)
			answer.Header().Del("Content-Length")
			answer.Header().Del("Docker-Content-Digest")
		}
	}
}

// packAnother is for another image than the shelf's.
var packAnother = oras.PackManifestOptions{ConfigDescriptor: nil}

// streams is answers without the length: the bytes, or without any an endless layer.
func (s *shelf) streams(d ocispec.Descriptor, body string) {
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, d.Digest.String()) {
			return false
		}
		_ = http.NewResponseController(w).Flush() // the header is sent, and no length in it
		_, err := w.Write([]byte(body))
		for body == "" && err == nil {
			_, err = w.Write(bytes.Repeat([]byte(" "), 1<<16))
		}
		return true
	}
}
