package gate

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"cdgate.dev/cdgate/engine/fault"
	"cdgate.dev/cdgate/engine/seal"
)

// story is a definition that changes and is signed again and again, as its owners do it.
type story struct {
	*world
	kept map[int]Signatures
	last *Definition
}

func newStory(t *testing.T) *story {
	s := &story{world: newWorld(t), kept: map[int]Signatures{}}
	for _, name := range []string{"r1", "r2", "r3", "rogue"} {
		private, public, err := seal.Generate(nil)
		if err != nil {
			t.Fatal(err)
		}
		if s.signers[name], err = seal.LoadSigner(name, private, nil); err != nil {
			t.Fatal(err)
		}
		s.files[name+".pub"] = public
	}
	return s
}

func (s *story) history(version int) (Signatures, error) {
	if sigs, ok := s.kept[version]; ok {
		return sigs, nil
	}
	return nil, fs.ErrNotExist
}

// text is goodYAML as a version with roots and a threshold.
func text(version int, roots string, threshold int) string {
	return strings.Replace(goodYAML, "version: 3\nexpires: 2027-06-01T00:00:00Z\nroots: [root.pub]",
		fmt.Sprintf("version: %d\nexpires: 2027-06-01T00:00:00Z\nroots: [%s]\nthreshold: %d", version, roots, threshold), 1)
}

// version signs a text with some keys as the version after previous.
func (s *story) version(src string, previous *Definition, signers ...string) Signatures {
	s.t.Helper()
	d, err := s.resolve(src)
	if err != nil {
		s.t.Fatal(err)
	}
	first, err := Sign(d, []byte(src), previous, s.signers[signers[0]], now)
	if err != nil {
		s.t.Fatal(err)
	}
	sigs := Signatures{first}
	for _, who := range signers[1:] {
		is, err := Inspect(sigs, s.history)
		if err != nil {
			s.t.Fatal(err)
		}
		more, err := Countersign(is, s.signers[who], now.AddDate(0, 0, 1))
		if err != nil {
			s.t.Fatal(err)
		}
		sigs = append(sigs, more)
	}
	return sigs
}

// accept signs, keeps and opens a version.
func (s *story) accept(src string, signers ...string) *Definition {
	s.t.Helper()
	sigs := s.version(src, s.last, signers...)
	d, err := Open([]byte(src), sigs, s.history, Pin{}, now)
	if err != nil {
		s.t.Fatal(err)
	}
	s.last, s.kept[d.Version] = d, sigs
	return d
}

func (s *story) pin(of int, names ...string) Pin {
	p := Pin{Of: of}
	for _, n := range names {
		p.Keys = append(p.Keys, s.signers[n].Public().Fingerprint())
	}
	return p
}

// refused wants that the version does not open, and why.
func (s *story) refused(src string, sigs Signatures, pin Pin, want string) {
	s.t.Helper()
	d, err := Open([]byte(src), sigs, s.history, pin, now)
	if d != nil || fault.ClassOf(err) != fault.Trust || !strings.Contains(err.Error(), want) {
		s.t.Errorf("opened: %v; error %v, want %q", d != nil, err, want)
	}
}

func (s *story) opens(src string, sigs Signatures, pin Pin) *Definition {
	s.t.Helper()
	d, err := Open([]byte(src), sigs, s.history, pin, now)
	if err != nil {
		s.t.Errorf("refused: %v", err)
	}
	return d
}

func TestThreshold(t *testing.T) {
	s := newStory(t)
	src := text(1, "r1.pub, r2.pub, r3.pub", 2)
	one := s.version(src, nil, "r1")
	s.refused(src, one, Pin{}, "1 of 2 root signatures; still to sign: "+s.signers["r2"].Public().Fingerprint()+" (r2.pub), "+s.signers["r3"].Public().Fingerprint())
	two := s.version(src, nil, "r1", "r3")
	d := s.opens(src, two, Pin{})
	if d.SignedAt != "2026-11-20T12:00:00Z" {
		t.Errorf("the second signature changed the time: %s", d.SignedAt)
	}
	s.refused(src, Signatures{two[0], two[0]}, Pin{}, "same key")
	altered := s.version(src+"\n", nil, "r3")
	s.refused(src, Signatures{two[0], altered[0]}, Pin{}, "another text")
	s.refused(src, Signatures{two[0], s.resigned(two[0], "mallory")}, Pin{}, "its root key is")
	s.refused(src, Signatures{two[0], s.hinted(t, s.resigned(two[0], "mallory"), "mallory", "r3")}, Pin{}, "does not hold")
	s.opens(src, Signatures{two[1], two[0]}, Pin{})
	if _, err := Countersign(sure(Inspect(two, nil)), s.signers["mallory"], now); fault.ClassOf(err) != fault.Usage {
		t.Errorf("a stranger signs too: %v", err)
	}
}

// TestThresholdCountsPeople: two keys of one person are one owner.
func TestThresholdCountsPeople(t *testing.T) {
	s := newStory(t)
	src := text(1, "sam.pub, sam2.pub, eva.pub", 2) // sam has two keys
	s.refused(src, s.version(src, nil, "sam", "sam2"), Pin{}, "1 of 2 root signatures")
	s.opens(src, s.version(src, nil, "sam", "eva"), Pin{})
	if _, err := s.resolve(text(1, "sam.pub, sam2.pub", 2)); fault.ClassOf(err) != fault.Usage || !strings.Contains(err.Error(), "nobody could ever sign") {
		t.Errorf("a threshold of two with one owner: %v", err)
	}
}

// TestPinSeveral: who has stolen one of several root keys cannot make a definition that the pin lets pass.
func TestPinSeveral(t *testing.T) {
	s := newStory(t)
	src := text(1, "r1.pub, r2.pub, r3.pub", 2)
	sigs := s.version(src, nil, "r1", "r2")
	for _, pin := range []Pin{s.pin(0, "r1", "r2", "r3"), s.pin(2, "r1", "r2", "r3"), s.pin(0, "r1", "r2"), s.pin(2, "r1", "r2", "rogue")} {
		if d := s.opens(src, sigs, pin); d != nil && !d.RootPinned() {
			t.Error("not pinned")
		}
	}
	s.refused(src, sigs, s.pin(0, "r1"), "1 signed it, and 2 must") // one pinned key is no two
	s.refused(src, sigs, s.pin(3, "r1", "r2", "r3"), "2 signed it, and 3 must")
	s.refused(src, sigs, s.pin(0, "rogue"), "is pinned")
	for name, attack := range map[string]struct {
		roots     string
		threshold int
		signers   []string
	}{
		"alone":               {"r1.pub", 1, []string{"r1"}},
		"threshold lowered":   {"r1.pub, r2.pub, r3.pub", 1, []string{"r1"}},
		"rogue root added":    {"r1.pub, r2.pub, r3.pub, rogue.pub", 2, []string{"r1", "rogue"}},
		"all others replaced": {"r1.pub, rogue.pub", 2, []string{"r1", "rogue"}},
	} {
		src := text(1, attack.roots, attack.threshold)
		sigs := s.version(src, nil, attack.signers...)
		t.Run(name, func(t *testing.T) {
			for _, pin := range []Pin{s.pin(0, "r1", "r2", "r3"), s.pin(2, "r1", "r2", "r3")} {
				s.refused(src, sigs, pin, "1 signed it, and 2 must")
			}
			s.opens(src, sigs, Pin{}) // it is only the pin that says no
		})
	}
}

// TestRotation: new roots count when the old ones signed too, and a pin of the old ones leads on to the new ones.
func TestRotation(t *testing.T) {
	s := newStory(t)
	first := s.accept(text(1, "r1.pub", 1), "r1")
	src := text(2, "r2.pub, r3.pub", 2)
	s.refused(src, s.version(src, first, "r2", "r3"), Pin{}, "must be signed by the roots of version 1 too, and has 0 of 1")
	s.refused(src, s.version(src, first, "r1", "r2"), Pin{}, "version 2 has 1 of 2 root signatures")
	second := s.accept(src, "r1", "r2", "r3")
	if second.Previous != first.Digest() {
		t.Errorf("previous %s, want %s", second.Previous, first.Digest())
	}
	third := text(3, "r2.pub, r3.pub", 2)
	s.accept(third, "r3", "r2")
	for _, pin := range []Pin{{}, s.pin(0, "r1"), s.pin(0, "r2", "r3")} {
		d := s.opens(third, s.kept[3], pin)
		if err := d.Follows(1, first.Digest()); err != nil {
			t.Error(err)
		}
		if err := d.Follows(2, second.Digest()); err != nil {
			t.Error(err)
		}
		for version, digest := range map[int]string{1: second.Digest(), 3: first.Digest(), 4: d.Digest()} {
			if d.Follows(version, digest) == nil {
				t.Errorf("follows version %d, %s", version, digest)
			}
		}
	}
	s.refused(third, s.kept[3], s.pin(0, "rogue"), "is pinned")

	// Without the version before nobody can tell whether its roots agreed.
	kept := s.kept[2]
	delete(s.kept, 2)
	s.refused(third, s.kept[3], s.pin(0, "r2", "r3"), "cannot be read")
	s.kept[2] = s.kept[1]
	s.refused(third, s.kept[3], Pin{}, "somebody put another history there")
	s.kept[2] = s.version(strings.Replace(src, "tier: 1", "tier: 2", 1), first, "r1", "r2", "r3")
	s.refused(third, s.kept[3], Pin{}, "somebody put another history there")
	s.kept[2] = kept[:2] // r1 and r2, one of two new roots
	s.refused(third, s.kept[3], Pin{}, "1 of 2 root signatures")
	s.kept[2] = kept
	s.opens(third, s.kept[3], Pin{})
}

// TestForkedHistory: an old root key, once retired, signs another history; the log's newest definition is not in it.
func TestForkedHistory(t *testing.T) {
	s := newStory(t)
	first := s.accept(text(1, "r1.pub", 1), "r1")
	used := s.accept(text(2, "r2.pub", 1), "r1", "r2")
	good := s.accept(text(3, "r2.pub", 1), "r2")
	if err := good.Follows(2, used.Digest()); err != nil {
		t.Error(err)
	}
	fork := newStory(t)
	fork.files, fork.signers = s.files, s.signers
	fork.kept[1] = s.kept[1]
	fork.last = first
	fork.accept(text(2, "r1.pub, rogue.pub", 1), "r1")
	rogue := fork.accept(text(3, "rogue.pub", 1), "rogue")
	if err := rogue.Follows(2, used.Digest()); fault.ClassOf(err) != fault.Trust {
		t.Errorf("the forked history follows: %v", err)
	}
	if err := rogue.Follows(1, first.Digest()); err != nil {
		t.Errorf("the common part: %v", err)
	}
}

func TestSignNextVersion(t *testing.T) {
	s := newStory(t)
	first := s.accept(text(5, "r1.pub", 1), "r1")
	for version, ok := range map[int]bool{4: false, 5: false, 6: true, 7: false} {
		src := text(version, "r1.pub", 1)
		d, err := s.resolve(src)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Sign(d, []byte(src), first, s.signers["r1"], now); (err == nil) != ok || !ok && fault.ClassOf(err) != fault.Usage {
			t.Errorf("version %d after 5: %v", version, err)
		}
	}
	is := sure(Inspect(s.kept[5], nil))
	same, err := s.resolve(text(5, "r1.pub", 1))
	if err != nil || !is.Same(same) || !is.Complete() || !is.SignedBy(s.signers["r1"].KeyID()) {
		t.Errorf("the same text is not the same: %v", err)
	}
	other, err := s.resolve(text(5, "r1.pub", 1) + "# a word\n")
	if err != nil || is.Same(other) {
		t.Errorf("another text is the same: %v", err)
	}
	s.files["ci.pub"] = s.files["mallory.pub"]
	if d, err := s.resolve(text(5, "r1.pub", 1)); err != nil || is.Same(d) {
		t.Errorf("another key is the same: %v", err)
	}
}

func sure[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}
