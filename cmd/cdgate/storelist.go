package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/engine/verify"
	"cdgate.dev/cdgate/evidence"
)

// storedObject is the JSON of one object.
type storedObject struct {
	Digest      string        `json:"digest"`
	Object      string        `json:"object"`
	Type        string        `json:"type"`
	Kind        string        `json:"kind"`
	Level       string        `json:"level"`
	Part        string        `json:"part"`
	Format      string        `json:"format"`
	Tool        evidence.Tool `json:"tool"`
	About       verify.About  `json:"about"`
	Release     string        `json:"release"`
	Line        string        `json:"line"`
	Revision    string        `json:"revision"`
	SignedWith  string        `json:"signedWith"`
	Signer      string        `json:"signer"`
	Signed      bool          `json:"signed"`
	CollectedAt string        `json:"collectedAt"`
	AgeSeconds  int64         `json:"ageSeconds"`
	Report      string        `json:"report"`
	Counted     string        `json:"counted"`
	Why         string        `json:"why"`
}

// missingEvidence is the JSON of what a rule lacks.
type missingEvidence struct {
	Code   string `json:"code"`
	Msg    string `json:"msg"`
	Remedy string `json:"remedy"`
}

// storeListing is the JSON of store list.
type storeListing struct {
	Store    string            `json:"store"`
	Target   string            `json:"target"`
	Objects  []storedObject    `json:"objects"`
	Missing  []missingEvidence `json:"missing"`
	Problems []string          `json:"problems"`
}

func (k *call) storeList() error {
	outs, err := k.outputs("text", "json")
	if err != nil {
		return err
	}
	o, err := k.storeListOptions()
	if err != nil {
		return err
	}
	l, err := engine.StoreList(k.Context.Context, o)
	if err != nil {
		return err
	}
	out := storeListing{Store: l.Store, Target: o.Target}
	for _, s := range l.Objects {
		out.Objects = append(out.Objects, newStoredObject(s))
	}
	for _, f := range l.Missing {
		out.Missing = append(out.Missing, missingEvidence{f.Code, f.Msg, f.Remedy})
	}
	for _, p := range l.Problems {
		out.Problems = append(out.Problems, p.Error())
	}
	if err := k.deliverJSON(outs, out, func() string { return k.storeListText(out) }); err != nil {
		return err
	}
	return errors.Join(l.Problems...)
}

func (k *call) storeListOptions() (o engine.EvaluateOptions, err error) {
	if o.Places, err = k.places(); err != nil {
		return o, err
	}
	if o.Artifacts, err = k.artifacts(); err != nil {
		return o, err
	}
	o.Target, o.Stage, o.Now, o.Sandbox = k.String("target"), k.String("stage"), k.now, k.sandbox()
	o.Source.Revision, o.Source.Repository = k.String("revision"), k.String("repository")
	spelt := first(k.Args().First(), k.String("release"))
	switch {
	case spelt != "":
		o.Release, err = k.releaseOf(spelt)
	case o.Target != "":
		// What is decided on when nobody says more, as evaluate has it.
		if o.Release, err = k.release(); err == nil {
			o.Source = k.wantedSource(o.Artifacts)
		}
	}
	return o, err
}

func newStoredObject(s engine.Stored) storedObject {
	out := storedObject{
		Digest: s.Digest, Object: s.Object, Type: s.Type, Kind: s.Kind, Level: s.Level, Part: s.Part, Format: s.Format, Tool: s.Tool, About: s.About,
		Line: s.Line, Revision: s.Revision, SignedWith: signedWith(s.Claims), Signer: s.Signer, Signed: s.Signed, CollectedAt: s.CollectedAt, AgeSeconds: s.AgeSeconds,
		Report: s.Report.Digest, Counted: s.Counted, Why: s.Why,
	}
	if s.Release.Name != "" {
		out.Release = s.Release.Name + "@" + s.Release.Version
	}
	return out
}

// signedWith is the key or identity that a statement claims; empty for what is no statement.
func signedWith(c verify.Claims) string {
	if c.Digest == "" {
		return ""
	}
	return c.By.String()
}

// storeListText is a line for each statement; receipts and collections, of which people want to know nothing, are counted.
func (k *call) storeListText(l storeListing) string {
	var b strings.Builder
	var lines []reportLine
	hidden := map[string]int{}
	for _, o := range l.Objects {
		if o.Type == "receipt" || o.Type == "collection" {
			hidden[o.Type]++
			continue
		}
		lines = append(lines, storedLine(o))
	}
	writeTable(&b, lines, lineWidth(k.stdoutWidth))
	fmt.Fprintf(&b, "%s, %s and %s in %s\n", count(len(lines), "statement"), count(hidden["collection"], "collection"), count(hidden["receipt"], "log receipt"), shown(l.Store))
	for _, m := range l.Missing {
		fmt.Fprintf(&b, "missing for %s: %s (%s)\n", shown(l.Target), shown(m.Msg), shown(m.Code))
		if m.Remedy != "" {
			writeWrapped(&b, "  ", shown(m.Remedy), lineWidth(k.stdoutWidth))
		}
	}
	if l.Target != "" && len(l.Missing) == 0 && len(l.Problems) == 0 {
		fmt.Fprintf(&b, "the rules of %s miss no evidence\n", shown(l.Target))
	}
	return b.String()
}

func storedLine(o storedObject) reportLine {
	l := reportLine{
		kind: shown(first(o.Kind, o.Type)), format: shortDigest(shown(o.Digest)), tool: shown(strings.TrimSpace(o.Tool.Name + " " + o.Tool.Version)),
		path: shown(first(o.About.Name, o.About.Kind) + " " + shortDigest(o.About.Digest)),
	}
	if o.Level != "" {
		l.kind += "/" + shown(o.Level)
	}
	l.counts = "signed with " + shown(o.SignedWith)
	switch {
	case o.Signed:
		l.counts = "signed by " + shown(o.Signer)
	case o.Signer != "":
		l.notes = append(l.notes, "the signature is not that of "+shown(o.Signer)+", as it claims")
	}
	if o.CollectedAt != "" {
		l.counts += ", " + ageWords(time.Duration(o.AgeSeconds)*time.Second) + " old"
	}
	switch {
	case o.Counted == "yes":
		l.counts += ", counts"
	case o.Counted != "":
		l.notes = append(l.notes, "does not count ("+shown(o.Counted)+"): "+shown(o.Why))
	}
	return l
}

// ageWords is an age in its largest whole unit.
func ageWords(d time.Duration) string {
	for _, u := range []struct {
		size time.Duration
		noun string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if d >= u.size {
			return count(int(d/u.size), u.noun)
		}
	}
	return count(max(0, int(d/time.Second)), "second")
}
