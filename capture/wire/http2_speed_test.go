package wire

import (
	"fmt"
	"testing"

	"trafficreplay/capture"
)

// http2Talk is what a browser and a server say once their header tables are warm: requests[i] asks on stream 2i+1.
func http2Talk(n int) (begin []piece, requests, responses [][]byte) {
	client, server := newPeer(0), newPeer(1)
	begin = []piece{client.hello(), server.hello()}
	for i := range n {
		id := uint32(2*i + 1)
		requests = append(requests, []byte(client.headers(id, true, ":method=GET", ":scheme=https", ":authority=shop.example", fmt.Sprintf(":path=/api/items/%d?page=3&sort=price", i),
			"user-agent=Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "accept=text/html,application/xhtml+xml", "accept-language=en-US,en;q=0.5",
			"accept-encoding=gzip, deflate, br", "cookie=session=0123456789abcdef0123456789abcdef").text))
		text := server.headers(id, false, ":status=200", "server=nginx/1.22.1", "date=Mon, 23 Nov 2026 14:00:00 GMT", "content-type=application/json",
			"content-length=400", fmt.Sprintf("etag=\"66f1c2aa-%x\"", i)).text + server.data(id, true, repeat("x", 400)).text
		responses = append(responses, []byte(text))
	}
	return begin, requests, responses
}

// BenchmarkHTTP2Pair decodes a request and its response.
func BenchmarkHTTP2Pair(b *testing.B) {
	const batch = 1000
	begin, requests, responses := http2Talk(batch)
	bytes := 0
	for i := range requests {
		bytes += len(requests[i]) + len(responses[i])
	}
	n := 0
	d := NewDecoder(Options{Source: "x.pcap", Emit: func(*capture.Request) { n++ }})
	b.SetBytes(int64(bytes / batch))
	b.ReportAllocs()
	var conn *Conn
	i := batch
	at := int64(start)
	for b.Loop() {
		if i == batch {
			if conn != nil {
				conn.End(0, at, false)
				conn.End(1, at, false)
			}
			conn, i = d.Open(testEnds), 0
			for _, p := range begin {
				conn.Data(p.side, at, []byte(p.text))
			}
		}
		conn.Data(0, at, requests[i])
		conn.Data(1, at+500_000, responses[i])
		at += 1_000_000
		i++
	}
	if n != b.N {
		b.Fatalf("%d requests, want %d", n, b.N)
	}
}

// TestHTTP2Allocations holds the budget: none for a request and its response, whole or in pieces.
func TestHTTP2Allocations(t *testing.T) {
	begin, requests, responses := http2Talk(1000)
	for _, piece := range []int{1 << 20, 100} {
		d := NewDecoder(Options{Source: "x.pcap"})
		conn := d.Open(testEnds)
		at, i := int64(start), 0
		give := func(side int, b []byte) {
			for len(b) > 0 {
				n := min(piece, len(b))
				conn.Data(side, at, b[:n])
				b = b[n:]
			}
		}
		for _, p := range begin {
			give(p.side, []byte(p.text))
		}
		pair := func() {
			give(0, requests[i])
			give(1, responses[i])
			at += 1_000_000
			i++
		}
		for range 400 { // until the tables are full
			pair()
		}
		if n := testing.AllocsPerRun(500, pair); n != 0 {
			t.Errorf("pieces of %d: %v allocations a pair, want 0 (BenchmarkHTTP2Pair)", piece, n)
		}
		if got := d.Tally().Requests + conn.Tally().Requests; got != int64(i) {
			t.Errorf("%d requests, want %d", got, i)
		}
	}
}

// TestHTTP2Memory opens 10,000 connections and measures what they hold.
func TestHTTP2Memory(t *testing.T) {
	begin, requests, responses := http2Talk(20)
	greedy := newPeer(0)
	greedy.hello()
	greedy.encoder.SetMaxDynamicTableSizeLimit(hpackLimit)
	greedy.encoder.SetMaxDynamicTableSize(hpackLimit)
	var fields []string
	for i := range 500 {
		fields = append(fields, fmt.Sprintf("%03d=%s", i, repeat("v", i%90)))
	}
	greedyBlock := greedy.headers(1, false, append([]string{":method=GET", ":path=/1"}, fields...)...)
	for _, test := range []struct {
		name  string
		give  func(conn *Conn)
		limit int64 // bytes a connection
	}{
		{"idle", func(conn *Conn) {
			for i := range 3 {
				conn.Data(0, start, requests[i])
				conn.Data(1, start, responses[i])
			}
		}, 8 << 10},
		{"20 requests wait", func(conn *Conn) {
			for _, q := range requests {
				conn.Data(0, start, q)
			}
		}, 10 << 10},
		{"a greedy header table and 500 fields", func(conn *Conn) {
			conn.Data(0, start, []byte(greedyBlock.text))
		}, 13 << 10},
		{"streams without a head", func(conn *Conn) {
			for i := range 1100 {
				conn.Data(0, start, []byte{0, 0, 1, byte(frameHeaders), flagEndHeaders, 0, 0, byte(i >> 7), byte(i<<1 | 1), 0xff})
			}
		}, 10 << 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			const n = 10_000
			d := NewDecoder(Options{Source: "x.pcap"})
			conns := make([]*Conn, n)
			before := heap()
			for i := range conns {
				conns[i] = d.Open(testEnds)
				for _, p := range begin {
					conns[i].Data(p.side, start, []byte(p.text))
				}
				test.give(conns[i])
			}
			if per := (heap() - before) / n; per > test.limit {
				t.Errorf("%d bytes a connection, want at most %d", per, test.limit)
			} else {
				t.Logf("%d bytes a connection", per)
			}
			for _, conn := range conns {
				conn.End(0, start, false)
				conn.End(1, start, false)
			}
			checkEnd(t, d)
			if d.pool.small != 0 {
				t.Errorf("%d bytes are still counted", d.pool.small)
			}
		})
	}
}
