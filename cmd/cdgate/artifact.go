package main

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/fault"
)

// sha256Digest is a digest as people write it after the name of an artifact.
var sha256Digest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// artifacts reads --artifact: files are hashed, NAME@sha256:HEX is taken as it is.
func (k *call) artifacts() ([]engine.Artifact, error) {
	var out []engine.Artifact
	for _, spec := range k.StringSlice("artifact") {
		a, err := k.artifact(spec)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func (k *call) artifact(spec string) (engine.Artifact, error) {
	if name, digest, found := cutLast(spec, "@"); found && strings.HasPrefix(digest, "sha") {
		if !sha256Digest.MatchString(digest) {
			return engine.Artifact{}, fault.New(fault.Usage, "artifact %q: the digest is sha256: and 64 lower-case hexadecimal digits", spec)
		}
		if name == "" {
			return engine.Artifact{}, fault.New(fault.Usage, "artifact %q has no name; write NAME@sha256:HEX", spec)
		}
		return engine.Artifact{Name: name, Digest: digest}, nil
	}
	info, err := os.Stat(k.abs(spec)) // before it is opened: a pipe would wait
	if err == nil && !info.Mode().IsRegular() {
		return engine.Artifact{}, fault.New(fault.Usage, "artifact %q is not a file; pack it into one, or write NAME@sha256:HEX", spec)
	}
	f, err := os.Open(k.abs(spec))
	if err != nil {
		return engine.Artifact{}, fault.New(fault.Usage, "read artifact: %w; name a file, or write NAME@sha256:HEX", err)
	}
	defer f.Close()
	h, long := sha256.New(), sha512.New() // of one reading: the two are of the same bytes
	if _, err := io.Copy(io.MultiWriter(h, long), f); err != nil {
		return engine.Artifact{}, fault.New(fault.Usage, "read artifact %q: %w", spec, err)
	}
	a := engine.Artifact{Name: filepath.Base(spec), Digest: "sha256:" + hex.EncodeToString(h.Sum(nil))}
	if k.sha512 == nil {
		k.sha512 = map[string]string{}
	}
	k.sha512[a.Digest] = hex.EncodeToString(long.Sum(nil))
	return a, nil
}
