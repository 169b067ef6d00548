package verify

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/evidence"
)

// BenchmarkRows is the check of 10 MB of rows, and beside it the bare token pass over the same bytes.
func BenchmarkRows(b *testing.B) {
	var doc bytes.Buffer
	rows := evidence.NewRows(&doc, evidence.Scan)
	for i := 0; doc.Len() < 10<<20; i++ {
		if err := rows.Finding(evidence.ScanFinding{
			ID: fmt.Sprintf("CVE-2026-%d", i), Category: "vulnerability", Severity: "high", Status: "open", Package: "openssl", Version: "3.0.1",
			FixedVersion: "3.0.2", PURL: "pkg:deb/debian/openssl@3.0.1", Title: "a flaw", Place: "usr/lib", Aliases: []string{"GHSA-1"},
		}); err != nil {
			b.Fatal(err)
		}
	}
	if err := rows.Close(); err != nil {
		b.Fatal(err)
	}
	b.Run("check", func(b *testing.B) {
		b.SetBytes(int64(doc.Len()))
		for b.Loop() {
			if _, err := checkRows(evidence.Scan, doc.Bytes()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("tokens", func(b *testing.B) {
		b.SetBytes(int64(doc.Len()))
		for b.Loop() {
			dec := jsontext.NewDecoder(bytes.NewBuffer(doc.Bytes()))
			for {
				if _, err := dec.ReadToken(); err == io.EOF {
					break
				} else if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
