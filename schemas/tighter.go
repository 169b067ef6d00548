package schemas

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"cuelang.org/go/cue"
	"github.com/go-json-experiment/json"
)

// judge tells whether an overlay tightens.
type judge struct {
	layer    string
	problems []error
}

// object judges the members that an overlay sets. mark is the @tighter of an object around them, for members without.
func (j *judge) object(def cue.Value, below, over map[string]any, path, mark string) {
	for _, key := range slices.Sorted(maps.Keys(over)) {
		at := keyPath(path, key)
		field := def.LookupPath(cue.MakePath(cue.Str(key)))
		if !field.Exists() {
			field = def.LookupPath(cue.MakePath(cue.AnyString))
			j.freeKey(field, below, key, over[key], at, mark)
			continue
		}
		own := tighter(field)
		if own == "" {
			own = mark
		}
		old, set := below[key]
		if !set {
			if old, set = explicitDefault(field); !set {
				old = nil
			}
		}
		j.value(field, old, set, over[key], at, own)
	}
}

// freeKey judges a member of an object with free keys: a new key is a further demand only where more is tighter.
func (j *judge) freeKey(def cue.Value, below map[string]any, key string, over any, at, mark string) {
	old, set := below[key]
	if !set && mark != "more" {
		j.problems = append(j.problems, &Error{File: j.layer, Path: at, Msg: "an overlay cannot add a key here", Hint: "only where @tighter(more) says so"})
		return
	}
	j.value(def, old, set, over, at, mark)
}

func (j *judge) value(def cue.Value, old any, set bool, over any, at, mark string) {
	if inner, ok := over.(map[string]any); ok {
		oldInner, _ := old.(map[string]any)
		if set && oldInner == nil {
			j.refuse(at, old, over, "an object cannot replace another value")
			return
		}
		j.object(def, oldInner, inner, at, mark)
		return
	}
	if !set || equalJSON(old, over) {
		return
	}
	switch mark {
	case "up", "down":
		order, ok := compareValues(old, over)
		if !ok || mark == "up" && order < 0 || mark == "down" && order > 0 {
			j.refuse(at, old, over, "it may only go "+mark)
		}
	case "more", "fewer":
		oldList, ok1 := old.([]any)
		overList, ok2 := over.([]any)
		small, large := oldList, overList
		if mark == "fewer" {
			small, large = overList, oldList
		}
		if !ok1 || !ok2 || !subset(small, large) {
			j.refuse(at, old, over, map[string]string{"more": "entries may only be added", "fewer": "entries may only be taken away"}[mark])
		}
	default:
		j.refuse(at, old, over, "its definition has no @tighter, so no overlay may change it")
	}
}

func (j *judge) refuse(at string, old, over any, why string) {
	j.problems = append(j.problems, &Error{
		File: j.layer, Path: at, Msg: fmt.Sprintf("%s would loosen the %s that stands below it", asJSON(over), asJSON(old)), Hint: why,
	})
}

// explicitDefault gives the default that the definition of a parameter marks with *.
func explicitDefault(v cue.Value) (any, bool) {
	text, ok := markedDefault(v)
	if !ok {
		return nil, false
	}
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return nil, false
	}
	return value, true
}

// compareValues tells whether over is above (1), equal to (0) or below (-1) old: numbers, false before true, durations
// (24h), times (RFC 3339). Other values cannot be compared.
func compareValues(old, over any) (order int, ok bool) {
	switch o := old.(type) {
	case float64:
		n, ok := over.(float64)
		return compare(n, o), ok
	case bool:
		n, ok := over.(bool)
		switch {
		case n == o:
			return 0, ok
		case n:
			return 1, ok
		}
		return -1, ok
	case string:
		n, ok := over.(string)
		if !ok {
			return 0, false
		}
		d1, err1 := time.ParseDuration(o)
		d2, err2 := time.ParseDuration(n)
		if err1 == nil && err2 == nil {
			return compare(d2, d1), true
		}
		t1, err1 := time.Parse(time.RFC3339, o)
		t2, err2 := time.Parse(time.RFC3339, n)
		return t2.Compare(t1), err1 == nil && err2 == nil
	}
	return 0, false
}

func compare[T float64 | time.Duration](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func subset(small, large []any) bool {
	for _, s := range small {
		if !slices.ContainsFunc(large, func(l any) bool { return equalJSON(s, l) }) {
			return false
		}
	}
	return true
}

func equalJSON(a, b any) bool { return asJSON(a) == asJSON(b) }

// asJSON gives a value as JSON with sorted keys.
func asJSON(v any) string {
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
