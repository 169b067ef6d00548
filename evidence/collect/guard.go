package collect

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/formats"
	"cdgate.dev/cdgate/evidence/secrets"
)

// ErrSecrets says that a report holds tokens or private keys. The error tells where, and never what they are.
var ErrSecrets = errors.New("the report holds secrets")

// maxPlaces is how many secrets an error names; the rest are counted.
const maxPlaces = 5

// guard keeps the secrets of one report away from everything that is made of it: the reader, its rows, its errors.
type guard struct {
	secrets *secrets.Reader
	redact  bool
	out     *rowsGuard
}

// guard prepares to read a report.
func (h *holder) guard(plain io.Reader) *guard {
	if h.secrets == nil {
		h.secrets = secrets.NewReader(plain)
	} else {
		h.secrets.Reset(plain)
	}
	return &guard{secrets: h.secrets, redact: h.redact}
}

// rows passes rows on to w and looks at them where the report has escapes, which are read as what they stand for.
func (g *guard) rows(w io.Writer) io.Writer {
	g.out = &rowsGuard{w: w, guard: g}
	return g.out
}

type rowsGuard struct {
	w     io.Writer
	guard *guard
	look  *secrets.Writer
}

// Write passes p on.
func (r *rowsGuard) Write(p []byte) (int, error) {
	if r.look == nil && r.guard.secrets.Escapes() {
		r.look = secrets.NewWriter()
	}
	if r.look != nil {
		_, _ = r.look.Write(p) // has no errors
	}
	return r.w.Write(p)
}

// judge says what becomes of a report after it was read, as far as it could be: err is the reader's.
func (g *guard) judge(err error, name string, report *evidence.Report) error {
	if err != nil {
		if text := secrets.Mask(err.Error()); text != err.Error() {
			err = &maskedError{text, err}
		}
		if errors.Is(err, formats.ErrUnknown) {
			return err // no report: nothing of it is kept
		}
	}
	if g.secrets.Count() > 0 && !g.redact {
		return errors.Join(fmt.Errorf("%w: %s; have the tool that writes it leave them out and revoke them, or collect with --redact, which replaces them by * before anything is stored",
			ErrSecrets, places(g.secrets.Findings(), g.secrets.Count())), err)
	}
	if err != nil {
		return err
	}
	for i := range g.secrets.Count() {
		place := ""
		if list := g.secrets.Findings(); i < len(list) {
			place = fmt.Sprintf("line %d, byte %d", list[i].Line, list[i].Byte)
		}
		report.Warnings.Add(evidence.Redacted, place, "a secret was replaced by * before the report was read and stored%s", ruleOf(g.secrets.Findings(), i))
	}
	return g.hidden(name, report)
}

func ruleOf(list []secrets.Finding, i int) string {
	if i >= len(list) {
		return ""
	}
	return ": " + list[i].Rule
}

// hidden looks for secrets in what a reader made of a report. They can only stand there when the report wrote them with
// escapes, and then they cannot be taken out of it.
func (g *guard) hidden(name string, report *evidence.Report) error {
	if !g.secrets.Escapes() {
		return nil
	}
	var found []secrets.Finding
	if g.out.look != nil {
		_ = g.out.look.Close() // has no errors
		found = g.out.look.Findings()
	}
	rest, err := json.Marshal([]any{name, report.Tool, report.Summary.Value(), report.Warnings.List()})
	if err != nil {
		return fmt.Errorf("look for secrets in the summary: %w", err)
	}
	if more, _ := secrets.Find(rest); len(more) > 0 {
		found = append(found, more...)
	}
	if len(found) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s, written with escapes (such as \\u002d or &#45;) in a name or message, so that they cannot be replaced; have the tool that writes it leave them out and revoke them",
		ErrSecrets, found[0].Rule)
}

// places lists where secrets stand.
func places(list []secrets.Finding, count int) string {
	var out []string
	for _, f := range list[:min(len(list), maxPlaces)] {
		out = append(out, fmt.Sprintf("%s at line %d, byte %d", f.Rule, f.Line, f.Byte))
	}
	if more := count - len(out); more > 0 {
		out = append(out, fmt.Sprintf("%d more", more))
	}
	return strings.Join(out, "; ")
}

// maskedError is an error whose text would hold a secret.
type maskedError struct {
	text string
	err  error
}

func (e *maskedError) Error() string { return e.text }

// Is passes on what the error is, but not what it says.
func (e *maskedError) Is(target error) bool { return errors.Is(e.err, target) }
