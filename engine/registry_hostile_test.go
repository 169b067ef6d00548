package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"cdgate.dev/cdgate/engine"
)

// on answers requests of a method whose path holds a text.
func on(method, text string, answer func(w http.ResponseWriter, r *http.Request)) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || !strings.Contains(r.URL.Path, text) {
			return false
		}
		answer(w, r)
		return true
	}
}

func status(code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// filled is a registry with good evidence about a release.
func filled(t *testing.T) (*shelf, *org) {
	t.Helper()
	s, o := newShelf(t, true), newOrg(t, gateText)
	o.collect(s.in(machine(t), "build"), allGood...)
	return s, o
}

// tags asks the registry itself.
func (s *shelf) tags(t *testing.T) []string {
	t.Helper()
	resp, err := http.Get(s.server.URL + "/v2/acme/shop/tags/list")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var list struct{ Tags []string }
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	return list.Tags
}

// listing answers with these tags, so many on a page.
func listing(tags []string, size int) func(http.ResponseWriter, *http.Request) bool {
	return on(http.MethodGet, "/tags/list", func(w http.ResponseWriter, r *http.Request) {
		from := 0
		fmt.Sscanf(r.URL.Query().Get("from"), "%d", &from)
		to := min(from+size, len(tags))
		if to < len(tags) {
			w.Header().Set("Link", fmt.Sprintf(`</v2/acme/shop/tags/list?from=%d>; rel="next"`, to))
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"name": "acme/shop", "tags": tags[from:to]})
	})
}

// TestRegistryFaults: what a registry says when something is wrong, and that the same registry, when nothing is, lets the
// release go.
func TestRegistryFaults(t *testing.T) {
	s, o := filled(t)
	blobs := on(http.MethodGet, "/blobs/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(strings.Repeat("x", 64)))
	})
	for name, tt := range map[string]struct {
		before func(http.ResponseWriter, *http.Request) bool
		code   int
	}{
		"not logged in":  {on(http.MethodGet, "", status(http.StatusUnauthorized)), 30},
		"not allowed":    {on(http.MethodGet, "", status(http.StatusForbidden)), 30},
		"blobs gone":     {on(http.MethodGet, "/blobs/", status(http.StatusNotFound)), 50},
		"manifests gone": {on(http.MethodGet, "/manifests/", status(http.StatusNotFound)), 50},
		"other bytes":    {blobs, 50},
		"other manifests": {on(http.MethodGet, "/manifests/", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			_, _ = w.Write([]byte("{}"))
		}), 50},
		"nothing there":      {on(http.MethodGet, "/tags/list", status(http.StatusNotFound)), 20},
		"listing is no JSON": {on(http.MethodGet, "/tags/list", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }), 30},
	} {
		t.Run(name, func(t *testing.T) {
			s.when(tt.before)
			defer s.when(nil)
			o.evaluate(tt.code, "staging", s.gate(machine(t)))
		})
	}
	o.evaluate(0, "staging", s.gate(machine(t)))
}

// TestRegistryHidesObjects: an item that a collection lists and the registry does not show is tampering. Pages do not
// matter.
func TestRegistryHidesObjects(t *testing.T) {
	s, o := filled(t)
	tags := s.tags(t)
	s.when(listing(tags, 2))
	o.evaluate(0, "staging", s.gate(machine(t)))
	places := o.places()
	places.Store, places.Registries = s.store, machine(t)
	l, err := engine.StoreList(context.Background(), engine.EvaluateOptions{Places: places, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	var object string
	for _, x := range l.Objects {
		if x.Kind == "tests" {
			object = strings.TrimPrefix(x.Object, "sha256:")
		}
	}
	var shown []string
	for _, tag := range tags {
		if !strings.HasSuffix(tag, object) {
			shown = append(shown, tag)
		}
	}
	if object == "" || len(shown) == len(tags) {
		t.Fatal("no tags of the tests were found")
	}
	s.when(listing(shown, 3))
	o.evaluate(50, "staging", s.gate(machine(t)))
	c, err := engine.StoreCheck(context.Background(), s.store, machine(t))
	if err != nil || c.ExitCode != 50 {
		t.Errorf("check: %+v, error %v", c, err)
	}
	s.when(nil)
	if c, err = engine.StoreCheck(context.Background(), s.store, machine(t)); err != nil || c.ExitCode != 0 || len(c.Orphans) != 0 {
		t.Errorf("check of the whole store: %+v, error %v", c, err)
	}
}

// TestRegistryIsBusy: a registry that says 429 or breaks off is asked again, and one that goes on so is given up.
func TestRegistryIsBusy(t *testing.T) {
	s, o := newShelf(t, true), newOrg(t, gateText)
	var asked sync.Map // each kind of request is answered from the third time on
	s.when(func(w http.ResponseWriter, r *http.Request) bool {
		n, _ := asked.LoadOrStore(r.Method+" "+path.Dir(r.URL.Path), new(atomic.Int32))
		switch n.(*atomic.Int32).Add(1) {
		case 1:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		case 2:
			w.WriteHeader(http.StatusBadGateway)
		default:
			return false
		}
		return true
	})
	o.collect(s.in(machine(t), "build"), "junit.xml")
	s.when(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	opt := o.collectOptions("junit.xml")
	s.in(machine(t), "build")(&opt)
	if _, err := engine.Collect(context.Background(), opt); engine.ExitCode(err) != 30 {
		t.Errorf("a registry that is always busy: %v", err)
	}
}

// TestInterruptedPush: a push that ends in the middle is no collection, harms nobody, and the next one goes on where it stopped.
func TestInterruptedPush(t *testing.T) {
	s, o := newShelf(t, true), newOrg(t, gateText)
	var puts atomic.Int32
	s.when(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") && puts.Add(1) > 2 {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		return false
	})
	opt := o.collectOptions(allGood...)
	s.in(machine(t), "build")(&opt)
	if _, err := engine.Collect(context.Background(), opt); engine.ExitCode(err) != 60 {
		t.Fatalf("an interrupted push: %v", err)
	}
	s.when(nil)
	o.evaluate(20, "staging", s.gate(machine(t))) // what was pushed is in no collection and does not count
	c, err := engine.StoreCheck(context.Background(), s.store, machine(t))
	if err != nil || c.ExitCode != 0 || len(c.Orphans) == 0 {
		t.Errorf("check: %+v, error %v", c, err)
	}
	again := s.uploads(t, o)
	o.evaluate(0, "staging", s.gate(machine(t)))
	// The reports that were pushed are not sent again; a registry that has none of them gets all.
	if fresh := newShelf(t, true).uploads(t, o); again >= fresh {
		t.Errorf("%d blobs were sent to go on, and %d to a registry that had none", again, fresh)
	}
}

// uploads collects everything and counts the blobs that are sent.
func (s *shelf) uploads(t *testing.T, o *org) int32 {
	t.Helper()
	var n atomic.Int32
	s.when(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/blobs/uploads") {
			n.Add(1)
		}
		return false
	})
	o.collect(s.in(machine(t), "build"), allGood...)
	s.when(nil)
	return n.Load()
}

// TestRegistryGivesOtherBytesBack: what the registry accepted and does not give back is not stored.
func TestRegistryGivesOtherBytesBack(t *testing.T) {
	s, o := newShelf(t, true), newOrg(t, gateText)
	s.when(on(http.MethodGet, "/blobs/sha256", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("other")) }))
	opt := o.collectOptions("junit.xml")
	s.in(machine(t), "build")(&opt)
	if _, err := engine.Collect(context.Background(), opt); engine.ExitCode(err) != 50 {
		t.Errorf("other bytes: %v", err)
	}
	s.when(nil)
	if _, err := engine.Collect(context.Background(), opt); err != nil {
		t.Errorf("the twin: %v", err)
	}
}
