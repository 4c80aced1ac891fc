package threshold

import (
	"fmt"
	"strings"
	"time"
)

// Threshold is one parsed threshold. Make one with [Parse]; two that mean the same are equal under ==.
// It is immutable, so any number of goroutines may share one.
type Threshold struct {
	Scope  string        // a glob of endpoints, as written; empty: none was
	Metric string        // p99, service_p50, error_rate, rate, status:5xx, …
	Op     string        // <, <=, > or >=
	Limit  int64         // nanoseconds for latencies, parts per billion for shares
	Window time.Duration // it must hold in every full window of this length; 0: over the whole run
	Abort  time.Duration // a live breach this long stops the run; 0: never

	kind    kind
	quant   int64 // of a latency metric, in thousandths; 1000 is max
	status  uint16
	percent bool // the share was written as a percentage
}

type kind uint8

const (
	latency kind = iota
	service
	errorRate
	rate
	statusCode
	statusClass
)

// share reports whether the metric is a share of samples rather than a time.
func (k kind) share() bool { return k >= errorRate }

// SyntaxError says where and why a threshold cannot be read.
type SyntaxError struct {
	Expr   string // as given
	Column int    // of the offending byte, from 1
	Msg    string
	Hint   string // a way to write it, or empty
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("threshold %q: column %d: %s", e.Expr, e.Column, e.Msg)
}

// Ceilings of one expression.
const (
	maxExpr   = 4096
	maxWindow = 24 * time.Hour
	maxLimit  = time.Hour // the range of the histograms
)

const example = `such as 'p99 < 250ms' or 'GET /cart: error_rate < 0.1% over 30s abort after 10s'`

// Parse reads one threshold:
//
//	threshold  = [ scope ":" ] metric comparison value [ "over" duration ] [ "abort" "after" duration ]
//	scope      = a glob of endpoint ids: GET /api/**        (see Resolve)
//	metric     = [ "service_" ] quantile | "error_rate" | "rate" | "status:" ( code | class )
//	quantile   = "p50" | "p90" | "p95" | "p99" | "p999" | "max"
//	code       = three digits, 100 to 599                   class = "1xx" to "5xx"
//	comparison = "<" | "<=" | ">" | ">="
//	value      = duration                                   for quantiles
//	           | decimal [ "%" ]                            for shares: 0.1% and 0.001 are the same
//	duration   = decimal ( "us" | "µs" | "ms" | "s" | "m" | "h" )
//
// The scope ends at the last colon that a metric follows, so that a path may hold colons itself.
// Every error is a [*SyntaxError].
func Parse(s string) (*Threshold, error) {
	if len(s) > maxExpr {
		return nil, &SyntaxError{s[:60] + "…", 1, fmt.Sprintf("%d bytes long, limit %d", len(s), maxExpr), ""}
	}
	p := parser{s: s}
	t := &Threshold{}
	for _, step := range []func(*Threshold) error{p.scope, p.metric, p.comparison, p.value, p.window, p.abort, p.end} {
		if err := step(t); err != nil {
			return nil, err
		}
	}
	return t, nil
}

type parser struct {
	s   string
	pos int
}

func (p *parser) fail(at int, hint, format string, args ...any) error {
	return &SyntaxError{p.s, at + 1, fmt.Sprintf(format, args...), hint}
}

func (p *parser) space() {
	for p.pos < len(p.s) && (p.s[p.pos] == ' ' || p.s[p.pos] == '\t') {
		p.pos++
	}
}

// word takes the run of bytes up to a space or a comparison.
func (p *parser) word() (w string, at int) {
	p.space()
	at = p.pos
	for p.pos < len(p.s) && !strings.ContainsRune(" \t<>=", rune(p.s[p.pos])) {
		p.pos++
	}
	return p.s[at:p.pos], at
}

func (p *parser) scope(t *Threshold) error {
	cut := -1
	for i := len(p.s) - 1; i >= 0 && cut < 0; i-- {
		if p.s[i] == ':' && startsMetric(p.s[i+1:]) {
			cut = i
		}
	}
	if cut < 0 && !startsMetric(p.s) {
		// Nothing names a metric: take the last colon that a space follows, so that the error points behind it.
		cut = strings.LastIndex(p.s, ": ")
	}
	if cut < 0 {
		return nil
	}
	t.Scope = strings.Trim(p.s[:cut], " \t")
	if t.Scope == "" {
		return p.fail(0, "leave the colon out to judge every endpoint", "empty scope")
	}
	if i := strings.IndexFunc(t.Scope, func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
		return p.fail(strings.Index(p.s, t.Scope)+i, "", "control byte in the scope")
	}
	p.pos = cut + 1
	return nil
}

func startsMetric(s string) bool {
	p := parser{s: s}
	w, _ := p.word()
	return (&Threshold{}).setMetric(w)
}

func (p *parser) metric(t *Threshold) error {
	w, at := p.word()
	if w == "" {
		return p.fail(at, example, "no metric")
	}
	if !t.setMetric(w) {
		hint := "metrics are " + strings.Join(metrics, " ") + " service_p50 … service_max status:5xx status:404"
		if near := nearest(w, metrics); near != "" {
			hint = "did you mean " + near + "?"
		}
		return p.fail(at, hint, "unknown metric %q", w)
	}
	return nil
}

var metrics = []string{"p50", "p90", "p95", "p99", "p999", "max", "error_rate", "rate"}

// setMetric recognises a metric by name.
func (t *Threshold) setMetric(w string) bool {
	t.Metric = w
	if code, ok := strings.CutPrefix(w, "status:"); ok {
		return t.setStatus(code)
	}
	name, isService := strings.CutPrefix(w, "service_")
	if isService {
		t.kind = service
	}
	switch name {
	case "p50", "p90", "p95", "p99", "p999", "max":
		t.quant = map[string]int64{"p50": 500, "p90": 900, "p95": 950, "p99": 990, "p999": 999, "max": 1000}[name]
		return true
	case "error_rate":
		t.kind = errorRate
	case "rate":
		t.kind = rate
	default:
		return false
	}
	return !isService
}

func (t *Threshold) setStatus(code string) bool {
	if len(code) != 3 || code[0] < '1' || code[0] > '5' {
		return false
	}
	if code[1:] == "xx" {
		t.kind, t.status = statusClass, uint16(code[0]-'0')
		return true
	}
	for _, c := range []byte(code) {
		if c < '0' || c > '9' {
			return false
		}
		t.status = t.status*10 + uint16(c-'0')
	}
	t.kind = statusCode
	return true
}

func (p *parser) comparison(t *Threshold) error {
	p.space()
	for _, op := range []string{"<=", ">=", "<", ">"} {
		if strings.HasPrefix(p.s[p.pos:], op) {
			t.Op = op
			p.pos += len(op)
			return nil
		}
	}
	return p.fail(p.pos, example, "want <, <=, > or >= after %s", t.Metric)
}

func (p *parser) value(t *Threshold) error {
	w, at := p.word()
	switch {
	case w == "":
		return p.fail(at, example, "no value after %s %s", t.Metric, t.Op)
	case t.kind.share():
		return p.share(t, w, at)
	}
	d, err := p.duration(w, at, t.Metric+" is a time")
	if err != nil {
		return err
	}
	if d <= 0 || d > maxLimit {
		return p.fail(at, "", "%s is outside 0 to %s", w, format(maxLimit))
	}
	t.Limit = int64(d)
	return nil
}

func (p *parser) share(t *Threshold, w string, at int) error {
	num, percent := strings.CutSuffix(w, "%")
	scale := int64(1e9)
	if percent {
		scale = 1e7
	}
	v, ok := decimal(num, scale)
	if !ok {
		return p.fail(at, "write 0.1% or 0.001", "%s is a share of requests, %q is none", t.Metric, w)
	}
	if v > 1e9 {
		return p.fail(at, "write 0.1% or 0.001", "%s is more than 100%%", w)
	}
	t.Limit, t.percent = v, percent
	return nil
}

func (p *parser) window(t *Threshold) error {
	return p.span([]string{"over"}, &t.Window)
}

func (p *parser) abort(t *Threshold) error {
	return p.span([]string{"abort", "after"}, &t.Abort)
}

// span reads the keywords and a duration of 1 s to 24 h into d, or nothing.
func (p *parser) span(keywords []string, d *time.Duration) error {
	start := p.pos
	for i, k := range keywords {
		w, at := p.word()
		if w != k && i == 0 {
			p.pos = start
			return nil
		}
		if w != k {
			return p.fail(at, example, "want %q", k)
		}
	}
	w, at := p.word()
	v, err := p.duration(w, at, strings.Join(keywords, " ")+" takes a time")
	if err != nil {
		return err
	}
	if v < time.Second || v > maxWindow {
		return p.fail(at, "", "%s is outside 1s to 24h", w)
	}
	*d = v
	return nil
}

func (p *parser) end(*Threshold) error {
	p.space()
	if p.pos < len(p.s) {
		return p.fail(p.pos, example, "unexpected %q", p.s[p.pos:])
	}
	return nil
}

var units = []struct {
	name string
	d    time.Duration
}{{"us", time.Microsecond}, {"µs", time.Microsecond}, {"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}}

func (p *parser) duration(w string, at int, what string) (time.Duration, error) {
	for _, u := range units {
		num, ok := strings.CutSuffix(w, u.name)
		if !ok {
			continue
		}
		if v, ok := decimal(num, int64(u.d)); ok {
			return time.Duration(v), nil
		}
	}
	return 0, p.fail(at, "write 250ms, 1.5s or 800us", "%s, %q is none", what, w)
}

// decimal reads digits with an optional fraction as an exact multiple of 1/scale. It refuses a value that
// needs a finer step, so that a limit is never rounded behind the user's back.
func decimal(s string, scale int64) (int64, bool) {
	whole, frac, point := strings.Cut(s, ".")
	if whole == "" || len(whole) > 9 || point && frac == "" {
		return 0, false
	}
	var v int64
	for _, c := range []byte(whole) {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	if v > 1e18/scale {
		return 0, false
	}
	v *= scale
	for _, c := range []byte(frac) {
		if c < '0' || c > '9' {
			return 0, false
		}
		if c != '0' && (scale < 10 || scale%10 != 0) {
			return 0, false
		}
		scale /= 10
		v += int64(c-'0') * scale
	}
	return v, true
}
