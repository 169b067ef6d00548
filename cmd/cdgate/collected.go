package main

import (
	"fmt"
	"strings"

	"cdgate.dev/cdgate/engine"
	"cdgate.dev/cdgate/evidence"
)

// collectedItem is the JSON of one report that was collected.
type collectedItem struct {
	Path        string             `json:"path"`
	Kind        evidence.Kind      `json:"kind"`
	Level       string             `json:"level"`
	Format      string             `json:"format"`
	Tool        evidence.Tool      `json:"tool"`
	Summary     any                `json:"summary"`
	Warnings    []evidence.Warning `json:"warnings"`
	About       string             `json:"about"`
	AboutDigest string             `json:"aboutDigest"`
	Statement   string             `json:"statement"`
	Report      string             `json:"report"`
}

// collected is the JSON of a collection.
type collected struct {
	Items      []collectedItem `json:"items"`
	Builds     []string        `json:"builds"`
	Collection string          `json:"collection"`
	Store      string          `json:"store"`
}

func collectedJSON(c *engine.Collected) collected {
	out := collected{Builds: c.Builds, Collection: c.Collection, Store: c.Store}
	for _, it := range c.Items {
		out.Items = append(out.Items, collectedItem{
			Path: it.Path, Kind: it.Kind, Level: it.Level, Format: it.Format, Tool: it.Tool, Summary: it.Summary.Value(), Warnings: it.Warnings,
			About: it.About, AboutDigest: it.AboutDigest, Statement: it.Statement, Report: it.Raw.Digest,
		})
	}
	return out
}

// collectedText tells a person what was read: one line a report, warnings below it.
func collectedText(c *engine.Collected) string {
	var b strings.Builder
	for _, it := range c.Items {
		kind := string(it.Kind)
		if it.Level != "" {
			kind += "/" + it.Level
		}
		fmt.Fprintf(&b, "  %-14s %s  %s\n", shown(kind), shown(it.Path), summaryWords(it.Item))
		for _, w := range it.Warnings {
			fmt.Fprintf(&b, "  %-14s warning: %s\n", "", shown(strings.TrimSpace(w.Msg+" "+w.Place)))
		}
	}
	if n := len(c.Builds); n > 0 {
		fmt.Fprintf(&b, "  %-14s %s tied to the commit\n", "build", count(n, "artifact"))
	}
	about := ""
	if len(c.Items) > 0 {
		about = fmt.Sprintf(" about %s %s", c.Items[0].About, shortDigest(c.Items[0].AboutDigest))
	}
	fmt.Fprintf(&b, "Signed and stored %s%s in %s\n", count(len(c.Items)+len(c.Builds), "statement"), shown(about), shown(c.Store))
	return b.String()
}
