//go:build unix

package store

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine/fault"
)

// A checkout can hold a store with links in it. What they lead to is not written, truncated or swept.
func TestLinksInAPlantedStore(t *testing.T) {
	for name, plant := range map[string]func(t *testing.T, dir, victim string){
		"nothing": func(*testing.T, string, string) {},
		"lock": func(t *testing.T, dir, victim string) {
			link(t, filepath.Join(victim, "precious"), filepath.Join(dir, lockFile))
		},
		"temporary directory": func(t *testing.T, dir, victim string) { link(t, victim, filepath.Join(dir, tempDir)) },
		"lock of the temporary directory": func(t *testing.T, dir, victim string) {
			if err := os.MkdirAll(filepath.Join(dir, tempDir), 0o755); err != nil {
				t.Fatal(err)
			}
			link(t, filepath.Join(victim, "precious"), filepath.Join(dir, tempDir, lockFile))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, victim := filepath.Join(t.TempDir(), "store"), t.TempDir()
			if err := os.WriteFile(filepath.Join(victim, "precious"), []byte("precious"), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			plant(t, dir, victim)
			s, err := Create(dir)
			if err == nil {
				var digest string
				if digest, err = s.Write([]byte("x")); err == nil {
					_, err = s.Add(context.Background(), Object{Type: TypeItem, Layers: []Layer{{Name: "x", MediaType: "text/plain", Digest: digest, Size: 1}}})
				}
			}
			if (err == nil) != (name == "nothing") || err != nil && fault.ClassOf(err) != fault.Record {
				t.Errorf("error %v", err)
			}
			if b, err := os.ReadFile(filepath.Join(victim, "precious")); err != nil || string(b) != "precious" {
				t.Errorf("what the link leads to is now %q, %v", b, err)
			}
		})
	}
}

// A pipe, or a link to a device, in place of a file of the layout is refused at once.
func TestPipesInAPlantedStore(t *testing.T) {
	for _, name := range []string{indexFile, layoutFile} {
		for kind, plant := range map[string]func(string) error{
			"pipe":   func(p string) error { return syscall.Mkfifo(p, 0o644) },
			"device": func(p string) error { return os.Symlink("/dev/zero", p) },
		} {
			dir := filepath.Join(t.TempDir(), "store")
			s, err := Create(dir)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Index(); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			if err := plant(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() {
				s, err := Open(dir)
				if err == nil {
					_, err = s.Index()
				}
				done <- err
			}()
			select {
			case err := <-done:
				if fault.ClassOf(err) != fault.Evidence {
					t.Errorf("%s is a %s: %v", name, kind, err)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("%s is a %s: it waits", name, kind)
			}
		}
	}
}

func link(t *testing.T, to, at string) {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
}
