package gate

import (
	"strings"
	"testing"

	"cdgate.dev/cdgate/engine/fault"
)

// witnessKey is what litewitness printed when it started.
const witnessKey = "witness.acme.example/w+481b1fd5+BDFQfuO2BGEP2wUFxg7TKdtm4mQrKGqzWbIntpDdmxRq"

func witnessed(w *world, text string) string {
	w.files["w.pub"] = []byte(witnessKey + "\n")
	return strings.Replace(goodYAML, "log: log.pub\n", "log: log.pub\n"+text+"\n", 1)
}

func TestWitnesses(t *testing.T) {
	w := newWorld(t)
	d := sure(w.resolve(witnessed(w, "witnesses: {quorum: 1, of: [{key: w.pub, url: https://witness.example/a}]}")))
	if d.Witnesses == nil || d.Witnesses.Quorum != 1 || len(d.Witnesses.Of) != 1 || d.Witnesses.Of[0] != (Witness{File: "w.pub", Key: witnessKey, URL: "https://witness.example/a"}) {
		t.Errorf("%+v", d.Witnesses)
	}
	plain := sure(w.resolve(goodYAML))
	if plain.Witnesses != nil {
		t.Error("a definition that names no witnesses has some")
	}
	there, back := Compare(plain, d), Compare(d, plain)
	if len(there) != 2 || there[0].Loosens || there[1].Loosens || !strings.Contains(there[1].Text, "countersignatures of 1 witnesses instead of 0") {
		t.Errorf("%+v", there)
	}
	if len(back) != 2 || !back[1].Loosens {
		t.Errorf("%+v", back)
	}
}

func TestWitnessesRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, key, says string }{
		"no quorum":          {"{of: [{key: w.pub, url: https://w.example}]}", witnessKey, "quorum"},
		"quorum of none":     {"{quorum: 0, of: [{key: w.pub, url: https://w.example}]}", witnessKey, "quorum"},
		"too large a quorum": {"{quorum: 2, of: [{key: w.pub, url: https://w.example}]}", witnessKey, "2 of 1"},
		"nobody":             {"{quorum: 1, of: []}", witnessKey, "of"},
		"no file":            {"{quorum: 1, of: [{key: x.pub, url: https://w.example}]}", witnessKey, "x.pub"},
		"no key":             {"{quorum: 1, of: [{key: w.pub, url: https://w.example}]}", "hello", "name+hash+base64"},
		"a log's key":        {"{quorum: 1, of: [{key: w.pub, url: https://w.example}]}", logVkey, "type 0x01"},
		"another hash":       {"{quorum: 1, of: [{key: w.pub, url: https://w.example}]}", strings.Replace(witnessKey, "481b1fd5", "481b1fd6", 1), "name+hash+base64"},
		"no address":         {"{quorum: 1, of: [{key: w.pub, url: w.example}]}", witnessKey, "https://witness.example/path"},
		"a password":         {"{quorum: 1, of: [{key: w.pub, url: https://a:b@w.example}]}", witnessKey, "no address"},
		"one twice":          {"{quorum: 2, of: [{key: w.pub, url: https://w.example}, {key: w.pub, url: https://x.example}]}", witnessKey, "is called"},
		"one address twice":  {"{quorum: 1, of: [{key: w.pub, url: https://w.example}, {key: w.pub, url: https://w.example/x}]}", witnessKey, "named twice"},
		"unknown member":     {"{quorum: 1, of: [{key: w.pub, url: https://w.example, weight: 2}]}", witnessKey, "weight"},
	} {
		w := newWorld(t)
		text := witnessed(w, "witnesses: "+c.text)
		w.files["w.pub"] = []byte(c.key)
		_, err := w.resolve(text)
		if fault.ClassOf(err) != fault.Usage || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "witnesses") {
			t.Errorf("%s: %v", name, err)
		}
	}
	w := newWorld(t)
	if _, err := w.resolve(witnessed(w, "witnesses: {quorum: 1, of: [{key: w.pub, url: https://w.example}]}")); err != nil {
		t.Errorf("twin: %v", err)
	}
}
