package verify

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/evidence"
)

// Gap is a kind of evidence that is there for some platforms of an image index and not for others: nothing is known about
// the rest of what is released.
type Gap struct {
	Kind  evidence.Kind
	Level string
	// Have and Missing are platforms, sorted.
	Have, Missing []string
	// Index is the artifact, Digests are those of the manifests that nothing is about.
	Index   Artifact
	Digests []string
}

// parts are the images in image indexes, as trusted builds say: the index and the image in it for the digest of each manifest and configuration.
type parts map[string][]part

type part struct {
	index string
	image Contained
}

// findParts takes from builds that count what the indexes of the release contain. An index is named by its digest, so builds that
// say different things of one are a fault.
func (g *gathering) findParts(counted []*statement) {
	g.parts, g.indexes = parts{}, map[string][]Contained{}
	said, doubted := map[string]*statement{}, map[string]bool{}
	for _, s := range counted {
		if s.build == nil || s.build.Contains == nil || !g.isArtifact(s.about) {
			continue
		}
		index := s.about.Digest
		is := slices.SortedFunc(slices.Values(s.build.Contains), func(a, b Contained) int {
			return cmp.Or(cmp.Compare(a.Digest, b.Digest), cmp.Compare(a.Platform, b.Platform))
		})
		if was := said[index]; was == nil {
			said[index], g.indexes[index] = s, is
		} else if !reflect.DeepEqual(g.indexes[index], is) {
			doubted[index] = true
			g.blame(s, fault.New(fault.Evidence, "read what image index %s contains: statements %s and %s say different things, and one digest has one content; collect again with the newest cdgate",
				index, short(was.digest), short(s.digest)))
		}
	}
	for index, images := range g.indexes {
		if doubted[index] {
			delete(g.indexes, index)
			continue
		}
		for _, c := range images {
			for _, digest := range slices.Compact([]string{c.Digest, c.Config}) {
				g.parts[digest] = append(g.parts[digest], part{index, c})
				g.concerned[digest] = true
			}
		}
	}
}

// isPart says whether something is an image of an index of the release.
func (g *gathering) isPart(a About) bool {
	return a.Kind == AboutArtifact && len(g.parts[a.Digest]) > 0
}

// partBuild demands of a build of one platform that it was made from the commit of the release.
func (g *gathering) partBuild(s *statement, revision string) bool {
	if s.build.Source.Revision == revision {
		return true
	}
	return g.blame(s, fault.New(fault.Evidence, "tie image %s, which is in an image index of the release, to its source: %s says that it was built from commit %s (statement %s), and the release from %s; "+
		"build the index again", s.about.Digest, s.signer.ID, s.build.Source.Revision, short(s.digest), orUnknown(revision)))
}

func orUnknown(s string) string { return cmp.Or(s, "a commit that nothing trusted names") }

// gaps finds the kinds of evidence that cover some platforms of an index and not all. What is about the index, or about its commit, covers
// all of them.
func (g *gathering) gaps(items []Item) []Gap {
	type group struct {
		kind  evidence.Kind
		level string
	}
	var out []Gap
	for _, a := range g.artifacts {
		images := g.indexes[a.Digest]
		covered, whole := map[group]map[string]bool{}, map[group]bool{}
		for _, it := range items {
			k := group{it.Kind, it.Level}
			if it.About.Kind == AboutRevision || it.About.Digest == a.Digest {
				whole[k] = true
			}
			for _, p := range g.parts[it.About.Digest] {
				if p.index == a.Digest && it.About.Kind == AboutArtifact {
					if covered[k] == nil {
						covered[k] = map[string]bool{}
					}
					covered[k][p.image.Digest] = true
				}
			}
		}
		for k, have := range covered {
			if gap := (Gap{Kind: k.kind, Level: k.level, Index: a}); !whole[k] && gap.fill(images, have) {
				out = append(out, gap)
			}
		}
	}
	slices.SortFunc(out, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(a.Index.Digest, b.Index.Digest), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Level, b.Level))
	})
	return out
}

// fill says which platforms are covered and which are not; true where some are not.
func (p *Gap) fill(images []Contained, have map[string]bool) bool {
	for _, c := range images {
		if have[c.Digest] {
			p.Have = append(p.Have, c.Platform)
		} else {
			p.Missing, p.Digests = append(p.Missing, c.Platform), append(p.Digests, c.Digest)
		}
	}
	slices.Sort(p.Have)
	slices.Sort(p.Missing)
	return len(p.Missing) > 0
}

// What says which evidence it is, for people.
func (p Gap) What() string { return strings.TrimSuffix(fmt.Sprintf("%s/%s", p.Kind, p.Level), "/") }
