package wire

import (
	"encoding/binary"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"trafficreplay/capture"
)

// TestFields checks each field of a request once.
func TestFields(t *testing.T) {
	var q *capture.Request
	d := NewDecoder(Options{Source: "prod.pcap", Emit: func(x *capture.Request) { q = x.Clone() }})
	d.Open(testEnds)
	conn := d.Open(testEnds)
	conn.Secure = true
	const ms = 1_000_000
	request := "POST /a?b=c HTTP/1.1\r\nHost: h:8\r\nContent-Length: 3\r\nX:  y \r\n\r\nabc"
	response := "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nT: u\r\n\r\n"
	for i, p := range []struct {
		side int
		text string
		at   int64
	}{{0, request[:5], 0}, {0, request[5:], 2 * ms}, {1, response[:4], 3 * ms}, {1, response[4:60], 5 * ms}, {1, response[60:], 9 * ms}} {
		conn.Frame = int64(70 + i)
		conn.Data(p.side, start+p.at, []byte(p.text))
	}
	if q == nil {
		t.Fatal("no request")
	}
	const want = `{"at":"2023-11-14T22:13:20Z","dur_us":9000,"first_us":3000,"client":"192.0.2.7","conn":2,"method":"POST","scheme":"https",` +
		`"host":"h:8","target":"/a?b=c","proto":"HTTP/1.1","headers":[["Host","h:8"],["Content-Length","3"],["X","y"]],"body":"YWJj","body_size":3,` +
		`"status":201,"resp_size":2,"resp_wire":70,"resp_headers":[["Transfer-Encoding","chunked"]],"resp_body":"aGk=","trailers":[["T","u"]],"src":"prod.pcap:70"}`
	if got := string(q.AppendJSON(nil)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestSlowHead has the head of a response without a body come in two pieces.
func TestSlowHead(t *testing.T) {
	got, _ := run(t, Options{}, c(get), s("HTTP/1.1 304 Not"), s(" Modified\r\n\r\n"))
	if len(got) != 1 || got[0].FirstUS != 1000 || got[0].DurUS != 2000 {
		t.Errorf("got %v, want one request, first byte after 1000 µs, last after 2000", got)
	}
}

// TestHandedOverLate gives a response before its request, as reassembly does that waits for a lost packet.
func TestHandedOverLate(t *testing.T) {
	var got []*capture.Request
	d := NewDecoder(Options{Emit: func(x *capture.Request) { got = append(got, x.Clone()) }})
	conn := d.Open(testEnds)
	conn.Data(1, start+2000, []byte(ok[:20]))
	conn.Data(1, start+3000, []byte(ok[20:]))
	conn.End(1, start+4000, false)
	conn.Data(0, start+1000, []byte(get[:9]))
	conn.Data(0, start+1500, []byte(get[9:]))
	if len(got) != 1 || show(got[0]) != "GET h/a HTTP/1.1 -> 200 hi/2" || got[0].FirstUS != 1 || got[0].DurUS != 2 {
		t.Errorf("got %v", got)
	}
	conn.End(0, start+5000, false)
	checkEnd(t, d)
}

// TestOneSide gives the bytes of one side only, more than a side waits with.
func TestOneSide(t *testing.T) {
	const n = 5000
	got, tally := run(t, Options{}, s(strings.Repeat(ok, n)))
	if len(got) != 0 || tally.Alone != n || tally.Skipped()["response-alone"] != int64(n*len(ok)) {
		t.Errorf("responses: %d requests, %d alone, %v", len(got), tally.Alone, tally.Skipped())
	}
	got, tally = run(t, Options{}, c(strings.Repeat(get, n)))
	if len(got) != n || tally.Unanswered != n {
		t.Errorf("requests: %d, %d unanswered", len(got), tally.Unanswered)
	}
}

// hello is a TLS record with a client's hello for a server name.
func hello(name string) string {
	u16 := func(n int) string { return string(binary.BigEndian.AppendUint16(nil, uint16(n))) }
	x := "\x00" + u16(len(name)) + name
	x = u16(len(x)) + x
	x = "\x00\x17" + u16(0) + "\x00\x00" + u16(len(x)) + x
	body := "\x03\x03" + repeat("r", 32) + "\x00" + u16(2) + "\x13\x01" + "\x01\x00" + u16(len(x)) + x
	body = "\x01\x00" + u16(len(body)) + body
	return "\x16\x03\x01" + u16(len(body)) + body
}

func TestTLS(t *testing.T) {
	text := hello("shop.example")
	for _, test := range []struct {
		name   string
		pieces []piece
		want   string
	}{
		{"whole", []piece{c(text), s("\x16\x03\x03\x00\x04\x02\x00\x00\x00")}, "shop.example"},
		{"server on side 0", []piece{s(text), c("\x16\x03\x03\x00\x04\x02\x00\x00\x00")}, "shop.example"},
		{"byte by byte", bytewise(0, text), "shop.example"},
		{"cut", []piece{c(text[:40]), lose(0, 3), c(text[43:])}, ""},
		{"entered in the middle", []piece{s("\x17\x03\x03\x00\x20" + repeat("x", 32))}, ""},
		{"a name of control bytes", []piece{c(hello("a\x1b[m"))}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, tally := run(t, Options{}, test.pieces...)
			if tally.ServerNames()[test.want] != 1 || tally.Streams()["tls-no-key"] != 1 || tally.Skipped()["tls-no-key"] != tally.Payload {
				t.Errorf("names %v, streams %v, skipped %v of %d", tally.ServerNames(), tally.Streams(), tally.Skipped(), tally.Payload)
			}
		})
	}
}

func bytewise(side int, text string) []piece {
	var all []piece
	for i := range len(text) {
		all = append(all, piece{side: side, text: text[i : i+1]})
	}
	return all
}

// TestHTTP2 checks that HTTP/2 is found, also where the server speaks first.
func TestHTTP2(t *testing.T) {
	settings := "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	client := preface + "\r\nSM\r\n\r\n" + settings
	for _, pieces := range [][]piece{{c(client), s(settings)}, {s(settings), c(client)}, append(bytewise(0, client), s(settings))} {
		_, tally := run(t, Options{}, pieces...)
		if tally.Streams()["http2"] != 1 || tally.Skipped()["http2-control"] != tally.Payload {
			t.Errorf("streams %v, skipped %v of %d", tally.Streams(), tally.Skipped(), tally.Payload)
		}
	}
}

// TestLimits has requests at each limit and one beyond it.
func TestLimits(t *testing.T) {
	line := func(n int) string { return "GET /" + repeat("a", n-1) + " HTTP/1.1\r\nHost: h\r\n\r\n" }
	fields := func(n int) string { return "GET / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", n) + "\r\n" }
	value := func(n int) string { return "GET / HTTP/1.1\r\nA: " + repeat("b", n-1-fieldOverhead) + "\r\n\r\n" }
	body := func(n int) string {
		return "POST / HTTP/1.1\r\nContent-Length: " + strconv.Itoa(n) + "\r\n\r\n" + repeat("x", n)
	}
	for _, test := range []struct {
		name    string
		text    func(n int) string
		limit   int
		refused bool // beyond the limit; else only the end of the body is not kept
	}{
		{"target", line, capture.MaxTarget, true},
		{"fields", fields, maxFields, true},
		{"headers", value, capture.MaxHeaders - 30, true},
		{"body", body, capture.MaxBody, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, tally := run(t, Options{}, c(test.text(test.limit)), s(ok))
			if len(got) != 1 || tally.Refused != 0 || len(got[0].Body) != int(got[0].BodySize) {
				t.Errorf("at the limit: %d requests, skipped %v", len(got), tally.Skipped())
			}
			got, tally = run(t, Options{}, c(test.text(test.limit+31)+get), s(ok+ok))
			switch {
			case test.refused && (len(got) > 1 || tally.Skipped()["too-long"] == 0):
				t.Errorf("beyond it: %d requests, skipped %v", len(got), tally.Skipped())
			case !test.refused && (len(got) != 2 || len(got[0].Body) != capture.MaxBody || got[0].BodySize != int64(test.limit+31) || tally.Unkept != 1):
				t.Errorf("beyond it: %d requests, %d unkept", len(got), tally.Unkept)
			}
		})
	}
}

// TestFullest sends the most that a request can hold through what stands behind: clone, sorter, file.
func TestFullest(t *testing.T) {
	body := repeat("b", capture.MaxBody)
	ask := "POST /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	full, _ := run(t, Options{}, c(ask), s(wsPlain+strings.Repeat(frame(0x82, false, repeat("\xff", 100)), maxMessages)))
	plain, _ := run(t, Options{}, c(strings.Replace(ask, "Upgrade", "None", 1)), s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n"+body+"\r\n0\r\nT: u\r\n\r\n"))
	if len(full) != 1 || len(full[0].Messages) < 10_000 || len(plain) != 1 || len(plain[0].RespBody) != capture.MaxBody {
		t.Fatalf("%d and %d requests", len(full), len(plain))
	}
	r, err := capture.NewRedactor(capture.RedactOptions{KeepSecrets: true})
	if err != nil {
		t.Fatal(err)
	}
	sorter := capture.NewSorter(capture.SorterOptions{Budget: 1 << 20, TempDir: t.TempDir()})
	defer sorter.Close()
	all := append(full, plain...)
	for _, q := range all {
		r.Apply(q)
		if err := sorter.Add(q); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range all {
		var q capture.Request
		if err := sorter.Next(&q); err != nil {
			t.Fatal(err)
		}
		if lines([]*capture.Request{&q}) != lines([]*capture.Request{want}) {
			t.Errorf("a request of %d messages came out differently", len(want.Messages))
		}
	}
	if err := sorter.Next(&capture.Request{}); !errors.Is(err, io.EOF) {
		t.Errorf("after the last: %v", err)
	}
}
