package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/gate"
)

// maxEnrolmentFile is how long an enrolment may be, in bytes.
const maxEnrolmentFile = 64 << 10

// gateChanges is the JSON of gate diff.
type gateChanges struct {
	Loosens bool          `json:"loosens"`
	Changes []gate.Change `json:"changes"`
}

func (k *call) gateDiff() error {
	outs, err := k.outputs("text", "json")
	if err != nil {
		return err
	}
	path, old := k.place("gate", k.config.Gate), ""
	if a := k.Args().First(); a != "" {
		old = relative(k.dir, k.abs(a))
	}
	if a := k.Args().Get(1); a != "" {
		path = relative(k.dir, k.abs(a))
	}
	changes, err := engine.GateDiff(path, old)
	if err != nil {
		return err
	}
	s := gateChanges{Changes: changes}
	for _, c := range changes {
		s.Loosens = s.Loosens || c.Loosens
	}
	return k.deliverJSON(outs, s, func() string { return changeText(changes) })
}

// changeText marks what loosens.
func changeText(changes []gate.Change) string {
	if len(changes) == 0 {
		return "nothing has changed in meaning\n"
	}
	var b strings.Builder
	for _, c := range changes {
		mark := "        "
		if c.Loosens {
			mark = "LOOSER  "
		}
		fmt.Fprintf(&b, "%s%s\n", mark, shown(c.Text))
	}
	return b.String()
}

func (k *call) gateAdd() error {
	file := k.Args().First()
	if file == "" {
		return fault.New(fault.Usage, "say whom to add: cdgate gate add eva.enrol; they make it with: cdgate keys enroll --name NAME --email E-MAIL")
	}
	b, err := readRegular(k.abs(file), maxEnrolmentFile)
	if err != nil {
		return fault.New(fault.Usage, "read enrolment: %w", err)
	}
	en, err := gate.OpenEnrolment(file, b, k.now)
	if err != nil {
		return err
	}
	n := engine.Newcomer{ID: k.String("id"), Signer: k.Bool("signer"), May: k.StringSlice("may"), Roles: k.StringSlice("role")}
	if n.ID == "" && len(en.Emails) > 0 {
		local, _, _ := strings.Cut(en.Emails[0], "@")
		n.ID = slug(local)
	}
	if n.ID == "" {
		n.ID = slug(en.Name)
	}
	if n.Signer == (len(n.May) == 0) || n.Signer && len(n.Roles) > 0 {
		return fault.New(fault.Usage, "a signer has --may and no --role, a person has --role and no --may")
	}
	if line := k.String("line"); line != "" {
		n.Lines = []string{line}
	}
	if target := k.String("target"); target != "" {
		n.Targets = []string{target}
	}
	if n.Until, err = k.date("until"); err != nil {
		return err
	}
	return k.edit(func(e *engine.GateEdit) error {
		k.note("%s proves that its author has key %s, and not that it is %s: ask them for the fingerprint", shown(file), en.Key.Fingerprint(), shown(en.Name))
		return e.Add(en, n)
	})
}

// date reads a flag that is a date or a time; zero where it is not set.
func (k *call) date(flag string) (time.Time, error) {
	v := k.String(flag)
	if v == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, v); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fault.New(fault.Usage, "read --%s: %q is no date; write 2027-12-31, or 2027-12-31T12:00:00Z", flag, v)
}

func (k *call) gateRemove() error {
	what, name := k.Args().First(), k.Args().Get(1)
	if what != "person" && what != "signer" && what != "key" || name == "" {
		return fault.New(fault.Usage, "say what to remove: cdgate gate remove person|signer|key NAME")
	}
	c := engine.Closing{At: k.now, Compromised: k.Bool("compromised")}
	if at, err := k.date("until"); err != nil {
		return err
	} else if !at.IsZero() {
		c.At = at
	}
	return k.edit(func(e *engine.GateEdit) error { return e.Remove(what, name, c) })
}

func (k *call) gateRotate() error {
	what, name, file := k.Args().First(), k.Args().Get(1), k.String("with")
	if what != "root" && what != "signer" && what != "person" && what != "log" || name == "" && what != "root" && what != "log" {
		return fault.New(fault.Usage, "say whose key to rotate: cdgate gate rotate root|signer|person|log NAME --with NEW.pub")
	}
	if file == "" && what == "log" {
		return fault.New(fault.Usage, "name the new verifier key with --with; make one with: cdgate keys generate --log --name NAME --out FILE, where NAME is that of the log")
	}
	if file == "" {
		return fault.New(fault.Usage, "name the new public key with --with; make one with: cdgate keys generate --out NAME")
	}
	overlap := 168 * time.Hour
	if v := k.String("overlap"); v != "" {
		var err error
		if overlap, err = time.ParseDuration(v); err != nil || overlap < 0 {
			return fault.New(fault.Usage, "read --overlap: %q is no duration; write it as 168h", v)
		}
	}
	dir := filepath.Dir(k.abs(k.place("gate", k.config.Gate)))
	inside, err := filepath.Rel(dir, k.abs(file))
	if err != nil || strings.HasPrefix(inside, "..") {
		return fault.New(fault.Usage, "rotate: %s does not lie beside or below the gate definition, where everybody has it; copy it there", file)
	}
	return k.edit(func(e *engine.GateEdit) error { return e.Rotate(what, name, inside, k.now.Add(overlap)) })
}

// edit changes gate.yaml, and shows the lines and what they mean.
func (k *call) edit(change func(*engine.GateEdit) error) error {
	path := k.place("gate", k.config.Gate)
	e, err := engine.NewGateEdit(path)
	if err != nil {
		return err
	}
	if err := change(e); err != nil {
		return err
	}
	if err := e.Finish(); err != nil {
		return err
	}
	if err := e.Write(); err != nil {
		return err
	}
	k.print("%s", strings.TrimRight(lineDiff(string(e.Old), string(e.New)), "\n"))
	k.print("\n%s", strings.TrimRight(changeText(e.Changes), "\n"))
	k.note("it counts when it is signed: cdgate gate diff && cdgate gate sign --key ROOT.key")
	return nil
}

// lineDiff shows the lines that differ: those taken out with "-", those put in with "+".
func lineDiff(old, new string) string {
	a, b := strings.Split(old, "\n"), strings.Split(new, "\n")
	common := make([][]int, len(a)+1) // length of the longest common rest
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out strings.Builder
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			fmt.Fprintf(&out, "- %s\n", shown(a[i]))
			i++
		default:
			fmt.Fprintf(&out, "+ %s\n", shown(b[j]))
			j++
		}
	}
	return out.String()
}
