package accesslog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"trafficreplay/capture"
)

// Ceilings on a format string.
const (
	maxFormat = 64 << 10
	maxValues = 256
	maxName   = 128 // of a variable
)

// format is a compiled log format: a sequence for text, or a sequence for the value of each key of JSON.
type format struct {
	text    sequence
	keys    map[string]sequence
	labels  bool            // lines are label:value between tabs
	table   *table          // lines are cells; text holds their columns
	infer   bool            // keys that are not known yet get their meaning from their name
	enter   map[string]bool // the objects that hold something; nil: all may
	lists   map[string]bool // the lists that hold something; nil: none
	pairs   string          // path of a list of keys and values that stands for an object
	wild    []wildcard
	hyphens bool          // names of headers have underscores for hyphens
	owned   uint32        // bits of the fields by which the dialect is recognised
	mark    uint32        // that of keys that are nothing but a sign of it
	pinned  map[kind]bool // kinds whose key the user named

	raw    bool // logged without escapes
	latin  bool // \u00e9 is one byte
	ends   bool // the stamps are ends of requests
	timed  bool // a duration is logged
	partly bool // the stamp comes in parts (kTimePart)
	bare   bool // no stamp is logged: that of the collector around the line counts
	utc    bool // stamps without a zone are in UTC, as the format is defined

	without string // reason of lines that hold no request at all; empty: they count as bad request lines

	// columns, if not nil, reads a comment line that may name the columns of the lines below it (W3C's #Fields:)
	// and returns their sequence, or nil where it names none. Without a comment it gives the columns before the
	// first header again.
	columns func(comment []byte) sequence

	observed bool // the resolution is that of the stamps seen
	coarse   bool // but for fractions of the preset's own stamps, which say nothing
	// other, if not nil, says of a line that does not fit why it holds no HTTP request, or "" where it cannot tell.
	other func(line []byte) (msg string)

	cut int // a request line of this length without a protocol was cut; 0: none is

	timers  bool // HAProxy's timers are logged
	accepts bool // with them the stamp is that of the connection

	resolution time.Duration
}

// basis says what the format's stamps are worth.
func (f *format) basis() capture.Basis {
	switch {
	case !f.ends:
		return capture.BasisStart
	case f.timed:
		return capture.BasisEndMinusDuration
	}
	return capture.BasisCompletion
}

// builder collects the steps of a sequence.
type builder struct {
	seq   sequence
	lit   []byte
	raw   bool
	group int // index + 1 of the first step of the open group
	err   error
}

func (b *builder) text(s string) { b.lit = append(b.lit, s...) }

func (b *builder) value(s step) {
	if len(b.seq) >= maxValues {
		b.fail("more than %d values", maxValues)
		return
	}
	s.lit, b.lit = b.lit, nil
	if s.raw = b.raw; s.how == literal {
		s.how = plain
		if s.span != nil {
			s.how = spanned
		}
	}
	b.seq = append(b.seq, s)
}

// flush ends the literal here, so that what follows can be left out.
func (b *builder) flush() {
	if len(b.lit) > 0 {
		b.seq = append(b.seq, step{lit: b.lit})
		b.lit = nil
	}
}

// open begins a group that a line may lack; close ends it. Only presets have groups.
func (b *builder) open() {
	b.flush()
	b.group = len(b.seq) + 1
}

func (b *builder) close() {
	b.flush()
	if b.group > 0 && b.group <= len(b.seq) {
		b.seq[b.group-1].jump = len(b.seq)
		for i := range b.seq[b.group-1:] {
			b.seq[b.group-1+i].group = true
		}
	}
	b.group = 0
}

func (b *builder) fail(msg string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf(msg, args...)
	}
}

// finish settles where each value ends.
func (b *builder) finish() (sequence, error) {
	b.flush()
	for i := range b.seq {
		if b.seq[i].how == plain {
			b.ending(i)
		}
	}
	for i := len(b.seq) - 1; i >= 0 && b.seq[i].group; i-- {
		b.seq[i].torn = b.seq[i].how == quoted
	}
	return b.seq, b.err
}

// ending decides how the value of step i ends from what follows it.
func (b *builder) ending(i int) {
	s := &b.seq[i]
	if i+1 == len(b.seq) {
		s.how = whole
		return
	}
	next := &b.seq[i+1]
	s.stop = next.lit
	if i+2 == len(b.seq) && next.how == literal && !next.group {
		s.how = whole
		return
	}
	switch {
	case len(next.lit) == 0:
		b.adjacent(i)
	case next.jump > 0:
		s.stop, s.eol = next.lit[:1], true
	case next.how == literal && i+2 < len(b.seq) && b.seq[i+2].jump > 0:
		s.loose = true
	}
	if s.kind == kTimePart {
		s.how = pattern
		return
	}
	if len(s.stop) == 0 || s.cut != 0 {
		return
	}
	switch {
	case s.stop[0] == '"' && len(s.lit) > 0 && s.lit[len(s.lit)-1] == '"':
		s.how = quoted
	case s.fixed > 0 && s.stop[0] == ' ':
		s.how = fixed
	}
}

// adjacent settles a value that the next one follows without anything between: the kinds must tell.
func (b *builder) adjacent(i int) {
	s, next := &b.seq[i], &b.seq[i+1]
	for _, later := range b.seq[i+1:] {
		if s.stop = later.lit; len(s.stop) > 0 {
			break
		}
	}
	s.eol = len(s.stop) == 0
	switch {
	case s.how == flag || s.kind == kTimePart:
	case next.kind == kTarget || next.kind == kDecoded:
		s.cut = '/'
	case next.how == flag || next.kind == kQuery:
		s.cut = '?'
	case s.kind == kSkip && next.kind == kSkip:
		next.how = fixed // of no bytes: the first takes them all
	default:
		b.fail("nothing between two values: cannot tell where the first ends")
	}
}

// settle chooses among stamps and durations that a format logs several times, and checks that the format
// holds what a request needs.
func (f *format) settle() error {
	var steps []*step
	for i := range f.text {
		steps = append(steps, &f.text[i])
	}
	for _, seq := range f.keys {
		for i := range seq {
			steps = append(steps, &seq[i])
		}
	}
	keepBest(steps, kTime)
	keepBest(steps, kDur)
	has := map[kind]bool{}
	for _, s := range steps {
		has[s.kind] = true
	}
	f.timed = has[kDur]
	f.bare = !has[kTime] && !has[kTimePart] && !has[kClock] && !has[kClockUTC]
	switch {
	case !has[kRequest] && !has[kTarget] && !has[kPath] && !has[kDecoded] && !has[kURI]:
		return errors.New("it logs neither the request line nor the path")
	case !has[kRequest] && !has[kMethod]:
		return errors.New("it logs neither the request line nor the method")
	}
	return nil
}

// keepBest makes every step of kind k but those of the highest rank skip its value.
func keepBest(steps []*step, k kind) {
	best := uint8(0)
	for _, s := range steps {
		if s.kind == k {
			best = max(best, s.rank)
		}
	}
	for _, s := range steps {
		if s.kind == k && s.rank < best {
			s.kind = kSkip
		}
	}
}

// notation is a way of writing log formats.
type notation struct {
	name    string
	compile func(string) (*format, error)
	writes  func(s string) bool // whether s is written so; the first notation that says yes is taken
}

// notations in the order in which they are asked; the last one takes what is left.
var notations = []notation{
	{"w3c", compileFields, isFields},
	{"envoy", compileEnvoy, isEnvoy},
	{"tomcat", compileTomcat, isTomcat},
	{"tomcat-9", compileTomcat9, func(string) bool { return false }},
	{"lighttpd", compileLighttpd, isLighttpd},
	{"varnishncsa", compileVarnish, isVarnish},
	{"squid", compileSquid, isSquid},
	{"haproxy", compileHAProxy, isHAProxy},
	{"goaccess", compileGoAccess, isGoAccess},
	{"apache", func(s string) (*format, error) { return compileApache(s, false) }, isApache},
	{"nginx", compileNginx, func(string) bool { return true }},
}

// compile compiles a log format as it was pasted from a server's configuration. in names its notation; where it
// is empty the text tells.
func compile(s, in string) (f *format, name string, err error) {
	if len(s) > maxFormat {
		return nil, "", fmt.Errorf("log format of %d bytes, limit %d", len(s), maxFormat)
	}
	s = strings.TrimSpace(s)
	i := slices.IndexFunc(notations, func(n notation) bool { return n.name == in || in == "" && n.writes(s) })
	if i < 0 {
		return nil, "", fmt.Errorf("notation %q of a log format: want one of %s", in, strings.Join(notationNames(), ", "))
	}
	if f, err = notations[i].compile(s); err != nil {
		return nil, "", fmt.Errorf("log format %.80q: %w", s, err)
	}
	return f, notations[i].name + "-log-format", nil
}

func notationNames() (names []string) {
	for _, n := range notations {
		names = append(names, n.name)
	}
	return names
}

// isApache tells the two styles apart: variables begin with $ in nginx, with % in Apache.
func isApache(s string) bool {
	if nickname(s) != "" {
		return true
	}
	switch word, _, _ := strings.Cut(s, " "); strings.ToLower(word) {
	case "logformat", "customlog", "transferlog", "globallog":
		return true
	case "log_format":
		return false
	}
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '$' && (s[i+1] == '{' || nameByte(s[i+1])) {
			return false
		}
	}
	return strings.IndexByte(s, '%') >= 0
}
