package mix

import (
	"slices"
	"testing"

	"trafficreplay/capture"
)

func TestEndpoint(t *testing.T) {
	var e Endpoint
	add := func(status int, durUS, size int64) {
		var q capture.Request
		q.Reset()
		q.Status, q.DurUS, q.RespSize = status, durUS, size
		e.Add(&q)
	}
	for i := range 1000 {
		add(200, int64(i+1)*1000, 100)
	}
	add(404, capture.Unknown, capture.Unknown)
	add(101, 5, 0)
	add(200, 31_000_000, 7)
	add(0, 500, 7)
	if e.Requests != 1004 || e.Held != 2 || e.Latency.N != 1001 || e.Size.N != 1003 {
		t.Errorf("requests %d, held %d, latencies %d, sizes %d; want 1004, 2, 1001, 1003", e.Requests, e.Held, e.Latency.N, e.Size.N)
	}
	if want := []Status{{101, 1}, {200, 1001}, {404, 1}}; !slices.Equal(e.Statuses(), want) {
		t.Errorf("statuses %v, want %v", e.Statuses(), want)
	}
	for _, c := range []struct{ p, want float64 }{{0.5, 500000}, {0.9, 900000}, {0.99, 990000}} {
		if got := e.Latency.Quantile(c.p); got < c.want*0.99 || got > c.want*1.01 {
			t.Errorf("quantile %v of the latency is %v, want %v within 1%%", c.p, got, c.want)
		}
	}
}
