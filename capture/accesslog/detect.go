package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"trafficreplay/capture"
)

// maxSample bounds the lines that Detect looks at.
const maxSample = 1000

// Detect chooses the dialect from the first lines of a source (without line ends; blank lines allowed)
// and returns its parser. note says how it chose where two dialects fit. It returns ErrUnknown when none fits.
func Detect(lines [][]byte, o Options) (p *Parser, note string, err error) {
	named := o.named()
	s := sampleOf(lines)
	best, err := unwrap(s, func(wraps [maxLayers]wrapper) (*trial, error) {
		if named {
			return tryNamed(s, o, wraps)
		}
		return tryAll(s, o, wraps)
	})
	switch {
	case err != nil:
		return nil, "", err
	case named && best.p.f.bare && len(best.lines) == 0:
		return nil, "", errors.New("the log format holds no time, and around the lines there is no collector's")
	case named:
		best.settleNamed()
		if best.p.Rewind(); 2*len(best.lines) < s.n {
			best.note("only %d of the first %d lines fit", len(best.lines), s.n)
		}
		return best.p, strings.Join(best.notes, "; "), nil
	case best == nil || best.fits() == 0 || 5*best.fits() < s.n-best.others-(best.comments-len(s.lines)+s.n):
		if err := unknownJSON(s); err != nil {
			return nil, "", err
		}
		return nil, "", ErrUnknown
	}
	best.settle()
	best.p.Rewind()
	best.p.chosen.how = strings.Join(append([]string{fmt.Sprintf("%d of the first %d lines fit", len(best.lines), s.n)}, best.notes...), "; ")
	return best.p, strings.Join(best.notes, "; "), nil
}

// unwrap looks for the layers of wrappers without which the most lines fit. What a prefix of a collector's looks like
// is unmistakable, and it would pass for the virtual host of a combined log; a JSON object with a message may as well
// be a request itself, and is then taken as it is.
func unwrap(whole sample, fit func(wraps [maxLayers]wrapper) (*trial, error)) (best *trial, err error) {
	var peeler Parser
	for s, layers := whole, 0; ; layers++ {
		w := bare
		if layers < maxLayers {
			w = peeler.wrapperOf(s)
		}
		if w == bare || w == envelope {
			t, err := fit(peeler.wraps)
			if err != nil {
				return nil, err
			}
			if t.better(best) {
				best = t
			}
		}
		if w == bare || best != nil && 2*best.fits() >= whole.n && best.survey == nil {
			break
		}
		peeler.wraps[layers] = w
		s = peeler.inside(w, s)
	}
	if peeler.wraps[0] != bare && (best == nil || best.fits() == 0) {
		return fit([maxLayers]wrapper{})
	}
	return best, err
}

// better reports whether t explains more lines than other, or as many without a guess.
func (t *trial) better(other *trial) bool {
	switch {
	case t == nil || other == nil:
		return t != nil
	case t.fits() == other.fits():
		return t.survey == nil && other.survey != nil
	}
	return t.fits() > other.fits()
}

// inside is the sample without wrapper w.
func (p *Parser) inside(w wrapper, s sample) sample {
	lines := make([][]byte, 0, len(s.lines))
	for _, line := range s.lines {
		if inner, ok := p.peel(w, line); ok && !p.partial {
			lines = append(lines, bytes.Clone(inner))
		}
	}
	return sampleOf(lines)
}

// tryNamed gives the sample to the dialect that the user named.
func tryNamed(s sample, o Options, wraps [maxLayers]wrapper) (*trial, error) {
	p, err := New(o)
	if err != nil {
		return nil, err
	}
	p.wraps = wraps
	return p.try(s), nil
}

// tryAll gives the sample to every dialect: the one that most lines fit wins, of several the first.
func tryAll(s sample, o Options, wraps [maxLayers]wrapper) (best *trial, err error) {
	var rivals []string
	for i := range presets {
		t, err := tryPreset(&presets[i], s, o, wraps, best)
		if err != nil {
			return nil, err
		}
		if t == nil {
			continue
		}
		if len(t.lines) > 0 {
			rivals = append(rivals, fmt.Sprintf("%s (%d lines)", t.p.name, len(t.lines)))
		}
		if best == nil || t.fits() > best.fits() {
			best = t
		}
	}
	if best != nil {
		best.p.chosen.rivals = slices.DeleteFunc(rivals, func(r string) bool { return strings.HasPrefix(r, best.p.name+" ") })
	}
	return best, nil
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
	if p.f.columns != nil {
		p.f.text = p.f.columns(nil)
	}
}

// trial is what a parser made of the sample.
type trial struct {
	p        *Parser
	lines    []observed // those that fit, in order
	others   int        // lines of the dialect that are no requests
	conns    int        // lines of connections that carried no HTTP request
	comments int        // those within wrappers too
	notes    []string
	survey   *survey  // of JSON lines of unknown shape
	doubts   []string // about what their keys mean

	vhosts int
	marks  marks
}

// fits is the number of lines that are the dialect's.
func (t *trial) fits() int { return len(t.lines) + t.conns }

// observed is one line of the sample that fits.
type observed struct {
	stamp, dur int64 // nanoseconds; dur -1: unknown
	point      bool  // the duration is written with a point
	bareUnit   bool  // the duration has a unit that neither key nor value tells
	begin      bool  // the stamp is a start by its key
	ended      bool  // one of the end was logged by its key
	wait       int64 // HAProxy: until the request was there, nanoseconds
}

// marks count what only one of the two servers writes.
type marks struct {
	nginx, apache    int
	tomcat           int
	absolute, idents int // requests for a whole URL; lines whose identity is a host
	bareQuery        int // targets that end in ?
	bodiless, heads  int // answers that have no body; those of them whose size is not 0
}

// tryPreset gives the sample to a preset's parser, or nil where the preset is out of the question.
func tryPreset(s *preset, of sample, o Options, wraps [maxLayers]wrapper, best *trial) (*trial, error) {
	switch s.name {
	case "vcommon", "vcombined", "nginx-combined", "apache-common", "apache-combined", "tomcat-common", "tomcat-combined", haproxyOfOld, "varnishncsa", "lighttpd":
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
	p.wraps = wraps
	var seen *survey
	var doubts []string
	if s.name == "json" {
		seen = p.surveyOf(of)
		doubts = p.guess(seen)
	}
	t := p.try(of)
	t.survey, t.doubts = seen, doubts
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
	var counts [lastWrapper + 1]int
	for _, line := range s.lines {
		_, w := p.peelAny(line)
		counts[w]++
	}
	for w, n := range counts[1:] {
		if 2*n > s.n {
			return wrapper(w + 1)
		}
	}
	return bare
}

// try parses the sample. A line fits when its structure and its numbers do.
func (p *Parser) try(s sample) *trial {
	t := &trial{p: p}
	p.strict = true
	defer func() { p.strict = false }()
	var q capture.Request
	for _, line := range s.lines {
		err := p.Parse(line, &q)
		var bad *capture.SyntaxError
		if errors.As(err, &bad) && bad.Reason == reasonNone {
			t.others++
		}
		if errors.As(err, &bad) && bad.Reason == capture.ReasonComment {
			t.comments++
		}
		if errors.As(err, &bad) && bad.Reason == reasonNotHTTP {
			t.conns++
		}
		if errors.As(err, &bad) && bad.Reason != reasonRequest && bad.Reason != reasonTarget {
			continue
		}
		if p.rec.owned != p.f.owned {
			continue
		}
		t.observe(&q, err == nil)
	}
	return t
}

func (t *trial) observe(q *capture.Request, good bool) {
	r := &t.p.rec
	t.lines = append(t.lines, observed{
		stamp: r.stamp, dur: r.dur, point: r.dur >= 0 && r.point, bareUnit: r.bareUnit, begin: r.begin, ended: r.ended,
		wait: r.timers.ns(timerTR),
	})
	if r.vhost {
		t.vhosts++
	}
	t.marks.look(t.p.content, r, q, good)
}
