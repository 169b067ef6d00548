package report

import (
	"fmt"
	"slices"
	"strings"

	"cdgate.dev/cdgate/engine/decide"
	"cdgate.dev/cdgate/engine/verify"
)

// alike are items that were not counted for one and the same reason.
type alike struct {
	items []string
	why   string
}

// alikeNotCounted joins items whose reasons differ only in the name of the item, in the order in which they came.
func alikeNotCounted(list []verify.NotCounted) []alike {
	var out []alike
	for _, n := range list {
		item, why := n.Kind+" "+bare(n.ID), n.Msg
		if why == "" {
			why = string(n.Reason)
		}
		why = strings.ReplaceAll(why, "the "+n.Kind+" statement "+bare(n.ID), "the statement")
		at := slices.IndexFunc(out, func(a alike) bool { return a.why == why })
		if at < 0 {
			at = len(out)
			out = append(out, alike{why: why})
		}
		out[at].items = append(out[at].items, item)
	}
	return out
}

// bare is a short digest without its algorithm.
func bare(digest string) string {
	_, hex, _ := strings.Cut(short(digest), ":")
	return hex
}

// message is what a finding says. Where it repeats why an item was not counted, the items are named instead: the reason
// is listed once, for all items alike.
func message(f decide.Finding, list []verify.NotCounted) string {
	for _, n := range list {
		before, _, found := strings.Cut(f.Msg, ": "+n.Msg)
		if !found || n.Msg == "" || !slices.Contains(f.Evidence, n.ID) {
			continue
		}
		var names []string
		for _, id := range f.Evidence {
			names = append(names, bare(id))
		}
		verb := "was"
		if len(names) > 1 {
			verb = "were"
		}
		return fmt.Sprintf("%s: %s %s not counted, see below", before, enumerated(names, 3), verb)
	}
	return f.Msg
}

// enumerated joins at most most names with commas.
func enumerated(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
