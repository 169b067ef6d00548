package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/form"
)

// asker asks a person on the terminal.
type asker struct {
	in  *bufio.Reader
	out io.Writer
}

var errNoAnswer = errors.New("nobody answers")

// line asks one question; usual is the answer of an empty line.
func (a asker) line(question, usual string) (string, error) {
	if usual != "" {
		question += " [" + shown(usual) + "]"
	}
	fmt.Fprintf(a.out, "%s: ", question)
	text, err := a.in.ReadString('\n')
	if err != nil && (text == "" || err != io.EOF) {
		return "", errNoAnswer
	}
	return first(strings.TrimSpace(text), usual), nil
}

// word asks until the answer is one of words, or their only beginning.
func (a asker) word(question, usual string, words []string) (string, error) {
	for {
		text, err := a.line(question+" ("+strings.Join(words, ", ")+")", usual)
		if err != nil {
			return "", err
		}
		var fit []string
		for _, w := range words {
			if w == text {
				return w, nil
			}
			if text != "" && strings.HasPrefix(w, strings.ToLower(text)) {
				fit = append(fit, w)
			}
		}
		if len(fit) == 1 {
			return fit[0], nil
		}
	}
}

// askForm asks for everything that is not filled in, shows what was answered, and asks whether to sign it.
func (k *call) askForm(f form.Form, d *form.Draft) error {
	a := asker{in: bufio.NewReader(k.stdin), out: k.stderr}
	fmt.Fprintf(k.stderr, "A %s. An empty line leaves out what is not needed.\n", f.Title)
	// The items come before the result and the notes: these follow from them.
	end := slices.IndexFunc(f.Fields, func(x form.Field) bool { return len(x.Words) > 0 || x.Name == "notes" })
	err := k.askFields(a, d, f.Fields[:end])
	if err == nil && f.Items != "" && !d.Has(f.Items) {
		err = askItems(a, f, d)
	}
	if err == nil {
		err = k.askFields(a, d, f.Fields[end:])
	}
	if err == nil {
		err = k.confirmForm(a, d)
	}
	if errors.Is(err, errNoAnswer) {
		return fault.New(fault.Usage, "nothing was signed: %w", err)
	}
	return err
}

// askFields asks for the fields that are not filled in.
func (k *call) askFields(a asker, d *form.Draft, fields []form.Field) error {
	for _, field := range fields {
		if d.Has(field.Name) {
			continue
		}
		if err := k.askField(a, d, field); err != nil {
			return err
		}
	}
	return nil
}

func (k *call) askField(a asker, d *form.Draft, field form.Field) error {
	question, usual := field.Ask, k.usual(field)
	for {
		var text string
		var err error
		if len(field.Words) > 0 {
			text, err = a.word(question, usual, field.Words)
		} else {
			text, err = a.line(question, usual)
		}
		switch {
		case err != nil:
			return err
		case text != "":
			if err := d.Set(field.Name, text); err != nil {
				return fault.Wrap(fault.Usage, err)
			}
			if !field.List {
				return nil
			}
			question, usual = "and who else (an empty line ends)", ""
		case !field.Required || field.List && d.Has(field.Name):
			return nil
		}
	}
}

// usual is what an empty answer stands for: now, or the person whom git knows. Who signs, the key says.
func (k *call) usual(field form.Field) string {
	switch field.Name {
	case "at":
		return rfc3339(k.now)
	case "tester", "by", "presenter":
		if u := k.git().user(); u.Name != "" && field.Required {
			return strings.TrimSpace(u.Name + " <" + u.Email + ">")
		}
	}
	return ""
}

// askItems asks for the items until an empty line; there is at least one.
func askItems(a asker, f form.Form, d *form.Draft) error {
	states := slices.DeleteFunc(form.States(), func(s string) bool { return s == "passed" })
	for n := 1; ; n++ {
		text, err := a.line(fmt.Sprintf("%s %d (an empty line ends)", f.Item, n), "")
		if err != nil {
			return err
		}
		if text == "" {
			if n == 1 {
				n = 0
				continue
			}
			return nil
		}
		it := evidence.FormItem{Text: text}
		if it.State, err = a.word("  state", "", states); err != nil {
			return err
		}
		if it.State != "done" {
			if it.Note, err = a.line("  note", ""); err != nil {
				return err
			}
		}
		if err := d.Add(it); err != nil {
			return fault.Wrap(fault.Usage, err)
		}
	}
}

// showForm shows a form as it will be signed.
func (k *call) showForm(d *form.Draft) error {
	b, err := d.Document()
	if err != nil {
		return fault.Wrap(fault.Usage, err)
	}
	for line := range strings.SplitSeq(strings.TrimSpace(string(b)), "\n") {
		fmt.Fprintf(k.stderr, "  %s\n", shown(line))
	}
	return nil
}

// confirmForm shows what is about to be signed, and asks.
func (k *call) confirmForm(a asker, d *form.Draft) error {
	if err := k.showForm(d); err != nil {
		return err
	}
	answer, err := a.line("Sign this? [y/N]", "")
	if a := strings.ToLower(answer); err != nil || a != "y" && a != "yes" {
		return fault.New(fault.Usage, "nothing was signed")
	}
	return nil
}
