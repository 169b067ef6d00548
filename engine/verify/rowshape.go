package verify

import (
	"reflect"
	"strconv"
	"strings"
	"sync"

	"cdgate.dev/cdgate/evidence"
)

// rowField is one member of a row or summary: its name in quotes, and what its value must be.
type rowField struct {
	name string
	want rowValue
	// words are the values of a word, in quotes; fields the members of an object, or of the objects in a list.
	words  []string
	fields []rowField
}

// rowValue is what a value must be. Nothing fits the zero value.
type rowValue uint8

const (
	rowNothing rowValue = iota
	rowText
	rowBool
	rowCount
	rowWhole // a count, or -1
	rowPercent
	rowDecimal
	rowTexts
	rowLabels
	rowWord
	rowObject
	rowObjects
)

// kindShape is what a report of a kind is read by: the name of the array of rows in quotes, the members of a row, and those of
// the summary.
type kindShape struct {
	array        string
	row, summary []rowField
}

// kindShapes holds the shape of every kind of report, derived from the types of package evidence.
var kindShapes = sync.OnceValue(func() map[evidence.Kind]kindShape {
	out := map[evidence.Kind]kindShape{}
	for _, k := range evidence.Kinds() {
		if s, ok := evidence.ShapeOf(k); ok && s.Rows != "" {
			out[k] = kindShape{array: strconv.Quote(s.Rows), row: fieldsOf(s.Row), summary: fieldsOf(s.Summary)}
		}
	}
	return out
})

// fieldsOf gives the members of a struct type in their order. It says the same as the definitions of package schemas.
func fieldsOf(t reflect.Type) []rowField {
	out := make([]rowField, 0, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		field := rowField{name: strconv.Quote(name)}
		field.want, field.fields = valueOf(f.Type)
		if words := f.Tag.Get("words"); words != "" {
			field.want = rowWord
			for w := range strings.SplitSeq(words, ",") {
				field.words = append(field.words, strconv.Quote(w))
			}
		}
		if f.Tag.Get("least") == "-1" {
			field.want = rowWhole
		}
		out = append(out, field)
	}
	return out
}

func valueOf(t reflect.Type) (rowValue, []rowField) {
	switch {
	case t == reflect.TypeFor[evidence.Percent]():
		return rowPercent, nil
	case t == reflect.TypeFor[evidence.Decimal]():
		return rowDecimal, nil
	case t == reflect.TypeFor[[]string]():
		return rowTexts, nil
	case t == reflect.TypeFor[map[string]string]():
		return rowLabels, nil
	}
	switch t.Kind() {
	case reflect.String:
		return rowText, nil
	case reflect.Bool:
		return rowBool, nil
	case reflect.Int64:
		return rowCount, nil
	case reflect.Struct:
		return rowObject, fieldsOf(t)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Struct {
			return rowObjects, fieldsOf(t.Elem())
		}
	}
	return rowNothing, nil
}
