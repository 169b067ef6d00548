package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
)

// TestImages: what an image index contains, as buildx and Docker write it, and what may not go unseen.
func TestImages(t *testing.T) {
	const ociImage, ociIndex = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"
	config := func(n int) string { return "sha256:" + strings.Repeat(fmt.Sprint(n), 64) }
	image := func(n int) string {
		return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":2},"layers":[]}`, ociImage, config(n))
	}
	entry := func(mediaType, content, rest string) string {
		return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d%s}`, mediaType, digest.FromString(content), len(content), rest)
	}
	platform := func(os, arch, more string) string {
		return fmt.Sprintf(`,"platform":{"os":%q,"architecture":%q%s}`, os, arch, more)
	}
	index := func(mediaType string, entries ...string) string {
		return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[%s]}`, mediaType, strings.Join(entries, ","))
	}
	amd, arm := entry(ociImage, image(1), platform("linux", "amd64", "")), entry(ociImage, image(2), platform("linux", "arm64", `,"variant":"v8"`))
	attestation := entry(ociImage, image(3), platform("unknown", "unknown", "")+`,"annotations":{"vnd.docker.reference.type":"attestation-manifest"}`)
	both := []Image{{digest.FromString(image(1)).String(), config(1), "linux/amd64"}, {digest.FromString(image(2)).String(), config(2), "linux/arm64/v8"}}
	nested := index(ociIndex, amd)
	for name, tt := range map[string]struct {
		top, mediaType string
		want           []Image
		says           string
	}{
		"two platforms":              {index(ociIndex, amd, arm), ociIndex, both, ""},
		"with an attestation":        {index(ociIndex, amd, attestation, arm), ociIndex, both, ""},
		"a list of Docker's":         {index(mediaTypeDockerList, amd, arm), mediaTypeDockerList, both, ""},
		"a single image":             {image(1), ociImage, nil, ""},
		"Windows":                    {index(ociIndex, entry(ociImage, image(1), platform("windows", "amd64", `,"os.version":"10.0.1"`))), ociIndex, []Image{{both[0].Digest, config(1), "windows/amd64 10.0.1"}}, ""},
		"nothing in it":              {index(ociIndex), ociIndex, nil, "contains no image"},
		"only an attestation":        {index(ociIndex, attestation), ociIndex, nil, "contains no image"},
		"an index in it":             {index(ociIndex, amd, entry(ociIndex, nested, platform("linux", "arm64", ""))), ociIndex, nil, "which is no image"},
		"an index called an image":   {index(ociIndex, entry(ociImage, nested, platform("linux", "arm64", ""))), ociIndex, nil, "names no configuration"},
		"no platform":                {index(ociIndex, entry(ociImage, image(1), "")), ociIndex, nil, "for which platform"},
		"an image that is not there": {index(ociIndex, entry(ociImage, image(9), platform("linux", "s390x", ""))), ociIndex, nil, "not found"},
		"a member twice":             {strings.Replace(index(ociIndex, amd), `"schemaVersion":2`, `"schemaVersion":2,"schemaVersion":2`, 1), ociIndex, nil, "duplicate"},
		"another version":            {strings.Replace(index(ociIndex, amd), `"schemaVersion":2`, `"schemaVersion":1`, 1), ociIndex, nil, "schema version 2"},
		"index and image in one":     {strings.Replace(index(ociIndex, amd), `"manifests"`, `"config":{"digest":"`+config(1)+`"},"manifests"`, 1), ociIndex, nil, "in one"},
		"too many":                   {index(ociIndex, amd+strings.Repeat(","+amd, MaxImages)), ociIndex, nil, "at most 256"},
	} {
		have := map[string][2]string{digest.FromString(tt.top).String(): {tt.mediaType, tt.top}, digest.FromString(nested).String(): {ociIndex, nested}}
		for n := range 4 {
			have[digest.FromString(image(n)).String()] = [2]string{ociImage, image(n)}
		}
		if name == "an index called an image" {
			have[digest.FromString(nested).String()] = [2]string{ociImage, nested}
		}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			is, ok := have[r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]]
			if !ok {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			w.Header().Set("Content-Type", is[0])
			w.Header().Set("Content-Length", fmt.Sprint(len(is[1])))
			w.Header().Set("Docker-Content-Digest", digest.FromString(is[1]).String())
			_, _ = w.Write([]byte(is[1]))
		}))
		repo, err := Open(Reference{Registry: strings.TrimPrefix(server.URL, "http://"), Repository: "shop"}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := repo.Images(context.Background(), digest.FromString(tt.top).String())
		switch {
		case tt.says == "" && (err != nil || !reflect.DeepEqual(got, tt.want)):
			t.Errorf("%s: %v, error %v, want %v", name, got, err, tt.want)
		case tt.says != "" && (err == nil || got != nil || !strings.Contains(err.Error(), tt.says)):
			t.Errorf("%s: %v, error %v, want %q", name, got, err, tt.says)
		}
		have[digest.FromString(tt.top).String()] = [2]string{tt.mediaType, tt.top + " "}
		if got, err := repo.Images(context.Background(), digest.FromString(tt.top).String()); got != nil || !errors.Is(err, ErrTampered) {
			t.Errorf("%s, changed on the way: %v, %v", name, got, err)
		}
		server.Close()
	}
}
