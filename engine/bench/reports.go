package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/engine/bench/workload"
	"cdgate.dev/cdgate/evidence/formats"
	"cdgate.dev/cdgate/evidence/secrets"
)

// reports is W7, goal 6: reading large reports, against the cheapest pass that could be made over the same bytes and
// against the standard library.
func (b *bench) reports() error {
	const mb = 100
	for _, w := range []struct {
		name, report, peer string
		goal               goal
	}{
		{"W7 read Trivy 100 MB : SHA-256 + tokens", "trivy", "tokens", goal{cpu: 2.5}},
		{"W7 read SARIF 100 MB : encoding/json", "sarif", "std-sarif", goal{cpu: 0.60}},
		{"W7 read JUnit 100 MB : encoding/xml", "junit", "std-junit", goal{cpu: 0.15}},
	} {
		path := b.path(w.report)
		if err := workload.Write(w.report, mb, path); err != nil {
			return err
		}
		own := command{name: "cdgate", steps: [][]string{{b.self, "side", "read", path}}}
		peer := command{name: w.peer, steps: [][]string{{b.self, "side", w.peer, path}}}
		if err := b.row(w.name, own, peer, w.goal); err != nil {
			return err
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// readReport is cdgate's side: hash the raw bytes, look for secrets, read, hash the rows.
func readReport(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	raw, rows := sha256.New(), sha256.New()
	format, report, err := formats.Read(secrets.NewReader(io.TeeReader(f, raw)), "", rows)
	if err != nil {
		return err
	}
	fmt.Printf("%s %+v %x %x\n", format.Name, report.Summary.Value(), raw.Sum(nil), rows.Sum(nil))
	return nil
}

// tokens hashes the bytes and looks at every JSON token: the least that a strict reader must do.
func tokens(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	d := jsontext.NewDecoder(io.TeeReader(f, h))
	n := 0
	for {
		if _, err := d.ReadToken(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		n++
	}
	fmt.Printf("%d tokens %x\n", n, h.Sum(nil))
	return nil
}

type stdSARIF struct {
	Runs []struct {
		Tool struct {
			Driver struct{ Name, Version string }
		}
		Results []struct {
			RuleID    string `json:"ruleId"`
			RuleIndex int
			Level     string
			Message   struct{ Text string }
			Locations []struct {
				PhysicalLocation struct {
					ArtifactLocation struct{ URI string }
					Region           struct{ StartLine int }
				}
			}
		}
	}
}

type stdJUnit struct {
	Suites []struct {
		Name  string `xml:"name,attr"`
		Cases []struct {
			Class   string `xml:"classname,attr"`
			Name    string `xml:"name,attr"`
			Time    string `xml:"time,attr"`
			Failure *struct {
				Message string `xml:"message,attr"`
			} `xml:"failure"`
			Skipped *struct{} `xml:"skipped"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

// standard decodes into structs with the standard library.
func standard(what, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<20)
	if what == "std-sarif" {
		var s stdSARIF
		err = json.NewDecoder(in).Decode(&s)
		fmt.Println(len(s.Runs))
	} else {
		var s stdJUnit
		err = xml.NewDecoder(in).Decode(&s)
		fmt.Println(len(s.Suites))
	}
	return err
}
