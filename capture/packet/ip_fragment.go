package packet

import (
	"bytes"
	"net/netip"
	"slices"
)

// Bounds of reassembly.
const (
	maxDatagrams     = 2048     // that wait for fragments
	maxFragmentBytes = 16 << 20 // held in all
	maxDatagram      = 65535    // bytes of one, beyond the IP header
	maxPieces        = 128      // stretches of one datagram that do not touch
	fragmentWait     = 30e9     // nanoseconds of capture time, as systems wait
	fragmentKeep     = 1e9      // that a whole datagram is kept for, to know copies of its fragments
)

// fragments joins IP fragments. The first byte that arrives for a position holds.
type fragments struct {
	waiting map[fragmentKey]*datagram
	queue   []*datagram // waiting, oldest first
	bytes   int         // capacity of all buffers
	spare   []*datagram // to be used again
}

type fragmentKey struct {
	src, dst netip.Addr
	id       uint32
	protocol uint8 // IPv4 only: fragments of IPv6 but the first need not agree in it
}

// datagram is one that arrives in fragments.
type datagram struct {
	key      fragmentKey
	since    int64 // when its first fragment was captured; when it was whole, if it is
	data     []byte
	pieces   []stretch // which bytes have arrived, in order, never touching
	total    int       // its length; -1: not known yet
	cut      int       // from here on the capture has cut a fragment
	protocol uint8     // as the fragment at 0 says
	frames   int64     // counted under the reason fragment
	whole    bool
}

// stretch is a half-open range of bytes.
type stretch struct{ from, to int }

// join puts by a fragment that begins at off. It goes on with the whole datagram once that is there.
func (d *Decoder) join(off int, more bool) (step, reason) {
	end := off + d.wire
	if more && d.wire%8 != 0 || d.wire == 0 || end > maxDatagram {
		return 0, badLength
	}
	f := &d.fragments
	key := fragmentKey{d.src, d.dst, d.id, d.protocol}
	if d.v6 {
		key.protocol = 0
	}
	g, now := f.waiting[key], d.frame.At
	if g != nil && (g.expired(now) || g.whole && !g.has(off, d.b)) {
		f.forget(g)
		g = nil
	}
	switch {
	case g == nil:
		g = f.begin(key, now)
	case g.whole:
		return 0, duplicate
	}
	if off == 0 {
		g.protocol = d.protocol
	}
	if why := g.add(d, off, end, more); why != used {
		return 0, why
	}
	f.bound(g, now)
	if !g.complete() {
		g.frames += 1 + d.parts
		d.count[fragment]++ // its parts are counted there already
		if len(g.pieces) > maxPieces {
			f.forget(g)
		}
		return 0, held
	}
	d.parts += g.frames
	g.whole, g.since = true, now
	d.protocol, d.b, d.wire = g.protocol, g.data[:min(g.cut, g.total)], g.total
	return stepTransport, used
}

// add takes over the bytes of d's packet that g does not have.
func (g *datagram) add(d *Decoder, off, end int, more bool) reason {
	if g.total >= 0 && (end > g.total || !more && end != g.total) {
		return badLength
	}
	if !more {
		if n := len(g.pieces); n > 0 && g.pieces[n-1].to > end {
			return badLength
		}
		g.total = end
	}
	missing := g.missing(off, end)
	if len(missing) == 0 && !g.complete() { // it may have told the end, and nothing else
		if g.has(off, d.b) {
			return duplicate
		}
		d.overlapped += int64(end - off)
		return overlap
	}
	if grow := end - len(g.data); grow > 0 {
		before := cap(g.data)
		g.data = append(g.data, make([]byte, grow)...)
		d.fragments.bytes += cap(g.data) - before
	}
	fresh, have := 0, off+len(d.b)
	for _, m := range missing {
		if have < m.to {
			g.cut = min(g.cut, max(have, m.from))
		}
		copy(g.data[m.from:m.to], d.b[min(m.from-off, len(d.b)):])
		fresh += m.to - m.from
	}
	d.overlapped += int64(end - off - fresh)
	g.cover(off, end)
	return used
}

// missing are the parts of a stretch that have not arrived.
func (g *datagram) missing(from, to int) []stretch {
	var buf [4]stretch
	out := buf[:0]
	for _, p := range g.pieces {
		if p.from >= to {
			break
		}
		if p.from > from {
			out = append(out, stretch{from, p.from})
		}
		from = max(from, p.to)
	}
	if from < to {
		out = append(out, stretch{from, to})
	}
	return out
}

// cover notes that a stretch has arrived.
func (g *datagram) cover(from, to int) {
	i := 0
	for i < len(g.pieces) && g.pieces[i].to < from {
		i++
	}
	j := i
	for j < len(g.pieces) && g.pieces[j].from <= to {
		from, to = min(from, g.pieces[j].from), max(to, g.pieces[j].to)
		j++
	}
	g.pieces = slices.Replace(g.pieces, i, j, stretch{from, to})
}

// has reports whether g holds these bytes.
func (g *datagram) has(off int, b []byte) bool {
	return off+len(b) <= len(g.data) && bytes.Equal(g.data[off:off+len(b)], b)
}

func (g *datagram) complete() bool {
	return g.total >= 0 && len(g.pieces) == 1 && g.pieces[0] == stretch{0, g.total}
}

// expired reports whether g has waited long enough. Capture time may step back a little between interfaces.
func (g *datagram) expired(now int64) bool {
	limit := int64(fragmentWait)
	if g.whole {
		limit = fragmentKeep
	}
	return now-g.since > limit || g.since-now > fragmentWait
}

// begin makes room for another datagram.
func (f *fragments) begin(key fragmentKey, now int64) *datagram {
	if f.waiting == nil {
		f.waiting = map[fragmentKey]*datagram{}
	}
	g := &datagram{}
	if n := len(f.spare); n > 0 {
		g, f.spare = f.spare[n-1], f.spare[:n-1]
	}
	*g = datagram{key: key, since: now, data: g.data[:0], pieces: g.pieces[:0], total: -1, cut: maxDatagram}
	f.waiting[key] = g
	f.queue = append(f.queue, g)
	return g
}

// bound forgets datagrams that have waited too long, and the oldest while there are too many. The packets that
// they came in stay counted under the reason fragment. It spares g, which is in use.
func (f *fragments) bound(g *datagram, now int64) {
	for len(f.queue) > 0 {
		old := f.queue[0]
		if old == g || !old.expired(now) && len(f.queue) <= maxDatagrams && f.bytes <= maxFragmentBytes {
			return
		}
		f.forget(old)
	}
}

// forget drops g. A few are kept to be used again.
func (f *fragments) forget(g *datagram) {
	delete(f.waiting, g.key)
	if i := slices.Index(f.queue, g); i >= 0 {
		f.queue = slices.Delete(f.queue, i, i+1)
	}
	if len(f.spare) < 16 {
		f.spare = append(f.spare, g)
		return
	}
	f.bytes -= cap(g.data)
}
