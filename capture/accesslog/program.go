package accesslog

import "bytes"

// kind says what a value means.
type kind uint8

const (
	kSkip kind = iota
	kHead      // [vhost] client ident user, as the Common Log Format family begins
	kClient
	kUser
	kTime     // a complete stamp
	kTimePart // a strftime pattern: one part of a stamp, or all of it
	kDate     // a date in a cell of its own
	kClock    // the time of day beside it
	kClockUTC // the same, in UTC whatever --timezone says
	kEnd      // a complete stamp of the end, whatever the dialect's others are
	kDur
	kDurElse // the duration where kDur says nothing, if it is one
	kSeconds // the key alone says that a whole duration counts seconds
	kPart    // a part of the duration: all are added, if all are known
	kFirst
	kRequest // method target protocol
	kMethod
	kTarget    // path?query as it was sent
	kPath      // path, perhaps with the query
	kURI       // kTarget, or host/path
	kUnescaped // kTarget after escapes were undone in all of it
	kDecoded   // path after the server decoded it
	kQuery
	kProto
	kProtoOrScheme
	kScheme
	kHTTPS // "on" or true over TLS, "off" or false without
	kTLS   // protocol or cipher: anything but "none" over TLS
	kHost
	kHostPort // $server_port: completes the scheme only
	kPort     // the port of the Host field, where the host is logged without it
	kStatus
	kSize // bytes of the response body
	kWire // bytes of the response, head included
	kBodySize
	kBody
	kConn
	kHeader
	kRespHeader
	kGate       // a value that tells requests from other lines
	kPeer       // address:port of the client
	kTimer      // one of HAProxy's timers: rank says which
	kFrontend   // a name with ~ behind it over TLS
	kServerHost // a server's name, perhaps followed by the host
)

// how says where a value ends.
type how uint8

const (
	literal how = iota // there is no value
	whole              // at the end of the line, or before step.stop that ends it
	fixed              // after step.fixed bytes
	quoted             // at a quote that no backslash hides
	plain              // before step.stop
	pattern            // where step.layout ends
	flag               // after one '?' or at once
	spanned            // as step.span has it
)

// step matches a literal and takes the value behind it.
type step struct {
	lit  []byte
	how  how
	stop []byte // first bytes after the value
	cut  byte   // the value ends at this byte if it comes before stop; 0: none

	eol    bool   // the value may run to the end of the line
	loose  bool   // quoted: behind the quote comes a space or the end of the line
	list   bool   // the value may be a list: "a, b" or "a : b"
	raw    bool   // the value is logged without escapes
	zero   bool   // "-" means 0
	auto   bool   // kDur: the value may carry its own unit; kClient, kTarget, kRequest: ports that say nothing are dropped
	hash   bool   // escapes are #HH
	esc    escape // how the value is written, if not with backslashes
	sent   bool   // kPath: its bytes are those of the wire
	padded bool   // blanks may stand before the number
	signed bool   // "-1" and "+12" mean that it was not known
	begin  bool   // kTime: the start of the request, in a dialect whose other stamps are ends
	own    uint32 // the bit of the field, if the dialect is recognised by it
	fixed  int
	jump   int  // where to go on when lit does not match; 0: the line does not fit
	group  bool // a line may lack the value
	torn   bool // so it may what follows: a line cut inside this value is still good

	span func(rest []byte) int // spanned: the width of the value, or -1

	label  string // what the format calls the value: $request_time, %D, cs-uri-stem
	kind   kind
	rank   uint8  // the higher of two values of one kind counts
	unit   int64  // kDur, kFirst, kTime: nanoseconds
	name   []byte // kHeader, kRespHeader
	layout string // kTimePart, kTime: a strftime pattern, rfc3339 or clf; kGate: the values; kClient: those that are no client
}

// sequence is a compiled text format.
type sequence []step

// split finds the value of every step; vals[i] is nil where step i has none. On a misfit it returns what
// is left of the line where it stopped fitting.
func (seq sequence) split(line []byte, vals [][]byte) (rest []byte, ok bool) {
	rest = line
	for i := 0; i < len(seq); i++ {
		s := &seq[i]
		if !begins(rest, s.lit) {
			if s.jump == 0 {
				return rest, false
			}
			clear(vals[i:s.jump])
			i = s.jump - 1
			continue
		}
		rest = rest[len(s.lit):]
		if s.how == literal {
			vals[i] = nil
			continue
		}
		n := s.width(rest)
		if n < 0 {
			if s.torn && bytes.IndexByte(rest, '"') < 0 {
				clear(vals[i:len(seq)])
				return nil, true
			}
			return rest, false
		}
		vals[i], rest = rest[:n], rest[n:]
	}
	return rest, len(rest) == 0
}

// begins is bytes.HasPrefix for the very short literals of formats, without its call.
func begins(v, lit []byte) bool {
	n := len(lit)
	if n > len(v) {
		return false
	}
	switch n {
	case 0:
		return true
	case 1:
		return v[0] == lit[0]
	case 2:
		return v[0] == lit[0] && v[1] == lit[1]
	case 3:
		return v[0] == lit[0] && v[1] == lit[1] && v[2] == lit[2]
	}
	return v[0] == lit[0] && string(v[:n]) == string(lit)
}

// width is the length of the value that rest begins with, or -1.
func (s *step) width(rest []byte) int {
	n := -1
	switch s.how {
	case whole:
		// Before the last literal all is value, whatever it looks like.
		n = len(rest) - len(s.stop)
		if n < 0 || !begins(rest[n:], s.stop) || !s.raw && len(s.stop) > 0 && hidden(rest, n) {
			return -1
		}
	case quoted:
		n = s.untilQuote(rest)
	case plain:
		n = s.untilStop(rest)
	case fixed:
		if len(rest) >= s.fixed {
			n = s.fixed
		}
	case pattern:
		var c civil
		if m, msg := c.scan(s.layout, rest); msg == "" {
			n = m
		} else {
			n = s.untilStop(rest)
		}
	case spanned:
		n = s.span(rest)
	case flag:
		n = 0
		if len(rest) > 0 && rest[0] == '?' {
			n = 1
		}
	}
	if s.cut != 0 && n > 0 {
		if i := bytes.IndexByte(rest[:n], s.cut); i >= 0 {
			n = i
		}
	}
	return n
}

// untilQuote looks past quotes behind a backslash, and past quotes that the rest of the format does not
// follow: some servers escape nothing.
func (s *step) untilQuote(rest []byte) int {
	for i := 0; ; {
		j := bytes.IndexByte(rest[i:], '"')
		if j < 0 {
			return -1
		}
		i += j
		if s.follows(rest[i:]) && (s.raw || !hidden(rest, i)) {
			return i
		}
		i++
	}
}

// hidden reports whether an odd run of backslashes stands before rest[i].
func hidden(rest []byte, i int) bool {
	n := i
	for n > 0 && rest[n-1] == '\\' {
		n--
	}
	return (i-n)%2 == 1
}

func (s *step) follows(rest []byte) bool {
	if !begins(rest, s.stop) {
		return false
	}
	n := len(s.stop)
	return !s.loose || len(rest) == n || rest[n] == ' '
}

func (s *step) untilStop(rest []byte) int {
	for i := 0; len(s.stop) > 0; i++ {
		j := bytes.IndexByte(rest[i:], s.stop[0])
		if j < 0 {
			break
		}
		i += j
		if begins(rest[i:], s.stop) && !(s.list && inList(rest, i)) {
			return i
		}
	}
	if s.eol {
		return len(rest)
	}
	return -1
}

// inList reports whether the space rest[i] separates members of a list: "a, b" or "a : b".
func inList(rest []byte, i int) bool {
	if rest[i] != ' ' {
		return false
	}
	if i > 0 && rest[i-1] == ',' || bytes.HasPrefix(rest[i:], []byte(" : ")) {
		return true
	}
	return i > 1 && rest[i-1] == ':' && rest[i-2] == ' '
}
