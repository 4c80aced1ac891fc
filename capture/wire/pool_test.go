package wire

import (
	"strings"
	"testing"

	"trafficreplay/capture"
)

// TestBodiesOfManyConnections has more bodies under way at once than there is room for: some are kept whole, each has its true size,
// those that are not whole are counted, and no request is lost.
func TestBodiesOfManyConnections(t *testing.T) {
	const conns, size, budget = 2000, 3000, 1 << 20
	whole, cut := 0, 0
	d := NewDecoder(Options{Source: "x.pcap", Budget: budget, Emit: func(q *capture.Request) {
		switch {
		case q.BodySize != size:
			t.Fatalf("a body of %d bytes, want %d", q.BodySize, size)
		case string(q.Body) == repeat("b", size):
			whole++
		default:
			cut++
		}
	}})
	open := make([]*Conn, conns)
	give := func(side int, text string) {
		for i := range open {
			if open[i] == nil {
				open[i] = d.Open(testEnds)
			}
			open[i].Data(side, start, []byte(text))
			if most := conns<<10 + budget*5/2 + smallBuffer; d.pool.small+d.pool.lent > most {
				t.Fatalf("%d bytes in buffers, want %d at most", d.pool.small+d.pool.lent, most)
			}
		}
	}
	give(0, "POST /a HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 3000\r\n\r\n")
	for range size / 100 {
		give(0, strings.Repeat("b", 100))
	}
	give(1, "HTTP/1.1 204 No Content\r\n\r\n")
	var tally Tally
	for _, c := range open {
		tally.Add(c.Tally())
	}
	if whole+cut != conns || int64(cut) != tally.Unkept || whole < 100 {
		t.Errorf("%d bodies whole and %d not (%d counted) of %d", whole, cut, tally.Unkept, conns)
	}
	t.Logf("%d of %d bodies are whole", whole, conns)
}
