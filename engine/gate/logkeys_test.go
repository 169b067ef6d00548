package gate

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"cdgate.dev/cdgate/engine/fault"
)

// logWorld is a world with further keys of the log, and one of another log.
func logWorld(t *testing.T) *world {
	w := newWorld(t)
	name, _, _ := strings.Cut(logVkey, "+")
	for file, of := range map[string]string{"log2.pub": name, "log3.pub": name, "other.pub": "other"} {
		_, key, err := note.GenerateKey(nil, of)
		if err != nil {
			t.Fatal(err)
		}
		w.files[file] = []byte(key + "\n")
	}
	return w
}

func withLog(text string) string {
	return strings.Replace(goodYAML, "log: log.pub\n", "log: "+text+"\n", 1)
}

func TestLogKeys(t *testing.T) {
	w := logWorld(t)
	plain := sure(w.resolve(goodYAML))
	if again := sure(w.resolve(withLog("[log.pub]"))); again.Digest() == "" || again.LogKeys != nil || again.Log != plain.Log {
		t.Errorf("a list of one file is not the file: %+v", again.LogKeys)
	}
	d := sure(w.resolve(withLog("[{file: log.pub, until: 2026-12-01T00:00:00Z}, {file: log2.pub, from: 2026-11-01T00:00:00Z}]")))
	if d.LogKey()+"\n" != string(w.files["log2.pub"]) || len(d.FormerLogKeys()) != 1 || d.FormerLogKeys()[0] != logVkey {
		t.Errorf("the key that stays is %q, the others are %q", d.LogKey(), d.FormerLogKeys())
	}
	at := func(day string) time.Time { return sure(time.Parse(time.DateOnly, day)) }
	for _, c := range []struct {
		key, day string
		ok       bool
	}{
		{logVkey, "2026-01-01", true}, {logVkey, "2026-11-30", true}, {logVkey, "2026-12-01", false},
		{d.LogKey(), "2026-10-31", false}, {d.LogKey(), "2026-11-01", true}, {d.LogKey(), "2029-01-01", true},
		{strings.TrimSpace(string(w.files["log3.pub"])), "2026-11-15", false}, {"", "2026-11-15", false},
	} {
		if err := d.LogStands(c.key, at(c.day).Add(time.Second), true); (err == nil) != c.ok || err != nil && fault.ClassOf(err) != fault.Trust {
			t.Errorf("signed with %.30s on %s: %v", c.key, c.day, err)
		}
		if err := d.MayLog(c.key, at(c.day)); (err == nil) != c.ok || err != nil && fault.ClassOf(err) != fault.Usage {
			t.Errorf("sign with %.30s on %s: %v", c.key, c.day, err)
		}
	}
	if err := d.LogStands(logVkey, at("2026-12-01"), true); err != nil { // nobody knows which was first in that second
		t.Error(err)
	}
	there, back := Compare(plain, d), Compare(d, plain)
	if len(there) != 2 || there[0].Loosens || !strings.Contains(there[0].Text, "until 2026-12-01T00:00:00Z instead of without limit") || !there[1].Loosens || !strings.Contains(there[1].Text, "new key") {
		t.Errorf("%+v", there)
	}
	if len(back) != 2 || !back[0].Loosens || !back[1].Loosens || !strings.Contains(back[1].Text, "is unknown now") {
		t.Errorf("%+v", back)
	}
}

func TestLogKeysRefused(t *testing.T) {
	w := logWorld(t)
	for text, says := range map[string]string{
		"[log.pub, log2.pub]": "names 2 keys without end",
		"[{file: log.pub, until: 2026-12-01T00:00:00Z}, log.pub]":                        "is the same key as another one",
		"[{file: log.pub, until: 2026-12-01T00:00:00Z}, other.pub]":                      `is a key called "other"`,
		"[{file: log.pub, revoked: {at: 2026-12-01T00:00:00Z, reason: rotation}}]":       "names only keys that were revoked",
		"[{file: log.pub, until: tomorrow}, log2.pub]":                                   "until",
		"[{file: log.pub, revoked: {at: 2026-12-01T00:00:00Z, reason: lost}}, log2.pub]": "reason",
		"[{file: root.pub, until: 2026-12-01T00:00:00Z}, log2.pub]":                      "name+hash+base64",
		"[]":              "log",
		"{file: log.pub}": "log",
		"[{file: nowhere.pub, until: 2026-12-01T00:00:00Z}, log2.pub]": "nowhere.pub",
	} {
		if _, err := w.resolve(withLog(text)); fault.ClassOf(err) != fault.Usage || !strings.Contains(err.Error(), says) {
			t.Errorf("log: %s: %v, want %q", text, err, says)
		}
	}
	if _, err := w.resolve(withLog("[{file: log.pub, until: 2026-12-01T00:00:00Z}, {file: log2.pub, until: 2026-11-01T00:00:00Z}, log3.pub]")); err != nil {
		t.Errorf("twin: %v", err)
	}
}
