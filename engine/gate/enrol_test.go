package gate

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal"
)

func TestEnrolment(t *testing.T) {
	w := newWorld(t)
	eva := Enrolment{Name: "Eva Peeters", Emails: []string{"eva@acme.example"}, Logins: []string{"github:eva"}}
	good := sure(Enrol(eva, w.signers["eva"], now))
	e, err := OpenEnrolment("eva.enrol", good, now.Add(29*24*time.Hour))
	if err != nil || e.Key != w.signers["eva"].Public() || e.Name != eva.Name || e.Emails[0] != eva.Emails[0] || e.Logins[0] != eva.Logins[0] {
		t.Fatalf("%+v, %v", e, err)
	}
	// about says anything of any key, signed by any.
	about := func(of, by, name string, digestOf string) []byte {
		p := Enrolment{Name: name, Emails: []string{}, Logins: []string{}, PublicKey: w.signers[of].Public().PEM, At: rfc3339(now)}
		return sure(w.signers[by].Sign(seal.Statement{
			PredicateType: EnrolmentType, Predicate: jsontext.Value(sure(json.Marshal(p))),
			Subject: []seal.Subject{{Name: name, Digest: map[string]string{"sha256": strings.TrimPrefix(seal.Digest(w.files[digestOf+".pub"]), "sha256:")}}},
		}))
	}
	if _, err := OpenEnrolment("x", about("eva", "eva", "Eva", "eva"), now); err != nil {
		t.Errorf("the twin of the attacks: %v", err)
	}
	// said is the good enrolment with another value of one member, signed.
	said := func(member, value string) []byte {
		p := map[string]jsontext.Value{}
		sure(0, json.Unmarshal(sure(seal.InspectUnsafe(good)).Statement.Predicate, &p))
		p[member] = jsontext.Value(value)
		return sure(w.signers["eva"].Sign(seal.Statement{PredicateType: EnrolmentType, Predicate: sure(json.Marshal(p)), Subject: sure(seal.InspectUnsafe(good)).Statement.Subject}))
	}
	if _, err := OpenEnrolment("x", said("logins", `["github:eva","gitlab:eva"]`), now); err != nil {
		t.Errorf("the twin of other values: %v", err)
	}
	for name, tt := range map[string]struct {
		bundle []byte
		at     time.Time
		want   string
	}{
		"another's key":   {about("eva", "mallory", "Mallory", "eva"), now, "not signed with the key that it is about"},
		"other subject":   {about("eva", "eva", "Eva", "sam"), now, "another key"},
		"no name":         {about("eva", "eva", " ", "eva"), now, "no name"},
		"a gate":          {w.sign(goodYAML), now, EnrolmentType},
		"old":             {good, now.Add(31 * 24 * time.Hour), "counts for 30 days"},
		"from the future": {good, now.Add(-time.Hour), "in the future"},
		"altered":         {replace(t, good, `"sig":"M`, `"sig":"N`), now, ""},
		"nothing":         {nil, now, ""},
		"no address":      {said("emails", `["eva"]`), now, "emails[0]"},
		"one twice":       {said("emails", `["eva@acme.example","eva@acme.example"]`), now, "emails"},
		"no account":      {said("logins", `["eva"]`), now, "logins[0]"},
		"a null":          {said("logins", "null"), now, "logins"},
		"no list":         {said("logins", `"github:eva"`), now, "logins"},
		"another member":  {said("admin", "true"), now, "admin"},
	} {
		if e, err := OpenEnrolment("x.enrol", tt.bundle, tt.at); e != nil || fault.ClassOf(err) != fault.Trust || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "x.enrol") {
			t.Errorf("%s: class %v of %v", name, fault.ClassOf(err), err)
		}
	}
	if _, err := Enrol(Enrolment{Name: " "}, w.signers["eva"], now); fault.ClassOf(err) != fault.Usage {
		t.Errorf("without a name: %v", err)
	}
	if _, err := Enrol(Enrolment{Name: "Eva", Emails: []string{"eva"}}, w.signers["eva"], now); fault.ClassOf(err) != fault.Usage || !strings.Contains(err.Error(), "emails[0]") {
		t.Errorf("with what is no address: %v", err)
	}
}
