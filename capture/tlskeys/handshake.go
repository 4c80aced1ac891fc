package tlskeys

import (
	"bytes"
	"encoding/binary"
)

// Record and handshake types (RFC 8446, sections 5.1 and 4).
const (
	recordCCS       = 20
	recordAlert     = 21
	recordHandshake = 22
	recordData      = 23

	clientHello         = 1
	serverHello         = 2
	newSessionTicket    = 4
	endOfEarlyData      = 5
	encryptedExtensions = 8
	finished            = 20
	keyUpdate           = 24

	closeNotify = 0 // an alert

	extensionTicket    = 35 // RFC 5077
	extensionEarlyData = 42
	extensionVersions  = 43
)

const (
	headerSize   = 5
	maxBody      = 1<<14 + 2048 // of a record; TLS 1.2's bound is the larger
	maxHandshake = 64 << 10     // bytes of one handshake message that is read
)

// retry is the random value of a ServerHello that is a HelloRetryRequest (RFC 8446, section 4.1.3).
var retry = random{
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
}

// isHeader reports whether b begins like the header of a record.
func isHeader(b []byte) bool {
	return b[0] >= recordCCS && b[0] <= recordData && b[1] == 3 && b[2] <= 4 && int(binary.BigEndian.Uint16(b[3:])) <= maxBody
}

// record cuts the first record off b; whole is false where b holds but a part of it.
func record(b []byte) (rec, rest []byte, whole bool) {
	if len(b) < headerSize {
		return nil, b, false
	}
	n := headerSize + int(binary.BigEndian.Uint16(b[3:]))
	if len(b) < n {
		return nil, b, false
	}
	return b[:n], b[n:], true
}

// messages takes handshake messages apart that lie across records.
type messages struct {
	buf  []byte
	lost bool // a part is missing, so that a message may begin anywhere
}

// add takes the content of a handshake record and calls each for every message that is whole now. It is false where
// there is none.
func (m *messages) add(content []byte, each func(kind byte, body []byte)) bool {
	if m.lost {
		if len(content) == 5 && bytes.HasPrefix(content, []byte{keyUpdate, 0, 0, 1}) { // which ends its record (RFC 8446, section 5.1)
			each(keyUpdate, content[4:])
		}
		return true
	}
	buf := append(m.buf, content...)
	m.buf = nil
	for len(buf) >= 4 && !m.lost { // each may find that the connection is over
		n := int(buf[1])<<16 | int(buf[2])<<8 | int(buf[3])
		if n > maxHandshake {
			m.lost = true
			return false
		}
		if len(buf) < 4+n {
			break
		}
		each(buf[0], buf[4:4+n])
		buf = buf[4+n:]
	}
	if len(buf) > 0 && !m.lost {
		m.buf = buf
	}
	return true
}

// hello is what matters of a ClientHello or a ServerHello. It points into the message.
type hello struct {
	random  random
	suite   uint16 // the server's
	modern  bool   // TLS 1.3: the server's
	early   bool   // the client announces early data
	session []byte // TLS 1.2: its identifier, empty where there is none
	ticket  []byte // of the client, to resume a session by
}

func parseHello(kind byte, b []byte) (h hello, ok bool) {
	r := reader{b: b}
	r.skip(2)
	copy(h.random[:], r.take(len(h.random)))
	h.session = r.take(r.number(1))
	if kind == serverHello {
		h.suite = uint16(r.number(2))
		r.skip(1) // compression
	} else {
		r.skip(r.number(2)) // suites
		r.skip(r.number(1))
	}
	if r.bad {
		return h, false
	}
	r.extensions(func(id int, body []byte) {
		switch {
		case id == extensionTicket && kind == clientHello:
			h.ticket = body
		case id == extensionEarlyData:
			h.early = true
		case id == extensionVersions && kind == serverHello:
			h.modern = bytes.Equal(body, []byte{3, 4})
		}
	})
	return h, !r.bad
}

// acceptsEarly reports whether EncryptedExtensions accept early data.
func acceptsEarly(b []byte) (yes bool) {
	r := reader{b: b}
	r.extensions(func(id int, _ []byte) { yes = yes || id == extensionEarlyData })
	return yes
}

// reader reads the fields of a message. Past the end it gives zeros and says so.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	t := r.b[:n]
	r.b = r.b[n:]
	return t
}

func (r *reader) skip(n int) { r.take(n) }

func (r *reader) number(size int) (n int) {
	for _, c := range r.take(size) {
		n = n<<8 | int(c)
	}
	return n
}

// extensions calls each for every extension; a message may end before them.
func (r *reader) extensions(each func(id int, body []byte)) {
	if len(r.b) == 0 {
		return
	}
	list := reader{b: r.take(r.number(2))}
	for len(list.b) > 0 && !list.bad {
		id := list.number(2)
		body := list.take(list.number(2))
		if !list.bad {
			each(id, body)
		}
	}
	r.bad = r.bad || list.bad
}

// hellos reads the handshake at the beginning of a side: its first hello that is no retry, as far as it is there.
// none says that it will not come: these are no records of a handshake.
func hellos(b []byte, kind byte) (h hello, found, none bool) {
	var m messages
	for len(b) > 0 {
		if len(b) < headerSize {
			return h, false, b[0] != recordHandshake && b[0] != recordCCS
		}
		if !isHeader(b) || b[0] != recordHandshake && b[0] != recordCCS {
			return h, false, true
		}
		rec, rest, whole := record(b)
		if !whole {
			return h, false, false
		}
		b = rest
		if rec[0] != recordHandshake {
			continue
		}
		sound := m.add(rec[headerSize:], func(k byte, body []byte) {
			got, ok := parseHello(k, body)
			if found || none {
				return
			}
			none = k != kind || !ok
			if found = !none && got.random != retry; found {
				h = got
			}
		})
		if !sound || none || found {
			return h, found, !sound || none
		}
	}
	return h, false, false
}
