package seal

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal/sealtest"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func rootsOf(t testing.TB, w *sealtest.World) *Roots {
	t.Helper()
	r, err := ParseRoots("trusted_root.json", w.TrustedRoot())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func payloadOf(t testing.TB, edit func(string) string) string {
	t.Helper()
	p := string(must(InspectUnsafe(sign(t, newSigner(t), statement(`{"a":1}`)))).Payload)
	if edit == nil {
		return p
	}
	if edited := edit(p); edited != p {
		return edited
	}
	t.Fatal("the edit changes nothing")
	return ""
}

func TestOpenCertificate(t *testing.T) {
	w, other := sealtest.New(t, noon), sealtest.New(t, noon)
	id := sealtest.Workflow("https://github.com/acme/payments", ".github/workflows/release.yml", "refs/heads/main")
	eva := sealtest.Identity{Issuer: "https://sso.example", Subject: "eva@acme.example"}
	good := payloadOf(t, nil)
	replace := func(old, new string) string {
		return payloadOf(t, func(p string) string { return strings.Replace(p, old, new, 1) })
	}
	roots := rootsOf(t, w)
	main := func(i Identity) bool { return i.Subject == id.Subject && i.Issuer == id.Issuer }
	at := noon.Add(5 * time.Minute)
	foreign := w.Sign(good, id, noon, time.Time{})
	for name, c := range map[string]struct {
		bundle []byte
		trust  Trust
		want   error
	}{
		"good":                       {w.Sign(good, id, noon, at), Trust{Identity: main, Roots: roots}, nil},
		"first second":               {w.Sign(good, id, noon, noon), Trust{Identity: main, Roots: roots}, nil},
		"last second":                {w.Sign(good, id, noon, noon.Add(10*time.Minute)), Trust{Identity: main, Roots: roots}, nil},
		"used after it expired":      {w.Sign(good, id, noon, noon.Add(10*time.Minute+time.Second)), Trust{Identity: main, Roots: roots}, ErrUntrusted},
		"used before it was there":   {w.Sign(good, id, noon, noon.Add(-time.Second)), Trust{Identity: main, Roots: roots}, ErrUntrusted},
		"no timestamp":               {w.Sign(good, id, noon, time.Time{}), Trust{Identity: main, Roots: roots}, ErrUntrusted},
		"timestamp of another TSA":   {other.Stamp(foreign, at), Trust{Identity: main, Roots: roots}, ErrUntrusted},
		"its own TSA (twin)":         {w.Stamp(foreign, at), Trust{Identity: main, Roots: roots}, nil},
		"another authority":          {other.Sign(good, id, noon, at), Trust{Identity: main, Roots: roots}, ErrUntrusted},
		"another identity":           {w.Sign(good, eva, noon, at), Trust{Identity: main, Roots: roots}, ErrUnknownKey},
		"that identity (twin)":       {w.Sign(good, eva, noon, at), Trust{Identity: func(i Identity) bool { return i.Subject == eva.Subject }, Roots: roots}, nil},
		"no identity wanted":         {w.Sign(good, id, noon, at), Trust{Roots: roots}, ErrUnknownKey},
		"only a key wanted":          {w.Sign(good, id, noon, at), Trust{Keys: []PublicKey{newSigner(t).Public()}, Roots: roots}, ErrUnknownKey},
		"no roots":                   {w.Sign(good, id, noon, at), Trust{Identity: main}, ErrUntrusted},
		"no issuer":                  {w.Sign(good, sealtest.Identity{Subject: id.Subject}, noon, at), Trust{Identity: main, Roots: roots}, ErrMalformed},
		"a foreign _type":            {w.Sign(replace("in-toto.io/Statement/v1", "evil.example/Statement/v9"), id, noon, at), Trust{Identity: main, Roots: roots}, ErrMalformed},
		"two subjects":               {w.Sign(replace(`}}],`, `}},{"digest":{"sha256":"`+strings.Repeat("b", 64)+`"}}],`), id, noon, at), Trust{Identity: main, Roots: roots}, ErrMalformed},
		"predicate_type":             {w.Sign(replace("predicateType", "predicate_type"), id, noon, at), Trust{Identity: main, Roots: roots}, ErrMalformed},
		"a member twice":             {w.Sign(replace(`{"a":1}`, `{"a":1,"a":2}`), id, noon, at), Trust{Identity: main, Roots: roots}, ErrMalformed},
		"a subject in another case":  {w.Sign(replace(`"predicateType"`, `"Subject":[],"predicateType"`), id, noon, at), Trust{Identity: main, Roots: roots}, ErrMalformed},
		"an altered payload":         {altered(t, w.Sign(good, id, noon, at)), Trust{Identity: main, Roots: roots}, ErrSignature},
		"timestamps from both sides": {stampTwice(t, w.Sign(good, id, noon, at), other, at), Trust{Identity: main, Roots: roots}, ErrUntrusted},
	} {
		o, err := c.trust.Open(c.bundle)
		if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
			continue
		}
		if err != nil && c.want != ErrMalformed && fault.ClassOf(err) != fault.Trust {
			t.Errorf("%s: class %v", name, fault.ClassOf(err))
		}
		if err == nil && (o.KeyID != "" || o.Identity.Issuer == "" || o.Timestamped.IsZero()) {
			t.Errorf("%s: %+v", name, o)
		}
	}
	o := must(Trust{Identity: main, Roots: roots}.Open(w.Sign(good, id, noon, at)))
	if !o.Timestamped.Equal(at) {
		t.Errorf("timestamped %s, want %s", o.Timestamped, at)
	}
	want := Identity{
		Issuer: id.Issuer, Subject: id.Subject, Repository: id.Repository, RepositoryID: "4711", Ref: id.Ref, Revision: id.Revision,
		Workflow: id.Workflow, Job: id.Job, Runner: id.Runner, Trigger: "push",
	}
	if o.Identity != want {
		t.Errorf("identity %+v, want %+v", o.Identity, want)
	}
}

// altered is the bundle with one letter of its payload changed.
func altered(t testing.TB, bundle []byte) []byte {
	t.Helper()
	const mark = `"payload":"`
	i := strings.Index(string(bundle), mark)
	if i < 0 {
		t.Fatal("no payload")
	}
	out := append([]byte{}, bundle...)
	at := i + len(mark) + 40
	if out[at] = 'A'; bundle[at] == 'A' {
		out[at] = 'B'
	}
	return out
}

// stampTwice adds the timestamp of another authority beside the one that is there.
func stampTwice(t testing.TB, bundle []byte, by *sealtest.World, at time.Time) []byte {
	t.Helper()
	const mark = `"rfc3161Timestamps":[`
	second := string(by.Stamp(bundle, at))
	i, j := strings.Index(second, mark), strings.Index(string(bundle), mark)
	if i < 0 || j < 0 {
		t.Fatal("no timestamp")
	}
	entry := second[i+len(mark) : i+strings.Index(second[i:], "]")]
	return []byte(string(bundle[:j+len(mark)]) + entry + "," + string(bundle[j+len(mark):]))
}

// A key says nothing about time; a timestamp beside it does, and it must be one that the roots vouch for.
func TestOpenTimestampedKey(t *testing.T) {
	w, other, s := sealtest.New(t, noon), sealtest.New(t, noon), newSigner(t)
	plain := sign(t, s, statement(`{"a":1}`))
	stamped := w.Stamp(plain, noon)
	keys, roots := []PublicKey{s.Public()}, rootsOf(t, w)
	for name, c := range map[string]struct {
		bundle []byte
		trust  Trust
		at     time.Time
		want   error
	}{
		"plain":              {plain, Trust{Keys: keys}, time.Time{}, nil},
		"plain, with roots":  {plain, Trust{Keys: keys, Roots: roots}, time.Time{}, nil},
		"stamped":            {stamped, Trust{Keys: keys, Roots: roots}, noon, nil},
		"stamped, no roots":  {stamped, Trust{Keys: keys}, time.Time{}, ErrUntrusted},
		"stamped, other TSA": {other.Stamp(plain, noon), Trust{Keys: keys, Roots: roots}, time.Time{}, ErrUntrusted},
		"stamp of another":   {restamp(t, stamped, w.Stamp(sign(t, s, statement(`{"a":2}`)), noon)), Trust{Keys: keys, Roots: roots}, time.Time{}, ErrUntrusted},
		"TSA long gone":      {w.Stamp(plain, noon.AddDate(6, 0, 0)), Trust{Keys: keys, Roots: roots}, time.Time{}, ErrUntrusted},
		"other key":          {stamped, Trust{Keys: []PublicKey{newSigner(t).Public()}, Roots: roots}, time.Time{}, ErrUnknownKey},
	} {
		o, err := c.trust.Open(c.bundle)
		switch {
		case !errors.Is(err, c.want) || (c.want == nil) != (err == nil):
			t.Errorf("%s: %v, want %v", name, err, c.want)
		case err == nil && (!o.Timestamped.Equal(c.at) || o.KeyID != s.KeyID() || o.Identity != (Identity{})):
			t.Errorf("%s: %+v", name, o)
		}
	}
}

// restamp is the first bundle with the timestamps of the second.
func restamp(t testing.TB, bundle, from []byte) []byte {
	t.Helper()
	cut := func(b []byte) string {
		_, rest, ok := strings.Cut(string(b), `"rfc3161Timestamps":[`)
		stamp, _, closed := strings.Cut(rest, "]")
		if !ok || !closed {
			t.Fatal("no timestamp")
		}
		return stamp
	}
	return []byte(strings.Replace(string(bundle), cut(bundle), cut(from), 1))
}

func TestParseRootsRefuses(t *testing.T) {
	w := sealtest.New(t, noon)
	good := string(w.TrustedRoot())
	if r, err := ParseRoots("f", []byte(good)); err != nil || r.TimestampAuthorities() != 1 || r.CertificateAuthorities() != 1 {
		t.Fatalf("twin: %v", err)
	}
	for name, text := range map[string]string{
		"empty": "", "nothing in it": `{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`,
		"another media type": strings.Replace(good, "version=0.1", "version=9", 1), "unknown member": `{"x":1,` + good[1:],
		"a member twice": `{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1",` + good[1:],
		"no certificate": strings.Replace(good, `"rawBytes":"`, `"rawBytes":"AAAA`, 1), "trailing": good + "{}",
		"too big": good + strings.Repeat(" ", MaxRoots),
	} {
		if r, err := ParseRoots("tr.json", []byte(text)); err == nil || r != nil || fault.ClassOf(err) != fault.Usage || !strings.Contains(err.Error(), "tr.json") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if (*Roots)(nil).TimestampAuthorities() != 0 || (*Roots)(nil).CertificateAuthorities() != 0 {
		t.Error("no roots are not none")
	}
}

func TestSignatory(t *testing.T) {
	for want, s := range map[string]Signatory{
		"key SHA256:abc": {KeyID: "abc"},
		"eva@acme.example (vouched for by https://sso.example)": {Identity: Identity{Issuer: "https://sso.example", Subject: "eva@acme.example"}},
	} {
		if fmt.Sprint(s) != want {
			t.Errorf("%s, want %s", s, want)
		}
	}
}
