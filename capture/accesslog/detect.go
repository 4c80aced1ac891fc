package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"trafficreplay/capture"
)

// maxSample bounds the lines that Detect looks at.
const maxSample = 1000

// Detect chooses the dialect from the first lines of a source (without line ends; blank lines allowed)
// and returns its parser. note says how it chose where two dialects fit. It returns ErrUnknown when none fits.
func Detect(lines [][]byte, o Options) (p *Parser, note string, err error) {
	s := sampleOf(lines)
	if o.LogFormat != "" || o.Format != "" {
		if p, err = New(o); err != nil {
			return nil, "", err
		}
		p.wrap = p.wrapperOf(s)
		defer p.Rewind()
		t := p.try(s)
		if p.f.bare && len(t.lines) == 0 {
			return nil, "", errors.New("the log format holds no time, and around the lines there is no collector's")
		}
		if 2*len(t.lines) < s.n {
			note = fmt.Sprintf("only %d of the first %d lines fit", len(t.lines), s.n)
		}
		return p, note, nil
	}
	var best *trial
	for i := range presets {
		t, err := tryPreset(&presets[i], s, o, best)
		if err != nil {
			return nil, "", err
		}
		if t != nil && (best == nil || len(t.lines) > len(best.lines)) {
			best = t
		}
	}
	if best == nil || len(best.lines) == 0 || 5*len(best.lines) < s.n-best.others {
		return nil, "", ErrUnknown
	}
	best.settle()
	best.p.Rewind()
	return best.p, strings.Join(best.notes, "; "), nil
}

// sample is the lines that Detect looks at: no blank ones, and comments only since they may name columns.
type sample struct {
	lines [][]byte
	n     int // lines that are no comments
}

func sampleOf(lines [][]byte) sample {
	var s sample
	for _, l := range lines {
		t := trimLeft(bytes.TrimPrefix(l, []byte("\xef\xbb\xbf")))
		if len(t) == 0 {
			continue
		}
		if s.n == maxSample || len(s.lines) == 2*maxSample {
			break
		}
		s.lines = append(s.lines, l)
		if t[0] != '#' {
			s.n++
		}
	}
	return s
}

// Rewind forgets what the lines parsed so far left behind, but for the finest resolution: for a source that is read
// from its beginning again.
func (p *Parser) Rewind() {
	p.clock = clock{zones: zones{loc: p.loc}, digits: p.digits}
	p.order = order{}
}

// trial is what a parser made of the sample.
type trial struct {
	p      *Parser
	lines  []observed // those that fit, in order
	others int        // lines of the dialect that are no requests
	notes  []string

	vhosts int
	marks  marks
}

// observed is one line of the sample that fits.
type observed struct {
	stamp, dur int64 // nanoseconds; dur -1: unknown
	point      bool  // the duration is written with a point
	bareUnit   bool  // the duration has a unit that neither key nor value tells
	begin      bool  // the stamp is a start by its key
}

// marks count what only one of the two servers writes.
type marks struct {
	nginx, apache   int
	bodiless, heads int // answers that have no body; those of them whose size is not 0
}

// tryPreset gives the sample to a preset's parser, or nil where the preset is out of the question.
func tryPreset(s *preset, of sample, o Options, best *trial) (*trial, error) {
	switch s.name {
	case "vcommon", "vcombined", "nginx-combined", "apache-common", "apache-combined":
		return nil, nil // the same format as an earlier one: settle renames it
	case "nginx-json", "json":
		if best != nil && best.p.f.owned != 0 && 2*len(best.lines) >= of.n {
			return nil, nil
		}
	case "combined-extra":
		if best != nil && 2*len(best.lines) >= of.n {
			return nil, nil
		}
	}
	p, err := s.parser(o)
	if errors.Is(err, errNotJSON) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("preset %s: %w", s.name, err)
	}
	p.wrap = p.wrapperOf(of)
	t := p.try(of)
	if strings.HasPrefix(s.name, "nginx-combined-") && !t.anyPoint() {
		return nil, nil // nginx writes 0.057, never 57
	}
	if s.name == "nginx-json" && !p.namedByNginx() {
		return nil, nil
	}
	return t, nil
}

func (t *trial) anyPoint() bool {
	for _, o := range t.lines {
		if o.point {
			return true
		}
	}
	return false
}

// namedByNginx reports whether two keys or more that the sample has are nginx's own.
func (p *Parser) namedByNginx() bool {
	n := 0
	for k := range p.f.keys {
		if ofNginx(k) {
			n++
		}
	}
	return n >= 2
}

// wrapperOf is the wrapper around most lines of the sample.
func (p *Parser) wrapperOf(s sample) wrapper {
	for w := bare + 1; w <= lastWrapper; w++ {
		n := 0
		for _, line := range s.lines {
			if _, ok := p.peel(w, line); ok {
				n++
			}
		}
		if 2*n > s.n {
			return w
		}
	}
	return bare
}

// try parses the sample. A line fits when its structure and its numbers do.
func (p *Parser) try(s sample) *trial {
	t := &trial{p: p}
	var q capture.Request
	for _, line := range s.lines {
		err := p.Parse(line, &q)
		var bad *capture.SyntaxError
		if errors.As(err, &bad) && bad.Reason == reasonNone {
			t.others++
		}
		if errors.As(err, &bad) && bad.Reason != reasonRequest && bad.Reason != reasonTarget {
			continue
		}
		if p.rec.owned != p.f.owned {
			continue
		}
		t.observe(line, &q, err == nil)
	}
	return t
}

func (t *trial) observe(line []byte, q *capture.Request, good bool) {
	r := &t.p.rec
	t.lines = append(t.lines, observed{
		stamp: r.stamp, dur: r.dur, point: r.dur >= 0 && r.point, bareUnit: r.bareUnit, begin: r.begin,
	})
	if r.vhost {
		t.vhosts++
	}
	t.marks.look(line, r, q, good)
}
