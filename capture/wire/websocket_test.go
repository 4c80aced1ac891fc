package wire

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"trafficreplay/capture"
)

const (
	wsAsk    = "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n"
	wsAnswer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n%s\r\n"
	wsPlain  = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
)

// frame is a frame as its sender builds it; first holds FIN, RSV and the opcode.
func frame(first byte, masked bool, data string) string {
	b := []byte{first}
	bit := byte(0)
	if masked {
		bit = 0x80
	}
	switch n := len(data); {
	case n < 126:
		b = append(b, bit|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, bit|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, bit|127), uint64(n))
	}
	if !masked {
		return string(b) + data
	}
	key := [4]byte{0x11, 0xa2, 0x33, 0xc4}
	b = append(b, key[:]...)
	for i := range len(data) {
		b = append(b, data[i]^key[i&3])
	}
	return string(b)
}

// deflater compresses messages as a side with permessage-deflate does.
type deflater struct {
	b bytes.Buffer
	w *flate.Writer
}

func newDeflater(t testing.TB) *deflater {
	z := &deflater{}
	var err error
	if z.w, err = flate.NewWriter(&z.b, 6); err != nil {
		t.Fatal(err)
	}
	return z
}

func (z *deflater) message(t testing.TB, text string) string {
	z.b.Reset()
	if _, err := z.w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.w.Flush(); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(z.b.String(), "\x00\x00\xff\xff")
}

func TestWebSocket(t *testing.T) {
	long := repeat("0123456789", 7000)
	for _, test := range []struct {
		name   string
		pieces []piece
		want   string
	}{
		{"both ways", []piece{c(wsAsk), s(wsPlain + frame(0x81, false, "hi")), c(frame(0x82, true, "masked bytes")), s(frame(0x88, false, "\x03\xe8"))},
			"[s text hi] [c binary masked bytes] [s close \x03\xe8]"},
		{"frames handed over before the answer", []piece{c(wsAsk), c(frame(0x81, true, "a")), s(wsPlain)}, "[c text a]"},
		{"fragments with a ping between", []piece{c(wsAsk), s(wsPlain), s(frame(0x01, false, "ab") + frame(0x89, false, "p") + frame(0x00, false, "cd") + frame(0x80, false, ""))},
			"[s ping p] [s text abcd]"},
		{"long", []piece{c(wsAsk), s(wsPlain), c(frame(0x81, true, long))}, "[c text " + long + "]"},
		{"gap within a frame", []piece{c(wsAsk), s(wsPlain), c(frame(0x81, true, "abcdef")[:9]), lose(0, 3), c(frame(0x81, true, "next"))}, "[c text next]"},
		{"gap before the answer", []piece{c(wsAsk), lose(0, 3), c(frame(0x82, true, "\x81\x02no\x81\x02no")[6:]), s(wsPlain + frame(0x81, false, "x")), c(frame(0x81, true, "y"))},
			"[s text x]\nskipped gap 15"},
		{"answer within the request", []piece{c("GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nContent-Length: 9\r\n\r\n"), s(wsPlain), c("\x81\x02nonono")},
			"\nskipped bad-framing 8"},
		{"gap over a frame", []piece{c(wsAsk), s(wsPlain), c(frame(0x81, true, "ab")), lose(0, 3), c(frame(0x81, true, "next")), s(frame(0x81, false, "x"))},
			"[c text ab] [s text x]\nskipped gap 10"},
		{"reserved opcode", []piece{c(wsAsk), s(wsPlain), s(frame(0x83, false, "ab"))}, "\nskipped bad-framing 4"},
		{"compressed without being agreed on", []piece{c(wsAsk), s(wsPlain), s(frame(0xc1, false, "ab"))}, "\nskipped bad-framing 4"},
		{"continuation of nothing", []piece{c(wsAsk), s(wsPlain), s(frame(0x80, false, "ab"))}, "\nskipped bad-framing 4"},
		{"cut in a head", []piece{c(wsAsk), s(wsPlain), s("\x81")}, "\nskipped incomplete 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, tally := run(t, Options{}, test.pieces...)
			want := strings.TrimSuffix("GET h/ws HTTP/1.1 -> 101 "+test.want, " ")
			want = strings.Replace(want, " \n", "\n", 1)
			if text := shown(got, tally); text != want {
				t.Errorf("got\n%.300q\nwant\n%.300q", text, want)
			}
			if n := tally.Streams()["websocket"]; n != 1 {
				t.Errorf("streams: %v", tally.Streams())
			}
		})
	}
}

// TestDeflate compresses messages with and without context takeover.
func TestDeflate(t *testing.T) {
	texts := []string{"hello hello hello", "hello hello hello again", repeat("wide ", 9000), repeat("wide ", 9000), "hello"}
	for _, takeover := range []bool{true, false} {
		extension := "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15\r\n"
		if !takeover {
			extension = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n"
		}
		z := newDeflater(t)
		pieces := []piece{c(wsAsk), s(fmt.Sprintf(wsAnswer, extension))}
		var want []string
		for i, text := range texts {
			if !takeover {
				z = newDeflater(t)
			}
			packed := z.message(t, text)
			half := len(packed) / 2
			pieces = append(pieces, s(frame(0x41, false, packed[:half])+frame(0x80, false, packed[half:])))
			want = append(want, fmt.Sprintf("[s text %s]", texts[i]))
		}
		got, tally := run(t, Options{}, pieces...)
		if text := shown(got, tally); text != "GET h/ws HTTP/1.1 -> 101 "+strings.Join(want, " ") {
			t.Errorf("takeover %v: got %.200s, %d unread", takeover, text, tally.Unread)
		}
		// Without the second message those after it are readable only if they do not refer to it.
		lost := pieces[3]
		pieces[3] = piece{side: 1, text: lost.text[:3]}
		pieces = append(pieces[:4], append([]piece{lose(1, int64(len(lost.text)/2-3))}, append([]piece{s(lost.text[len(lost.text)/2:])}, pieces[4:]...)...)...)
		got, tally = run(t, Options{}, pieces...)
		kept, unread := 4, int64(1)
		if takeover {
			kept, unread = 1, 4
		}
		if len(got) != 1 || len(got[0].Messages) != kept || tally.Unread != unread {
			t.Errorf("takeover %v, with a gap: %d messages, %d unread; want %d, %d", takeover, len(got[0].Messages), tally.Unread, kept, unread)
		}
	}
}

// TestDeflateBomb gives 64 MiB of zeros in 64 KiB, twice: more than a message may have, and more than is inflated at all.
func TestDeflateBomb(t *testing.T) {
	z := newDeflater(t)
	bomb := frame(0xc2, false, z.message(t, repeat("\x00", 2<<20)))
	pieces := []piece{c(wsAsk), s(fmt.Sprintf(wsAnswer, "Sec-WebSocket-Extensions: permessage-deflate\r\n")), s(bomb), s(frame(0xc1, false, z.message(t, "after")))}
	got, tally := run(t, Options{}, pieces...)
	if text := shown(got, tally); text != "GET h/ws HTTP/1.1 -> 101 [s text after]" || tally.Unkept != 1 {
		t.Errorf("got %.200s, %d unkept", text, tally.Unkept)
	}
	pieces[2] = s(frame(0xc2, false, z.message(t, repeat("\x00", maxInflated+1))))
	got, tally = run(t, Options{}, pieces...)
	if len(got[0].Messages) != 0 || tally.Unread != 2 {
		t.Errorf("%d messages, %d unread, want 0, 2", len(got[0].Messages), tally.Unread)
	}
}

// TestMessageLimits sends one message more than is kept.
func TestMessageLimits(t *testing.T) {
	pieces := []piece{c(wsAsk), s(wsPlain), s(strings.Repeat(frame(0x81, false, "x"), maxMessages+1))}
	got, tally := run(t, Options{}, pieces...)
	if n := len(got[0].Messages); n != maxMessages || tally.Unkept != 1 || tally.Messages != maxMessages+1 || tally.Frames != maxMessages+1 {
		t.Errorf("%d kept, %d not, %d messages", n, tally.Unkept, tally.Messages)
	}
	for _, n := range []int{maxMessage, maxMessage + 1} {
		got, tally = run(t, Options{}, c(wsAsk), s(wsPlain), s(frame(0x82, false, repeat("x", n))))
		if kept := len(got[0].Messages); kept != btoi(n == maxMessage) || tally.Unkept != int64(1-kept) {
			t.Errorf("message of %d: %d kept, %d not", n, kept, tally.Unkept)
		}
	}
}

// TestWebSocketSplitAndGap takes bytes out at every place, and splits at every byte.
func TestWebSocketSplitAndGap(t *testing.T) {
	v := &conversation{}
	v.say(0, wsAsk, 1<<20, start)
	v.say(1, wsPlain, 1<<20, start+1_000_000)
	var texts []string
	for i := range 8 {
		text := fmt.Sprintf("message %d %s", i, repeat("abc", i*12))
		texts = append(texts, text)
		v.say(i&1, frame(0x01, i&1 == 0, text[:5])+frame(0x80, i&1 == 0, text[5:]), 40, start+int64(i+2)*1_000_000)
	}
	for side := range v.stream {
		for at := range v.stream[side] {
			split := [2]int{}
			split[side] = at
			got, _ := v.decode(t, packet{}, split)
			if len(got) != 1 || len(got[0].Messages) != len(texts) {
				t.Fatalf("side %d split at %d: %d requests", side, at, len(got))
			}
			for _, n := range []int{1, 5, 60} {
				got, _ := v.decode(t, packet{side: side, from: at, to: min(at+n, len(v.stream[side]))}, [2]int{})
				for _, q := range got {
					checkMessages(t, texts, q)
				}
			}
		}
	}
}

func checkMessages(t *testing.T, texts []string, q *capture.Request) {
	t.Helper()
	for _, m := range q.Messages {
		var i int
		if _, err := fmt.Sscanf(string(m.Data), "message %d", &i); err != nil || texts[i] != string(m.Data) || m.Dir != "cs"[i&1] || m.Op != "text" {
			t.Fatalf("recovered a message that nobody sent: %c %s %q", m.Dir, m.Op, m.Data)
		}
	}
}
