package wire

import (
	"strings"
	"testing"
	"time"
)

// TestHostileRepeats gives each side endless repetitions behind beginnings that wait for something, in pieces of
// several sizes. The tally has to balance and all memory to come back.
func TestHostileRepeats(t *testing.T) {
	units := []string{
		"\n", "\r\n", " ", "\x00", "\x16", "\x16\x03\x01\x40\x00", "A", "H", "A: b\r\n", "GET /", "GET / HTTP/1.1\r\n", get, ok, "1\r\na\r\n",
		"HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 C\r\n\r\n", "PRI * ", "\x81\x00", "\x82\x7f\x00\x00\x00\x00\x00\x10\x00\x00",
	}
	beginnings := []string{
		"", get, "GET / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "CONNECT x:1 HTTP/1.1\r\n\r\n", wsAsk,
	}
	for _, unit := range units {
		text := strings.Repeat(unit, 300_000/len(unit)+1)
		for _, first := range beginnings {
			for _, size := range []int{61, 1 << 20} {
				for side := range 2 {
					repeatedly(t, first, text, size, side)
				}
			}
		}
	}
}

// repeatedly gives side a beginning and a text in pieces, and the other side an answer to an upgrade or a byte now and then.
func repeatedly(t *testing.T, first, text string, size, side int) {
	t.Helper()
	d := NewDecoder(Options{})
	conn := d.Open(testEnds)
	conn.Data(side, start, []byte(first))
	if first == wsAsk {
		conn.Data(side^1, start, []byte(wsPlain))
	}
	for i := 0; i < len(text); i += size {
		conn.Data(side, start+int64(i), []byte(text[i:min(i+size, len(text))]))
		switch i / size % 50 {
		case 20:
			conn.Data(side^1, start+int64(i), []byte{'x'})
		case 40:
			conn.Gap(side, start+int64(i), int64(i%7)-1, "lost")
		}
	}
	conn.End(side, start, true)
	conn.End(side^1, start, false)
	if t.Failed() {
		return
	}
	if checkEnd(t, d); t.Failed() {
		t.Errorf("%.20q behind %.20q, pieces of %d, side %d", text, first, size, side)
	}
}

// TestHeldHead gives a client's bytes one by one while the head of a response is held: it is not read again with each.
func TestHeldHead(t *testing.T) {
	took := func(head string) time.Duration {
		d := NewDecoder(Options{})
		conn := d.Open(testEnds)
		conn.Data(0, start, []byte("GET /"))
		conn.Data(1, start, []byte(head))
		began := time.Now()
		for range 3000 {
			conn.Data(0, start, []byte("x"))
		}
		took := time.Since(began)
		conn.End(0, start, false)
		conn.End(1, start, false)
		checkEnd(t, d)
		return took
	}
	short, long := took(ok[:38]), took("HTTP/1.1 200 OK\r\n"+strings.Repeat("a:\n", 20_000)+"\n")
	if long > 20*short+10*time.Millisecond {
		t.Errorf("with a long head %v, with a short one %v", long, short)
	}
}
