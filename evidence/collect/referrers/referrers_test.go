package referrers

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"cdgate.dev/cdgate/evidence/registry"
)

const (
	sbom  = `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"a","version":"1","purl":"pkg:npm/a@1"}]}`
	sarif = `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":[]}]}`
	junit = `<testsuite name="s"><testcase classname="a" name="t" time="1.5"/></testsuite>`

	cyclonedx = "application/vnd.cyclonedx+json"
)

func packed(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s)) // in memory
	_ = z.Close()
	return b.String()
}

// TestCollect: every layer that is a report is taken, whatever it is called, and the rest is told; with the referrers API
// and without it.
func TestCollect(t *testing.T) {
	for _, api := range []bool{true, false} {
		s := newShelf(t, api)
		want := map[string]string{}
		named := func(d ocispec.Descriptor, rest string) string { return d.Digest.String() + " " + rest }
		want[named(s.attach(cyclonedx, sbom), cyclonedx)] = sbom
		want[named(s.attach("application/octet-stream", packed(junit)), "application/octet-stream")] = packed(junit)
		two := s.attach("application/sarif+json", sarif, "no report", junit)
		want[named(two, "application/sarif+json layer 1")] = sarif
		want[named(two, "application/sarif+json layer 3")] = junit
		told := map[string]string{
			named(two, "application/sarif+json layer 2"): "it is text",
			named(s.attach("application/vnd.dev.sigstore.bundle.v0.3+json", `{"mediaType":"x"}`), "application/vnd.dev.sigstore.bundle.v0.3+json"): "a signature, or an attestation",
			named(s.attach("application/vnd.oci.image.layer.v1.tar+gzip", "x"), "application/vnd.oci.image.layer.v1.tar+gzip"):                     "a layer of files",
			named(s.attach("application/vnd.example.empty"), "application/vnd.example.empty"):                                                      "it is JSON with no members",
			named(s.attach("application/vnd.example.again", sbom), "application/vnd.example.again"):                                                "",
		}
		index := s.put(ocispec.MediaTypeImageIndex, fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"artifactType":"a/b","manifests":[],"subject":{"mediaType":%q,"digest":%q,"size":%d}}`,
			ocispec.MediaTypeImageIndex, s.image.MediaType, s.image.Digest, s.image.Size))
		told[named(index, "a/b")] = "which is not read"
		page := s.attach("application/vnd.example.page", "<html>")
		told[named(page, "application/vnd.example.page")] = "a web page"
		s.attachTo(page, cyclonedx, sbom+" ") // a referrer of a referrer is not one of the image
		reports, skipped, err := s.collect()
		if err != nil {
			t.Fatal(err)
		}
		again := 0
		for _, r := range reports {
			text, ok := want[r.Name]
			if !ok && strings.Contains(r.Name, "again") { // of two referrers with one layer, the first by digest is read
				again, text, ok = again+1, sbom, true
			}
			if !ok || string(r.Data) != text {
				t.Errorf("API %t: report %s: %q", api, r.Name, r.Data)
			}
		}
		for _, sk := range skipped {
			if strings.Contains(sk.Reason, "the same report") {
				again++
				continue
			}
			if reason, ok := told[sk.Name]; !ok || !strings.Contains(sk.Reason, reason) {
				t.Errorf("API %t: skipped %s: %s", api, sk.Name, sk.Reason)
			}
		}
		if len(reports) != 4 || len(skipped) != 7 || again == 0 {
			t.Errorf("API %t: %d reports, %d skipped: %v", api, len(reports), len(skipped), skipped)
		}
	}
}

// TestOrder: the order is that of the digests, however the registry lists them.
func TestOrder(t *testing.T) {
	s := newShelf(t, true)
	a, b := s.attach(cyclonedx, sbom), s.attach("application/xml", junit)
	var first string
	for _, list := range [][]ocispec.Descriptor{{a, b}, {b, a}, {a, b, a, a}} {
		s.lists(list...)
		reports, skipped, err := s.collect()
		if err != nil || len(reports) != 2 || len(skipped) != 0 {
			t.Fatalf("%d reports, skipped %v, error %v", len(reports), skipped, err)
		}
		if got := reports[0].Name + reports[1].Name; first == "" {
			first = got
		} else if got != first {
			t.Errorf("%s, and before %s", got, first)
		}
	}
}

// TestNothing: an image that is not there, one without referrers, and one without a report are errors.
func TestNothing(t *testing.T) {
	s := newShelf(t, true)
	if _, _, err := s.collect(); err == nil || !strings.Contains(err.Error(), "none of 0 is a known report") {
		t.Errorf("error %v", err)
	}
	s.attach("application/vnd.dev.sigstore.bundle.v0.3+json", "{}")
	if _, _, err := s.collect(); err == nil || !strings.Contains(err.Error(), "none of 1 is a known report") || !strings.Contains(err.Error(), "attestation") {
		t.Errorf("error %v", err)
	}
	s.attach(cyclonedx, sbom)
	if reports, _, err := s.collect(); err != nil || len(reports) != 1 {
		t.Errorf("%d reports, error %v", len(reports), err)
	}
	s.image.Digest = digest.FromString("absent")
	if _, _, err := s.collect(); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("error %v", err)
	}
}

// TestAttacks: each thing a registry can lie about is noticed. Before each attack the same shelf gives its report.
func TestAttacks(t *testing.T) {
	longer, shorter, other := sbom+" ", sbom[:len(sbom)-1], strings.Replace(sbom, `"a"`, `"b"`, 1)
	for name, c := range map[string]struct {
		attack func(s *shelf, referrer, layer ocispec.Descriptor)
		is     error
		want   string
	}{
		"a layer with other content":                  {func(s *shelf, _, l ocispec.Descriptor) { s.answers(l, other) }, registry.ErrTampered, "mismatched digest"},
		"a layer that is longer":                      {func(s *shelf, _, l ocispec.Descriptor) { s.answers(l, longer) }, registry.ErrTampered, "mismatch Content-Length"},
		"a layer that is cut off":                     {func(s *shelf, _, l ocispec.Descriptor) { s.answers(l, shorter) }, registry.ErrTampered, "mismatch Content-Length"},
		"a layer that is longer, without its length":  {func(s *shelf, _, l ocispec.Descriptor) { s.streams(l, longer) }, registry.ErrTampered, "trailing data"},
		"a layer that is cut off, without its length": {func(s *shelf, _, l ocispec.Descriptor) { s.streams(l, shorter) }, nil, "cut off"},
		"an endless layer":                            {func(s *shelf, _, l ocispec.Descriptor) { s.streams(l, "") }, registry.ErrTampered, "trailing data"},
		"a manifest with other content":               {func(s *shelf, d, _ ocispec.Descriptor) { s.answers(d, strings.Repeat(" ", int(d.Size))) }, registry.ErrTampered, "mismatched digest"},
		"a manifest that says another digest": {func(s *shelf, d, _ ocispec.Descriptor) {
			s.after = func(r *http.Request, a *httptest.ResponseRecorder) {
				if strings.HasSuffix(r.URL.Path, d.Digest.String()) {
					a.Header().Set("Docker-Content-Digest", digest.FromString("x").String())
				}
			}
		}, registry.ErrTampered, "digest mismatch"},
		"a referrer of another image": {func(s *shelf, d, _ ocispec.Descriptor) {
			another := s.pack(packAnother, "application/vnd.example.other")
			s.lists(d, s.attachTo(another, cyclonedx, sbom))
		}, registry.ErrTampered, "it was listed as being about"},
		"a referrer of nothing":     {func(s *shelf, d, _ ocispec.Descriptor) { s.lists(d, s.image) }, registry.ErrTampered, `is about ""`},
		"a referrer that is absent": {func(s *shelf, d, _ ocispec.Descriptor) { d.Digest = digest.FromString("x"); s.lists(d) }, registry.ErrNotFound, "was it pushed"},
		"a referrer without digest": {func(s *shelf, d, _ ocispec.Descriptor) { d.Digest = "sha256:x"; s.lists(d) }, nil, "no digest"},
		"a huge referrer":           {func(s *shelf, d, _ ocispec.Descriptor) { d.Size = 1 << 40; s.lists(d) }, registry.ErrTooLarge, "1099511627776 bytes"},
		"a referrer of no size":     {func(s *shelf, d, _ ocispec.Descriptor) { d.Size = -1; s.lists(d) }, nil, "no size"},
		"thousands of referrers": {func(s *shelf, d, _ ocispec.Descriptor) {
			var list []ocispec.Descriptor
			for i := range 5000 {
				d.Digest = digest.FromString(fmt.Sprint(i))
				list = append(list, d)
			}
			s.lists(list...)
		}, registry.ErrTooLarge, "more than 1000 referrers"},
		"pages without end": {func(s *shelf, d, _ ocispec.Descriptor) {
			s.lists()
			page := s.before
			s.before = func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Link", "<"+r.URL.Path+">; rel=\"next\"")
				return page(w, r)
			}
		}, nil, "exceeded 100 pages"},
		"a list without end": {func(s *shelf, _, _ ocispec.Descriptor) {
			s.before = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, "/referrers/") {
					return false
				}
				w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
				for _, err := w.Write([]byte(`{"manifests":[`)); err == nil; _, err = w.Write(bytes.Repeat([]byte(`{},`), 1<<16)) {
				}
				return true
			}
		}, nil, "list the referrers"},
		"a next page elsewhere": {func(s *shelf, _, _ ocispec.Descriptor) {
			s.lists()
			page := s.before
			s.before = func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Link", "<http://169.254.169.254/x>; rel=\"next\"")
				return page(w, r)
			}
		}, nil, "not the same origin"},
		"a manifest with a member twice": {func(s *shelf, _, _ ocispec.Descriptor) {
			s.lists(s.put(ocispec.MediaTypeImageManifest, fmt.Sprintf(
				`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"a/b","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[],"subject":{"mediaType":%q,"digest":%q,"size":%d},"layers":[]}`,
				ocispec.MediaTypeImageManifest, s.image.MediaType, s.image.Digest, s.image.Size)))
		}, nil, "duplicate"},
		"a broken registry": {func(s *shelf, _, _ ocispec.Descriptor) {
			s.before = func(w http.ResponseWriter, _ *http.Request) bool { http.Error(w, "no", 500); return true }
		}, nil, "500"},
		"a page for a list": {func(s *shelf, _, _ ocispec.Descriptor) {
			s.before = func(w http.ResponseWriter, r *http.Request) bool {
				if strings.Contains(r.URL.Path, "/referrers/") {
					w.Header().Set("Content-Type", "text/html")
					_, _ = w.Write([]byte("<html>"))
					return true
				}
				return false
			}
		}, nil, "none of 0 is a known report"},
	} {
		s := newShelf(t, true)
		referrer := s.attach(cyclonedx, sbom)
		if reports, _, err := s.collect(); err != nil || len(reports) != 1 || string(reports[0].Data) != sbom {
			t.Fatalf("without the attack: %v, error %v", reports, err)
		}
		c.attack(s, referrer, ocispec.Descriptor{MediaType: cyclonedx, Digest: digest.FromString(sbom), Size: int64(len(sbom))})
		reports, _, err := s.collect()
		if err == nil || len(reports) > 0 || c.is != nil && !errors.Is(err, c.is) || c.is == nil && errors.Is(err, registry.ErrTampered) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %d reports, error %v; want %q", name, len(reports), err, c.want)
		}
	}
}

// TestRedirects: blobs may lie elsewhere on the registry's server, and not on a machine that only the registry names.
func TestRedirects(t *testing.T) {
	s := newShelf(t, true)
	s.attach(cyclonedx, sbom)
	var hits atomic.Int64
	canary := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		hits.Add(1)
		_, _ = w.Write([]byte(sbom))
	}))
	t.Cleanup(canary.Close)
	for to, want := range map[string]string{
		"/v2/acme/shop/elsewhere": "", canary.URL: "refused a redirect", strings.Replace(canary.URL, "http:", "https:", 1): "HTTPS client",
		"https://169.254.169.254/latest/meta-data": "refused to connect", "https://10.0.0.1/": "it must be public", "https://[::1]/": "refused to connect", "file:///etc/passwd": "refused a redirect",
	} {
		s.before = func(w http.ResponseWriter, r *http.Request) bool {
			switch {
			case strings.HasSuffix(r.URL.Path, "/elsewhere"):
				_, _ = w.Write([]byte(sbom))
				return true
			case strings.Contains(r.URL.Path, "/blobs/"):
				http.Redirect(w, r, to, http.StatusTemporaryRedirect)
				return true
			}
			return false
		}
		reports, _, err := s.collect()
		if want == "" && (err != nil || len(reports) != 1) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %d reports, error %v; want %q", to, len(reports), err, want)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests arrived at another server", hits.Load())
	}
}

// TestLimits: a layer over the limit is refused before it is fetched.
func TestLimits(t *testing.T) {
	s := newShelf(t, true)
	s.attach(cyclonedx, strings.Repeat(" ", MaxLayer+1))
	if _, _, err := s.collect(); !errors.Is(err, registry.ErrTooLarge) {
		t.Errorf("error %v", err)
	}
	s = newShelf(t, true)
	many := make([]string, MaxLayers+1)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	s.attach(cyclonedx, many...)
	if _, _, err := s.collect(); !errors.Is(err, registry.ErrTooLarge) || !strings.Contains(err.Error(), "101 layers") {
		t.Errorf("error %v", err)
	}
	s = newShelf(t, true)
	s.attach(cyclonedx, append(many[:MaxLayers-1:MaxLayers-1], sbom)...)
	if reports, _, err := s.collect(); err != nil || len(reports) != 1 {
		t.Errorf("%d reports, error %v", len(reports), err)
	}
}
