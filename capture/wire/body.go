package wire

import (
	"bytes"

	"trafficreplay/capture"
)

const (
	maxChunkLine = 16 << 10 // bytes of the line before a chunk, extensions included
	maxChunk     = 1 << 62
)

// begin starts to read a body.
func (h *http1) begin(s *half, at int64, y *body, how delimiter, n int64) {
	switch how {
	case byLength:
		s.state, s.need = stateBody, n
		if n == 0 {
			h.finish(s)
		}
	case byChunks:
		s.state, s.read = stateSize, 0
	case byClose:
		s.state = stateClose
	case unknowable:
		y.lose(h.c)
		h.cut(s)
		h.seek(s, at, badFraming)
	}
}

// of is the body that a side is sending.
func (s *half) of() *body {
	if s.role == roleClient {
		return &s.e.body
	}
	return &s.e.respBody
}

// bodyBytes takes bytes of a body.
func (h *http1) bodyBytes(s *half, at int64, b []byte) {
	h.count(s, at, len(b))
	if !s.e.alone {
		s.of().add(h.c, b, s.need)
		s.call().data(h.c, s.e, at, b)
	}
}

// call takes gRPC out of the body that a side is sending.
func (s *half) call() *grpcCall {
	if s.role == roleClient {
		return &s.e.calls[0]
	}
	return &s.e.calls[1]
}

// count takes bytes of the present message.
func (h *http1) count(s *half, at int64, n int) {
	h.c.tally.count(s.to, n)
	if s.role == roleServer {
		s.e.lastAt = max(s.e.lastAt, at)
		s.e.wire += int64(n)
	}
}

// body reads a body of known length.
func (h *http1) body(s *half, at int64, b []byte) int {
	if h.withheld(s, b) {
		h.finish(s)
		return h.head(s, h.client, at, b)
	}
	b = b[:min(int64(len(b)), s.need)]
	h.bodyBytes(s, at, b)
	if s.need -= int64(len(b)); s.need == 0 {
		h.finish(s)
	}
	return len(b)
}

// withheld reports whether a client goes on to its next request without the body that it had announced, since the
// server has answered before it was sent.
func (h *http1) withheld(s *half, b []byte) bool {
	e := s.e
	if s.role != roleClient || !e.asks.expect || !e.answering || e.status < 300 || e.body.size > 0 || len(s.buf) > 0 {
		return false
	}
	n := bytes.IndexByte(b, '\n')
	var line requestLine
	return n > 0 && line.parse(b[:n], true)
}

// finish ends the message of a side.
func (h *http1) finish(s *half) {
	s.call().end(h.c)
	e := s.e
	s.state, s.e = stateHead, nil
	if s.role == roleClient {
		e.asked = true
	} else {
		e.answered = true
	}
	if e.adrift {
		h.missed(s, e.lastAt)
	}
	h.done(e)
}

// cut ends the message of a side whose end is not known.
func (h *http1) cut(s *half) {
	if s.role == roleServer {
		s.e.unending = true
	}
	h.finish(s)
}

// chunk reads the data of a chunk.
func (h *http1) chunk(s *half, at int64, b []byte) int {
	b = b[:min(int64(len(b)), s.need)]
	h.bodyBytes(s, at, b)
	if s.need -= int64(len(b)); s.need == 0 {
		s.state = stateChunkEnd
	}
	return len(b)
}

// chunkLine reads a line of the framing of chunks: a size, the empty line behind a chunk, a trailer.
func (h *http1) chunkLine(s *half, at int64, b []byte) int {
	if s.state == stateSize && h.withheld(s, b) {
		h.finish(s)
		return h.head(s, h.client, at, b)
	}
	n := bytes.IndexByte(b, '\n') + 1
	whole := n > 0
	if !whole {
		n = len(b)
	}
	line := b[:n]
	if len(s.buf) > 0 || !whole {
		var ok bool
		if s.buf, ok = h.c.d.pool.grow(s.buf, n); !ok || len(s.buf)+n > maxChunkLine && s.state != stateTrailer || len(s.buf)+n > capture.MaxHeaders {
			return h.misframed(s, at, b)
		}
		s.buf = append(s.buf, line...)
		line = s.buf
	}
	if !whole {
		if s.state == stateChunkEnd && (len(line) > 1 || line[0] != '\r') {
			s.buf = s.buf[:len(s.buf)-n]
			return h.misframed(s, at, b)
		}
		return n
	}
	before := len(line) - n
	if !h.framed(s, at, line) {
		if len(s.buf) > 0 {
			s.buf = s.buf[:before]
		}
		return h.misframed(s, at, b)
	}
	h.c.d.pool.put(s.buf)
	s.buf = nil
	return n
}

// framed takes a whole line, and reports whether it is what has to stand there.
func (h *http1) framed(s *half, at int64, line []byte) bool {
	text := bytes.TrimRight(line, "\r\n")
	switch s.state {
	case stateChunkEnd:
		if len(text) > 0 {
			return false
		}
		s.state = stateSize
		h.count(s, at, len(line))
		return true
	case stateTrailer:
		return h.trailer(s, at, line, text)
	}
	size, ok := chunkSize(text)
	if !ok || len(line) > maxChunkLine {
		return false
	}
	h.count(s, at, len(line))
	if s.need, s.state = size, stateChunk; size == 0 {
		s.state, s.read = stateTrailer, 0
	}
	return true
}

// chunkSize reads the size in hexadecimal digits that the line before a chunk begins with.
func chunkSize(line []byte) (n int64, ok bool) {
	i := 0
	for ; i < len(line); i++ {
		d := hexDigit(line[i])
		if d > 15 {
			break
		}
		if n > maxChunk>>4 {
			return 0, false
		}
		n = n<<4 | int64(d)
	}
	rest := bytes.TrimLeft(line[i:], " \t")
	return n, i > 0 && (len(rest) == 0 || rest[0] == ';')
}

func hexDigit(c byte) byte {
	switch {
	case c-'0' < 10:
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 255
}

// trailer takes a line of the trailers, which end with an empty one. Those of responses are kept.
func (h *http1) trailer(s *half, at int64, line, text []byte) bool {
	if s.read += len(line); s.read > capture.MaxHeaders {
		return false
	}
	h.count(s, at, len(line))
	e := s.e
	if len(text) > 0 {
		if s.role == roleServer && !e.alone {
			if b, ok := h.c.d.pool.grow(e.trail.b, len(line)); ok {
				e.trail.b = append(b, line...)
			} else {
				h.c.tally.Unkept++
			}
		}
		return true
	}
	if len(e.trail.b) > 0 && s.role == roleServer {
		var ignored framing
		h.c.tally.Odd += int64(e.trail.parse(0, &ignored))
		if e.trail.tooLong() {
			e.trail.fields = e.trail.fields[:0]
			h.c.tally.Unkept++
		}
	}
	h.finish(s)
	return true
}

// misframed skips b and what was collected before it: chunks are not framed as they have to be.
func (h *http1) misframed(s *half, at int64, b []byte) int {
	n := len(s.buf) + len(b)
	h.c.d.pool.put(s.buf)
	s.buf = nil
	s.of().lose(h.c)
	h.cut(s)
	h.seek(s, at, badFraming)
	h.c.tally.count(badFraming, n)
	return len(b)
}

// bodyGap goes on behind a gap of n bytes in a body, and reports whether it could: the length tells where the body, or
// the chunk, goes on.
func (h *http1) bodyGap(s *half, at, n int64) bool {
	y := s.of()
	within := n > 0 && n <= s.need
	switch {
	case s.state == stateClose && n > 0:
		h.missing(s, at, n)
		return true
	case s.state == stateBody && within, s.state == stateChunk && within:
		h.missing(s, at, n)
		if s.need -= n; s.need > 0 {
			return true
		}
		if s.state == stateChunk {
			s.state = stateChunkEnd
		} else {
			h.finish(s)
		}
		return true
	case s.state == stateBody:
		h.missing(s, at, s.need)
	case s.state != stateTrailer:
		y.lose(h.c)
	}
	h.c.tally.count(afterGap, len(s.buf))
	h.c.d.pool.put(s.buf)
	s.buf = nil
	h.cut(s)
	return false
}

// missing counts bytes of a body that are not in the capture.
func (h *http1) missing(s *half, at, n int64) {
	s.of().skip(h.c, n)
	s.call().gap(h.c, s.e, n)
	if s.role == roleServer {
		s.e.lastAt = max(s.e.lastAt, at)
		s.e.wire += n
	}
}

// endBody ends a body with its connection. If the side closed, the size is what it has sent. Otherwise there may have been
// more of it, and nobody knows how much.
func (h *http1) endBody(s *half, reset bool) {
	h.c.tally.count(incomplete, len(s.buf))
	h.c.d.pool.put(s.buf)
	s.buf = nil
	switch {
	case reset:
		s.of().lose(h.c)
		h.cut(s)
	case s.state == stateClose:
		h.finish(s)
	default:
		h.c.unkept(s.of())
		h.finish(s)
	}
}
