package gate

import (
	"bytes"
	"encoding/base64"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal"
)

func TestSignAndOpen(t *testing.T) {
	w := newWorld(t)
	bundle := w.sign(goodYAML)
	rootFingerprint := w.signers["root"].Public().Fingerprint()
	for _, pin := range []Pin{{}, {Keys: []string{rootFingerprint}}} {
		d, err := Open([]byte(goodYAML), Signatures{bundle}, nil, pin, now)
		if err != nil {
			t.Fatal(err)
		}
		if !d.Signed() || d.RootPinned() == pin.none() || d.RootKey() != w.signers["root"].KeyID() {
			t.Errorf("signed %v pinned %v root %s", d.Signed(), d.RootPinned(), d.RootKey())
		}
		if d.FileDigest() != seal.Digest([]byte(goodYAML)) {
			t.Error("digests do not name the bytes")
		}
		if d.SignedAt != "2026-11-20T12:00:00Z" || d.Version != 3 {
			t.Errorf("signed at %s, version %d", d.SignedAt, d.Version)
		}
		b, err := d.JSON()
		if err != nil || seal.Digest(b) != d.Digest() || !bytes.Contains(b, []byte(`"definition"`)) {
			t.Errorf("JSON %v", err)
		}
		again, err := OpenArchived(Signatures{bundle}, nil, pin, now)
		if err != nil || again.Digest() != d.Digest() {
			t.Errorf("archived: %v", err)
		}
	}
}

// TestOpenRefuses holds each attack against TestSignAndOpen, which opens the same definition unaltered.
func TestOpenRefuses(t *testing.T) {
	w := newWorld(t)
	good := w.sign(goodYAML)
	soft := strings.Replace(goodYAML, "trigger: manual", "trigger: automatic", 1)
	mine := strings.Replace(goodYAML, "roots: [root.pub]", "roots: [mallory.pub]", 1)
	byMallory := func(src string) []byte {
		d, err := w.resolve(src)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Sign(d, []byte(src), nil, w.signers["mallory"], now)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	pinned := Pin{Keys: []string{w.signers["root"].Public().Fingerprint()}}
	expires := time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name   string
		file   string
		bundle []byte
		pin    Pin
		now    time.Time
		class  fault.Class
		want   string
	}{
		{"gate.yaml altered", soft, good, Pin{}, now, fault.Trust, "is not the text that"},
		{"gate.yaml empty", "", good, Pin{}, now, fault.Usage, "cdgate init"},
		{"no signature", goodYAML, nil, Pin{}, now, fault.Usage, "cdgate gate sign"},
		{"signature truncated", goodYAML, good[:len(good)/2], Pin{}, now, fault.Trust, "cannot be read"},
		{"signature of something else", goodYAML, w.foreign("https://cdgate.dev/tests/v1", "{}", "root"), Pin{}, now, fault.Trust, "tests/v1"},
		{"signed by another key than the root", goodYAML, w.resigned(good, "mallory"), Pin{}, now, fault.Trust, w.signers["mallory"].Public().Fingerprint()},
		{"another root while one is pinned", mine, byMallory(mine), pinned, now, fault.Trust, "is pinned"},
		{"payload altered", goodYAML, alterPayload(t, good), Pin{}, now, fault.Trust, "does not hold"},
		{"hint says the root", goodYAML, w.hinted(t, w.resigned(good, "mallory"), "mallory", "root"), Pin{}, now, fault.Trust, "does not hold"},
		{"key id of the root beside another key", goodYAML, w.swappedKey(t, good), pinned, now, fault.Trust, "its id is"},
		{"expired this second", goodYAML, good, Pin{}, expires, fault.Trust, "expired at 2027-06-01T00:00:00Z"},
		{"unknown member", goodYAML, w.foreign(PredicateType, `{"definition":{},"sources":[],"signedAt":"","soft":true}`, "root"), Pin{}, now, fault.Trust, "none of this version"},
		{"no definition", goodYAML, w.foreign(PredicateType, `{"definition":null,"sources":[],"signedAt":""}`, "root"), Pin{}, now, fault.Trust, "no definition"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Open([]byte(tt.file), Signatures{tt.bundle}, nil, tt.pin, tt.now)
			if d != nil || fault.ClassOf(err) != tt.class {
				t.Fatalf("%v, class %v of %v, want %v", d, fault.ClassOf(err), err, tt.class)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error does not say %q: %v", tt.want, err)
			}
			if tt.class == fault.Usage || strings.HasPrefix(tt.name, "gate.yaml") {
				return
			}
			if d, err := OpenArchived(Signatures{tt.bundle}, nil, tt.pin, tt.now); d != nil || fault.ClassOf(err) != fault.Trust {
				t.Errorf("archived: %v, %v", d, err)
			}
		})
	}
	// Twins of the attacks that depend on time and pin.
	if _, err := Open([]byte(goodYAML), Signatures{good}, nil, pinned, expires.Add(-time.Second)); err != nil {
		t.Errorf("a second before it expires: %v", err)
	}
	if d, err := Open([]byte(mine), Signatures{byMallory(mine)}, nil, Pin{}, now); err != nil || d.RootPinned() {
		t.Errorf("unpinned, another root: %v", err)
	}
}

// TestOpenAnyFlippedByte flips each byte of the signature in turn: nothing else than the good definition ever opens.
func TestOpenAnyFlippedByte(t *testing.T) {
	w := newWorld(t)
	good := w.sign(goodYAML)
	want := w.open(goodYAML).Digest()
	step := 5
	if testing.Short() {
		step = 37
	}
	for i := 0; i < len(good); i += step {
		b := bytes.Clone(good)
		b[i] ^= 1
		if d, err := Open([]byte(goodYAML), Signatures{b}, nil, Pin{}, now); err == nil && d.Digest() != want {
			t.Fatalf("byte %d flipped: another definition opens", i)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	w := newWorld(t)
	d, err := w.resolve(goodYAML)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, text, key string
		at              time.Time
		want            string
	}{
		{"not the root key", goodYAML, "ci", now, "is not its root key"},
		{"another text", goodYAML + "\n", "root", now, "read it again"},
		{"expired", goodYAML, "root", now.AddDate(1, 0, 0), "expired at"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := Sign(d, []byte(tt.text), nil, w.signers[tt.key], tt.at)
			if b != nil || fault.ClassOf(err) != fault.Usage || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
	if _, err := Sign(d, []byte(goodYAML), nil, w.signers["root"], now); err != nil {
		t.Errorf("the root key: %v", err)
	}
	if _, err := Sign(&Definition{}, nil, nil, w.signers["root"], now); err == nil {
		t.Error("the zero definition was signed")
	}
}

func TestParsePin(t *testing.T) {
	w := newWorld(t)
	k, k2 := w.signers["root"].Public(), w.signers["eva"].Public()
	for text, want := range map[string]Pin{
		"":                                    {},
		k.Fingerprint():                       {Keys: []string{k.Fingerprint()}},
		k.PEM:                                 {Keys: []string{k.Fingerprint()}},
		"\n" + k.Fingerprint() + "\n":         {Keys: []string{k.Fingerprint()}},
		k.Fingerprint() + ", " + k2.PEM:       {Keys: []string{k.Fingerprint(), k2.Fingerprint()}},
		"2/" + k.PEM + "," + k2.Fingerprint(): {Keys: []string{k.Fingerprint(), k2.Fingerprint()}, Of: 2},
	} {
		if p, err := ParsePin(text); err != nil || !reflect.DeepEqual(p, want) {
			t.Errorf("pin %q: %v, %v", text, p, err)
		}
	}
	for _, text := range []string{
		"root.pub", "sha256:00", "-----BEGIN PUBLIC KEY-----\nAA\n-----END PUBLIC KEY-----\n", k.Fingerprint() + ",", k.Fingerprint() + "," + k.Fingerprint(),
		k.Fingerprint() + "," + k.PEM, "0/" + k.Fingerprint(), "2/" + k.Fingerprint(), "/" + k.Fingerprint(), "99999999999999999999/" + k.Fingerprint(), "1/",
	} {
		if p, err := ParsePin(text); err == nil || fault.ClassOf(err) != fault.Usage || !reflect.DeepEqual(p, Pin{}) {
			t.Errorf("pin %q: %v, %v", text, p, err)
		}
	}
}

// foreign signs any predicate as the named signer.
func (w *world) foreign(predicateType, predicate, signer string) []byte {
	w.t.Helper()
	b, err := w.signers[signer].Sign(seal.Statement{
		Type: seal.StatementType, PredicateType: predicateType, Predicate: jsontext.Value(predicate),
		Subject: []seal.Subject{{Name: subjectName, Digest: map[string]string{"sha256": strings.TrimPrefix(seal.Digest([]byte(goodYAML)), "sha256:")}}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// resigned is the same statement signed by somebody else.
func (w *world) resigned(bundle []byte, signer string) []byte {
	w.t.Helper()
	o, err := seal.InspectUnsafe(bundle)
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := w.signers[signer].Sign(o.Statement)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// hinted changes the key that a bundle claims to be signed with.
func (w *world) hinted(t *testing.T, bundle []byte, from, to string) []byte {
	t.Helper()
	return replace(t, bundle, w.signers[from].KeyID(), w.signers[to].KeyID())
}

// swappedKey puts mallory's key beside the id of the root key, and signs as mallory under the root's hint.
func (w *world) swappedKey(t *testing.T, bundle []byte) []byte {
	t.Helper()
	o, err := seal.InspectUnsafe(bundle)
	if err != nil {
		t.Fatal(err)
	}
	var p predicate
	if err := json.Unmarshal(o.Statement.Predicate, &p); err != nil {
		t.Fatal(err)
	}
	p.Definition.Roots[0].PEM = w.signers["mallory"].Public().PEM
	b, err := json.Marshal(p, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return w.hinted(t, w.foreign(PredicateType, string(b), "mallory"), "mallory", "root")
}

// alterPayload makes the definition automatic without signing again.
func alterPayload(t *testing.T, bundle []byte) []byte {
	t.Helper()
	o, err := seal.InspectUnsafe(bundle)
	if err != nil {
		t.Fatal(err)
	}
	return replace(t, bundle, base64.StdEncoding.EncodeToString(o.Payload),
		base64.StdEncoding.EncodeToString(replace(t, o.Payload, `"trigger":"manual"`, `"trigger":"automatic"`)))
}

func replace(t *testing.T, in []byte, from, to string) []byte {
	t.Helper()
	if !bytes.Contains(in, []byte(from)) {
		t.Fatalf("nothing to replace: %.60s", from)
	}
	return bytes.ReplaceAll(in, []byte(from), []byte(to))
}
