package engine_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/olareg/olareg"
	"github.com/olareg/olareg/config"

	"cdgate.dev/cdgate/engine"
)

// shelf is a real registry (olareg) that every test has for itself.
type shelf struct {
	server *httptest.Server
	// before, if set, may answer a request in the registry's place.
	mu     sync.Mutex
	before func(w http.ResponseWriter, r *http.Request) bool
	// store is oci://…, the one repository of these tests.
	store string
	repo  string
}

// newShelf starts a registry, with the referrers API or without it.
func newShelf(t *testing.T, api bool) *shelf {
	t.Helper()
	reg := olareg.New(config.Config{Storage: config.ConfigStorage{StoreType: config.StoreMem}, API: config.ConfigAPI{Referrer: config.ConfigAPIReferrer{Enabled: &api}}})
	s := &shelf{}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		before := s.before
		s.mu.Unlock()
		if before == nil || !before(w, r) {
			reg.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() { s.server.Close(); _ = reg.Close() })
	s.repo = strings.TrimPrefix(s.server.URL, "http://") + "/acme/shop"
	s.store = "oci://" + s.repo
	return s
}

// when sets what answers in the registry's place.
func (s *shelf) when(before func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = before
}

// machine is where a command runs: nothing but the registry is shared between machines.
func machine(t *testing.T) engine.Registries {
	t.Helper()
	return engine.Registries{Cache: filepath.Join(t.TempDir(), "cache")}
}

// in makes the options of a collection use the registry from a machine.
func (s *shelf) in(m engine.Registries, job string) func(*engine.CollectOptions) {
	return func(o *engine.CollectOptions) { o.Store, o.Registries, o.Producer.Job = s.store, m, job }
}

// gate makes the options of an evaluation use the registry from a machine.
func (s *shelf) gate(m engine.Registries) func(*engine.EvaluateOptions) {
	return func(o *engine.EvaluateOptions) { o.Store, o.Registries = s.store, m }
}

// TestRegistryStore: two machines collect at the same time, a third decides, a person signs on a fourth, and a fifth
// verifies and replays, with nothing in common but the registry and the log.
func TestRegistryStore(t *testing.T) {
	for name, api := range map[string]bool{"referrers API": true, "tags only": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, o := newShelf(t, api), newOrg(t, gateText)
			var work sync.WaitGroup
			for job, paths := range map[string][]string{"unit": {"junit.xml", "coverage.xml"}, "scan": {"scan.sarif", "sbom.json", "trivy.json"}} {
				m := machine(t)
				work.Go(func() {
					opt := o.collectOptions(paths...)
					s.in(m, job)(&opt)
					if _, err := engine.Collect(context.Background(), opt); err != nil {
						t.Errorf("collect %s: %v", job, err)
					}
				})
			}
			work.Wait()
			o.evaluate(0, "staging", s.gate(machine(t)))
			o.evaluate(10, "production", s.gate(machine(t)))
			places := o.places()
			places.Store, places.Registries = s.store, machine(t)
			if _, err := engine.Sign(context.Background(), engine.SignOptions{
				Places: places, Release: payments, Target: "production", Verdict: "approve", Signer: o.signers["eva"], LogKey: o.logKey, Now: now.Add(time.Minute),
			}); err != nil {
				t.Fatal(err)
			}
			ev := o.evaluate(0, "production", func(e *engine.EvaluateOptions) {
				s.gate(machine(t))(e)
				e.Artifacts, e.Now = nil, now.Add(2*time.Minute) // found by name, version and commit
			})
			if len(ev.Result.Release.Subjects) != 1 || ev.Result.Release.Subjects[0].Digest != appDigest {
				t.Errorf("subjects: %+v", ev.Result.Release.Subjects)
			}
			places.Registries = machine(t)
			v, err := engine.Verify(context.Background(), engine.VerifyOptions{
				Places: places, Record: readFile(t, ev.Path), Proof: readFile(t, engine.ProofPath(ev.Path)), Artifacts: []engine.Artifact{app}, Now: now.Add(3 * time.Minute),
			})
			if err != nil || v.ExitCode != 0 {
				t.Errorf("verify: %+v, error %v", v, err)
			}
			r, err := engine.Replay(context.Background(), engine.ReplayOptions{Store: s.store, Registries: machine(t), Root: places.Root, Record: readFile(t, ev.Path), Sandbox: o.sandbox})
			if err != nil || r.ExitCode != 0 {
				t.Errorf("replay: %+v, error %v", r, err)
			}
		})
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
