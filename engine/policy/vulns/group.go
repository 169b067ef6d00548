package vulns

import "strings"

// members are the findings of one entry, and the CVE or, where the entry stands for one id, that id.
type members struct {
	cve, id string
	rows    []int
}

// place is a name in a package.
type place struct {
	pkg  int
	name string
}

// group sorts findings into entries. A finding that names CVEs is in the entry of each. One that names none belongs to
// the one CVE that others give for its names; where they give none or several it is in an entry of its own with whoever
// shares a name. No database has two numbers for one vulnerability: findings that names make one, and of which two have
// different ids of one database, are not one after all, and each id stands for itself. So no list of aliases, however
// long, makes one entry of what CVE, GitHub or a scanner's own database tells apart.
func group(named []names, packages []int) []members {
	var out []members
	index := make(map[place]int, len(named))
	put := func(key place, m members, row int) {
		i, ok := index[key]
		if !ok {
			i = len(out)
			index[key] = i
			out = append(out, m)
		}
		out[i].rows = append(out[i].rows, row)
	}
	u := unite(named, packages)
	for row, n := range named {
		pkg := packages[row]
		for _, cve := range n.cves {
			put(place{pkg, cve}, members{cve: cve}, row)
		}
		switch {
		case len(n.cves) > 0:
		case len(n.others) == 0:
			out = append(out, members{rows: []int{row}})
		default:
			class := u.classOf(pkg, n)
			switch cve := u.cves[class]; {
			case u.apart[class]:
				put(place{pkg, n.own}, members{id: n.own}, row)
			case cve != "" && cve != several:
				put(place{pkg, cve}, members{cve: cve}, row)
			default:
				put(place{class, ""}, members{}, row)
			}
		}
	}
	return out
}

// union is a union-find over the names of each package that are no CVEs.
type union struct {
	nodes  map[place]int
	parent []int
	// cves holds for each class, by its root, the CVE that findings with its names give, or several; apart says that two
	// findings without a CVE have different ids of one database.
	cves  []string
	apart []bool
}

const several = "several"

func unite(named []names, packages []int) *union {
	u := &union{nodes: map[place]int{}}
	for row, n := range named {
		for i, name := range n.others {
			node := u.node(place{packages[row], name})
			if i > 0 {
				u.join(node, u.nodes[place{packages[row], n.others[0]}])
			}
		}
	}
	u.cves, u.apart = make([]string, len(u.parent)), make([]bool, len(u.parent))
	own := map[place]string{}
	for row, n := range named {
		if len(n.others) == 0 {
			continue
		}
		class := u.classOf(packages[row], n)
		for _, cve := range n.cves {
			if have := u.cves[class]; have == "" {
				u.cves[class] = cve
			} else if have != cve {
				u.cves[class] = several
			}
		}
		if len(n.cves) == 0 {
			database, _, _ := strings.Cut(n.own, "-")
			key := place{class, database}
			if have, ok := own[key]; ok && have != n.own {
				u.apart[class] = true
			}
			own[key] = n.own
		}
	}
	return u
}

// classOf is the class of a finding that has other names than CVEs.
func (u *union) classOf(pkg int, n names) int { return u.find(u.nodes[place{pkg, n.others[0]}]) }

func (u *union) node(p place) int {
	i, ok := u.nodes[p]
	if !ok {
		i = len(u.parent)
		u.nodes[p] = i
		u.parent = append(u.parent, i)
	}
	return i
}

func (u *union) find(i int) int {
	for u.parent[i] != i {
		u.parent[i] = u.parent[u.parent[i]]
		i = u.parent[i]
	}
	return i
}

func (u *union) join(a, b int) { u.parent[u.find(a)] = u.find(b) }
