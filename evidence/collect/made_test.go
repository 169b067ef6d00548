package collect

import (
	"context"
	"strings"
	"testing"

	"cdgate.dev/cdgate/evidence"
)

// TestMade says that what a collector made is read as a file is, before the files, each piece by itself.
func TestMade(t *testing.T) {
	dir := tree(t, map[string]string{"cover.out": goodCover, "cases": goodTests})
	m := &Memory{Limit: 1 << 20}
	items, err := Collect(context.Background(), Request{
		Args: []string{"cover.out", "cases"}, Dir: dir, Spool: m,
		Made: []Made{{Name: "cases", Kind: evidence.Tests, Level: "e2e", Data: []byte(goodTests)}, {Name: "cases", Data: []byte(goodTests)}, {Name: "s\n", Data: []byte(goodScan)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(items), `tests/e2e:cases tests/unit:cases scan/:s\u{a} coverage/:cover.out tests/unit:cases`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if b, _ := m.Read(items[2].Raw.Digest); string(b) != goodScan || items[2].Raw.Size != int64(len(goodScan)) {
		t.Errorf("the raw report is %q", b)
	}
}

// TestMadeRefused says that what a collector made is held to the same rules as a file, and that nothing is stored when it
// breaks one.
func TestMadeRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		made Made
		want string
	}{
		{"unknown", Made{Name: "x", Data: []byte("nothing")}, "no known report format"},
		{"empty", Made{Name: "x"}, "it is empty"},
		{"other kind", Made{Name: "x", Kind: evidence.Scan, Data: []byte(goodTests)}, "no known report format of kind scan"},
		{"broken", Made{Name: "x", Data: []byte(goodTests[:len(goodTests)-3])}, "read JUnit XML"},
		{"trailing bytes", Made{Name: "x", Data: []byte(goodScan + "x")}, `collect "x"`},
		{"no name", Made{Data: []byte(goodTests)}, "it has no name"},
		{"level", Made{Name: "x", Level: "A B", Data: []byte(goodTests)}, `level "A B"`},
	} {
		m := &Memory{Limit: 1 << 20}
		good := Made{Name: "good", Data: []byte(goodTests)}
		_, err := Collect(context.Background(), Request{Made: []Made{good, c.made}, Spool: m})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", c.name, err, c.want)
		}
		if len(m.blobs) > 0 {
			t.Errorf("%s: %d blobs were stored", c.name, len(m.blobs))
		}
	}
	m := &Memory{Limit: 1 << 20}
	if items, err := Collect(context.Background(), Request{Made: []Made{{Name: "x", Level: "a-b", Data: []byte(goodTests)}}, Spool: m}); err != nil || len(items) != 1 {
		t.Errorf("without the fault: %v", err)
	}
}
