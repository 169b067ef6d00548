package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// claim is what somebody believes of a bundle: who signed it, and what about.
type claim struct {
	bundle, root     string // files; root is a trusted root
	key              string // file of a public key; "" for an identity
	identity, issuer string
	kind             string // predicate type
	alg, digest      string // of the subject
	stamped, logged  bool   // has a timestamp, has a log entry
}

// opinion is a program that nobody here wrote and that judges bundles.
type opinion struct {
	program string
	// content says that it looks at predicate type and subject; otherwise it prints the payload that it verified.
	content bool
	args    func(claim) []string
}

var opinions = []opinion{
	{"cosign", true, cosignArgs},
	{"cosign2", true, func(c claim) []string { return append(cosignArgs(c), "--new-bundle-format") }},
	{"sigstore-js", false, func(c claim) []string {
		args := []string{"--bundle", c.bundle, "--root", c.root}
		if c.key != "" {
			args = append(args, "--key", c.key)
		} else {
			args = append(args, "--identity", c.identity, "--issuer", c.issuer)
		}
		if c.stamped {
			args = append(args, "--timestamps", "1")
		}
		if c.logged {
			args = append(args, "--entries", "1")
		}
		return args
	}},
}

func cosignArgs(c claim) []string {
	args := []string{"verify-blob-attestation", "--bundle", c.bundle, "--trusted-root", c.root, "--type", c.kind, "--digest", c.digest, "--digestAlg", c.alg}
	if c.key != "" {
		args = append(args, "--key", c.key)
	} else {
		args = append(args, "--certificate-identity", c.identity, "--certificate-oidc-issuer", c.issuer, "--insecure-ignore-sct")
	}
	if c.stamped {
		args = append(args, "--use-signed-timestamps")
	}
	if !c.logged {
		args = append(args, "--insecure-ignore-tlog")
	}
	return args
}

// program is the path of a program; without it the test says loudly what it did not do.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("NOT TESTED: %s is not on PATH; run make test-integration", name)
	}
	return path
}

// ask runs a program and says whether it answers yes (exit code 0) or no (1, of OpenSSL and log.Fatal too). Anything else is no answer.
func ask(t *testing.T, name string, args ...string) (yes bool, said string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // one that wants the network would wait for it
	defer cancel()
	cmd := exec.CommandContext(ctx, program(t, name), args...)
	home := t.TempDir()
	cmd.Dir, cmd.Env = home, append(os.Environ(), "HOME="+home)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return err == nil, string(out)
}

// believes wants the program to accept the claim and, where it prints what it verified, that this is the payload.
func (o opinion) believes(t *testing.T, c claim) {
	t.Helper()
	yes, said := ask(t, o.program, o.args(c)...)
	if !yes {
		t.Errorf("%s refuses %s, a %s: %s", o.program, c.bundle, c.kind, said)
	}
	if !o.content && yes && said != string(payloadOf(t, c.bundle)) {
		t.Errorf("%s verified another payload of %s: %s", o.program, c.bundle, said)
	}
}

// refuses wants the program to refuse each claim that differs from a good one in one thing.
func (o opinion) refuses(t *testing.T, c claim, twins map[string]claim) {
	t.Helper()
	if len(twins) == 0 {
		t.Fatal("no twins")
	}
	for what, twin := range twins {
		if yes, said := ask(t, o.program, o.args(twin)...); yes {
			t.Errorf("%s accepts %s, a %s, with %s: %s", o.program, c.bundle, c.kind, what, said)
		}
	}
}

// twins differ from a good claim in one thing. The other key belongs to somebody else.
func (o opinion) twins(t *testing.T, c claim, otherKey string) map[string]claim {
	t.Helper()
	out := map[string]claim{}
	with := func(what string, change func(*claim)) { twin := c; change(&twin); out[what] = twin }
	spoilt := func(path ...string) func(*claim) {
		return func(twin *claim) { twin.bundle = spoil(t, c.bundle, path...) }
	}
	with("an altered payload", spoilt("dsseEnvelope", "payload"))
	with("an altered signature", spoilt("dsseEnvelope", "signatures", "sig"))
	if c.key != "" {
		with("another key", func(twin *claim) { twin.key = otherKey })
	} else {
		with("another identity", func(twin *claim) { twin.identity = "mallory@acme.example" })
		with("another issuer", func(twin *claim) { twin.issuer += "/other" })
	}
	if o.content {
		with("another predicate type", func(twin *claim) { twin.kind += "1" })
		with("another subject", func(twin *claim) { twin.digest = strings.Repeat("a", len(c.digest)) })
	}
	if c.stamped {
		with("an altered timestamp", spoilt("verificationMaterial", "timestampVerificationData", "rfc3161Timestamps", "signedTimestamp"))
		with("no timestamp", func(twin *claim) {
			twin.bundle = editBundle(t, c.bundle, func(b map[string]any) {
				delete(b["verificationMaterial"].(map[string]any), "timestampVerificationData")
			})
		})
	}
	if c.logged {
		if o.program != "cosign" { // it proves the entry that belongs to the signature, and does not read the copy; engine/seal does
			with("an altered log entry", spoilt("verificationMaterial", "tlogEntries", "canonicalizedBody"))
		}
		with("another number in the log", func(twin *claim) {
			twin.bundle = editBundle(t, c.bundle, func(b map[string]any) {
				entry := b["verificationMaterial"].(map[string]any)["tlogEntries"].([]any)[0].(map[string]any)
				entry["logIndex"], entry["inclusionProof"].(map[string]any)["logIndex"] = "4711", "4711"
			})
		})
		with("no log entry", func(twin *claim) {
			twin.bundle = editBundle(t, c.bundle, func(b map[string]any) { delete(b["verificationMaterial"].(map[string]any), "tlogEntries") })
		})
	}
	return out
}

// spoil copies a bundle and changes one character or, in what is no text, the last bit of a member written in base64. The
// path goes through the first element of every list.
func spoil(t *testing.T, bundle string, path ...string) string {
	t.Helper()
	return editBundle(t, bundle, func(b map[string]any) {
		for _, name := range path[:len(path)-1] {
			switch next := b[name].(type) {
			case map[string]any:
				b = next
			case []any:
				b = next[0].(map[string]any)
			default:
				t.Fatalf("%s has no %s of %v", bundle, name, path)
			}
		}
		last := path[len(path)-1]
		text, ok := b[last].(string)
		raw, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil || len(raw) == 0 {
			t.Fatalf("%s: %v is not in base64: %v", bundle, path, err)
		}
		b[last] = base64.StdEncoding.EncodeToString(alter(raw))
	})
}

// alter changes a letter or digit near the end of JSON, which stays JSON, and the last bit of anything else.
func alter(b []byte) []byte {
	b = append([]byte{}, b...)
	at := len(b) - 1
	if json.Valid(b) {
		at = strings.LastIndexAny(string(b), "hijkmopqvwxyz") // no letter of true, false, null or an escape
	}
	b[at] ^= 1
	return b
}

func editBundle(t *testing.T, bundle string, edit func(map[string]any)) string {
	t.Helper()
	var b map[string]any
	if err := json.Unmarshal(read(t, bundle), &b); err != nil {
		t.Fatal(err)
	}
	edit(b)
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "edited.json", text)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// write makes a file in a directory of its own.
func write(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func payloadOf(t *testing.T, bundle string) []byte {
	t.Helper()
	var b struct {
		DSSEEnvelope struct {
			Payload []byte `json:"payload"`
		} `json:"dsseEnvelope"`
	}
	if err := json.Unmarshal(read(t, bundle), &b); err != nil || len(b.DSSEEnvelope.Payload) == 0 {
		t.Fatalf("%s has no payload: %v", bundle, err)
	}
	return b.DSSEEnvelope.Payload
}
