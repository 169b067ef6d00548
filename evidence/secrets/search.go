package secrets

import (
	"encoding/binary"
	"slices"
	"strings"
	"sync"
)

// searcher finds the places where a literal may stand. Every literal has a window of four bytes, the rarest it has; each
// window has two blocks of three bytes, and one of the two begins at an even place of the text, wherever the literal
// stands. So only every second place is looked at, and no step depends on the one before.
type searcher struct {
	// fits numbers the list of the literals that have a block with this hash; 0 is the empty one.
	fits  [1 << hashBits]uint8
	lists [][]candidate
}

// candidate is a literal that has a certain block at a certain place.
type candidate struct {
	literal []byte
	place   int
	rule    *rule
}

const (
	window   = 4
	hashBits = 16
)

// hash mixes the first three bytes of b.
func hash(b uint32) uint32 { return (b & 0xFFFFFF) * 0x85EBCA6B >> (32 - hashBits) }

// block is three bytes as hash takes them.
func block(b []byte) uint32 { return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 }

// newSearcher makes the tables for rules.
func newSearcher(rules []rule) *searcher {
	s := &searcher{lists: make([][]candidate, 1)}
	for i := range rules {
		for _, literal := range rules[i].literals {
			at := rarest(literal)
			for place := at; place < at+2; place++ {
				s.add(candidate{[]byte(literal), place, &rules[i]})
			}
		}
	}
	return s
}

// add enters a literal at one of its blocks. Of a literal of three bytes the second block ends with a byte of the body.
func (s *searcher) add(c candidate) {
	rest := c.literal[c.place:]
	if len(rest) >= 3 {
		s.mark(block(rest), c)
		return
	}
	for last := range 256 {
		if urlChars[last] {
			s.mark(block([]byte{rest[0], rest[1], byte(last)}), c)
		}
	}
}

// mark puts a literal into the list of its hash. There are fewer lists than a byte can number, or some are shared: then
// they hold more than they need to.
func (s *searcher) mark(block uint32, c candidate) {
	number := &s.fits[hash(block)]
	if *number == 0 {
		if len(s.lists) <= 255 && (len(s.lists) == 1 || !s.newest(c)) {
			s.lists = append(s.lists, nil)
		}
		*number = uint8(len(s.lists) - 1)
	}
	list := &s.lists[*number]
	if !slices.ContainsFunc(*list, func(o candidate) bool { return o.place == c.place && string(o.literal) == string(c.literal) }) {
		*list = append(*list, c)
	}
}

// newest reports whether the newest list is that of a literal alone, so that its next block can share it.
func (s *searcher) newest(c candidate) bool {
	list := s.lists[len(s.lists)-1]
	return len(list) == 1 && list[0].place == c.place && string(list[0].literal) == string(c.literal)
}

// next returns the first place at which a block of a literal may begin, or where to go on once there is more. It looks at
// every second place from on.
func (s *searcher) next(b []byte, from, limit int) (int, bool) {
	i := from
	for fast := min(limit, len(b)-13); i < fast; i += 12 {
		p := (*[14]byte)(b[i : i+14])
		if s.three(binary.LittleEndian.Uint64(p[0:8]))|s.three(binary.LittleEndian.Uint64(p[6:14])) != 0 {
			break
		}
	}
	for ; i < limit && i+3 <= len(b); i += 2 {
		if s.fits[hash(block(b[i:]))] != 0 {
			return i, true
		}
	}
	return i, false
}

// three looks up the blocks at the first three even places of x.
func (s *searcher) three(x uint64) uint8 {
	return s.fits[hash(uint32(x))] | s.fits[hash(uint32(x>>16))] | s.fits[hash(uint32(x>>32))]
}

// at returns the literals that may have a block at b[i].
func (s *searcher) at(b []byte, i int) []candidate { return s.lists[s.fits[hash(block(b[i:]))]] }

// rarest returns where the window of a literal begins whose blocks are the rarest in reports.
func rarest(literal string) int {
	best, least := 0, 0
	for i := 0; i == 0 || i+window <= len(literal); i++ {
		if n := commonness(literal[i:min(i+3, len(literal))]) + commonness(literal[i+1:min(i+4, len(literal))]); i == 0 || n < least {
			best, least = i, n
		}
	}
	return best
}

// commonness is a rough measure of how often a block stands in reports.
func commonness(block string) int {
	const common = `etaoin"srh.ld/cu:m0f-1p2gwyb,_v3k=4568j79`
	n := 1
	for _, c := range []byte(block) {
		if i := strings.IndexByte(common, c); i >= 0 {
			n *= len(common) - i + 1
		}
	}
	return n
}

var (
	shapes    = sync.OnceValue(func() *searcher { return newSearcher(append(shapeRules(), escapeRule())) })
	quotation = map[bool]func() *searcher{false: quoting(asJSON), true: quoting(asXML)}
)

// quoting is the searcher for reports of Gitleaks.
func quoting(n notation) func() *searcher {
	return sync.OnceValue(func() *searcher { return newSearcher(append(append(quoteRules(n), shapeRules()...), escapeRule())) })
}

// searcherFor chooses the rules for a report by how it begins: a report of Gitleaks says by itself what is a secret.
func searcherFor(head []byte) *searcher {
	if quotesSecrets(head) {
		return quotation[isXML(head)]()
	}
	return shapes()
}
