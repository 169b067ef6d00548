package form

import (
	"errors"
	"io"
	"strings"
	"unicode"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// format makes the report format of a form.
func format(f Form, tools, limits string) evidence.Format {
	return evidence.Format{
		Name: f.Format, Title: f.Title, Kind: f.Kind, MediaType: "application/json",
		Recognised: "`apiVersion` cdgate.dev/" + f.Format + "/…",
		Tools:      tools,
		Limits:     limits,
		Match: func(h evidence.Head) bool {
			return h.Syntax == evidence.JSON && strings.HasPrefix(h.Text("apiVersion"), "cdgate.dev/"+f.Format+"/")
		},
		Read: func(r io.Reader, rows *evidence.Rows) (evidence.Report, error) {
			p := &reader{form: f, json: strictjson.New(r), rows: rows, texts: map[string]bool{}}
			return p.read()
		},
	}
}

// reader is the state of one pass.
type reader struct {
	form    Form
	json    *strictjson.Reader
	rows    *evidence.Rows
	summary evidence.FormSummary
	warn    evidence.Warnings
	texts   map[string]bool
}

func (p *reader) read() (evidence.Report, error) {
	s := &p.summary
	s.Attendees = []string{}
	members := strictjson.Members{"apiVersion": p.json.Is(p.form.APIVersion())}
	var optional []string
	for _, field := range p.form.Fields {
		members[field.Name] = p.field(field)
		if !field.Required {
			optional = append(optional, field.Name)
		}
	}
	if p.form.Items != "" {
		members[p.form.Items] = func() error { return p.json.Array(p.item()) }
	}
	err := p.json.Closed(members, optional...)()
	if err == nil {
		err = p.json.End()
	}
	if err == nil {
		err = p.judge()
	}
	return evidence.Report{Summary: evidence.Summary{Form: s}, Warnings: p.warn}, err
}

// field returns what reads one field.
func (p *reader) field(f Field) func() error {
	s := &p.summary
	switch f.role {
	case attendees:
		return p.people
	case at:
		return p.json.IntoTime(&s.At)
	case result:
		return p.json.IntoOneOf(&s.Result, f.Words...)
	case notes:
		return p.json.IntoMessage(&s.Notes)
	}
	into := map[role]*string{title: &s.Title, reference: &s.Reference, by: &s.By, party: &s.Party, environment: &s.Environment}[f.role]
	return func() (err error) {
		*into, err = p.line(maxText)
		return err
	}
}

// line reads a text that fits on one line and says something.
func (p *reader) line(most int) (string, error) {
	v, err := p.json.String()
	switch {
	case err != nil:
		return "", err
	case strings.TrimSpace(v) == "":
		return "", p.json.Errorf("it is empty")
	case len(v) > most:
		return "", p.json.Errorf("a text of %d bytes, more than %d are refused", len(v), most)
	case strings.ContainsFunc(v, unicode.IsControl):
		return "", p.json.Errorf("a text with a control character; write it on one line")
	}
	return strings.TrimSpace(v), nil
}

// people reads who attended.
func (p *reader) people() error {
	err := p.json.Array(func() error {
		name, err := p.line(maxAttendee)
		if err == nil && len(p.summary.Attendees) >= maxAttendees {
			err = p.json.Errorf("more than %d people", maxAttendees)
		}
		p.summary.Attendees = append(p.summary.Attendees, name)
		return err
	})
	if err == nil && len(p.summary.Attendees) == 0 {
		err = p.json.Errorf("nobody attended; name somebody")
	}
	return err
}

// item returns what reads one item.
func (p *reader) item() func() error {
	var it evidence.FormItem
	read := p.json.Closed(strictjson.Members{
		"text": func() (err error) {
			it.Text, err = p.line(maxText)
			return err
		},
		"state": p.json.IntoOneOf(&it.State, States()...),
		"note":  p.json.IntoMessage(&it.Note),
	}, "state", "note")
	return func() error {
		it = evidence.FormItem{State: open}
		if err := read(); err != nil {
			return err
		}
		if it.State == passed {
			it.State = done
		}
		if p.texts[it.Text] {
			return p.json.Errorf("the %s %q stands here twice", p.form.Item, it.Text)
		}
		if len(p.texts) >= maxItems {
			return p.json.Errorf("more than %d %ss", maxItems, p.form.Item)
		}
		p.texts[it.Text] = true
		p.count(it.State)
		if err := p.rows.Row(it); err != nil {
			return p.json.Errorf("%w", err)
		}
		return nil
	}
}

func (p *reader) count(state string) {
	s := &p.summary
	s.Items++
	switch state {
	case done:
		s.Done++
	case failed:
		s.Failed++
	case open:
		s.Open++
	}
}

// judge says what the items make of the form.
func (p *reader) judge() error {
	s := &p.summary
	if p.form.Items != "" && s.Items == 0 {
		return errors.New("it has no " + p.form.Items + "; what nobody checked is no evidence")
	}
	all := p.form.Items == "" || s.Done > 0 && s.Failed == 0 && s.Open == 0
	if _, says := p.form.Field("result"); !says {
		s.Result = failed
		if all {
			s.Result = passed
		}
	}
	if s.Result == passed && s.Failed > 0 {
		return errors.New("its result is passed, and yet a " + p.form.Item + " failed; one of the two is wrong")
	}
	s.OK = s.Result == passed && all
	if p.form.Items != "" && s.Done+s.Failed == 0 {
		p.warn.Add(evidence.NothingMeasured, p.form.Items, "no %s is done or failed: it proves nothing", p.form.Item)
	}
	return nil
}
