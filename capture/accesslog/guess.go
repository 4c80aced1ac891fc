package accesslog

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"trafficreplay/capture"
)

// survey is what the sample of a JSON log of unknown shape says about its keys.
type survey struct {
	paths  []*surveyed // in the order in which they were seen
	byPath map[string]*surveyed
}

// surveyed is one key, and how many of its values look like what.
type surveyed struct {
	path string
	n    int // values that are not empty
	like map[kind]int
	unit string // of stamps that are numbers, as --field names it
	step step   // its meaning by its name, and later the one it gets
}

// roles are what a request is made of, in the order in which a guess is told. A role that no name fits is looked for
// among the values; sure says that the values alone are proof enough.
var roles = []struct {
	kinds []kind
	byVal kind
	sure  bool
}{
	{[]kind{kRequest}, kRequest, true},
	{[]kind{kMethod}, kMethod, true},
	{[]kind{kTarget, kPath, kDecoded}, kPath, true},
	{[]kind{kQuery}, kSkip, false},
	{[]kind{kTime, kEnd}, kTime, true},
	{[]kind{kDur}, kDur, true},
	{[]kind{kFirst}, kSkip, false},
	{[]kind{kStatus}, kStatus, false},
	{[]kind{kHost}, kSkip, false},
	{[]kind{kScheme, kHTTPS, kTLS}, kSkip, false},
	{[]kind{kProto, kProtoOrScheme}, kProto, true},
	{[]kind{kSize}, kSkip, false},
	{[]kind{kWire}, kSkip, false},
	{[]kind{kBodySize}, kSkip, false},
	{[]kind{kClient}, kClient, true},
	{[]kind{kUser}, kSkip, false},
	{[]kind{kConn}, kSkip, false},
}

// take looks at a line without wrappers.
func (s *survey) take(w *walker, line []byte) {
	if s.byPath == nil {
		s.byPath = map[string]*surveyed{}
	}
	for w.start(line); ; {
		path, v, more := w.next()
		if !more {
			return
		}
		k := s.byPath[string(path)]
		if k == nil {
			if len(s.paths) >= maxKeys || len(path) > 256 {
				continue
			}
			k = &surveyed{path: string(path), like: map[kind]int{}, step: meaning(string(path))}
			s.paths, s.byPath[k.path] = append(s.paths, k), k
		}
		if len(v) > 0 && string(v) != "-" && (w.str || string(v) != "null") {
			k.look(v)
		}
	}
}

// look counts what a value looks like.
func (k *surveyed) look(v []byte) {
	k.n++
	switch {
	case isMethod(v):
		k.like[kMethod]++
	case isRequestLine(v):
		k.like[kRequest]++
	case v[0] == '/' || bytes.HasPrefix(v, []byte("http://")) || bytes.HasPrefix(v, []byte("https://")):
		k.like[kPath]++
	case validProto(v):
		k.like[kProto]++
	case v[len(v)-1] >= 'h' && isSpan(v):
		k.like[kDur]++
	case isAddress(v):
		k.like[kClient]++
	default:
		if n, ok := integer(v); ok && n >= 100 && n <= 599 && len(v) == 3 {
			k.like[kStatus]++
		}
		if unit, ok := stampUnit(v); ok {
			k.like[kTime]++
			k.unit = unit
		}
	}
}

func isMethod(v []byte) bool {
	switch string(v) {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "PROPFIND", "REPORT", "PURGE":
		return true
	}
	return false
}

func isRequestLine(v []byte) bool {
	i := bytes.IndexByte(v, ' ')
	return i > 0 && i+1 < len(v) && isMethod(v[:i]) && (v[i+1] == '/' || v[i+1] == '*' || v[i+1] == 'h')
}

func isSpan(v []byte) bool {
	_, ok := withUnit(v)
	return ok
}

func isAddress(v []byte) bool {
	if len(v) > 64 {
		return false
	}
	_, err := netip.ParseAddr(string(withoutPort(firstOfList(v))))
	return err == nil
}

// stampUnit tells a stamp: text with a date, or a number that is an instant between 2000 and 2100.
func stampUnit(v []byte) (unit string, ok bool) {
	if v[0] == '[' && v[len(v)-1] == ']' {
		v = v[1 : len(v)-1] // Apache's %t
	}
	var c clock
	ns, msg := c.parse(v)
	if msg != "" || ns < 946684800*second || ns > 4102444800*second {
		return "", false
	}
	whole := bytes.IndexByte(v, '.')
	if whole < 0 {
		whole = len(v)
	}
	if _, number := integer(v[:min(whole, 18)]); !number {
		return "", true
	}
	switch {
	case whole <= 11:
		return "unix", true
	case whole <= 14:
		return "unix_ms", true
	case whole <= 17:
		return "unix_us", true
	}
	return "unix_ns", true
}

// mostly reports whether nearly all values of the key look like kind.
func (k *surveyed) mostly(like kind) bool { return k.n > 0 && 10*k.like[like] >= 9*k.n }

// doubtful reports whether the values contradict the key's name: a "method" that is no HTTP method.
func (k *surveyed) doubtful() bool {
	switch k.step.kind {
	case kMethod, kTime, kStatus:
		return k.n > 0 && 2*k.like[k.step.kind] < k.n
	case kTarget, kPath:
		return k.n > 0 && 2*(k.like[kPath]+k.like[kRequest]) < k.n
	}
	return false
}

// guess decides which key is which field, and says what it is not sure of.
func (p *Parser) guess(s *survey) (notes []string) {
	for _, k := range s.paths {
		if p.f.pinned[k.step.kind] || k.doubtful() || k.step.kind != kSkip && k.n == 0 {
			k.step = step{}
		}
	}
	for _, r := range roles {
		if slices.ContainsFunc(r.kinds, func(k kind) bool { return p.f.pinned[k] }) {
			continue
		}
		fit := s.named(r.kinds)
		if len(fit) == 0 && r.byVal != kSkip && !s.spoken(r.byVal) {
			fit = s.valued(r.byVal, r.sure)
			for _, k := range fit {
				k.step = step{kind: r.byVal, auto: r.byVal == kDur}
			}
		}
		for _, k := range fit[min(1, len(fit)):] {
			notes = append(notes, fmt.Sprintf("%s could be the %s as well as %s", quotedPath(k.path), p.meaningOf(&k.step), quotedPath(fit[0].path)))
			k.step = step{}
		}
	}
	if !p.f.pinned[kMethod] {
		s.dropPaths()
	}
	for _, k := range s.paths {
		if seq, known := p.f.keys[k.path]; known && len(seq) > 0 && seq[0].rank == rankPinned {
			continue
		}
		p.f.keys[k.path] = nil
		if k.step.kind != kSkip {
			k.step.how, k.step.label = whole, quotedPath(k.path)
			p.f.keys[k.path] = sequence{k.step}
		}
	}
	return notes
}

// dropPaths takes back that a key is the path where no key is the method: files have paths too.
func (s *survey) dropPaths() {
	for _, k := range s.paths {
		if k.step.kind == kMethod || k.step.kind == kRequest {
			return
		}
	}
	for _, k := range s.paths {
		if k.step.kind == kPath && meaning(k.path).kind != kPath {
			k.step = step{}
		}
	}
}

// named gives the keys whose names mean one of kinds best: of several with values those of the highest rank.
func (s *survey) named(kinds []kind) (fit []*surveyed) {
	for _, k := range s.paths {
		if !slices.Contains(kinds, k.step.kind) {
			continue
		}
		if len(fit) > 0 && (k.step.kind != fit[0].step.kind || k.step.rank != fit[0].step.rank) {
			continue // ranks settle it, line by line
		}
		fit = append(fit, k)
	}
	return fit
}

// spoken reports whether another field says what one of kind k would: a request line names the method.
func (s *survey) spoken(k kind) bool {
	for _, other := range s.paths {
		isRequest := other.step.kind == kRequest && other.mostly(kRequest)
		if isRequest && (k == kMethod || k == kPath || k == kProto) || k == kRequest && other.step.kind == kMethod {
			return true
		}
	}
	return false
}

// valued gives the keys without a meaning whose values look like kind k. What is not sure by its values alone must
// have a name that hints at it.
func (s *survey) valued(k kind, sure bool) (fit []*surveyed) {
	for _, key := range s.paths {
		if key.step.kind != kSkip || !key.mostly(k) {
			continue
		}
		name := strings.ToLower(key.path)
		if sure || strings.Contains(name, "status") || strings.Contains(name, "code") || strings.HasSuffix(name, "rc") {
			fit = append(fit, key)
		}
	}
	return fit
}

// quotedPath is a path as --field takes it.
func quotedPath(path string) string {
	var b strings.Builder
	for _, key := range strings.Split(path, ".") {
		b.WriteByte('.')
		if key == "" || strings.Trim(key, tokenBytes+"@/") != "" {
			b.WriteString(`"` + key + `"`)
		} else {
			b.WriteString(key)
		}
	}
	return b.String()
}

// surveyOf looks at the lines of a sample.
func (p *Parser) surveyOf(of sample) *survey {
	var s survey
	var w walker
	for _, line := range of.lines {
		line, _ = p.peelKnown(bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")))
		s.take(&w, line)
	}
	return &s
}

// tell says what was guessed, as the flags that would pin it, and what was not found.
func (t *trial) tell() {
	var flags, missing []string
	for _, r := range roles {
		found := slices.ContainsFunc(r.kinds, func(k kind) bool { return t.p.f.pinned[k] })
		for _, k := range t.survey.paths {
			if slices.Contains(r.kinds, k.step.kind) && k.step.kind != kSkip {
				flags = append(flags, t.flag(k))
				found = true
			}
		}
		if !found && !t.survey.spoken(r.byVal) {
			if name := missingName(r.kinds[0]); name != "" {
				missing = append(missing, name)
			}
		}
	}
	for _, k := range t.survey.paths {
		if k.step.kind == kHeader || k.step.kind == kRespHeader {
			flags = append(flags, t.flag(k))
		}
	}
	if len(flags) > 0 {
		t.note("guessed %s", strings.Join(flags, " "))
	}
	if len(missing) > 0 {
		t.note("not found: %s", strings.Join(missing, ", "))
	}
}

// missingName is the field whose absence is worth a word.
func missingName(k kind) string {
	switch k {
	case kDur, kStatus, kHost, kClient:
		return meanings[k]
	}
	return ""
}

// flag is the --field flag that says what was guessed of a key, quoted for a shell where it must be.
func (t *trial) flag(k *surveyed) string {
	unit := ""
	switch k.step.kind {
	case kTime, kEnd:
		unit = k.unit
	case kDur:
		unit = t.spanUnit(&k.step)
	}
	text := t.p.meaningOf(&k.step) + "=" + quotedPath(k.path)
	if unit != "" {
		text += ":" + unit
	}
	if strings.ContainsAny(text, "\" $&;|<>()`*?[]#~!\\'") {
		text = "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	return "--field " + text
}

// spanUnit is the unit of a duration; empty where the values carry their own.
func (t *trial) spanUnit(s *step) string {
	unit, points := s.unit, false
	for _, o := range t.lines {
		if s.auto && unit == 0 && o.bareUnit {
			points = points || o.point
			if unit = t.p.unit; unit == 0 {
				unit = millisecond
			}
		}
	}
	if s.auto && points {
		unit = second
	}
	for i, ns := range []int64{second, millisecond, microsecond, nanosecond} {
		if unit == ns {
			return spanUnits[i]
		}
	}
	return ""
}

// unknownJSON says what JSON lines lack that no dialect fits, or gives nil for others.
func unknownJSON(of sample) error {
	var p Parser
	p.f = &format{keys: map[string]sequence{}, infer: true}
	objects := 0
	for _, line := range of.lines {
		if t := trimLeft(line); len(t) > 0 && t[0] == '{' {
			objects++
		}
	}
	if s := p.surveyOf(of); 2*objects > of.n && len(s.paths) > 0 {
		p.guess(s)
		var q capture.Request
		missing := "a time, a method or a path"
		for _, line := range of.lines {
			if err := p.Parse(line, &q); err != nil && p.err.Msg != "" {
				missing = p.err.Msg
				break
			}
		}
		var keys []string
		for _, k := range s.paths[:min(len(s.paths), 12)] {
			keys = append(keys, quotedPath(k.path))
		}
		return fmt.Errorf("%w: JSON lines with the keys %s: %s; --field NAME=PATH names what is what", ErrKeys, strings.Join(keys, " "), missing)
	}
	return nil
}
