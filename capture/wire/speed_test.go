package wire

import (
	"fmt"
	"runtime"
	"testing"

	"trafficreplay/capture"
)

// typical is a request of a browser and a response that are 1 KB together.
func typical() (request, response []byte) {
	request = []byte("GET /api/items/42?page=3&sort=price HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
		"Accept: text/html,application/xhtml+xml\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\n" +
		"Cookie: session=0123456789abcdef0123456789abcdef\r\n\r\n")
	response = []byte("HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Mon, 23 Nov 2026 14:00:00 GMT\r\nContent-Type: application/json\r\nContent-Length: 400\r\nConnection: keep-alive\r\n" +
		"ETag: \"66f1c2aa-190\"\r\n\r\n" + repeat("x", 400))
	return request, response
}

// BenchmarkPair decodes a request and its response on one connection.
func BenchmarkPair(b *testing.B) {
	request, response := typical()
	for _, bodies := range []bool{true, false} {
		b.Run(fmt.Sprintf("bodies=%v", bodies), func(b *testing.B) {
			n := 0
			d := NewDecoder(Options{Source: "x.pcap", NoBodies: !bodies, Emit: func(*capture.Request) { n++ }})
			conn := d.Open(testEnds)
			b.SetBytes(int64(len(request) + len(response)))
			b.ReportAllocs()
			at := int64(start)
			for b.Loop() {
				conn.Data(0, at, request)
				conn.Data(1, at+500_000, response)
				at += 1_000_000
			}
			if n != b.N {
				b.Fatalf("%d requests, want %d", n, b.N)
			}
		})
	}
}

// TestAllocations holds the budget: none for a request and its response, whole or in pieces.
func TestAllocations(t *testing.T) {
	request, response := typical()
	for _, piece := range []int{1 << 20, 100} {
		d := NewDecoder(Options{Source: "x.pcap"})
		conn := d.Open(testEnds)
		at := int64(start)
		give := func(side int, b []byte) {
			for len(b) > 0 {
				n := min(piece, len(b))
				conn.Data(side, at, b[:n])
				b = b[n:]
			}
		}
		if n := testing.AllocsPerRun(200, func() {
			give(0, request)
			give(1, response)
			at += 1_000_000
		}); n != 0 {
			t.Errorf("pieces of %d: %v allocations a pair, want 0 (BenchmarkPair)", piece, n)
		}
	}
}

// TestIdleMemory opens 10,000 connections, each of which has had a request and waits, or holds half a head.
func TestIdleMemory(t *testing.T) {
	request, response := typical()
	for _, test := range []struct {
		name  string
		tail  []byte
		limit int64 // bytes a connection
	}{
		{"idle", nil, 2 << 10},
		{"half a head", request[:200], 4 << 10},
		{"a request waits", request, 5 << 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			const n = 10_000
			d := NewDecoder(Options{Source: "x.pcap"})
			conns := make([]*Conn, n)
			before := heap()
			for i := range conns {
				conns[i] = d.Open(testEnds)
				conns[i].Data(0, start, request)
				conns[i].Data(1, start, response)
				if test.tail != nil {
					conns[i].Data(0, start+1000, test.tail)
				}
			}
			if per := (heap() - before) / n; per > test.limit {
				t.Errorf("%d bytes a connection, want at most %d", per, test.limit)
			} else {
				t.Logf("%d bytes a connection", per)
			}
			runtime.KeepAlive(conns)
		})
	}
}

// TestCrowded has 10,000 connections send one request after the other, of which no response is in the capture.
func TestCrowded(t *testing.T) {
	const n, each = 10_000, 20
	request, _ := typical()
	got := 0
	d := NewDecoder(Options{Emit: func(*capture.Request) { got++ }})
	conns := make([]*Conn, n)
	before := heap()
	for i := range n * each {
		if conns[i%n] == nil {
			conns[i%n] = d.Open(testEnds)
		}
		conns[i%n].Data(0, start+int64(i), request)
	}
	if used := heap() - before; used > 100<<20 {
		t.Errorf("%d MB for %d connections, want at most 100", used>>20, n)
	} else {
		t.Logf("%d MB", used>>20)
	}
	for _, conn := range conns {
		conn.End(0, start, false)
		conn.End(1, start, false)
	}
	checkEnd(t, d)
	if got != n*each {
		t.Errorf("%d requests, want %d", got, n*each)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestBudget has more connections send large bodies than the budget has room for. Their sizes stay true.
func TestBudget(t *testing.T) {
	got := 0
	d := NewDecoder(Options{Budget: 4 << 20, Emit: func(q *capture.Request) {
		got++
		if q.RespSize != 1<<20 {
			t.Errorf("response of %d bytes, want %d", q.RespSize, 1<<20)
		}
	}})
	var conns []*Conn
	block := make([]byte, 32<<10)
	for range 64 {
		conn := d.Open(testEnds)
		conn.Data(0, start, []byte(get))
		conn.Data(1, start, []byte("HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n"))
		conns = append(conns, conn)
	}
	for range 32 {
		for _, conn := range conns {
			conn.Data(1, start, block)
		}
		if d.pool.lent > 4<<20 {
			t.Fatalf("%d bytes are lent, budget %d", d.pool.lent, 4<<20)
		}
	}
	for _, conn := range conns {
		conn.End(0, start, false)
		conn.End(1, start, false)
	}
	checkEnd(t, d)
	if got != 64 || d.Tally().Unkept == 0 {
		t.Errorf("%d requests, %d bodies unkept", got, d.Tally().Unkept)
	}
}
