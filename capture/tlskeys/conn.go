package tlskeys

import (
	"crypto/sha256"
	"encoding/binary"
)

// Sink takes the bytes of one connection, as reassembled TCP gives them: see packet.Sink.
type Sink interface {
	Data(side int, at int64, b []byte)
	Gap(side int, at, n int64, reason string)
	End(side int, at int64, reset bool)
}

// Tally counts what became of the bytes that did not come out as plain ones.
type Tally struct {
	Sessions int64 // connections that were decrypted
	Overhead int64 // bytes of handshakes, headers, nonces, tags and alerts
	Unread   int64 // bytes of records that could not be opened: a gap cut them, or their key is not known
}

// Decryptor decrypts the connections of one source. It is not safe for concurrent use, and neither are the
// connections that it opened.
type Decryptor struct {
	keys   *Keys
	tally  Tally
	plain  []byte // of one record
	held   int    // bytes that connections hold
	trials int64  // bytes that may still be decrypted in search of records behind gaps

	resumable map[digest][]byte // master secrets of TLS 1.2 sessions by identifier and by ticket
}

// digest stands for an identifier or a ticket, which may be long.
type digest [sha256.Size]byte

// maxResumable bounds the sessions that may be resumed.
const maxResumable = 200_000

// maxHeld bounds the bytes that the connections of a Decryptor hold, maxHalf those of the records of one side.
const (
	maxHeld = 32 << 20
	maxHalf = 256 << 10
	maxWork = 8 << 20 // bytes of hellos read again and again, as they come in small pieces
)

// NewDecryptor decrypts what keys open. keys may be nil, and may learn more while connections are read.
func NewDecryptor(keys *Keys) *Decryptor {
	return &Decryptor{keys: keys, plain: make([]byte, maxBody), trials: allTrials, resumable: map[digest][]byte{}}
}

// Tally is the sum over all connections.
func (d *Decryptor) Tally() Tally { return d.tally }

// Open begins a connection whose bytes go on to next. secure is called once, before the first decrypted byte.
func (d *Decryptor) Open(next Sink, secure func()) *Conn {
	c := &Conn{d: d, next: next, secure: secure}
	if d.keys.Len() == 0 {
		c.mode = through
	}
	return c
}

type mode uint8

const (
	sniffing   mode = iota // both sides are held until the two hellos tell what to do
	through                // everything passes as it is
	decrypting             //
	dead                   // was decrypting, and cannot go on
)

// Conn is one connection. Its methods are those of a Sink.
type Conn struct {
	d      *Decryptor
	next   Sink
	secure func()
	mode   mode
	client int // the side that sent the ClientHello
	begun  int // the side that sent the first byte

	secrets *secrets
	suite   *suite
	keys    [2]*protection // TLS 1.2: of the client and of the server, in use behind their ChangeCipherSpec
	early   earlyData
	halves  [2]half
	work    int // bytes that were searched for hellos
	trials  int // bytes that may still be decrypted in search of a record behind a gap
}

// earlyData says what is known of early data of the client.
type earlyData uint8

const (
	noEarly      earlyData = iota
	awaitedEarly           // announced: the server has not answered yet
	acceptedEarly
	refusedEarly // and what the client sent it sends once more
	unknownEarly // the answer is not in the capture
)

// half is one side of a connection.
type half struct {
	buf   []byte // bytes of a record that is not whole yet, or that cannot be read yet
	at    int64  // when the first of them came
	skip  int64  // bytes to pass over: the rest of a record of which a gap took a part
	lost  bool   // a gap took whole records: search for the next one
	gap   int64  // bytes that it took
	ended bool

	open    *protection // of the records to come; nil: they are plain
	later   []*protection
	told    messages
	settled bool // open has opened a record
	closed  bool // its sender said that no more would come (RFC 8446, section 6.1)
}

// Data takes the next bytes of a side. b is not kept.
func (c *Conn) Data(side int, at int64, b []byte) {
	side &= 1
	if len(b) == 0 || c.halves[side].ended {
		return
	}
	switch c.mode {
	case through:
		c.next.Data(side, at, b)
	case dead:
		c.d.tally.Unread += int64(len(b))
	case sniffing:
		c.sniff(side, at, b)
	case decrypting:
		c.take(side, at, b)
	}
}

// Gap says that n bytes of a side are not in the capture (n below 1: an unknown number), and why.
func (c *Conn) Gap(side int, at, n int64, reason string) {
	side &= 1
	if c.halves[side].ended {
		return
	}
	switch c.mode {
	case sniffing:
		c.pass()
		c.next.Gap(side, at, n, reason)
	case through:
		c.next.Gap(side, at, n, reason)
	case decrypting:
		c.missed(side, at, n, reason)
	case dead:
	}
}

// End says that no more bytes of a side will come.
func (c *Conn) End(side int, at int64, reset bool) {
	side &= 1
	h := &c.halves[side]
	if h.ended {
		return
	}
	if c.mode == sniffing {
		c.pass()
	}
	if c.mode == decrypting && side != c.client && c.early == awaitedEarly {
		c.early = unknownEarly
		c.drain(c.client, at)
	}
	h.ended = true
	c.drop(side)
	c.next.End(side, at, reset && !h.closed) // servers reset what they have closed where the client's last alert is not read
}

// hold keeps bytes of a side, and reports whether there was room.
func (c *Conn) hold(side int, at int64, b []byte) bool {
	h := &c.halves[side]
	if len(h.buf)+len(b) > maxHalf || c.d.held+len(b) > maxHeld {
		return false
	}
	if len(h.buf) == 0 {
		h.at = at
	}
	h.buf = append(h.buf, b...)
	c.d.held += len(b)
	return true
}

// release forgets the first n held bytes of a side.
func (c *Conn) release(side, n int) {
	h := &c.halves[side]
	c.d.held -= n
	if h.buf = h.buf[n:]; len(h.buf) == 0 {
		h.buf = nil
	}
}

// drop counts the held bytes of a side as unread, and forgets the message in progress.
func (c *Conn) drop(side int) {
	h := &c.halves[side]
	n := len(h.buf)
	c.d.tally.Unread += int64(n)
	c.release(side, n)
	c.d.held -= len(h.told.buf)
	h.told = messages{lost: true}
}

// tell gives the content of a handshake record to each that reads messages, as long as there is room for their parts.
func (c *Conn) tell(side int, content []byte, each func(kind byte, body []byte)) {
	told := &c.halves[side].told
	c.d.held -= len(told.buf)
	told.add(content, each)
	if c.d.held+len(told.buf) > maxHeld {
		*told = messages{lost: true}
	}
	c.d.held += len(told.buf)
}

// sniff holds bytes until both hellos are there.
func (c *Conn) sniff(side int, at int64, b []byte) {
	if len(c.halves[0].buf) == 0 && len(c.halves[1].buf) == 0 {
		c.begun = side
		if b[0] != recordHandshake {
			c.mode = through
			c.next.Data(side, at, b)
			return
		}
	}
	if !c.hold(side, at, b) {
		c.pass()
		c.next.Data(side, at, b)
		return
	}
	if c.work += len(c.halves[0].buf) + len(c.halves[1].buf); c.work > maxWork {
		c.pass()
		return
	}
	client, found, none := hellos(c.halves[c.begun].buf, clientHello)
	if found && c.secrets == nil {
		c.secrets = c.d.secretsOf(client)
		none = c.secrets == nil
	}
	if none {
		c.pass()
		return
	}
	server, answered, none := hellos(c.halves[c.begun^1].buf, serverHello)
	if none {
		c.pass()
		return
	}
	if found && answered {
		c.begin(client, server)
	}
}

// secretsOf gives what is known of a session; nil: nothing. A key log may not name a resumed one: it has the master
// secret of the one before.
func (d *Decryptor) secretsOf(client hello) *secrets {
	if s := d.keys.of(client.random); s != nil {
		return s
	}
	for _, id := range [][]byte{client.ticket, client.session} {
		if master := d.resumable[sha256.Sum256(id)]; master != nil {
			return &secrets{masterSecret: master}
		}
	}
	return nil
}

// remember keeps the master secret of a TLS 1.2 session that may be resumed by id.
func (c *Conn) remember(id []byte) {
	key := digest(sha256.Sum256(id))
	if _, ok := c.d.resumable[key]; len(id) > 0 && (ok || len(c.d.resumable) < maxResumable) {
		c.d.resumable[key] = c.secrets[masterSecret]
	}
}

// pass gives what was held as it is, and all that follows.
func (c *Conn) pass() {
	c.mode = through
	for _, side := range []int{c.begun, c.begun ^ 1} {
		if h := &c.halves[side]; len(h.buf) > 0 {
			c.next.Data(side, h.at, h.buf)
			c.release(side, len(h.buf))
		}
	}
}

// begin sets up the keys of a session, or lets it pass where they do not suffice.
func (c *Conn) begin(client, server hello) {
	c.client, c.suite = c.begun, suites[server.suite]
	if c.suite == nil || c.suite.modern != server.modern || !c.setKeys(client, server) {
		c.pass()
		return
	}
	c.mode, c.trials = decrypting, maxTrials
	c.d.tally.Sessions++
	if c.secure != nil {
		c.secure()
	}
	for _, side := range []int{c.client ^ 1, c.client} {
		c.drain(side, c.halves[side].at)
	}
}

func (c *Conn) setKeys(client, server hello) bool {
	s := c.secrets
	if !c.suite.modern {
		if len(s[masterSecret]) != maxSecret {
			return false
		}
		c.remember(server.session)
		both, err := sessionKeys(c.suite, s[masterSecret], client.random, server.random)
		c.keys = both
		return err == nil
	}
	if client.early {
		c.early = awaitedEarly
	}
	mine := []label{clientHandshake, clientTraffic}
	if client.early && len(s[clientEarly]) > 0 {
		mine = append([]label{clientEarly}, mine...)
	}
	return c.halves[c.client].use(c.suite, s, mine) && c.halves[c.client^1].use(c.suite, s, []label{serverHandshake, serverTraffic})
}

// use sets the keys of a side in the order in which they come into use.
func (h *half) use(s *suite, known *secrets, in []label) bool {
	for _, l := range in {
		if len(known[l]) != s.hash().Size() {
			return false
		}
		p, err := trafficKeys(s, known[l])
		if err != nil {
			return false
		}
		h.later = append(h.later, p)
	}
	h.advance()
	return true
}

// advance puts the next key into use.
func (h *half) advance() {
	if len(h.later) > 0 {
		h.open, h.later, h.settled = h.later[0], h.later[1:], false
	}
}

// die gives a connection up: nothing that follows can be read.
func (c *Conn) die(at int64) {
	c.mode = dead
	for side := range c.halves {
		c.drop(side)
		if !c.halves[side].ended {
			c.next.Gap(side, at, -1, "tls")
		}
	}
}

// deliver hands over the plain bytes of a record that took size bytes. They came between two instants, so the first of
// them gets the one, and the last the other.
func (c *Conn) deliver(side int, first, last int64, plain []byte, size int) {
	c.d.tally.Overhead += int64(size - len(plain))
	if first != last && len(plain) > 1 {
		c.next.Data(side, first, plain[:1])
		plain = plain[1:]
	}
	if len(plain) > 0 {
		c.next.Data(side, last, plain)
	}
}

func bodySize(header []byte) int { return int(binary.BigEndian.Uint16(header[3:])) }
