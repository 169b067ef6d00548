package engine

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// maxDifferences is how many places of a difference are named.
const maxDifferences = 20

// differences names the places at which two JSON documents differ, as paths such as "findings[2].msg".
func differences(want, got []byte) []string {
	var a, b any
	if json.Unmarshal(want, &a) != nil || json.Unmarshal(got, &b) != nil {
		return []string{"the documents are not both JSON"}
	}
	var out []string
	diff("", a, b, &out)
	return out
}

func diff(path string, a, b any, out *[]string) {
	if len(*out) >= maxDifferences || reflect.DeepEqual(a, b) {
		return
	}
	ma, okA := a.(map[string]any)
	mb, okB := b.(map[string]any)
	if okA && okB {
		for _, k := range sortedKeys(ma) {
			diff(path+"."+k, ma[k], mb[k], out)
		}
		for _, k := range sortedKeys(mb) {
			if _, ok := ma[k]; !ok {
				diff(path+"."+k, nil, mb[k], out)
			}
		}
		return
	}
	la, okA := a.([]any)
	lb, okB := b.([]any)
	if okA && okB && len(la) == len(lb) {
		for i := range la {
			diff(fmt.Sprintf("%s[%d]", path, i), la[i], lb[i], out)
		}
		return
	}
	*out = append(*out, fmt.Sprintf("%s: recorded %s, recomputed %s", path, short(a), short(b)))
}

func short(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "unprintable"
	}
	if len(b) > 120 {
		return string(b[:120]) + "…"
	}
	return string(b)
}
