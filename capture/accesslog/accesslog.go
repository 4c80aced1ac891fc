// Package accesslog turns lines of access logs into requests, one compiled parser for each dialect.
//
// A dialect is a log format (nginx log_format or Apache LogFormat) compiled into a sequence of steps, each a
// literal and the value behind it. A line is first split into values, then the values are given their
// meaning; so a line that does not fit the format is told from one that fits and says something impossible.
// JSON lines go through the same steps, a small sequence for the value of each key.
package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"trafficreplay/capture"
)

// Options settle what the lines do not say.
type Options struct {
	Format    string         // name of a dialect, or with LogFormat of the notation it is in; empty: recognise it
	LogFormat string         // a log format as the server's configuration has it, pasted verbatim
	Fields    []string       // of JSON lines, NAME=PATH[:UNIT] each: they count before what the dialect says or a guess
	Timezone  *time.Location // of stamps without a zone; nil: UTC
	Newest    time.Time      // the latest that a stamp without a year can mean; zero: now
	Host      string         // host of requests whose line names none
}

// named reports whether o says what the lines are.
func (o *Options) named() bool { return o.LogFormat != "" || o.Format != "" }

// Parser parses lines of one dialect. New and Detect make one; the zero value cannot parse. It is not safe for
// concurrent use.
type Parser struct {
	name    string
	f       *format
	wraps   [maxLayers]wrapper // what was around the lines of the sample, the outermost first
	strict  bool               // nothing else is taken off
	chosen  choice
	layers  int // wrappers taken off the last line
	taken   [maxLayers]wrapper
	partial bool // the last line was one part of a line
	host    []byte
	clock
	order   order
	content []byte    // this line without what was around it
	outer   []byte    // the stamp of the wrapper around this line; nil: it has none
	newest  time.Time // a day after the latest that a stamp without a year can mean

	unit      int64 // of whole durations whose unit neither key nor value tells; 0: milliseconds
	vals      [maxValues][]byte
	rec       record
	arena     []byte   // decoded values of this line
	inner     []byte   // the line inside a wrapper that escaped it
	shell     walker   // of that wrapper
	shellTime [48]byte // its stamp
	walker    walker
	paired    []byte // path of a value in a list of pairs
	key       int    // length of that path, once its key is known
	err       capture.SyntaxError
}

// Reasons of a SyntaxError beside capture.ReasonBlank and capture.ReasonComment.
const (
	reasonMisfit  = "not-this-format"
	reasonRequest = "bad-request-line"
	reasonTime    = "bad-time"
	reasonStatus  = "bad-status"
	reasonNumber  = "bad-number"
	reasonJSON    = "bad-json"
	reasonTarget  = "too-long-target"
	reasonHeaders = "too-long-headers"
	reasonNone    = "not-a-request"
	reasonNotHTTP = "not-http"
	reasonPartial = "partial-line"
)

// ErrUnknown means that no dialect fits the lines.
var ErrUnknown = errors.New("no known log format")

// ErrKeys is an ErrUnknown of JSON lines, whose keys do not say what they hold: Options.Fields can.
var ErrKeys = fmt.Errorf("%w", ErrUnknown)

// New compiles the parser that o names (o.Format or o.LogFormat).
func New(o Options) (*Parser, error) {
	if name := aliases[o.LogFormat]; name != "" {
		o.LogFormat, o.Format = "", name
	} else if name := aliases[o.Format]; name != "" {
		o.Format = name
	}
	if o.LogFormat != "" {
		if len(o.Fields) > 0 {
			return nil, fmt.Errorf("%w whose keys are not known: a log format names its own", errNotJSON)
		}
		f, name, err := compile(o.LogFormat, o.Format)
		if err != nil {
			return nil, err
		}
		return newParser(name, f, o), nil
	}
	for i := range presets {
		if p := &presets[i]; p.name == o.Format {
			return p.parser(o)
		}
	}
	names := make([]string, len(presets))
	for i := range presets {
		names[i] = presets[i].name
	}
	return nil, fmt.Errorf("format %q: %w (known: %s)", o.Format, ErrUnknown, strings.Join(names, ", "))
}

func newParser(name string, f *format, o Options) *Parser {
	newest := o.Newest
	if newest.IsZero() {
		newest = time.Now()
	}
	return &Parser{name: name, f: f, host: []byte(o.Host), clock: clock{zones: zones{loc: o.Timezone}}, newest: newest.Add(24 * time.Hour)}
}

// Name is the dialect's name: common, combined, nginx-combined, nginx-json, nginx-log-format, apache-log-format, …
func (p *Parser) Name() string { return p.name }

// Basis says how the dialect's stamp becomes an arrival.
func (p *Parser) Basis() capture.Basis { return p.f.basis() }

// Resolution is that of the dialect's stamps. Where the format does not settle it (JSON without a
// log_format) it follows the finest fraction of a second seen so far.
func (p *Parser) Resolution() time.Duration {
	if !p.f.observed || p.f.coarse && !p.f.pinned[kTime] {
		return p.f.resolution
	}
	r := time.Second
	for range p.digits {
		r /= 10
	}
	return r
}

// Notes says what was doubtful in the lines parsed so far.
func (p *Parser) Notes() []string { return append(p.zones.notes(p.f.utc), p.order.notes(p.f.ends)...) }

// Parse reads one line, without its line end, into q (which it resets first). q's slices point into line or
// into the parser's scratch memory and stay valid until the next Parse. It sets every field but Src. The error
// is always a *capture.SyntaxError (reused by the next Parse): blank and comment lines are errors of these reasons.
func (p *Parser) Parse(line []byte, q *capture.Request) error {
	q.Reset()
	p.outer, p.layers = nil, 0
	line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	for len(line) > 0 && (line[len(line)-1] == '\r' || line[len(line)-1] == '\n') {
		line = line[:len(line)-1]
	}
	if p.wraps[0] != bare {
		if inner, n := p.peelKnown(line); n > 0 {
			p.taken, p.layers = p.wraps, n
			if p.partial {
				return p.bad(reasonPartial, nil, "one part of a line that a container's runtime split")
			}
			return p.parse(inner, q)
		}
	}
	err := p.parse(line, q)
	if err == nil || p.strict || !p.foreign() {
		return err
	}
	// Only a line that does not fit can be a wrapped one, so the others never pay for the question.
	first := p.err
	for range maxLayers {
		var w wrapper
		if line, w = p.peelAny(line); w == bare {
			break
		}
		p.taken[p.layers] = w
		p.layers++
		if p.partial {
			return p.bad(reasonPartial, nil, "one part of a line that a container's runtime split")
		}
		q.Reset()
		if err := p.parse(line, q); err == nil || p.err.Reason != reasonMisfit && p.err.Reason != reasonNone {
			return err
		}
	}
	q.Reset()
	p.err, p.outer, p.layers = first, nil, 0
	return &p.err
}

// foreign reports whether the last line may be one of the dialect with something around it.
func (p *Parser) foreign() bool {
	switch p.err.Reason {
	case reasonMisfit, reasonJSON, reasonTime, reasonNone:
		return true
	}
	return false
}

func (p *Parser) parse(line []byte, q *capture.Request) error {
	trimmed := trimLeft(line)
	if len(trimmed) == 0 {
		return p.bad(capture.ReasonBlank, nil, "blank line")
	}
	if trimmed[0] == '#' {
		if p.f.columns != nil {
			if seq := p.f.columns(trimmed); seq != nil {
				p.f.text = seq
			}
		}
		return p.bad(capture.ReasonComment, line, "comment")
	}
	p.content = line
	p.rec, p.arena = record{}, p.arena[:0]
	p.rec.dur, p.rec.first = -1, -1
	ok := false
	switch {
	case p.f.labels:
		ok = p.labelled(line, q)
	case p.f.table != nil:
		ok = p.cells(line, q)
	case p.f.text != nil:
		ok = p.text(p.f.text, line, q)
	default:
		ok = p.object(trimmed, q)
	}
	if !ok || !p.finish(q) {
		q.Reset()
		return &p.err
	}
	return nil
}

// text splits line and gives its values their meaning.
func (p *Parser) text(seq sequence, line []byte, q *capture.Request) bool {
	if rest, ok := seq.split(line, p.vals[:]); !ok {
		if p.f.other != nil {
			if msg := p.f.other(line); msg != "" {
				return p.fail(reasonNotHTTP, line, msg)
			}
		}
		return p.fail(reasonMisfit, rest, "does not fit the format from here on")
	}
	for i := range seq {
		if p.vals[i] != nil && seq[i].kind != kSkip && !p.put(&seq[i], p.vals[i], q) {
			return false
		}
	}
	return true
}

// object gives the values of a JSON object their meaning.
func (p *Parser) object(line []byte, q *capture.Request) bool {
	w := &p.walker
	w.enter, w.lists, p.key = p.f.enter, p.f.lists, 0
	w.start(line)
	if w.bad {
		return p.fail(reasonMisfit, line, "not a JSON object")
	}
	for {
		path, v, more := w.next()
		if !more {
			break
		}
		if len(p.f.pairs) > 0 {
			if path = p.pair(path, v); path == nil {
				continue
			}
		}
		seq, known := p.f.keys[string(path)]
		if !known && p.f.infer {
			seq = p.f.learn(path)
		} else if !known && p.f.wild != nil {
			seq = p.f.learnHeader(path)
		}
		if len(seq) == 0 || !w.str && string(v) == "null" || string(v) == "(null)" { // as Fastly writes a header that was not sent
			continue
		}
		if len(seq) == 1 && seq[0].how == whole && len(seq[0].lit) == 0 {
			p.rec.owned |= seq[0].own
			if seq[0].kind != kSkip && !p.put(&seq[0], v, q) {
				return false
			}
		} else if !p.text(seq, v, q) {
			return false
		}
	}
	if w.bad {
		return p.fail(reasonJSON, line, "not a whole JSON object")
	}
	return true
}

func (p *Parser) bad(reason string, part []byte, msg string) error {
	p.fail(reason, part, msg)
	return &p.err
}

// fail notes why the line is no request, and is false.
func (p *Parser) fail(reason string, part []byte, msg string) bool {
	p.err = capture.SyntaxError{Reason: reason, Part: part, Msg: msg}
	return false
}
