package ledger

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/evidence/outbound"
	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

// MaxWitnesses is how many witnesses a log can have.
const MaxWitnesses = 16

const (
	// witnessTimeout is how long one request to a witness may take.
	witnessTimeout = workWait / 2
	// maxRefusals is how often in a row so many witnesses may refuse that no quorum is left. The log library asks again every
	// 100 ms.
	maxRefusals = 20
)

// Witnesses are who must have countersigned a state of the log before it counts (c2sp.org/tlog-witness). A witness signs
// only what continues the state it signed last, so whoever has the directory and its key can show no two histories of it
// to people who ask for the same witness.
type Witnesses struct {
	Quorum int // how many must have countersigned; 0 wants none
	Of     []Witness
}

// Witness is one of them.
type Witness struct {
	Key string // verifier key of type 0x04 (c2sp.org/tlog-cosignature), one line of text
	URL string // submission prefix: states are posted to URL/add-checkpoint
}

// Verifier is what a log is read and a proof is checked with.
type Verifier struct {
	Key       string   // verifier key of the log
	Former    []string // other keys of the log, of the same name, that may have signed it
	Witnesses Witnesses
}

// keys are the keys of a Verifier, parsed.
type keys struct {
	log       note.Verifier
	logs      []logKey // log first
	witnesses []note.Verifier
	quorum    int
}

// logKey is a key of the log and its text.
type logKey struct {
	note.Verifier
	text string
}

func (v Verifier) keys() (*keys, error) {
	l, err := verifierOf(v.Key)
	if err != nil {
		return nil, err
	}
	k := &keys{log: l, logs: []logKey{{l, strings.TrimSpace(v.Key)}}, quorum: v.Witnesses.Quorum}
	for _, f := range v.Former {
		former, err := verifierOf(f)
		if err != nil {
			return nil, err
		}
		if former.Name() != l.Name() {
			return nil, fault.New(fault.Usage, "read log key: %q and %q are keys of two logs", l.Name(), former.Name())
		}
		k.logs = append(k.logs, logKey{former, strings.TrimSpace(f)})
	}
	seen := map[string]bool{l.Name(): true}
	for _, w := range v.Witnesses.Of {
		c, err := cosignature.NewVerifierForCosignatureV1(strings.TrimSpace(w.Key))
		if err != nil {
			return nil, fault.New(fault.Usage, "read witness key %.200q: it is no cosignature key (name+hash+key): %w", w.Key, err)
		}
		if seen[c.Name()] {
			return nil, fault.New(fault.Usage, "read witness key: there are two keys called %q", c.Name())
		}
		seen[c.Name()] = true
		k.witnesses = append(k.witnesses, c)
	}
	if k.quorum < 0 || k.quorum > len(k.witnesses) || len(k.witnesses) > MaxWitnesses {
		return nil, fault.New(fault.Usage, "%d of %d witnesses cannot be wanted", k.quorum, len(k.witnesses))
	}
	return k, nil
}

// signed gives how many witnesses are among those whose signatures hold.
func (k *keys) signed(sigs []note.Signature) (n int) {
	for _, w := range k.witnesses {
		for _, s := range sigs {
			if s.Name == w.Name() && s.Hash == w.KeyHash() {
				n++
				break
			}
		}
	}
	return n
}

// enough says whether the witnesses that countersigned are a quorum.
func (k *keys) enough(signed int) error {
	if signed < k.quorum {
		return fmt.Errorf("%d of its witnesses countersigned it, and the gate definition wants %d", signed, k.quorum)
	}
	return nil
}

// checkForm wants a note whose signature lines are the log's, first, and at most those of witnesses behind it, each in its
// one form. Countersignatures of unknown witnesses do not count (c2sp.org/signed-note).
func (k *keys) checkForm(text []byte, n *note.Note) error {
	rest, ok := strings.CutPrefix(string(text), n.Text+"\n")
	lines := strings.SplitAfter(rest, "\n")
	if !ok || lines[len(lines)-1] != "" || len(lines)-1 != len(n.Sigs)+len(n.UnverifiedSigs) || len(lines)-1 > 1+MaxWitnesses {
		return errCheckpointForm
	}
	for i, line := range lines[:len(lines)-1] {
		name, sig, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(line, "— "), "\n"), " ")
		if _, err := base64.StdEncoding.Strict().DecodeString(sig); !ok || err != nil || (name == k.log.Name()) != (i == 0) {
			return errCheckpointForm
		}
	}
	return nil
}

// asked is the client that witnesses are asked with. It goes only where they are, and remembers what they refuse, which the
// log library tells nobody.
type asked struct {
	clients map[string]*http.Client // by scheme and host
	spare   int                     // witnesses that a quorum can do without
	giveUp  func()                  // called when no quorum will come

	mu       sync.Mutex
	err      map[string]error // by host: why it did not sign when it was asked last
	refusals int              // answers in a row that left no quorum
}

func newAsked(w Witnesses) (*asked, error) {
	a := &asked{clients: map[string]*http.Client{}, spare: len(w.Of) - w.Quorum, giveUp: func() {}, err: map[string]error{}}
	for _, one := range w.Of {
		u, err := url.Parse(one.URL)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return nil, fault.New(fault.Usage, "the address of witness %.200q is %.200q; want a URL such as https://witness.example", one.Key, one.URL)
		}
		a.clients[u.Scheme+"://"+u.Host] = outbound.New(outbound.Options{Scheme: u.Scheme, Host: u.Hostname(), Timeout: witnessTimeout})
	}
	return a, nil
}

// client follows no redirects: a witness is where the gate definition says.
func (a *asked) client() *http.Client {
	return &http.Client{Transport: a, Timeout: witnessTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// RoundTrip asks one witness.
func (a *asked) RoundTrip(r *http.Request) (*http.Response, error) {
	c, ok := a.clients[r.URL.Scheme+"://"+r.URL.Host]
	if !ok {
		return nil, fmt.Errorf("%s is no witness", r.URL.Host)
	}
	resp, err := c.Transport.RoundTrip(r)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err[r.URL.Host] = refusal(resp, err)
	if a.refusals++; !a.hopeless() {
		a.refusals = 0
	} else if a.refusals > maxRefusals {
		a.giveUp()
	}
	return resp, err
}

// hopeless says whether so many witnesses refused when they were asked last that the others are no quorum.
func (a *asked) hopeless() bool {
	n := 0
	for _, err := range a.err {
		if err != nil {
			n++
		}
	}
	return n > a.spare
}

// errOtherHistory says that a witness knows another history of the log than the one at hand.
var errOtherHistory = errors.New("it has countersigned another history of this log: the log was rolled back or replaced")

// refusal is why a witness does not sign (c2sp.org/tlog-witness), nil when it does or asks for another proof.
func refusal(resp *http.Response, err error) error {
	switch {
	case err != nil:
		return outbound.Cause(err)
	case resp.StatusCode == http.StatusOK:
		return nil
	case resp.StatusCode == http.StatusConflict, resp.StatusCode == http.StatusUnprocessableEntity:
		// A conflict is how a witness tells the size it knows; it is asked again with that size unless the log is shorter.
		return errOtherHistory
	case resp.StatusCode == http.StatusNotFound:
		return errors.New("it does not know this log (HTTP 404); have its operator add the log's verifier key")
	case resp.StatusCode == http.StatusForbidden:
		return errors.New("it knows another key of this log (HTTP 403)")
	}
	return errors.New("it answers HTTP " + strconv.Itoa(resp.StatusCode))
}

// explain adds to an error what the witnesses said. One that knows another history makes it a trust fault.
func (a *asked) explain(err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for host, why := range a.err {
		switch {
		case errors.Is(why, errOtherHistory):
			return fault.New(fault.Trust, "witness %s: %w", host, why)
		case why != nil:
			err = fmt.Errorf("%w; witness %s: %w", err, host, why)
		}
	}
	return err
}
