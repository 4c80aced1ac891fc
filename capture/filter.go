package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Filter says which requests to keep. The zero value keeps all. It is safe for concurrent use.
type Filter struct {
	Since, Until time.Time // arrivals at or after Since and before Until; zero: no bound
	Host         *Glob     // compared without the port unless the glob has one
	Path         *Glob     // of the target up to its query
	Method       string    // compared without case
	Status       string    // 200, or 5xx for a class
	Client       string    // as the source has it: an address in logs, a pseudonym in capture files
	Sample       float64   // share of the clients to keep, by a hash; 0 or 1: all

	ExcludeHealthChecks bool // see HealthCheck
}

// FilterFlags are a filter as it is typed; an empty string does not filter.
type FilterFlags struct {
	Since, Until, Host, Path, Method, Status, Client, Sample string
	ExcludeHealthChecks                                      bool
}

// ParseFilter turns what was typed into a filter. Errors name the flag.
func ParseFilter(f FilterFlags) (*Filter, error) {
	out := &Filter{Method: strings.ToUpper(f.Method), Client: f.Client, ExcludeHealthChecks: f.ExcludeHealthChecks}
	var err error
	if out.Since, err = parseInstant("--since", f.Since); err != nil {
		return nil, err
	}
	if out.Until, err = parseInstant("--until", f.Until); err != nil {
		return nil, err
	}
	if f.Since != "" && f.Until != "" && !out.Since.Before(out.Until) {
		return nil, fmt.Errorf("--until %q: not after --since %q", f.Until, f.Since)
	}
	if f.Host != "" {
		out.Host = newGlob(f.Host, "(?is)")
	}
	if f.Path != "" {
		if f.Path[0] != '/' && f.Path[0] != '*' {
			return nil, fmt.Errorf("--path %q: want a glob that begins with / or *", f.Path)
		}
		out.Path = NewGlob(f.Path)
	}
	if out.Status, err = parseStatus(f.Status); err != nil {
		return nil, err
	}
	out.Sample, err = parseSample(f.Sample)
	return out, err
}

func parseInstant(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	ns, ok := parseStamp([]byte(s))
	if !ok {
		return time.Time{}, fmt.Errorf("%s %q: want an instant such as 2026-11-23T14:00:00Z", flag, s)
	}
	return time.Unix(0, ns).UTC(), nil
}

func parseStatus(s string) (string, error) {
	s = strings.ToLower(s)
	if s == "" {
		return "", nil
	}
	digits := strings.TrimSuffix(s, "xx")
	want := 3
	if digits != s {
		want = 1
	}
	if n, err := strconv.Atoi(digits); err != nil || len(digits) != want || n < 1 || want == 3 && n < 100 {
		return "", fmt.Errorf("--status %q: want a status such as 200 or a class such as 5xx", s)
	}
	return s, nil
}

// parseSample reads 10% or 0.1.
func parseSample(s string) (float64, error) {
	if s == "" {
		return 0, nil
	}
	number, percent := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v > 0 && v <= 1) {
		return 0, fmt.Errorf("--sample %q: want a share above 0 and up to 1, such as 10%% or 0.1", s)
	}
	return v, nil
}

// Keep reports whether q passes. A nil filter keeps all.
func (f *Filter) Keep(q *Request) bool {
	return f == nil || f.inTime(q.At) && f.isMethod(q.Method) && f.isStatus(q.Status) &&
		(f.Client == "" || string(q.Client) == f.Client) &&
		(f.Host == nil || f.isHost(q.Host)) &&
		(f.Path == nil || f.Path.Match(path(q.Target))) &&
		f.isSampled(q) &&
		!(f.ExcludeHealthChecks && HealthCheck(q) != "")
}

// Why names what q is, of a request that Keep excludes: a health check's heuristic. It is empty where another part of
// the filter excludes it.
func (f *Filter) Why(q *Request) string {
	if !f.ExcludeHealthChecks {
		return ""
	}
	others := *f
	others.ExcludeHealthChecks = false
	if !others.Keep(q) {
		return ""
	}
	return HealthCheck(q)
}

func (f *Filter) inTime(at int64) bool {
	return (f.Since.IsZero() || at >= f.Since.UnixNano()) && (f.Until.IsZero() || at < f.Until.UnixNano())
}

func (f *Filter) isMethod(m []byte) bool {
	return f.Method == "" || len(m) == len(f.Method) && strings.EqualFold(string(m), f.Method)
}

func (f *Filter) isStatus(s int) bool {
	switch len(f.Status) {
	case 0:
		return true
	case 3:
		if f.Status[1] == 'x' {
			return s/100 == int(f.Status[0]-'0')
		}
		n, err := strconv.Atoi(f.Status)
		return err == nil && n == s
	}
	return false
}

func (f *Filter) isHost(h []byte) bool {
	if i := bytes.LastIndexByte(h, ':'); i >= 0 && !strings.Contains(f.Host.pattern, ":") && bytes.IndexByte(h[i:], ']') < 0 {
		h = h[:i]
	}
	return f.Host.Match(h)
}

// path is the part of a target before its query.
func path(target []byte) []byte {
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		return target[:i]
	}
	return target
}

// isSampled keeps all requests of a client or none: sessions stay whole, whatever order the lines are in.
// A request of no known client goes with its connection, else alone.
func (f *Filter) isSampled(q *Request) bool {
	if f.Sample <= 0 || f.Sample >= 1 {
		return true
	}
	return float64(sampleHash(q))/math.MaxUint64 < f.Sample
}

func sampleHash(q *Request) uint64 {
	switch {
	case len(q.Client) > 0:
		return hash64(q.Client)
	case q.Conn > 0:
		return hash64(binary.LittleEndian.AppendUint64(nil, uint64(q.Conn)))
	}
	var at [8]byte
	binary.LittleEndian.PutUint64(at[:], uint64(q.At))
	return hash64(at[:]) ^ hash64(q.Target)
}

// hash64 is FNV-1a with the finalizer of SplitMix64, since FNV leaves the high bits of short inputs alike.
func hash64(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// Glob is a pattern in which ? stands for one character other than a slash, * for any number of them, and ** for
// anything. Everything else stands for itself.
type Glob struct {
	pattern string
	re      *regexp.Regexp // matches in time linear in the text, whatever the pattern
}

// NewGlob compiles a pattern. Every string is one.
func NewGlob(pattern string) *Glob { return newGlob(pattern, "(?s)") }

func newGlob(pattern, flags string) *Glob {
	var b strings.Builder
	b.WriteString(flags + "^")
	for i := 0; i < len(pattern); i++ {
		switch {
		case strings.HasPrefix(pattern[i:], "**"):
			b.WriteString(`.*`)
			i++
		case pattern[i] == '*':
			b.WriteString(`[^/]*`)
		case pattern[i] == '?':
			b.WriteString(`[^/]`)
		default:
			n := strings.IndexAny(pattern[i:], "*?")
			if n < 0 {
				n = len(pattern) - i
			}
			b.WriteString(regexp.QuoteMeta(pattern[i : i+n]))
			i += n - 1
		}
	}
	b.WriteString(`$`)
	re, err := regexp.Compile(strings.ToValidUTF8(b.String(), "\ufffd"))
	if err != nil {
		panic(err) // quoted text and three fixed parts always compile
	}
	return &Glob{pattern, re}
}

// Match reports whether the whole of text fits the pattern.
func (g *Glob) Match(text []byte) bool { return g.re.Match(text) }

// String is the pattern.
func (g *Glob) String() string { return g.pattern }
