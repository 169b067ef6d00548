package collect

import (
	"bytes"
	"fmt"
	"io"

	"cdgate.dev/cdgate/evidence"
)

// maxOwn is the size of one report of an own kind, unpacked: it is held in memory as a whole.
const maxOwn = 16 << 20

// ownFormat is the format of reports of own kinds.
const ownFormat = "json"

// readOwn reads a report of an own kind. Its rows document is {"data": …}: the report in its one form.
func readOwn(r io.Reader, s source, own OwnKind, w io.Writer) (evidence.Format, error) {
	f := evidence.Format{Name: ownFormat, Title: "JSON", Kind: s.kind, MediaType: "application/json"}
	text, err := io.ReadAll(io.LimitReader(r, maxOwn+1))
	switch {
	case err != nil:
		return f, err
	case len(text) > maxOwn:
		return f, fmt.Errorf("a report of kind %s has more than %d MiB", s.kind, maxOwn>>20)
	}
	data, err := own.Read(s.name, bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF")))
	if err != nil {
		return f, fmt.Errorf("read it as kind %s: %w", s.kind, err)
	}
	_, err = fmt.Fprintf(w, `{"data":%s}`, data)
	return f, err
}
