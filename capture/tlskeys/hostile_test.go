package tlskeys

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"strings"
	"testing"
)

// plainRecord is a record that is not protected.
func plainRecord(kind byte, content []byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{kind, 3, 3}, uint16(len(content))), content...)
}

// handshakeMessage is a message of the handshake.
func handshakeMessage(kind byte, body []byte) []byte {
	n := len(body)
	return append([]byte{kind, byte(n >> 16), byte(n >> 8), byte(n)}, body...)
}

// opened is a TLS 1.2 connection of which both hellos were seen, and nothing else.
func opened(t *testing.T) *Conn {
	t.Helper()
	var log bytes.Buffer
	client, server := configs(certificate(t, false), tls.VersionTLS12, 0, &log)
	pieces := exchange(t, client, server, texts...)
	var got collected
	c := NewDecryptor(keysOf(t, log.String())).Open(&got, nil)
	for _, p := range pieces[:2] {
		first, _, _ := record(p.b)
		c.Data(p.side, 1, first)
	}
	if c.mode != decrypting {
		t.Fatalf("mode %d behind both hellos, want %d", c.mode, decrypting)
	}
	return c
}

// TestEndlessHandshake: a handshake that never ends takes no memory.
func TestEndlessHandshake(t *testing.T) {
	c := opened(t)
	c.Data(1, 1, plainRecord(recordHandshake, []byte{11, 0xff, 0xff, 0xff}))
	for range 1000 {
		c.Data(1, 1, plainRecord(recordHandshake, make([]byte, 1<<14)))
	}
	if n := cap(c.halves[1].told.buf); n > maxHandshake {
		t.Errorf("%d bytes of a message kept, limit %d", n, maxHandshake)
	}
}

// TestManyTickets: what is remembered of a session does not grow with its ticket.
func TestManyTickets(t *testing.T) {
	c := opened(t)
	before := len(c.d.resumable)
	ticket := bytes.Repeat([]byte{7}, 6+12<<10)
	binary.BigEndian.PutUint16(ticket[4:], 12<<10)
	for i := range 10 {
		ticket[6] = byte(i)
		c.Data(1, 1, plainRecord(recordHandshake, handshakeMessage(newSessionTicket, ticket)))
	}
	if n := len(c.d.resumable) - before; n != 10 {
		t.Fatalf("%d sessions remembered, want 10", n)
	}
	for id := range c.d.resumable {
		if len(id) > 32 {
			t.Fatalf("%d bytes remembered of a ticket, want at most 32", len(id))
		}
	}
}

// sealed is an end of a TLS 1.3 connection that was made up.
type sealed struct{ *protection }

func (s sealed) record(kind byte, content string) []byte {
	inner := append([]byte(content), kind)
	header := binary.BigEndian.AppendUint16([]byte{recordData, 3, 3}, uint16(len(inner)+s.aead.Overhead()))
	b := s.aead.Seal(header, s.nonce(s.seq, nil), inner, header)
	s.seq++
	return b
}

// madeUp is a TLS 1.3 session whose secrets are a letter each.
type madeUp struct {
	keys *Keys
	ends [labels]sealed
}

func newMadeUp(t *testing.T, known ...label) madeUp {
	t.Helper()
	m := madeUp{keys: &Keys{sessions: map[random]*secrets{{9}: {}}}}
	for _, l := range []label{clientEarly, clientHandshake, serverHandshake, clientTraffic, serverTraffic} {
		p, err := trafficKeys(&gcm128v13, bytes.Repeat([]byte{byte(l)}, 32))
		if err != nil {
			t.Fatal(err)
		}
		m.ends[l] = sealed{p}
	}
	for _, l := range known {
		m.keys.sessions[random{9}][l] = m.ends[l].secret
	}
	return m
}

// hello is the client's or the server's, with one extension.
func (m madeUp) hello(kind byte, extension ...byte) []byte {
	b := append(append([]byte{3, 3, 9}, make([]byte, 31)...), 0) // version, random, no session
	if kind == clientHello {
		b = append(b, 0, 2, 0x13, 1, 1, 0)
	} else {
		b = append(b, 0x13, 1, 0)
	}
	b = append(append(b, 0, byte(len(extension))), extension...)
	return plainRecord(recordHandshake, handshakeMessage(kind, b))
}

// update is the other side's key behind a KeyUpdate.
func (s sealed) update(t *testing.T) sealed {
	t.Helper()
	p, err := s.protection.update()
	if err != nil {
		t.Fatal(err)
	}
	return sealed{p}
}

// begin plays hellos and the server's answer to early data, and the records between.
func (m madeUp) early(c *Conn, accepted bool, between func()) {
	c.Data(0, 1, m.hello(clientHello, 0, extensionEarlyData, 0, 0))
	c.Data(0, 1, m.ends[clientEarly].record(recordData, "early"))
	c.Data(1, 2, m.hello(serverHello, 0, extensionVersions, 0, 2, 3, 4))
	between()
	answer := []byte{0, 0}
	if accepted {
		answer = []byte{0, 4, 0, extensionEarlyData, 0, 0}
	}
	c.Data(1, 2, m.ends[serverHandshake].record(recordHandshake, string(handshakeMessage(encryptedExtensions, answer))))
	c.Data(1, 2, m.ends[serverHandshake].record(recordHandshake, string(handshakeMessage(finished, make([]byte, 32)))))
	if accepted {
		c.Data(0, 3, m.ends[clientEarly].record(recordHandshake, string(handshakeMessage(endOfEarlyData, nil))))
	}
	c.Data(0, 3, m.ends[clientHandshake].record(recordHandshake, string(handshakeMessage(finished, make([]byte, 32)))))
	c.Data(0, 4, m.ends[clientTraffic].record(recordData, "late"))
}

// TestEarlyDataMissing: early data that cannot be read, though the server may have, is a gap; what it refused is none.
func TestEarlyDataMissing(t *testing.T) {
	without := []label{clientHandshake, serverHandshake, clientTraffic, serverTraffic}
	for _, test := range []struct {
		name           string
		known          []label
		accepted, lost bool // lost: the server's answer is behind a gap
		want           string
	}{
		{"accepted", append(without, clientEarly), true, false, "earlylate"},
		{"accepted, its secret not known", without, true, false, "«-1»late"},
		{"refused", append(without, clientEarly), false, false, "late"},
		{"refused, its secret not known", without, false, false, "late"},
		{"answer lost", append(without, clientEarly), true, true, "«-1»late"},
		{"answer lost, its secret not known", without, true, true, "«-1»late"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMadeUp(t, test.known...)
			var got collected
			c := NewDecryptor(m.keys).Open(&got, nil)
			m.early(c, test.accepted, func() {
				if test.lost {
					m.ends[serverHandshake].record(recordHandshake, "x") // which no packet holds
					c.Gap(1, 2, 23, "lost")
				}
			})
			c.End(0, 5, false)
			c.End(1, 5, false)
			if g := got.text[0].String(); g != test.want {
				t.Errorf("got %q, want %q", g, test.want)
			}
		})
	}
}

// TestKeyUpdateBehindGap: also behind a gap a new key is followed.
func TestKeyUpdateBehindGap(t *testing.T) {
	m := newMadeUp(t, clientHandshake, serverHandshake, clientTraffic, serverTraffic)
	var got collected
	c := NewDecryptor(m.keys).Open(&got, nil)
	c.Data(0, 1, m.hello(clientHello))
	c.Data(1, 1, m.hello(serverHello, 0, extensionVersions, 0, 2, 3, 4))
	s := m.ends[serverTraffic]
	c.Data(1, 1, s.record(recordData, "one "))
	lost := s.record(recordData, strings.Repeat("x", 100))
	c.Gap(1, 1, int64(len(lost)), "lost")
	c.Data(1, 1, s.record(recordData, "two "))
	c.Data(1, 1, s.record(recordHandshake, string(handshakeMessage(keyUpdate, []byte{0}))))
	c.Data(1, 1, s.update(t).record(recordData, "three"))
	c.End(0, 1, false)
	c.End(1, 1, false)
	if g, want := got.text[1].String(), "one «-1»two three"; g != want {
		t.Errorf("got %q, want %q", g, want)
	}
}

// TestGarbageBehindEarlyData: the server's answer shows that what the client sent is nothing.
func TestGarbageBehindEarlyData(t *testing.T) {
	m := newMadeUp(t, clientEarly, clientHandshake, serverHandshake, clientTraffic, serverTraffic)
	var got collected
	d := NewDecryptor(m.keys)
	c := d.Open(&got, nil)
	m.early(c, true, func() { c.Data(0, 1, make([]byte, 100)) })
	c.End(0, 5, false)
	c.End(1, 5, false)
	if g, want := got.text[0].String(), "early«-1»"; g != want || d.held != 0 {
		t.Errorf("got %q and %d bytes held, want %q and none", g, d.held, want)
	}
}

// TestEarlyDataRetried: a server that asks for another hello refuses early data.
func TestEarlyDataRetried(t *testing.T) {
	for _, known := range [][]label{
		{clientHandshake, serverHandshake, clientTraffic, serverTraffic},
		{clientHandshake, serverHandshake, clientTraffic, serverTraffic, clientEarly},
	} {
		m := newMadeUp(t, known...)
		var got collected
		c := NewDecryptor(m.keys).Open(&got, nil)
		again := m.hello(serverHello, 0, extensionVersions, 0, 2, 3, 4)
		copy(again[headerSize+4+2:], retry[:])
		c.Data(0, 1, m.hello(clientHello, 0, extensionEarlyData, 0, 0))
		c.Data(0, 1, m.ends[clientEarly].record(recordData, "early"))
		c.Data(1, 2, append(again, plainRecord(recordCCS, []byte{1})...))
		c.Data(0, 3, append(plainRecord(recordCCS, []byte{1}), m.hello(clientHello)...))
		c.Data(1, 4, m.hello(serverHello, 0, extensionVersions, 0, 2, 3, 4))
		done := string(handshakeMessage(finished, make([]byte, 32)))
		c.Data(1, 4, m.ends[serverHandshake].record(recordHandshake, string(handshakeMessage(encryptedExtensions, []byte{0, 0}))+done))
		c.Data(0, 5, append(m.ends[clientHandshake].record(recordHandshake, done), m.ends[clientTraffic].record(recordData, "late")...))
		c.Data(1, 6, m.ends[serverTraffic].record(recordData, "answer"))
		c.End(0, 7, false)
		c.End(1, 7, false)
		if g := got.text[0].String() + " " + got.text[1].String(); g != "late answer" {
			t.Errorf("%d secrets known: got %q, want %q", len(known), g, "late answer")
		}
	}
}

// TestSearchIsLinear: connections made to be searched in vain cost no more than their bytes allow.
func TestSearchIsLinear(t *testing.T) {
	m := newMadeUp(t, clientHandshake, serverHandshake, clientTraffic, serverTraffic)
	headers := bytes.Repeat([]byte{recordData, 3, 3, 0x40, 0}, 4000)
	d := NewDecryptor(m.keys)
	given, tried := 0, 0
	for range 8 {
		var got collected
		c := d.Open(&got, nil)
		c.Data(0, 1, m.hello(clientHello))
		c.Data(1, 1, m.hello(serverHello, 0, extensionVersions, 0, 2, 3, 4))
		c.Gap(1, 1, 1<<20, "lost")
		c.Data(1, 1, headers)
		c.End(0, 1, false)
		c.End(1, 1, false)
		given += len(headers)
		tried += maxTrials - c.trials
		if g := got.text[1].String(); !strings.HasPrefix(g, "«-1»") {
			t.Errorf("got %.20q, want a gap", g)
		}
	}
	if limit := 256<<20 + 64*given + 1<<16; tried > limit {
		t.Errorf("%d bytes decrypted in search of %d, limit %d", tried, given, limit)
	}
}
