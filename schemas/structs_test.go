package schemas_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"cdgate.dev/cdgate/engine/gate"
	"cdgate.dev/cdgate/engine/verify"
	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/schemas"
)

// TestGoStructsAgree compares Go types with the published schemas field by field: the same names, the same kinds of
// values, and no required field that Go leaves out. (TestReadersAgree holds the published schemas to CUE.)
func TestGoStructsAgree(t *testing.T) {
	for _, k := range evidence.ReportKinds() {
		s, _ := evidence.ShapeOf(k)
		doc := schemas.Document(k)
		agree(t, []structCase{
			{schemas.Rows, "properties/" + s.Rows + "/items", reflect.Zero(s.Row).Interface()},
			{doc, "properties/summary", reflect.Zero(s.Summary).Interface()},
			{doc, "", verify.ItemPredicate{}},
		})
	}
	agree(t, []structCase{
		{schemas.Build, "", verify.BuildPredicate{}},
		{schemas.Collection, "", verify.CollectionPredicate{}},
		{schemas.Signoff, "", verify.SignoffPredicate{}},
		{schemas.Input, "$defs/InputNotCounted", verify.NotCounted{}},
		{schemas.Input, "$defs/InputSigner", verify.Signer{}},
		{schemas.Input, "$defs/ProvenanceSummary", evidence.ProvenanceSummary{}},
		{schemas.Input, "$defs/Material", evidence.Material{}},
		{schemas.Input, "$defs/VerifierSummary", evidence.VerifierSummary{}},
		{schemas.Input, "$defs/VerifiedLevel", evidence.VerifiedLevel{}},
		{schemas.GateSignature, "properties/definition", gate.Definition{}},
		{schemas.GateSignature, "$defs/PolicySource", gate.Source{}},
		{schemas.Enrolment, "", gate.Enrolment{}},
	})
}

// structCase says which Go type a part of a document is; path is empty for the whole document.
type structCase struct {
	doc  schemas.Document
	path string
	in   any
}

func agree(t *testing.T, cases []structCase) {
	t.Helper()
	for _, c := range cases {
		file := filepath.Join("json", string(c.doc)+".json")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var root map[string]any
		if err := json.Unmarshal(text, &root); err != nil {
			t.Fatal(err)
		}
		at := root
		for _, step := range strings.Split(c.path, "/") {
			if step != "" {
				at, _ = at[step].(map[string]any)
			}
		}
		if at == nil {
			t.Errorf("%s has no %s", file, c.path)
			continue
		}
		w := structWalk{t: t, root: root}
		w.value(at, reflect.TypeOf(c.in), string(c.doc)+" "+c.path)
	}
}

type structWalk struct {
	t    *testing.T
	root map[string]any
}

func (w structWalk) resolve(schema map[string]any) map[string]any {
	if ref, ok := schema["$ref"].(string); ok {
		return w.root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	return schema
}

func (w structWalk) value(schema map[string]any, typ reflect.Type, at string) {
	w.t.Helper()
	schema = w.resolve(schema)
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ == reflect.TypeFor[jsontext.Value]() || typ.Kind() == reflect.Interface {
		return
	}
	want := map[reflect.Kind]string{
		reflect.String: "string", reflect.Bool: "boolean", reflect.Int: "integer", reflect.Int64: "integer", reflect.Uint64: "integer",
		reflect.Slice: "array", reflect.Map: "object", reflect.Struct: "object",
	}[typ.Kind()]
	if typ == reflect.TypeFor[evidence.Percent]() || typ == reflect.TypeFor[evidence.Decimal]() {
		want = "number"
	}
	if got := typeOf(schema); got != want {
		w.t.Errorf("%s: Go has %s, the schema %q", at, typ, got)
		return
	}
	switch typ.Kind() {
	case reflect.Slice:
		w.value(schema["items"].(map[string]any), typ.Elem(), at+"[]")
	case reflect.Map:
		w.mapping(schema, typ, at)
	case reflect.Struct:
		w.fields(schema, typ, at)
	}
}

// typeOf gives the JSON type of a schema, which an enumeration does not name.
func typeOf(schema map[string]any) string {
	if name, ok := schema["type"].(string); ok {
		return name
	}
	value := schema["const"]
	if values, ok := schema["enum"].([]any); ok {
		value = values[0]
	}
	switch value.(type) {
	case string:
		return "string"
	case float64:
		return "integer"
	}
	return ""
}

func (w structWalk) mapping(schema map[string]any, typ reflect.Type, at string) {
	if patterns, ok := schema["patternProperties"].(map[string]any); ok {
		for _, p := range patterns {
			w.value(p.(map[string]any), typ.Elem(), at+"{}")
		}
		return
	}
	if values, ok := schema["additionalProperties"].(map[string]any); ok {
		w.value(values, typ.Elem(), at+"{}")
		return
	}
	for name, p := range schema["properties"].(map[string]any) {
		w.value(p.(map[string]any), typ.Elem(), at+"."+name)
	}
}

func (w structWalk) fields(schema map[string]any, typ reflect.Type, at string) {
	properties, _ := schema["properties"].(map[string]any)
	required := map[string]bool{}
	if names, ok := schema["required"].([]any); ok {
		for _, n := range names {
			required[n.(string)] = true
		}
	}
	seen := map[string]bool{}
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		seen[name] = true
		p, ok := properties[name].(map[string]any)
		if !ok {
			w.t.Errorf("%s: Go has field %q, the schema has not", at, name)
			continue
		}
		if required[name] && strings.Contains(options, "omit") {
			w.t.Errorf("%s.%s: the schema requires it, Go may leave it out", at, name)
		}
		w.value(p, f.Type, at+"."+name)
		if words := f.Tag.Get("words"); typ.PkgPath() == reflect.TypeFor[evidence.Kind]().PkgPath() && words != strings.Join(w.words(p), ",") {
			w.t.Errorf("%s.%s: Go has the words %q, the schema %q", at, name, words, w.words(p))
		}
	}
	for name := range properties {
		if !seen[name] {
			w.t.Errorf("%s: the schema has field %q, Go has not", at, name)
		}
	}
}

// words are the texts of an enumeration of evidence; other enumerations are plain texts in Go.
func (w structWalk) words(schema map[string]any) []string {
	schema = w.resolve(schema)
	var out []string
	values, _ := schema["enum"].([]any)
	for _, v := range values {
		out = append(out, v.(string))
	}
	return out
}

// TestTypesAgree holds the types for OPA's compiler to the published schemas: the same fields everywhere.
func TestTypesAgree(t *testing.T) {
	for _, doc := range schemas.Documents() {
		types, err := schemas.TypeSchema(doc)
		if err != nil {
			t.Fatal(err)
		}
		text, err := schemas.JSONSchema(doc)
		if err != nil {
			t.Fatal(err)
		}
		var root map[string]any
		if err := json.Unmarshal(text, &root); err != nil {
			t.Fatal(err)
		}
		typeCompare{t: t, published: structWalk{root: root}, forCompiler: structWalk{root: types}}.at(root, types, string(doc))
	}
}

// typeCompare holds the two roots, which references start from.
type typeCompare struct {
	t                      *testing.T
	published, forCompiler structWalk
}

func (c typeCompare) at(schema, types map[string]any, at string) {
	t := c.t
	schema, types = c.published.resolve(schema), c.forCompiler.resolve(types)
	if len(types) > 0 && typeOf(schema) != "" && types["type"] != typeOf(schema) {
		t.Errorf("%s: type %v for the compiler, %v in the schema", at, types["type"], typeOf(schema))
	}
	properties, _ := schema["properties"].(map[string]any)
	typed, _ := types["properties"].(map[string]any)
	if len(properties) != len(typed) {
		t.Errorf("%s: %d fields for the compiler, %d in the schema", at, len(typed), len(properties))
	}
	for name, p := range properties {
		inner, ok := typed[name].(map[string]any)
		if !ok {
			t.Errorf("%s.%s: unknown to the compiler", at, name)
			continue
		}
		c.at(p.(map[string]any), inner, at+"."+name)
	}
	if items, ok := schema["items"].(map[string]any); ok {
		c.at(items, types["items"].(map[string]any), at+"[]")
	}
}
