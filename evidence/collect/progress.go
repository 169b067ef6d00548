package collect

// progress adds up what was read of all reports.
type progress struct {
	tell func(Progress)
	now  Progress
}

// progress prepares to tell how far reading is. It looks at the size of every file.
func (e *expander) progress(tell func(Progress)) *progress {
	if tell == nil {
		return nil
	}
	p := &progress{tell: tell}
	for _, s := range e.sources {
		if s.root == nil {
			continue
		}
		if info, err := s.root.Stat(s.rel); err == nil {
			p.now.Total += info.Size()
		}
	}
	return p
}

// start tells that a report is begun.
func (p *progress) start(name string) {
	if p != nil {
		p.now.Path = name
		p.tell(p.now)
	}
}

// add tells that n bytes of a file were read.
func (p *progress) add(n int) {
	if p != nil {
		p.now.Read += int64(n)
		p.tell(p.now)
	}
}
