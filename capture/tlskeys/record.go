package tlskeys

// maxTrials bounds the bytes that a connection may decrypt in search of the next record behind a gap, maxAhead how many
// records may be missing there. All connections together may decrypt allTrials, and trialsPerByte for each byte they have.
const (
	maxTrials     = 64 << 20
	maxAhead      = 1024
	allTrials     = 256 << 20
	trialsPerByte = 64
)

// take reads records while a connection is decrypted.
func (c *Conn) take(side int, at int64, b []byte) {
	h := &c.halves[side]
	c.d.trials += trialsPerByte * int64(len(b))
	if n := min(h.skip, int64(len(b))); n > 0 {
		h.skip -= n
		c.d.tally.Unread += n
		b = b[n:]
	}
	if len(h.buf) == 0 && !h.lost { // the usual case: records that one packet holds are not copied
		b = c.readAll(side, at, at, b)
	}
	if len(b) == 0 {
		return
	}
	if c.mode == dead {
		c.d.tally.Unread += int64(len(b))
		return
	}
	if !c.hold(side, at, b) {
		c.d.tally.Unread += int64(len(b))
		c.die(at)
		return
	}
	c.drain(side, at)
}

// drain reads the whole records that a side holds, the last byte of which came at the instant last.
func (c *Conn) drain(side int, last int64) {
	h := &c.halves[side]
	for c.mode == decrypting && (!h.lost || c.search(side)) {
		buf, first := h.buf, h.at
		h.buf = nil
		c.d.held -= len(buf)
		rest := c.readAll(side, first, last, buf)
		if c.mode == dead {
			c.d.tally.Unread += int64(len(rest))
			return
		}
		c.d.held += len(rest)
		if len(rest) == len(buf) {
			h.buf = buf
			return
		}
		if len(rest) > 0 {
			h.buf, h.at = append(buf[:0], rest...), last
		}
		if !h.lost {
			return
		}
	}
}

// readAll reads the whole records at the beginning of b and gives the rest. The first of them began at the instant
// first, and the last byte of b came at the instant last.
func (c *Conn) readAll(side int, first, last int64, b []byte) []byte {
	for len(b) > 0 && c.mode == decrypting && !c.halves[side].lost {
		if len(b) >= headerSize && !isHeader(b) {
			c.die(last)
			break
		}
		rec, rest, whole := record(b)
		if !whole || c.mustWait(side, rec[0]) {
			break
		}
		b = rest
		c.read(side, first, last, rec)
		first = last
	}
	return b
}

// mustWait reports whether a record of the client's cannot be judged before the server said what becomes of early data.
func (c *Conn) mustWait(side int, kind byte) bool {
	return side == c.client && c.early == awaitedEarly && kind == recordData
}

// read reads one record.
func (c *Conn) read(side int, first, last int64, rec []byte) {
	h := &c.halves[side]
	protected := h.open != nil && (rec[0] == recordData || !c.suite.modern)
	if !protected {
		if rec[0] == recordCCS && !c.suite.modern {
			h.open = c.keys[side^c.client]
		}
		if rec[0] == recordHandshake && !c.suite.modern && side != c.client {
			c.tell(side, rec[headerSize:], c.ticket)
		}
		c.d.tally.Overhead += int64(len(rec))
		return
	}
	plain, kind, ok := c.unseal(h, rec)
	if !ok {
		c.unopened(side, last, rec)
		return
	}
	c.give(side, first, last, plain, kind, len(rec))
}

// ticket learns from a handshake message of a TLS 1.2 server by what the session may be resumed.
func (c *Conn) ticket(kind byte, body []byte) {
	r := reader{b: body}
	r.skip(4)
	if id := r.take(r.number(2)); kind == newSessionTicket && !r.bad {
		c.remember(id)
	}
}

// unseal opens a record with the key in use, or with the next one where a gap or refused early data hid the change.
func (c *Conn) unseal(h *half, rec []byte) (plain []byte, kind byte, ok bool) {
	plain, kind, err := h.open.open(c.d.plain, rec[:headerSize], rec[headerSize:], h.open.seq)
	if err == nil {
		h.open.seq++
		h.settled = true
		return plain, kind, true
	}
	for i, p := range h.later {
		if plain, kind, err = p.open(c.d.plain, rec[:headerSize], rec[headerSize:], 0); err == nil {
			h.open, h.later, h.settled = p, h.later[i+1:], true
			h.open.seq = 1
			return plain, kind, true
		}
	}
	return nil, 0, false
}

// unopened accounts for a record that no key opens.
func (c *Conn) unopened(side int, at int64, rec []byte) {
	h := &c.halves[side]
	if side == c.client && c.early != noEarly && !h.settled {
		c.dropEarly(at, len(rec)) // its secret is not known
		return
	}
	c.d.tally.Unread += int64(len(rec))
	c.next.Gap(side, at, -1, "tls")
	h.lost, h.gap = true, int64(len(rec)) // a damaged record, perhaps: the next one tells
}

// dropEarly passes over a record of early data. Unless the server refused it, what it holds is missing.
func (c *Conn) dropEarly(at int64, size int) {
	c.d.tally.Unread += int64(size)
	if c.early != refusedEarly {
		c.next.Gap(c.client, at, -1, "tls")
		c.early = refusedEarly // one gap is enough
	}
}

// give hands over what a record held.
func (c *Conn) give(side int, first, last int64, plain []byte, kind byte, size int) {
	if kind == recordData {
		if side == c.client && c.early != acceptedEarly && c.isEarly(&c.halves[side]) {
			c.dropEarly(last, size)
			return
		}
		c.deliver(side, first, last, plain, size)
		return
	}
	c.d.tally.Overhead += int64(size)
	h := &c.halves[side]
	if kind == recordAlert && len(plain) == 2 && plain[1] == closeNotify {
		h.closed = true
	}
	if kind != recordHandshake || !c.suite.modern {
		return
	}
	c.tell(side, plain, func(kind byte, body []byte) { c.handshake(side, kind, body) })
}

// isEarly reports whether a side's key in use is that of early data.
func (c *Conn) isEarly(h *half) bool { return len(h.later) == 2 }

// handshake follows the changes of keys in TLS 1.3 (RFC 8446, appendix A).
func (c *Conn) handshake(side int, kind byte, body []byte) {
	h := &c.halves[side]
	switch {
	case kind == encryptedExtensions && side != c.client && c.early == awaitedEarly:
		c.early = refusedEarly
		if acceptsEarly(body) {
			c.early = acceptedEarly
		}
		c.drain(c.client, c.halves[c.client].at)
	case kind == endOfEarlyData && side == c.client && c.isEarly(h), kind == finished && len(h.later) == 1:
		h.advance()
	case kind == keyUpdate && len(h.later) == 0:
		if next, err := h.open.update(); err == nil {
			h.open = next
		}
	}
}

// missed accounts for a gap while a connection is decrypted.
func (c *Conn) missed(side int, at, n int64, reason string) {
	h := &c.halves[side]
	if h.skip > 0 {
		if n > 0 && n <= h.skip {
			h.skip -= n
			return // of a record that is lost already
		}
		if n > 0 {
			n -= h.skip
		}
		h.skip = 0
	}
	left := int64(-1) // bytes that the record in progress still needs
	if len(h.buf) >= headerSize && !h.lost {
		left = int64(headerSize + bodySize(h.buf) - len(h.buf))
	}
	lost := int64(-1)
	protected := h.open != nil && len(h.buf) > 0 && (h.buf[0] == recordData || !c.suite.modern)
	if n > 0 && left >= n {
		h.skip = left - n
		if protected {
			h.open.seq++
		}
		if protected && !c.suite.modern && h.buf[0] == recordData {
			lost = int64(bodySize(h.buf) - h.open.aead.Overhead())
			if !c.suite.xor {
				lost -= 8
			}
		}
	} else {
		h.lost, h.gap = true, h.gap+max(n, 0)
	}
	c.drop(side)
	c.next.Gap(side, at, lost, reason)
	if side != c.client && c.early == awaitedEarly {
		c.early = unknownEarly
		c.drain(c.client, at)
	}
}

// search looks for the first whole record behind a gap that a key opens. It reports whether the held bytes begin with it.
func (c *Conn) search(side int) bool {
	h := &c.halves[side]
	if h.open == nil { // the gap was in the handshake: where it ended is not known
		c.die(h.at)
		return false
	}
	at := 0
	for ; at+headerSize <= len(h.buf); at++ {
		if b := h.buf[at:]; !isHeader(b) || bodySize(b) < 17 || b[1] != 3 || b[2] != 3 {
			continue
		}
		rec, _, whole := record(h.buf[at:])
		if !whole {
			break
		}
		if c.found(h, rec) {
			h.lost, h.gap = false, 0
			c.d.tally.Unread += int64(at)
			c.release(side, at)
			return true
		}
		if !c.maySearch() {
			c.die(h.at)
			return false
		}
	}
	c.d.tally.Unread += int64(at)
	c.release(side, at)
	return false
}

func (c *Conn) maySearch() bool { return c.trials > 0 && c.d.trials > 0 }

// found tries the keys and the numbers that a record behind a gap may have. The key that opens it is in use then.
func (c *Conn) found(h *half, rec []byte) bool {
	ahead := min(uint64(h.gap)/(headerSize+17)+2, maxAhead)
	for i, p := range append([]*protection{h.open}, h.later...) {
		from := uint64(0)
		if i == 0 {
			from = p.seq
		}
		for seq := from; seq < from+ahead && c.maySearch(); seq++ {
			c.trials -= len(rec)
			c.d.trials -= int64(len(rec))
			if _, _, err := p.open(c.d.plain, rec[:headerSize], rec[headerSize:], seq); err != nil {
				continue
			}
			p.seq = seq
			if i > 0 {
				h.open, h.later = p, h.later[i:]
			}
			return true
		}
	}
	return false
}
