package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// proofBySpicy: the proof beside a record says that the log's entry about it is in the log. Spicy reads proofs of that format
// without their first line, beside the file that they are about.
func proofBySpicy(t *testing.T, dir string) {
	shop := filepath.Join(dir, "shop")
	key := strings.TrimSpace(string(read(t, filepath.Join(shop, "keys", "log.pub"))))
	proof, ok := bytes.CutPrefix(read(t, filepath.Join(shop, ".cdgate", "production.sigstore.json.tlog-proof")), []byte("c2sp.org/tlog-proof@v1\n"))
	if !ok {
		t.Fatal("the proof has another first line")
	}
	verify := func(key string, leaf, proof []byte) bool {
		file := write(t, "leaf", leaf)
		if err := os.WriteFile(file+".spicy", proof, 0o600); err != nil {
			t.Fatal(err)
		}
		yes, said := ask(t, "spicy", "-verify", key, file)
		t.Log(said)
		return yes
	}
	leaves := leavesOf(t, filepath.Join(shop, ".cdgate", "log"))
	const entry = 3 // after staging, the first decision about production, and the approval
	leaf := leaves[entry]
	record := fmt.Sprintf("sha256:%x", sha256.Sum256(read(t, filepath.Join(shop, ".cdgate", "production.sigstore.json"))))
	if !strings.Contains(string(leaf), record) {
		t.Fatalf("entry %d is not about the record %s: %s", entry, record, leaf)
	}
	if !verify(key, leaf, proof) {
		t.Error("spicy refuses the proof")
	}
	checkpoint, signature, _ := bytes.Cut(proof, []byte("\n— "))
	at := bytes.LastIndexByte(checkpoint, '=') - 2
	altered := append(append(append([]byte{}, checkpoint[:at]...), checkpoint[at]^1), checkpoint[at+1:]...)
	for name, accepted := range map[string]bool{
		"an altered leaf":             verify(key, alter(leaf), proof),
		"another entry's leaf":        verify(key, leaves[entry-1], proof),
		"another index":               verify(key, leaf, bytes.Replace(proof, fmt.Appendf(nil, "index %d", entry), fmt.Appendf(nil, "index %d", entry-1), 1)),
		"an altered root":             verify(key, leaf, append(append(altered, "\n— "...), signature...)),
		"another log's key":           verify("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", leaf, proof),
		"a checkpoint with no signer": verify(key, leaf, append(checkpoint, '\n')),
	} {
		if accepted {
			t.Errorf("spicy accepts the proof with %s", name)
		}
	}
}

// leavesOf reads the entries of a small log as c2sp.org/tlog-tiles has them: each behind its length in two bytes.
func leavesOf(t *testing.T, log string) (out [][]byte) {
	t.Helper()
	size := strings.Split(string(read(t, filepath.Join(log, "checkpoint"))), "\n")[1]
	for b := read(t, filepath.Join(log, "tile", "entries", "000.p", size)); len(b) > 0; {
		n := 2 + int(binary.BigEndian.Uint16(b))
		out, b = append(out, b[2:n]), b[n:]
	}
	return out
}

// tarByORAS: oras reads the tar of a store as an image layout, hashes everything in it, and finds what is in the directory.
func tarByORAS(t *testing.T, dir string) {
	store := filepath.Join(dir, "shop", ".cdgate", "store")
	tar := read(t, filepath.Join(dir, "store.tar"))
	copied := func(tar []byte) (string, bool, string) {
		out := filepath.Join(t.TempDir(), "layout")
		yes, said := ask(t, "oras", "copy", "--no-tty", "--from-oci-layout", write(t, "store.tar", tar)+":bundle", "--to-oci-layout", out+":bundle")
		return out, yes, said
	}
	out, ok, said := copied(tar)
	if !ok {
		t.Fatalf("oras refuses the tar: %s", said)
	}
	blobs, err := filepath.Glob(filepath.Join(out, "blobs", "sha256", "*"))
	if err != nil || len(blobs) < 20 {
		t.Fatalf("%d blobs, error %v", len(blobs), err)
	}
	for _, b := range blobs {
		if !bytes.Equal(read(t, b), read(t, filepath.Join(store, "blobs", "sha256", filepath.Base(b)))) {
			t.Errorf("%s differs", b)
		}
	}
	var index struct {
		Manifests []struct {
			Digest      string
			Annotations map[string]string
		}
	}
	if err := json.Unmarshal(read(t, filepath.Join(out, "index.json")), &index); err != nil {
		t.Fatal(err)
	}
	root := ""
	for _, m := range index.Manifests {
		if m.Annotations["org.opencontainers.image.ref.name"] == "bundle" {
			root = filepath.Join(out, "blobs", "sha256", strings.TrimPrefix(m.Digest, "sha256:"))
		}
	}
	for what, blob := range map[string][]byte{"the record": read(t, filepath.Join(dir, "shop", ".cdgate", "production.sigstore.json")), "the list of all objects": read(t, root)} {
		at := bytes.Index(tar, blob)
		if at < 0 {
			t.Fatalf("%s is not in the tar", what)
		}
		altered := bytes.Clone(tar)
		altered[at+len(blob)/2] ^= 1
		if _, ok, said := copied(altered); ok {
			t.Errorf("oras copies a tar with an altered byte in %s: %s", what, said)
		}
	}
}

// keysByOpenSSL: the public key that cdgate wrote is the one that OpenSSL derives from the private key.
func keysByOpenSSL(t *testing.T, dir string) {
	private := func(name string) string { return filepath.Join(dir, ".home", ".config", "cdgate", "shop", name+".key") }
	for _, name := range []string{"root", "ci", "gate", "dana", "reviewer", "second"} {
		public := string(read(t, filepath.Join(dir, "shop", "keys", name+".pub")))
		if yes, said := ask(t, "openssl", "pkey", "-in", private(name), "-pubout"); !yes || said != public {
			t.Errorf("%s: OpenSSL says %s, and cdgate wrote %s", name, said, public)
		}
	}
	if yes, said := ask(t, "openssl", "pkey", "-in", write(t, "altered.key", bytes.Replace(read(t, private("ci")), []byte("AgEAMBMG"), []byte("AgEAMBMH"), 1))); yes {
		t.Errorf("OpenSSL reads an altered key: %s", said)
	}
}

// timestampsByOpenSSL: each timestamp in a bundle is one of the authority over the bytes of the signature, and OpenSSL agrees.
func timestampsByOpenSSL(t *testing.T, dir string) {
	chain, other := filepath.Join(dir, "tsa.pem"), filepath.Join(dir, "fulcio.pem")
	count := 0
	for _, c := range bundlesIn(t, filepath.Join(dir, "shop")) {
		var b struct {
			VerificationMaterial struct {
				TimestampVerificationData struct {
					RFC3161Timestamps []struct{ SignedTimestamp []byte }
				}
			}
			DSSEEnvelope struct{ Signatures []struct{ Sig []byte } }
		}
		if err := json.Unmarshal(read(t, c.bundle), &b); err != nil {
			t.Fatal(err)
		}
		for _, stamp := range b.VerificationMaterial.TimestampVerificationData.RFC3161Timestamps {
			count++
			verify := func(token, signature []byte, authority string) bool {
				yes, _ := ask(t, "openssl", "ts", "-verify", "-in", write(t, "token.tsr", token), "-data", write(t, "signature", signature), "-CAfile", authority, "-untrusted", chain)
				return yes
			}
			token, signature := stamp.SignedTimestamp, b.DSSEEnvelope.Signatures[0].Sig
			if !verify(token, signature, chain) {
				t.Errorf("OpenSSL refuses the timestamp of %s", c.bundle)
			}
			for name, accepted := range map[string]bool{
				"another signature": verify(token, alter(signature), chain), "an altered token": verify(alter(token), signature, chain),
				"another authority": verify(token, signature, other),
			} {
				if accepted {
					t.Errorf("OpenSSL accepts the timestamp of %s with %s", c.bundle, name)
				}
			}
		}
	}
	if count < 10 {
		t.Errorf("%d timestamps, want one in each statement", count)
	}
}
