package send

import (
	"bytes"

	"trafficreplay/replay"
)

const (
	maxHead      = 256 << 10 // bytes of status lines and fields of one response, interim responses and trailers included
	maxChunkLine = 4 << 10   // bytes of one chunk-size line
	freeChunk    = 20        // bytes of a chunk-size line that do not count towards maxHead: 16 digits, CR, LF and some air
)

type phase uint8

const (
	inStatus phase = iota
	inFields
	inBody // a known number of bytes
	inChunkSize
	inChunk
	inChunkEnd
	inTrailers
	inRest // everything until the connection closes
	complete
)

// response reads one response (RFC 9112) from pieces of any size. It keeps no byte of a body, and bytes of a
// line only when the line spans two pieces. Splitting the input elsewhere never changes the outcome.
type response struct {
	phase     phase
	head      bool // the request was HEAD: no body follows
	keep      bool // complete, and the connection may serve another request
	any       bool // a byte has arrived
	http10    bool
	close     bool // Connection: close
	keepAlive bool // Connection: keep-alive
	chunked   bool
	coded     bool // some Transfer-Encoding
	sized     bool // some Content-Length
	framing   bool // the last field decides the framing, so it must not be continued
	status    uint16
	length    int64 // bytes left of the body or of this chunk; before that the Content-Length
	room      int64 // bytes that the body may still grow by
	headLeft  int
	carry     []byte
}

// reset makes p ready for the response to a request; head says that it was a HEAD.
func (p *response) reset(head bool, maxBody int64) {
	*p = response{head: head, room: maxBody, headLeft: maxHead, carry: p.carry[:0]}
}

// feed reads the next piece. It returns how many bytes belong to the response, all of b unless the response
// completed or is bad; what is wrong with it; and leaves p.phase at complete after the last byte.
func (p *response) feed(b []byte) (n int, kind replay.ErrKind) {
	p.any = p.any || len(b) > 0
	for n < len(b) && p.phase != complete && kind == replay.ErrNone {
		switch p.phase {
		case inBody, inChunk:
			k := min(int64(len(b)-n), p.length)
			n += int(k)
			if p.length -= k; p.length == 0 {
				p.bodyEnd()
			}
		case inRest:
			if p.room -= int64(len(b) - n); p.room < 0 {
				return n, replay.ErrOversize
			}
			n = len(b)
		default:
			var k int
			k, kind = p.feedLine(b[n:])
			n += k
		}
	}
	return n, kind
}

func (p *response) bodyEnd() {
	if p.phase == inBody {
		p.finish()
	} else {
		p.phase = inChunkEnd
	}
}

// end says what the end of the connection means: ErrNone when it completes the response.
func (p *response) end() replay.ErrKind {
	switch {
	case p.phase == inRest:
		p.phase = complete
		return replay.ErrNone
	case p.any:
		return replay.ErrTruncated
	}
	return replay.ErrReset
}

// feedLine takes one line, or keeps the piece of it that is there.
func (p *response) feedLine(b []byte) (n int, kind replay.ErrKind) {
	i := bytes.IndexByte(b, '\n')
	whole := i >= 0
	if whole {
		n = i + 1
	} else {
		n = len(b)
	}
	if limit, over := p.lineLimit(); len(p.carry)+n > limit {
		return n, over
	}
	line := b[:n]
	if len(p.carry) > 0 || !whole {
		p.carry = append(p.carry, line...)
		line = p.carry
	}
	if p.phase == inStatus && !statusPrefix(line) {
		return n, replay.ErrProtocol
	}
	if !whole {
		return n, replay.ErrNone
	}
	p.carry = p.carry[:0]
	return n, p.line(line)
}

func (p *response) lineLimit() (int, replay.ErrKind) {
	switch p.phase {
	case inChunkSize:
		return min(maxChunkLine, p.headLeft+freeChunk), replay.ErrOversize
	case inChunkEnd:
		return 2, replay.ErrProtocol
	}
	return p.headLeft, replay.ErrOversize
}

// statusPrefix notices garbage before its first line feed, which might never come.
func statusPrefix(line []byte) bool {
	const want = "HTTP/1."
	return string(line[:min(len(line), len(want))]) == want[:min(len(line), len(want))]
}

// line handles one line, its line feed included.
func (p *response) line(line []byte) replay.ErrKind {
	switch p.phase {
	case inChunkSize:
		p.headLeft -= max(0, len(line)-freeChunk)
		return p.chunkLine(line)
	case inChunkEnd:
		if string(line) != "\r\n" {
			return replay.ErrProtocol
		}
		p.phase = inChunkSize
		return replay.ErrNone
	}
	p.headLeft -= len(line)
	line = bytes.TrimSuffix(line[:len(line)-1], []byte("\r"))
	switch {
	case p.phase == inStatus:
		return p.statusLine(line)
	case len(line) > 0:
		return p.field(line)
	case p.phase == inTrailers:
		p.finish()
		return replay.ErrNone
	}
	return p.headEnd()
}

// statusLine reads HTTP/1.x NNN, with or without a reason behind it.
func (p *response) statusLine(line []byte) replay.ErrKind {
	if len(line) < 12 || line[8] != ' ' || len(line) > 12 && line[12] != ' ' || line[7] != '0' && line[7] != '1' || line[9] == '0' {
		return replay.ErrProtocol
	}
	p.status = 0
	for _, c := range line[9:12] {
		if c < '0' || c > '9' {
			return replay.ErrProtocol
		}
		p.status = p.status*10 + uint16(c-'0')
	}
	p.http10, p.phase, p.framing = line[7] == '0', inFields, true // a first field cannot continue another
	p.close, p.keepAlive, p.chunked, p.coded, p.sized, p.length = false, false, false, false, false, 0
	return replay.ErrNone
}

func (p *response) field(line []byte) replay.ErrKind {
	if line[0] == ' ' || line[0] == '\t' { // obsolete line folding
		if p.framing {
			return replay.ErrProtocol
		}
		return replay.ErrNone
	}
	colon := bytes.IndexByte(line, ':')
	if colon < 0 || !token(line[:colon]) {
		return replay.ErrProtocol
	}
	p.framing = false
	if p.phase == inTrailers {
		return replay.ErrNone
	}
	name, value := line[:colon], line[colon+1:]
	switch {
	case len(name) == 14 && bytes.EqualFold(name, []byte("content-length")):
		p.framing = true
		return p.contentLength(bytes.Trim(value, " \t"))
	case len(name) == 17 && bytes.EqualFold(name, []byte("transfer-encoding")):
		p.framing, p.coded = true, true
		p.chunked = bytes.EqualFold(lastItem(value), []byte("chunked"))
	case len(name) == 10 && bytes.EqualFold(name, []byte("connection")):
		p.framing = true
		p.connection(value)
	}
	return replay.ErrNone
}

// contentLength accepts a field that is repeated with the same value, as RFC 9112 section 6.3 lets a reader do.
func (p *response) contentLength(v []byte) replay.ErrKind {
	if len(v) == 0 || len(v) > 18 {
		return replay.ErrProtocol
	}
	var n int64
	for _, c := range v {
		if c < '0' || c > '9' {
			return replay.ErrProtocol
		}
		n = n*10 + int64(c-'0')
	}
	if p.sized && n != p.length {
		return replay.ErrProtocol
	}
	p.sized, p.length = true, n
	return replay.ErrNone
}

func (p *response) connection(v []byte) {
	for len(v) > 0 {
		var item []byte
		item, v, _ = bytes.Cut(v, []byte(","))
		item = bytes.Trim(item, " \t")
		p.close = p.close || bytes.EqualFold(item, []byte("close"))
		p.keepAlive = p.keepAlive || bytes.EqualFold(item, []byte("keep-alive"))
	}
}

func lastItem(v []byte) []byte {
	return bytes.Trim(v[bytes.LastIndexByte(v, ',')+1:], " \t")
}

// headEnd decides how the body is framed (RFC 9112 section 6.3).
func (p *response) headEnd() replay.ErrKind {
	switch {
	case p.status < 200 && p.status != 101:
		p.phase = inStatus
	case p.head || p.status == 204 || p.status == 304:
		p.finish()
	case p.status == 101:
		p.close = true // whatever follows is not HTTP/1
		p.finish()
	case p.coded && !p.http10 && p.chunked:
		p.close = p.close || p.sized // two framings: someone on the way may believe the other one
		p.phase = inChunkSize
	case p.coded && !p.http10 || !p.sized:
		p.close = true
		p.phase = inRest
	case p.length > p.room:
		return replay.ErrOversize
	case p.length == 0:
		p.finish()
	default:
		p.phase = inBody
	}
	return replay.ErrNone
}

func (p *response) chunkLine(line []byte) replay.ErrKind {
	line, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok {
		return replay.ErrProtocol
	}
	digits, _, _ := bytes.Cut(line, []byte(";"))
	digits = bytes.TrimRight(digits, " \t")
	if len(digits) == 0 || len(digits) > 16 {
		return replay.ErrProtocol
	}
	var n uint64
	for _, c := range digits {
		d := hexDigit(c)
		if d > 15 {
			return replay.ErrProtocol
		}
		n = n<<4 | uint64(d)
	}
	if n == 0 {
		p.phase, p.framing = inTrailers, true
		return replay.ErrNone
	}
	if n > uint64(p.room) {
		return replay.ErrOversize
	}
	p.room -= int64(n)
	p.length, p.phase = int64(n), inChunk
	return replay.ErrNone
}

func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 255
}

func (p *response) finish() {
	p.keep = !p.close && (!p.http10 || p.keepAlive)
	p.phase = complete
}
