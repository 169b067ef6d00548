package seal

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
)

// A bundle that a real Rekor (version 2), Fulcio and timestamp authority had a part in, made by make test-integration. sigstore-go
// and cosign v3 accept it with another copy of the log entry, which cosign v2 and Sigstore's JavaScript refuse.
func TestCopiesOfTheLogEntry(t *testing.T) {
	roots, err := ParseRoots("trusted_root.json", must(os.ReadFile("testdata/rekor/trusted_root.json")))
	if err != nil {
		t.Fatal(err)
	}
	trust := Trust{Roots: roots, Identity: func(id Identity) bool { return id.Subject == "gate@acme.example" }}
	text := must(os.ReadFile("testdata/rekor/summary.json"))
	edited := func(edit func(entry, proof map[string]any)) []byte {
		var b map[string]any
		if err := json.Unmarshal(text, &b); err != nil {
			t.Fatal(err)
		}
		entry := b["verificationMaterial"].(map[string]any)["tlogEntries"].([]any)[0].(map[string]any)
		edit(entry, entry["inclusionProof"].(map[string]any))
		return must(json.Marshal(b))
	}
	body := func(old, new string) func(entry, _ map[string]any) {
		return func(entry, _ map[string]any) {
			b := string(must(base64.StdEncoding.DecodeString(entry["canonicalizedBody"].(string))))
			if !strings.Contains(b, old) {
				t.Fatalf("nothing to replace: %s", b)
			}
			entry["canonicalizedBody"] = base64.StdEncoding.EncodeToString([]byte(strings.Replace(b, old, new, 1)))
		}
	}
	zero := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for name, c := range map[string]struct {
		edit func(entry, proof map[string]any)
		want error
	}{
		"good (twin)":              {func(_, _ map[string]any) {}, nil},
		"another digest":           {body(`"digest":"`, `"digest":"AAAA`), ErrUntrusted},
		"white space in the entry": {body(`{`, `{ `), ErrUntrusted},
		"another root":             {func(_, proof map[string]any) { proof["rootHash"] = zero }, ErrUntrusted},
		"another size":             {func(_, proof map[string]any) { proof["treeSize"] = "1000" }, ErrUntrusted},
		"another number":           {func(_, proof map[string]any) { proof["logIndex"] = "0" }, ErrUntrusted},
		"another number, outside":  {func(entry, _ map[string]any) { entry["logIndex"] = "0" }, ErrUntrusted},
	} {
		o, err := trust.Open(edited(c.edit))
		if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err == nil && o.Timestamped.IsZero() {
			t.Errorf("%s: no timestamp", name)
		}
		if _, err := trust.OpenAttestation(edited(c.edit)); !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s, as an attestation: %v, want %v", name, err, c.want)
		}
	}
}
