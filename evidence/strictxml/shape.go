package strictxml

// shape remembers how the attributes of a tag begin: most tags of a report have those of the one before, and then their
// names need no second look.
type shape struct {
	// leads are the texts before the values: a space, the name, an equals sign and a double quote.
	leads [maxShape]string
	n     int
}

// maxShape is how many attributes are remembered.
const maxShape = 8

// learn takes over the names of attributes, which are valid, without prefixes, and each there once.
func (s *shape) learn(attrs []Attr) {
	s.n = min(len(attrs), maxShape)
	for i := range s.n {
		if lead := s.leads[i]; lead == "" || lead[1:len(lead)-2] != string(attrs[i].Name) {
			s.leads[i] = " " + string(attrs[i].Name) + `="`
		}
	}
}

// likeShape reads the next attribute of a tag whose attributes so far are those of the shape, and returns its length with
// the space before it. It returns 0 for what is to be read in the usual way: another name, or a value with references.
func (r *Reader) likeShape(b []byte) int {
	k := len(r.attrs)
	if !r.alike || k >= r.shape.n {
		return 0
	}
	lead := r.shape.leads[k]
	from := len(lead)
	if len(b) <= from || string(b[:from]) != lead {
		return 0
	}
	end := from + plainEnd(b[from:])
	if end == len(b) || b[end] != '"' {
		return 0
	}
	r.attrs = append(r.attrs, Attr{Name: b[1 : from-2], Value: b[from:end]})
	return end + 1
}
