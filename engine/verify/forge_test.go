package verify

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"regexp"
)

// payload replaces text in the signed payload without signing again.
func payload(from, to string) func([]byte) []byte {
	return func(bundle []byte) []byte {
		var b map[string]any
		if err := json.Unmarshal(bundle, &b); err != nil {
			panic(err)
		}
		envelope := b["dsseEnvelope"].(map[string]any)
		p, err := base64.StdEncoding.DecodeString(envelope["payload"].(string))
		if err != nil || !bytes.Contains(p, []byte(from)) {
			panic("nothing to replace")
		}
		envelope["payload"] = base64.StdEncoding.EncodeToString(bytes.ReplaceAll(p, []byte(from), []byte(to)))
		out, err := json.Marshal(b)
		if err != nil {
			panic(err)
		}
		return out
	}
}

var hint = regexp.MustCompile(`"hint":"[^"]*"`)

// rehint makes a bundle claim the key that the test puts in the place of HINT.
func rehint(bundle []byte) []byte { return hint.ReplaceAll(bundle, []byte(`"hint":"HINT"`)) }
