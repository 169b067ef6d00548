package vex

import (
	"slices"
	"strings"

	"cdgate.dev/cdgate/evidence"
	"cdgate.dev/cdgate/evidence/purl"
	"cdgate.dev/cdgate/evidence/strictjson"
)

// csafProduct is an entry of the product tree: a product by itself, or a combination of two others.
type csafProduct struct {
	id, name, cpe, sha256 string
	purls                 []string
	// ambiguous notes that several files have hashes, or that the id is defined twice.
	ambiguousHash, twice bool
	// version and ranged note that the product is one version, or a range of them, by the branches it hangs on.
	version, ranged bool
	// part and whole are the product ids of a combination; both are empty for a product by itself.
	part, whole string
}

// csafTree reads a product tree (CSAF 2.0 clause 3.2.2; 2.1 has product paths in place of relationships).
type csafTree struct {
	*strictjson.Reader
	out      *output
	products map[string]*csafProduct
	groups   map[string][]string
	// order lists the products as they were defined.
	order       []*csafProduct
	branchNames *strictjson.Names
	p           csafProduct
	product     func() error
}

func newCSAFTree(r *strictjson.Reader, out *output) *csafTree {
	t := &csafTree{Reader: r, out: out, products: map[string]*csafProduct{}, groups: map[string][]string{},
		branchNames: strictjson.NewNames("branches", "category", "name", "product")}
	algorithm, value := "", ""
	fileHash := r.Record(strictjson.Members{"algorithm": r.Into(&algorithm), "value": r.Into(&value)})
	file := r.Record(strictjson.Members{"file_hashes": r.List(func() error {
		algorithm, value = "", ""
		if err := fileHash(); err != nil || !strings.EqualFold(algorithm, "sha256") {
			return err
		}
		t.p.ambiguousHash = t.p.ambiguousHash || t.p.sha256 != "" && !strings.EqualFold(t.p.sha256, value)
		t.p.sha256 = value
		return nil
	})})
	helper := r.Record(strictjson.Members{
		"cpe": r.Into(&t.p.cpe), "hashes": r.List(file),
		"purl": func() error {
			text, err := r.StringOrNull()
			if text != "" {
				t.p.purls = append(t.p.purls, text)
			}
			return err
		},
		"purls": func() error {
			list, err := r.Strings()
			t.p.purls = append(t.p.purls, list...)
			return err
		},
	})
	t.product = r.Record(strictjson.Members{"name": r.Into(&t.p.name), "product_id": r.Into(&t.p.id), "product_identification_helper": helper})
	return t
}

// read reads the product tree.
func (t *csafTree) read() error {
	part, whole := "", ""
	subpath := t.Record(strictjson.Members{"next_product_reference": t.Into(&whole)})
	combination := t.Record(strictjson.Members{
		"product_reference": t.Into(&part), "relates_to_product_reference": t.Into(&whole),
		"beginning_product_reference": t.Into(&part), "subpaths": t.List(subpath),
		"full_product_name": t.product,
	})
	combined := t.List(func() error {
		part, whole = "", ""
		t.p = csafProduct{}
		if err := combination(); err != nil {
			return err
		}
		if part == "" || whole == "" {
			t.out.breaks(t.Place(), "a relationship that does not say between which products")
			part, whole = first(part, t.p.id), first(whole, t.p.id)
		}
		t.p.part, t.p.whole = part, whole
		return t.define(t.p)
	})
	group, members := "", []string(nil)
	productGroup := t.Record(strictjson.Members{"group_id": t.Into(&group), "product_ids": t.ids(&members)})
	return t.Record(strictjson.Members{
		"branches": t.List(t.branch), "full_product_names": t.List(t.readProduct),
		"relationships": combined, "product_paths": combined,
		"product_groups": t.List(func() error {
			group, members = "", nil
			err := productGroup()
			t.groups[group] = append(t.groups[group], members...)
			if err == nil {
				err = t.out.keep(group)
			}
			return err
		}),
	})()
}

// ids returns a function that reads a list of product ids, of any length, into list.
func (t *csafTree) ids(list *[]string) func() error {
	return t.List(func() error {
		id, err := t.String()
		if err != nil {
			return err
		}
		*list = append(*list, id)
		if err := t.out.keep(id); err != nil {
			return t.Errorf("%w", err)
		}
		return nil
	})
}

// branch reads a branch and those below it. Its category, which may stand last, holds for every product below.
func (t *csafTree) branch() error {
	start, category := len(t.order), ""
	err := t.Object(func(name []byte) (err error) {
		switch string(name) {
		case "category":
			category, err = t.StringOrNull()
			return err
		case "product":
			return t.readProduct()
		case "branches":
			return t.ArrayOrNull(t.branch)
		}
		return t.Other(t.branchNames, name)
	})
	for _, p := range t.order[start:] {
		p.version = p.version || category == "product_version" || category == "patch_level" || category == "service_pack"
		p.ranged = p.ranged || category == "product_version_range"
	}
	return err
}

func (t *csafTree) readProduct() error {
	t.p = csafProduct{}
	if err := t.product(); err != nil {
		return err
	}
	return t.define(t.p)
}

// define adds a product to the tree. An id that is defined twice means nothing (mandatory test 6.1.2).
func (t *csafTree) define(p csafProduct) error {
	if p.id == "" {
		t.out.breaks(t.Place(), "a product without product_id")
	}
	if old, ok := t.products[p.id]; ok {
		old.twice = true
		t.out.breaks(t.Place(), "product_id %q is defined twice and means nothing", evidence.Cut(p.id))
		return nil
	}
	if err := t.out.keep(append(p.purls, p.id, p.name, p.cpe, p.sha256, p.part, p.whole)...); err != nil {
		return t.Errorf("%w", err)
	}
	t.products[p.id] = &p
	t.order = append(t.order, &p)
	return nil
}

// identities returns what a product is called outside of the document: its package URLs, else its CPE, else its name. A
// package URL without a version does not say which version a product is that hangs on one, or on a range of them:
// using it would say something of every version.
func (t *csafTree) identities(p *csafProduct) []string {
	var out []string
	for _, text := range p.purls {
		if u, ok := purl.Parse(text); p.ranged || ok && p.version && u.Version == "" {
			continue
		}
		out = append(out, text)
	}
	if len(out) > 0 {
		return out
	}
	if p.cpe != "" && !p.ranged {
		return []string{p.cpe}
	}
	name := first(p.name, p.cpe, p.id)
	if _, ok := purl.Parse(name); ok {
		name = "product " + name
	}
	return []string{name}
}

// csafTarget is what a product id stands for.
type csafTarget struct {
	products, components []string
	sha256               string
}

// maxPath is how many combinations may be built on one another.
const maxPath = 16

// resolve returns what a product id stands for. It reports false for one that is not defined, or not clearly.
func (t *csafTree) resolve(id string) (csafTarget, bool) {
	part, whole := t.products[id], t.products[id]
	if !usable(whole) {
		return csafTarget{}, false
	}
	if whole.whole == "" {
		return csafTarget{products: t.identities(whole), sha256: whole.hash()}, true
	}
	combined := whole
	for range maxPath {
		if whole.whole != "" {
			whole = t.products[whole.whole]
		}
		if part.part != "" {
			part = t.products[part.part]
		}
		if !usable(whole) || !usable(part) {
			return csafTarget{}, false
		}
		if whole.whole == "" && part.part == "" {
			components := t.identities(part)
			if len(part.purls) == 0 && len(combined.purls) > 0 {
				components = t.identities(combined)
			}
			return csafTarget{t.identities(whole), components, whole.hash()}, true
		}
	}
	return csafTarget{}, false // they are built on one another in a circle
}

func usable(p *csafProduct) bool { return p != nil && p.id != "" && !p.twice }

// hash returns the SHA-256 of a product, if it is one file.
func (p *csafProduct) hash() string {
	if p.ambiguousHash {
		return ""
	}
	return p.sha256
}

// undefined returns the product ids that combinations name and the tree does not define, in order.
func (t *csafTree) undefined() []string {
	var out []string
	for _, p := range t.order {
		for _, id := range []string{p.part, p.whole} {
			if id != "" && t.products[id] == nil {
				out = append(out, id)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
