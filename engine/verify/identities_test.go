package verify

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/seal/sealtest"
)

const identitiesYAML = `trust: {trustedRoot: trusted_root.json}
`

// TestIdentities signs the good scene's tests with a certificate and changes one thing; everything else is signed with keys
// and still counts.
func TestIdentities(t *testing.T) {
	workflow := sealtest.Workflow("https://github.com/acme/payments", ".github/workflows/ci.yml", "refs/heads/main")
	dev := sealtest.Workflow("https://github.com/acme/payments", ".github/workflows/ci.yml", "refs/heads/dev")
	signer := "ci: {identities: [{issuer: " + workflow.Issuer + ", repository: " + workflow.Repository + `, workflow: .github/workflows/ci.yml, refs: [refs/heads/main]}], `
	signed := now.Add(-time.Hour)
	const others = "build coverage sbom scan"
	for name, c := range map[string]struct {
		id      sealtest.Identity
		from    time.Time
		stamped time.Time
		other   bool // another authority issues
		require string
		want    string
		says    string
	}{
		"good":                {id: workflow, from: signed, stamped: signed.Add(time.Minute), want: others + " tests"},
		"another branch":      {id: dev, from: signed, stamped: signed, want: others + " tests:unknown_signer", says: "it says reference refs/heads/dev, and refs/heads/main is let"},
		"another authority":   {id: workflow, from: signed, stamped: signed, other: true, want: others + " tests:untrusted", says: "not vouched for"},
		"no timestamp":        {id: workflow, from: signed, want: others + " tests:untrusted", says: "nothing says when"},
		"after it expired":    {id: workflow, from: signed, stamped: signed.Add(11 * time.Minute), want: others + " tests:untrusted", says: "not vouched for"},
		"timestamps required": {id: workflow, from: signed, stamped: signed, require: "require: {timestamp: true}\n", want: "build:no_timestamp collection of ci about app:no_timestamp coverage:no_timestamp sbom:no_timestamp scan:no_timestamp tests:unlisted", says: "--timestamp-url"},
	} {
		t.Run(name, func(t *testing.T) {
			w, authorities := newWorld(t), sealtest.New(t, now)
			by := authorities
			if c.other {
				by = sealtest.New(t, now)
			}
			w.reopen(strings.Replace(gateYAML, "ci: {", signer, 1)+identitiesYAML+c.require, map[string][]byte{"trusted_root.json": authorities.TrustedRoot()})
			s := good()
			s.change("tests", func(x *thing) {
				x.forge = func(b []byte) []byte { return by.Sign(payloadOf(t, b), c.id, c.from, c.stamped) }
			})
			digests := w.put(s, nil)
			v := w.evidence(want())
			if got := tell(v, digests); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			msg := ""
			for _, nc := range v.NotCounted() {
				msg += nc.Msg + "\n"
			}
			if !strings.Contains(msg, c.says) {
				t.Errorf("nothing says %q:\n%s", c.says, msg)
			}
		})
	}
}

// reopen gives the world another gate definition, with the same keys and further files.
func (w *world) reopen(yaml string, files map[string][]byte) {
	w.t.Helper()
	for name, s := range w.signers {
		files[name+".pub"] = []byte(s.Public().PEM)
	}
	files["log.pub"] = []byte("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n")
	cfg, err := gate.Parse("gate.yaml", []byte(yaml))
	w.must(err)
	def, err := gate.Resolve(cfg, func(p string) ([]byte, error) { return files[p], nil }, []gate.Source{{Ref: "builtin:minimal", Digest: app}})
	w.must(err)
	bundle, err := gate.Sign(def, []byte(yaml), nil, w.signers["root"], now)
	w.must(err)
	w.def, err = gate.Open([]byte(yaml), gate.Signatures{bundle}, nil, gate.Pin{}, now)
	w.must(err)
}

// payloadOf is the payload of a bundle.
func payloadOf(t *testing.T, bundle []byte) string {
	t.Helper()
	var b struct {
		Envelope struct {
			Payload []byte `json:"payload"`
		} `json:"dsseEnvelope"`
	}
	if err := json.Unmarshal(bundle, &b); err != nil || len(b.Envelope.Payload) == 0 {
		t.Fatalf("no payload: %v", err)
	}
	return string(b.Envelope.Payload)
}
