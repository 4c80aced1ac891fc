package wire

import "encoding/binary"

// tls is a connection of TLS that nobody decrypts: its bytes are counted, and the name of the server that the client
// asks for.
type tls struct {
	c     *Conn
	hello []byte // what is there of a side's first record, which may be the client's hello
	from  int    // the side
	seen  [2]bool
	named bool
}

const (
	recordHead  = 5
	handshake   = 22
	clientHello = 1
)

func (t *tls) data(side int, _ int64, b []byte) int {
	t.c.tally.count(noKey, len(b))
	if !t.seen[side] && (len(t.hello) == 0 || t.from == side) {
		t.collect(side, b)
	}
	return len(b)
}

// collect adds to the first record of a side, and looks for a name in it once it is whole.
func (t *tls) collect(side int, b []byte) {
	buf, ok := t.c.d.pool.grow(t.hello, len(b))
	t.hello, t.from = buf, side
	if !ok {
		t.drop(side)
		return
	}
	t.hello = append(buf, b...)
	switch h := t.hello; {
	case h[0] != handshake || len(h) > recordHead && h[recordHead] != clientHello:
		t.drop(side)
	case len(h) < recordHead:
	case len(h) >= recordHead+int(binary.BigEndian.Uint16(h[3:])):
		if name := serverName(h[recordHead:]); name != "" {
			t.seen, t.named = [2]bool{true, true}, true
			t.c.tally.name(name, 1)
		}
		t.drop(side)
	}
}

func (t *tls) drop(side int) {
	t.seen[side] = true
	if t.from == side {
		t.c.d.pool.put(t.hello)
		t.hello = nil
	}
}

func (t *tls) gap(side int, _, _ int64) { t.drop(side) }

func (t *tls) end(int, int64, bool) {}

func (t *tls) close() {
	t.drop(t.from)
	if !t.named {
		t.c.tally.name("", 1)
	}
}

// serverName is the name in a client's hello (RFC 8446, section 4.1.2; RFC 6066, section 3), empty where there is
// none or where the hello is not whole.
func serverName(hello []byte) string {
	r := octets{b: hello}
	r.skip(1 + 3 + 2 + 32)             // type, length, version, random
	r.skip(r.number(1))                // session
	r.skip(r.number(2))                // cipher suites
	r.skip(r.number(1))                // compressions
	r = octets{b: r.take(r.number(2))} // extensions
	for len(r.b) >= 4 {
		kind := r.number(2)
		x := octets{b: r.take(r.number(2))}
		if kind != 0 {
			continue
		}
		x.skip(2 + 1) // length of the list, type of the name
		return cleanName(x.take(x.number(2)))
	}
	return ""
}

// cleanName is a name if all of it is what host names are made of.
func cleanName(b []byte) string {
	if len(b) > 255 {
		return ""
	}
	for _, c := range b {
		if !tokenByte[c] && c != ':' {
			return ""
		}
	}
	return string(b)
}

// octets reads numbers and parts of b. Beyond the end it gives nothing.
type octets struct{ b []byte }

func (r *octets) take(n int) []byte {
	if n > len(r.b) {
		r.b = nil
		return nil
	}
	part := r.b[:n]
	r.b = r.b[n:]
	return part
}

func (r *octets) skip(n int) { r.take(n) }

func (r *octets) number(size int) int {
	n := 0
	for _, c := range r.take(size) {
		n = n<<8 | int(c)
	}
	return n
}
