package accesslog

import "bytes"

// wrapper is what a collector put around a line.
type wrapper uint8

const (
	bare     wrapper = iota
	docker           // {"log":"LINE\n","stream":"stdout",…}
	cri              // 2006-01-02T15:04:05.999999999Z stdout F LINE
	rfc5424          // <PRI>1 STAMP HOST APP PROCID MSGID [DATA] LINE
	rfc3164          // [<PRI>]Jan _2 15:04:05 [2006 ]HOST TAG[PID]: LINE, or with an ISO stamp
	envelope         // {…,"message":"LINE",…}, and other keys of collectors
	compose          // web_1  | LINE, perhaps in colours
	kubectl          // [pod/NAME/CONTAINER] LINE
	stern            // POD CONTAINER LINE
	fluentd          // STAMP<TAB>TAG<TAB>{JSON}
	logcli           // STAMP {LABELS} LINE
	inQuote          // "LINE" with its quotes doubled or behind a backslash

	lastWrapper = inQuote
)

// wrapperNames are how people call them.
var wrapperNames = [...]string{"none", "Docker JSON", "Kubernetes CRI", "syslog RFC 5424", "syslog RFC 3164", "JSON envelope",
	"docker compose prefix", "kubectl prefix", "stern prefix", "Fluentd tabs", "logcli", "quotes"}

func (w wrapper) String() string { return wrapperNames[w] }

// maxLayers bounds the wrappers around each other: syslog around Docker around an envelope.
const maxLayers = 3

// peelKnown takes off the wrappers that the sample had, as far as they are there, and says how many.
func (p *Parser) peelKnown(line []byte) (inner []byte, n int) {
	for _, w := range p.wraps {
		if w == bare { // which would forget that the line is a part
			break
		}
		in, ok := p.peel(w, line)
		if !ok {
			break
		}
		line = in
		n++
	}
	return line, n
}

// peelAny takes the outermost wrapper off line, whatever it is.
func (p *Parser) peelAny(line []byte) (inner []byte, w wrapper) {
	for w := bare + 1; w <= lastWrapper; w++ {
		if inner, ok := p.peel(w, line); ok {
			return inner, w
		}
	}
	return line, bare
}

// peel takes wrapper w off line.
func (p *Parser) peel(w wrapper, line []byte) (inner []byte, ok bool) {
	p.partial = false
	switch w {
	case docker:
		return p.peelDocker(line)
	case cri:
		p.outer, inner, ok = peelCRI(line)
		p.partial = ok && inner != nil && line[len(line)-len(inner)-2] == 'P'
	case rfc5424:
		p.outer, inner, ok = peelRFC5424(line)
	case rfc3164:
		p.outer, inner, ok = peelRFC3164(line)
	case envelope:
		return p.peelEnvelope(line)
	case compose:
		return peelCompose(line)
	case kubectl:
		return peelKubectl(line)
	case stern:
		return peelStern(line)
	case fluentd:
		return peelFluentd(line)
	case logcli:
		return peelLogcli(line)
	case inQuote:
		return p.peelQuotes(line)
	}
	return inner, ok
}

func (p *Parser) peelDocker(line []byte) (inner []byte, ok bool) {
	v, ok := bytes.CutPrefix(line, []byte(`{"log":"`))
	if !ok {
		return nil, false
	}
	p.shell.rest = v
	if v, ok = p.shell.quoted(); !ok {
		return nil, false
	}
	p.outer = nil
	if _, at, ok := bytes.Cut(p.shell.rest, []byte(`"time":"`)); ok {
		p.outer, _, _ = bytes.Cut(at, []byte(`"`))
	}
	return bytes.TrimRight(p.plain(v), "\r\n"), true
}

// plain is v without its escapes, in memory of the parser. v may lie in that memory: what is written never
// overtakes what is read.
func (p *Parser) plain(v []byte) []byte {
	if bytes.IndexByte(v, '\\') < 0 {
		return v
	}
	p.makeRoom(len(v))
	p.inner = unescape(p.inner[:0], v)
	return p.inner
}

func (p *Parser) makeRoom(n int) {
	if cap(p.inner) < n {
		p.inner = make([]byte, 0, 2*n)
	}
}

func peelCRI(line []byte) (stamp, inner []byte, ok bool) {
	i := bytes.IndexByte(line, ' ')
	if i < 20 || i > 40 || line[4] != '-' || line[10] != 'T' {
		return nil, nil, false
	}
	stamp = line[:i]
	rest := line[i+1:]
	if !bytes.HasPrefix(rest, []byte("stdout ")) && !bytes.HasPrefix(rest, []byte("stderr ")) {
		return nil, nil, false
	}
	rest = rest[7:]
	if len(rest) < 2 || rest[0] != 'F' && rest[0] != 'P' {
		return nil, nil, false
	}
	i = bytes.IndexByte(rest, ' ')
	return stamp, rest[i+1:], i > 0
}

func peelRFC5424(line []byte) (stamp, inner []byte, ok bool) {
	rest := afterPriority(line)
	if len(rest) == len(line) || !bytes.HasPrefix(rest, []byte("1 ")) {
		return nil, nil, false
	}
	rest = rest[2:]
	for i := range 5 { // stamp, host, application, process, message
		field, after, ok := bytes.Cut(rest, []byte(" "))
		if !ok {
			return nil, nil, false
		}
		if i == 0 && string(field) != "-" {
			stamp = field
		}
		rest = after
	}
	if bytes.HasPrefix(rest, []byte("- ")) {
		return stamp, bytes.TrimPrefix(rest[2:], []byte("\xef\xbb\xbf")), true
	}
	for len(rest) > 0 && rest[0] == '[' {
		n := elementEnd(rest)
		if n < 0 {
			return nil, nil, false
		}
		rest = rest[n+1:]
	}
	if len(rest) == 0 || rest[0] != ' ' {
		return nil, nil, false
	}
	return stamp, bytes.TrimPrefix(rest[1:], []byte("\xef\xbb\xbf")), true
}

// elementEnd is the index of the ] that ends the structured data element v begins with.
func elementEnd(v []byte) int {
	for i := 1; i < len(v); i++ {
		switch v[i] {
		case '\\':
			i++
		case ']':
			return i
		}
	}
	return -1
}

// afterPriority is line behind <PRI>, or line where there is none.
func afterPriority(line []byte) []byte {
	if len(line) > 2 && line[0] == '<' {
		if i := bytes.IndexByte(line[:min(5, len(line))], '>'); i > 1 {
			return line[i+1:]
		}
	}
	return line
}

// peelRFC3164 knows the year that Cisco and some relays put behind the time.
func peelRFC3164(line []byte) (stamp, inner []byte, ok bool) {
	v := afterPriority(line)
	switch {
	case yearless(v):
		stamp, v = v[:15], v[16:]
		if len(v) > 5 && v[4] == ' ' && (string(v[:2]) == "19" || string(v[:2]) == "20") {
			v = v[5:]
		}
	case len(v) > 20 && v[4] == '-' && v[10] == 'T':
		i := bytes.IndexByte(v, ' ')
		if i < 19 || i > 40 {
			return nil, nil, false
		}
		stamp, v = v[:i], v[i+1:]
	default:
		return nil, nil, false
	}
	// HAProxy and others that write to a socket name no host.
	if word, after, ok := bytes.Cut(v, []byte(" ")); ok && !bytes.HasSuffix(word, []byte(":")) {
		v = after
	}
	i := bytes.Index(v, []byte(": "))
	if i < 0 || bytes.IndexByte(v[:i], ' ') >= 0 {
		return nil, nil, false
	}
	return stamp, v[i+2:], true
}

// yearless reports whether v begins with "Jan _2 15:04:05 ", as RFC 3164 writes stamps.
func yearless(v []byte) bool {
	return len(v) > 15 && monthNumber(v[:3]) > 0 && v[3] == ' ' && v[6] == ' ' && v[9] == ':' && v[12] == ':' && v[15] == ' '
}

// collected reads the stamp of a wrapper. One without a year is of the last year in which it is not after the newest
// that it can be, so that a log which goes through New Year keeps its order.
func (p *Parser) collected(stamp []byte) (ns int64, msg string) {
	if len(stamp) != 15 || stamp[3] != ' ' {
		return p.clock.parse(stamp)
	}
	for back := range 5 { // 29 February may be four years away
		t := civil{year: p.newest.UTC().Year() - back}
		if n, bad := t.scan("%b %e %T", stamp); bad != "" || n != len(stamp) {
			return 0, msgTime
		}
		if ns, msg = t.unix(&p.zones); msg == "" && ns <= p.newest.UnixNano() {
			return ns, ""
		}
	}
	return 0, msgDay
}
