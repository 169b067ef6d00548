package policy

import (
	"fmt"
	"slices"
	"strings"

	"cdgate.dev/cdgate/schemas"
	"github.com/open-policy-agent/opa/v1/ast"
)

// readData puts the parameters and the sources' data.json files together into the base document. A data.json stands at
// the path of its folder. Data may stand only where no package does: else it could supply what a rule should say.
func (c *compiled) readData() ast.Object {
	root := ast.NewObject()
	taken := map[string]string{"params": "the parameters", "rules": "the rules", "input": "the input", "system": "OPA"}
	for _, m := range append(slices.Clone(c.modules), c.tests...) {
		if names := m.pkg(); names != nil {
			if _, ok := taken[names[0]]; !ok {
				taken[names[0]] = "package " + strings.Join(names, ".") + " (" + m.name + ")"
			}
		}
	}
	owner := map[string]int{}
	for i, src := range c.program.Sources {
		for _, f := range src.Files {
			dir, base := splitPath(f.Path)
			if base != dataFile {
				continue
			}
			name := src.name(f.Path)
			obj, err := dataObject(f.Data, dir)
			if err != nil {
				c.problems = append(c.problems, Diagnostic{File: name, Code: "data", Msg: err.Error()})
				continue
			}
			obj.Foreach(func(k, _ *ast.Term) {
				key := string(k.Value.(ast.String))
				if what, ok := taken[key]; ok {
					c.problems = append(c.problems, Diagnostic{File: name, Code: "data",
						Msg: fmt.Sprintf("data.%s belongs to %s: data may not stand where rules do", key, what)})
				} else if first, ok := owner[key]; ok && first != i {
					c.problems = append(c.problems, Diagnostic{File: name, Code: "data",
						Msg: fmt.Sprintf("data.%s is also in source %q: data of one source may not add to that of another", key, c.program.Sources[first].Ref)})
				} else {
					owner[key] = i
				}
			})
			merged, ok := root.Merge(obj)
			if !ok {
				c.problems = append(c.problems, Diagnostic{File: name, Code: "data", Msg: "another data.json of the source has a value at the same place"})
				continue
			}
			root = merged
		}
	}
	return c.withParams(root)
}

func (c *compiled) withParams(root ast.Object) ast.Object {
	params := ast.Value(ast.NewObject())
	if len(c.params) > 0 {
		v, err := decodeJSON(c.params)
		if err != nil {
			c.problems = append(c.problems, Diagnostic{Code: "params", Msg: err.Error()})
			return root
		}
		params = v
	}
	root.Insert(ast.InternedTerm("params"), ast.NewTerm(params))
	return root
}

// dataObject reads a data.json and hangs it below the path of its folder.
func dataObject(text []byte, dir string) (ast.Object, error) {
	v, err := decodeJSON(text)
	if err != nil {
		return nil, err
	}
	obj, ok := v.(ast.Object)
	if !ok {
		return nil, fmt.Errorf("it has to be a JSON object")
	}
	if dir == "." {
		return obj, nil
	}
	parts := strings.Split(dir, "/")
	for _, p := range slices.Backward(parts) {
		obj = ast.NewObject([2]*ast.Term{ast.StringTerm(p), ast.NewTerm(obj)})
	}
	return obj, nil
}

// checkDataRefs refuses references below data that nothing defines: in Rego they are undefined and the rule that has
// them never finds anything.
func (c *compiled) checkDataRefs(data ast.Object) {
	root := c.compiler.RuleTree.Child(ast.DefaultRootDocument.Value)
	check := func(ref ast.Ref) {
		if !ref[0].Equal(ast.DefaultRootDocument) || len(ref) < 2 {
			return
		}
		first, ok := ref[1].Value.(ast.String)
		if ok && string(first) == "params" {
			c.checkParamRef(ref)
			return
		}
		if !ok || data.Get(ref[1]) != nil {
			return
		}
		if bad, words := undefinedPart(root, ref); bad > 0 {
			name := headName(ref[bad])
			c.problems = append(c.problems, at(ref[bad].Location, "undefined", "nothing defines %s: %s has no %q; %s",
				ref[:bad+1], ref[:bad], name, schemas.Suggest(name, "valid names", words)))
		}
	}
	for _, m := range append(slices.Clone(c.modules), c.tests...) {
		var vis *ast.GenericVisitor
		vis = ast.NewGenericVisitor(func(x any) bool {
			switch x := x.(type) {
			case *ast.With: // what a test replaces need not exist
				vis.Walk(x.Value)
				return true
			case ast.Ref:
				check(x)
			}
			return false
		})
		vis.Walk(c.compiler.Modules[m.name])
	}
}

// checkParamRef refuses a parameter that no params.cue defines. OPA takes an object without any field for an open one.
func (c *compiled) checkParamRef(ref ast.Ref) {
	s := c.paramSchema
	for i, t := range ref[2:] {
		properties, ok := s["properties"].(map[string]any)
		if !ok || !isString(t) {
			return
		}
		if s, ok = properties[headName(t)].(map[string]any); !ok {
			c.problems = append(c.problems, at(t.Location, "undefined", "%s has no parameter %q: no params.cue beside a rule defines it; %s",
				ref[:i+2], headName(t), schemas.Suggest(headName(t), "valid names", sortedKeys(properties))))
			return
		}
	}
}

// undefinedPart is the position of the first name of a reference below data that no rule or package defines, and the
// names there are; 0 when all is well.
func undefinedPart(node *ast.TreeNode, ref ast.Ref) (int, []string) {
	for i, t := range ref[1:] {
		if node == nil {
			return i + 1, nil
		}
		if len(node.Values) > 0 || !isString(t) {
			return 0, nil
		}
		next := node.Child(t.Value)
		if next == nil {
			var words []string
			for k := range node.Children {
				if s, ok := k.(ast.String); ok {
					words = append(words, string(s))
				}
			}
			return i + 1, words
		}
		node = next
	}
	return 0, nil
}

func isString(t *ast.Term) bool {
	_, ok := t.Value.(ast.String)
	return ok
}
