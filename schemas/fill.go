package schemas

// appendFilled appends a value that fits s as JSON, with the defaults of absent fields.
func appendFilled(b []byte, s *shape, n *node) []byte {
	if len(s.alts) > 0 {
		return n.appendJSON(b)
	}
	switch {
	case n.kind == kindObject && s.values != nil:
		b = append(b, '{')
		for i, m := range n.members {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, m.key), ':')
			b = appendFilled(b, s.values, m.value)
		}
		return append(b, '}')
	case n.kind == kindObject && s.kinds == kindObject:
		return appendFilledObject(b, s, n)
	case n.kind == kindArray && s.elem != nil:
		b = append(b, '[')
		for i, item := range n.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendFilled(b, s.elem, item)
		}
		return append(b, ']')
	}
	return n.appendJSON(b)
}

func appendFilledObject(b []byte, s *shape, n *node) []byte {
	given := make(map[string]*node, len(n.members))
	for _, m := range n.members {
		given[m.key] = m.value
	}
	b = append(b, '{')
	first := true
	for _, f := range s.members {
		value, ok := given[f.name]
		if !ok && (f.required || f.optional) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendText(b, f.name), ':')
		switch {
		case ok:
			b = appendFilled(b, f.shape, value)
		case f.shape.kinds == kindObject:
			b = appendFilled(b, f.shape, &node{kind: kindObject})
		default:
			b = append(b, f.fill...)
		}
	}
	return append(b, '}')
}
