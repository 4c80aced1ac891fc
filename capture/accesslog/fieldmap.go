package accesslog

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A field map says which value of a JSON object is which field of a request, one NAME=PATH[:UNIT] each: names as in
// the capture file, paths as jq writes them, units where the value does not carry its own. It is how --field is
// written and how the JSON presets are. Presets know more names than people need:
//
//	stamp=PATH       an instant that is a start or an end as the preset says
//	decoded=PATH     a path that the server decoded
//	url=PATH         a whole URL; the port that its scheme implies is no part of the host
//	unescaped=PATH   a target whose escapes were undone
//	verb=PATH        a method, perhaps in small letters; _OTHER is none
//	port=PATH        the port of the Host field, where host is without it
//	tls=PATH         a TLS version or cipher: any value means https
//	https=PATH       "on" means https
//	seconds=PATH     the key's presence means that a duration without a unit is one of seconds
//	header.*=PREFIX* every key that begins so names a header
//	only=PATH:A|B    the line is a request only where the value is one of these
//	never=PATH:A|B   the line is no request where the value is one of these
//	visitor=PATH:A|B a client; where it is one of these the server asked itself
//	pairs=PATH       a list of {"key":…,"value":…} or {"name":…,"value":…}, read as an object of these keys
//
//	key=PATH         nothing but a sign of the dialect
//
// and "!" before a line marks a field by which the dialect is recognised: the lines must have it.

// tokenBytes are those of a header's name (RFC 9110, section 5.6.2).
const tokenBytes = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// maxFields bounds a field map.
const maxFields = 128

// rankPinned is above every rank of what is guessed or preset.
const rankPinned = 255

// fieldNames are the names that --field knows, in the order in which errors list them.
var fieldNames = []string{"at", "end", "duration", "first", "method", "target", "path", "query", "request", "host", "scheme", "proto",
	"status", "resp_size", "resp_wire", "body_size", "client", "user", "conn", "header.NAME", "resp_header.NAME"}

// fieldStep is the step of a name; presets may use the names of the lower half.
func fieldStep(name string, ofPreset bool) (s step, ok bool) {
	s, ok = map[string]step{
		"at":        {kind: kTime, begin: true},
		"end":       {kind: kEnd},
		"duration":  {kind: kDur, auto: true},
		"first":     {kind: kFirst, auto: true},
		"method":    {kind: kMethod},
		"target":    {kind: kTarget},
		"path":      {kind: kPath},
		"query":     {kind: kQuery},
		"request":   {kind: kRequest},
		"host":      {kind: kHost},
		"scheme":    {kind: kScheme},
		"proto":     {kind: kProto},
		"status":    {kind: kStatus},
		"resp_size": {kind: kSize},
		"resp_wire": {kind: kWire},
		"body_size": {kind: kBodySize},
		"client":    {kind: kClient},
		"user":      {kind: kUser},
		"conn":      {kind: kConn},
	}[name]
	if !ok && ofPreset {
		s, ok = map[string]step{
			"stamp":     {kind: kTime},
			"decoded":   {kind: kDecoded},
			"url":       {kind: kTarget, auto: true},
			"tls":       {kind: kTLS},
			"https":     {kind: kHTTPS},
			"verb":      {kind: kMethod, auto: true},
			"unescaped": {kind: kUnescaped},
			"port":      {kind: kPort},
			"key":       {},
			"visitor":   {kind: kClient},
			"seconds":   {kind: kSeconds},
			"only":      {kind: kGate},
			"never":     {kind: kGate, auto: true},
		}[name]
	}
	return s, ok
}

// field is one line of a field map.
type field struct {
	name string
	path string // as the walker has it: keys joined by points
	own  uint32 // the field's bit, if the dialect is recognised by it
	step step
}

// parseField reads NAME=PATH[:UNIT].
func parseField(text string, ofPreset bool) (f field, err error) {
	name, rest, ok := strings.Cut(text, "=")
	if !ok {
		return f, fmt.Errorf("%q: want NAME=PATH or NAME=PATH:UNIT", text)
	}
	f.name = name
	path, unit, err := parsePath(rest)
	if err != nil {
		return f, fmt.Errorf("%q: %w", text, err)
	}
	f.path = path
	if f.step, err = namedStep(name, ofPreset); err != nil {
		return f, err
	}
	f.step.how, f.step.label = whole, strings.TrimSuffix(rest, ":"+unit)
	return f, f.setUnit(unit)
}

func namedStep(name string, ofPreset bool) (step, error) {
	for prefix, k := range map[string]kind{"header.": kHeader, "resp_header.": kRespHeader} {
		h, ok := strings.CutPrefix(name, prefix)
		switch {
		case !ok:
		case h == "*" && ofPreset:
			return step{kind: k}, nil
		case len(h) > 100 || strings.Trim(h, tokenBytes) != "" || h == "":
			return step{}, fmt.Errorf("%q is no name of a header", h)
		default:
			return step{kind: k, name: []byte(h)}, nil
		}
	}
	s, ok := fieldStep(name, ofPreset)
	if !ok {
		return s, fmt.Errorf("field %q is unknown (known: %s)", name, strings.Join(fieldNames, ", "))
	}
	return s, nil
}

// stampUnits and spanUnits are what a unit may be, beside a strftime pattern for a stamp.
var (
	stampUnits = []string{"rfc3339", "clf", "unix", "unix_ms", "unix_us", "unix_ns"}
	spanUnits  = []string{"s", "ms", "us", "ns"}
)

// setUnit applies a unit. Stamps and durations without one are understood by what they look like.
func (f *field) setUnit(unit string) error {
	if unit == "" {
		return nil
	}
	per := []int64{second, millisecond, microsecond, nanosecond}
	s := &f.step
	switch s.kind {
	case kTime, kEnd:
		if i := slices.Index(stampUnits, unit); i >= 0 {
			if s.layout = unit; i >= 2 {
				s.layout, s.unit = "", per[i-2]
			}
			return nil
		}
		if i := strings.IndexByte(unit, '%'); i >= 0 {
			s.layout = unit
			return checkLayout(unit)
		}
		return fmt.Errorf("%s: unit %q is unknown (known: %s, or a strftime pattern)", f.name, unit, strings.Join(stampUnits, ", "))
	case kDur, kFirst:
		i := slices.Index(spanUnits, unit)
		if i < 0 {
			return fmt.Errorf("%s: unit %q is unknown (known: %s)", f.name, unit, strings.Join(spanUnits, ", "))
		}
		s.unit = per[i]
		return nil
	case kGate:
		s.layout = unit
		return nil
	case kClient:
		if f.name == "visitor" {
			s.layout = unit
			return nil
		}
	}
	return fmt.Errorf("%s: unit %q: the field has none", f.name, unit)
}

func checkLayout(layout string) error {
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' {
			continue
		}
		if i++; i == len(layout) || !knownDirective(layout[i]) && layout[i] != '3' && layout[i] != '6' && layout[i] != '9' {
			return fmt.Errorf("strftime pattern %q: unknown directive at its byte %d", layout, i)
		}
	}
	return nil
}

// parseFields reads the flags of a user: each name once.
func parseFields(texts []string) ([]field, error) {
	if len(texts) > maxFields {
		return nil, fmt.Errorf("%d fields, limit %d", len(texts), maxFields)
	}
	var fs []field
	for _, text := range texts {
		f, err := parseField(text, false)
		if err != nil {
			return nil, fmt.Errorf("--field %w", err)
		}
		for _, other := range fs {
			if strings.EqualFold(other.name, f.name) {
				return nil, fmt.Errorf("--field %s is given twice: %s and %s", f.name, other.step.label, f.step.label)
			}
			if other.path == f.path {
				return nil, fmt.Errorf("--field %s and %s take the same value: %s", other.name, f.name, f.step.label)
			}
		}
		f.step.rank = rankPinned
		fs = append(fs, f)
	}
	return fs, nil
}

// compileFieldMap compiles the field map of a preset: of two lines for one field the upper counts.
func compileFieldMap(text string) (*format, error) {
	f := &format{keys: map[string]sequence{}, enter: map[string]bool{}, observed: true, resolution: time.Second}
	rank := uint8(rankPinned - 1)
	bits := map[string]uint32{}
	for line := range strings.FieldsSeq(text) {
		if pairs, ok := strings.CutPrefix(line, "pairs=."); ok {
			f.pairs = pairs
			f.enterAll(pairs + "[0].value.stringValue")
			continue
		}
		fl, err := parseField(strings.TrimPrefix(line, "!"), true)
		if err != nil {
			return nil, err
		}
		fl.step.rank = rank
		rank--
		if line[0] == '!' {
			group := ownGroup(fl.name)
			if bits[group] == 0 {
				bits[group] = 1 << len(bits)
			}
			fl.own = bits[group]
		}
		f.add(&fl)
	}
	f.mark = bits["key"]
	f.describe()
	return f, nil
}

// ownGroup is what a line must have one of: the names of a group stand in for each other.
func ownGroup(name string) string {
	switch name {
	case "verb":
		return "method"
	case "url", "path", "decoded", "unescaped", "request":
		return "target"
	case "never":
		return "key"
	}
	return name
}

// add gives a path its meaning.
func (f *format) add(fl *field) {
	f.enterAll(fl.path)
	if prefix, ok := strings.CutSuffix(fl.path, "*"); ok {
		f.wild = append(f.wild, wildcard{prefix, fl.step.kind})
		return
	}
	s := fl.step
	s.own = fl.own
	f.owned |= s.own
	f.keys[fl.path] = sequence{s}
}

// enterAll notes that the objects and lists around a path must be entered.
func (f *format) enterAll(path string) {
	for i := range path {
		switch path[i] {
		case '.':
			f.enter = added(f.enter, path[:i])
		case '[':
			f.lists = added(f.lists, path[:i])
		}
	}
}

func added(set map[string]bool, s string) map[string]bool {
	if set == nil {
		set = map[string]bool{}
	}
	set[s] = true
	return set
}

// describe settles what the stamps are.
func (f *format) describe() {
	has := map[kind]bool{}
	begins := false
	for _, seq := range f.keys {
		for _, s := range seq {
			has[s.kind] = true
			begins = begins || s.kind == kTime && s.begin
		}
	}
	f.ends = !begins
	f.timed = has[kDur] || begins && has[kEnd]
}

// wildcard is a prefix of paths whose rest names a header.
type wildcard struct {
	prefix string
	kind   kind
}

// learnHeader gives a path under a wildcard its meaning and remembers it.
func (f *format) learnHeader(path []byte) sequence {
	if len(f.keys) >= maxKeys || len(path) > 256 {
		return nil
	}
	var seq sequence
	for _, w := range f.wild {
		name, ok := strings.CutPrefix(string(path), w.prefix)
		if !ok || name == "" || strings.ContainsAny(name, ".[: ") {
			continue
		}
		s := step{kind: kRespHeader, name: []byte(name)}
		if w.kind == kHeader {
			s = headerMeaning(squeeze(name), name)
		}
		if f.hyphens && len(s.name) > 0 {
			s.name = bytes.ReplaceAll(s.name, []byte("_"), []byte("-"))
		}
		s.how, s.label = whole, "."+string(path)
		seq = sequence{s}
		break
	}
	f.keys[string(path)] = seq
	return seq
}

// pin makes the fields that a user named count before all others, and drops what would contradict them.
func (f *format) pin(fs []field) {
	if len(fs) == 0 {
		return
	}
	f.pinned = map[kind]bool{}
	for i := range fs {
		for _, k := range rivals(fs[i].step.kind) {
			f.pinned[k] = true
		}
	}
	for path, seq := range f.keys {
		if len(seq) == 1 && f.pinned[seq[0].kind] {
			f.keys[path] = sequence{{how: whole, own: seq[0].own}}
		}
	}
	for i := range fs {
		fl := fs[i]
		if old := f.keys[fl.path]; len(old) == 1 {
			fl.own = old[0].own
		}
		f.add(&fl)
	}
	if f.infer {
		f.enter = nil // all objects are looked into
	}
	f.describe()
}

// rivals are the kinds that say the same as kind k.
func rivals(k kind) []kind {
	switch k {
	case kTime, kEnd:
		return []kind{kTime, kTimePart, kEnd}
	case kRequest:
		return []kind{kRequest, kMethod, kTarget, kPath, kDecoded, kUnescaped, kQuery}
	case kMethod:
		return []kind{kMethod, kRequest}
	case kTarget:
		return []kind{kTarget, kPath, kDecoded, kUnescaped, kQuery, kRequest}
	case kPath:
		return []kind{kTarget, kPath, kDecoded, kUnescaped, kRequest}
	case kHost:
		return []kind{kHost, kPort}
	case kDur:
		return []kind{kDur, kDurElse}
	case kScheme:
		return []kind{kScheme, kHTTPS, kTLS, kHostPort}
	case kProto:
		return []kind{kProto, kProtoOrScheme}
	case kHeader, kRespHeader:
		return nil
	}
	return []kind{k}
}
