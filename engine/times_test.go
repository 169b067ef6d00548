package engine_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/timestamp"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/seal"
	"cdgate.dev/cdgate/engine/seal/sealtest"
)

// stamping lets everybody sign with timestamps of an authority over HTTP, at the time that at says.
func (o *org) stamping(at *time.Time) (trustedRoot []byte) {
	o.t.Helper()
	world := sealtest.New(o.t, now)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		q, err := timestamp.ParseRequest(b)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = w.Write(world.TimestampOf(q.HashedMessage, q.Nonce, *at))
	}))
	o.t.Cleanup(server.Close)
	roots, err := seal.ParseRoots("trusted_root.json", world.TrustedRoot())
	o.must(err)
	for who, s := range o.signers {
		if who == "root" {
			continue
		}
		o.signers[who], err = s.With(context.Background(), seal.Services{Timestamps: []string{server.URL}, Roots: roots, Now: func() time.Time { return *at }})
		o.must(err)
	}
	return world.TrustedRoot()
}

// TestKeyClosedJudgedAtTheSignedTime: a key is closed after it signed, or before. With a timestamp (RFC 3161) the signature counts in the
// first case and not in the second; without one nothing proves which of the two it is, and it counts in neither.
func TestKeyClosedJudgedAtTheSignedTime(t *testing.T) {
	const after, before = "2026-11-20T13:00:00Z", "2026-11-20T11:00:00Z" // the signatures are of 11:50 and 12:00
	refused := map[string]int{"ci": 20, "eva": 10, "gate": 50}
	for _, who := range []string{"ci", "eva", "gate"} {
		for _, c := range []struct {
			name, closing   string
			stamped, stands bool
		}{
			{"compromised after, stamped", "revoked: {at: " + after + ", reason: compromise}", true, true},
			{"compromised before, stamped", "revoked: {at: " + before + ", reason: compromise}", true, false},
			{"compromised after, not stamped", "revoked: {at: " + after + ", reason: compromise}", false, false},
			{"expired after, stamped", "until: " + after, true, true},
			{"expired before, stamped", "until: " + before, true, false},
			{"still valid, not stamped", "until: 2029-01-01T00:00:00Z", false, true},
			{"not valid yet, stamped", "from: 2026-11-20T13:00:00Z", true, false},
		} {
			t.Run(who+" "+c.name, func(t *testing.T) {
				t.Parallel()
				at := now.Add(-10 * time.Minute)
				o := newOrg(t, gateText)
				plain := map[string]*seal.Signer{"ci": o.signers["ci"], "eva": o.signers["eva"], "gate": o.signers["gate"]}
				o.write("trusted_root.json", string(o.stamping(&at)))
				text := gateText + "trust: {trustedRoot: trusted_root.json}\n"
				o.write("gate.yaml", text)
				o.signGate()
				if !c.stamped {
					o.signers[who] = plain[who]
				}
				o.collect(nil, allGood...)
				at = now
				o.evaluate(10, "production", nil)
				if _, err := o.sign("eva", "approve", now); err != nil {
					t.Fatal(err)
				}
				o.evaluate(0, "production", nil)

				o.write("gate.yaml", strings.NewReplacer(fmt.Sprintf("keys: [%s.pub]", who), fmt.Sprintf("keys: [{file: %s.pub, %s}, kim2.pub]", who, c.closing)).Replace(text))
				_, public, err := seal.Generate(nil) // the one that follows
				o.must(err)
				o.write("kim2.pub", string(public))
				o.write("gate.yaml", strings.Replace(string(o.read("gate.yaml")), "version: 1", "version: 3", 1))
				o.signGate()
				want := 0
				if !c.stands {
					want = refused[who]
				}
				if who == "gate" {
					if v := o.verify(func(v *engine.VerifyOptions) { v.Now = then }); v.ExitCode != want || want != 0 && v.Checks[len(v.Checks)-1].Name != "key" {
						t.Errorf("verify: %d, want %d: %+v", v.ExitCode, want, v.Checks)
					}
					return
				}
				at = then
				ev := o.evaluate(want, "production", func(e *engine.EvaluateOptions) { e.Now = then })
				if reasons := notCounted(ev); (want == 0) == slices.ContainsFunc(reasons, func(r string) bool { return r == "revoked_key" || r == "expired_key" }) {
					t.Errorf("not counted: %v", reasons)
				}
			})
		}
	}
}

func notCounted(ev *engine.Evaluation) (out []string) {
	for _, n := range ev.Result.NotCounted {
		out = append(out, string(n.Reason))
	}
	return out
}

// TestTimestampRequired: where the gate definition wants timestamps, what has none does not count, whoever signed it.
func TestTimestampRequired(t *testing.T) {
	for _, who := range []string{"", "ci", "eva", "gate"} {
		at := now.Add(-10 * time.Minute)
		o := newOrg(t, gateText)
		plain := map[string]*seal.Signer{"ci": o.signers["ci"], "eva": o.signers["eva"], "gate": o.signers["gate"]}
		o.write("trusted_root.json", string(o.stamping(&at)))
		trusting := gateText + "trust: {trustedRoot: trusted_root.json}\n"
		o.write("gate.yaml", trusting)
		o.signGate()
		stamped := o.signers[who]
		if who != "" {
			o.signers[who] = plain[who]
		}
		o.collect(nil, allGood...)
		at = now
		o.evaluate(10, "production", nil)
		if _, err := o.sign("eva", "approve", now); err != nil {
			t.Fatal(err)
		}
		o.evaluate(0, "production", nil)
		o.write("gate.yaml", strings.Replace(trusting, "version: 1", "version: 2", 1)+"require: {timestamp: true}\n")
		o.signGate()
		want := map[string]int{"": 0, "ci": 0, "eva": 0, "gate": 20}[who] // the record itself has a timestamp, or has none
		if v := o.verify(nil); v.ExitCode != want {
			t.Errorf("%s without a timestamp: verify says %d, want %d: %+v", who, v.ExitCode, want, v.Checks)
		}
		if who == "gate" || who == "eva" { // the same person, refused before anything is written
			var err error
			if who == "gate" {
				_, err = o.attempt("production", nil)
			} else {
				_, err = o.sign("eva", "approve", now)
			}
			if engine.ExitCode(err) != 64 || !strings.Contains(err.Error(), "--timestamp-url") {
				t.Errorf("%s signs without a timestamp: %v", who, err)
			}
		}
		if who != "" {
			o.signers[who] = stamped
		}
		ev := o.evaluate(map[string]int{"": 0, "ci": 20, "eva": 10, "gate": 0}[who], "production", nil)
		if got := slices.Contains(notCounted(ev), "no_timestamp"); got != (who == "ci" || who == "eva") {
			t.Errorf("%s without a timestamp: not counted %v", who, notCounted(ev))
		}
	}
}
