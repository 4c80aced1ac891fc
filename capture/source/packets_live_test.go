package source

import (
	"context"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"trafficreplay/capture"
	"trafficreplay/capture/packet"
)

// talk makes the segments of one connection.
type talk struct {
	p              *packets
	client, server netip.AddrPort
	asked, told    uint32 // next sequence numbers
}

func (k *talk) segment(at int64, flags packet.Flags, fromServer bool, payload []byte) {
	s := packet.Segment{At: at, Src: k.client, Dst: k.server, Seq: k.asked, Ack: k.told, Flags: flags, Payload: payload, Len: len(payload)}
	n := uint32(len(payload))
	if flags&packet.SYN != 0 {
		n++
	}
	if fromServer {
		s.Src, s.Dst, s.Seq, s.Ack = k.server, k.client, k.told, k.asked
		k.told += n
	} else {
		k.asked += n
	}
	if err := k.p.segment(&s); err != nil {
		panic(err) // only the sink below makes errors, and it makes none
	}
}

// livePackets is the reading of a live capture, and what came out of it.
func livePackets(t *testing.T) (p *packets, requests *[]string) {
	t.Helper()
	redactor, err := capture.NewRedactor(capture.RedactOptions{})
	if err != nil {
		t.Fatal(err)
	}
	requests = new([]string)
	l := &LivePackets{set: &Set{ctx: context.Background(), o: Options{Redactor: redactor}}, in: &input{name: "lo"}}
	l.begin(func(q *capture.Request) error {
		*requests = append(*requests, string(q.Target))
		return nil
	})
	return l.p, requests
}

// Connections whose end never comes are bounded, and so is their memory. A request that waits for its response comes out
// when its connection is taken for ended, and what comes on that connection later is a request all the same.
func TestLiveConnectionsAreBounded(t *testing.T) {
	p, requests := livePackets(t)
	const (
		more     = 5000
		ask      = "GET /items HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\nCookie: theme=dark\r\n\r\n"
		each     = 4 << 10 // bytes
		interval = int64(100 * time.Microsecond)
	)
	answer := "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	server := netip.MustParseAddrPort("10.0.0.1:80")
	at := int64(1_770_000_000_000_000_000)
	var first *talk
	for i := range liveConns + more {
		k := &talk{p: p, client: netip.AddrPortFrom(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}), 4000), server: server, asked: 100, told: 500}
		at += interval
		k.segment(at, packet.SYN, false, nil)
		k.segment(at, packet.SYN|packet.ACK, true, nil)
		k.segment(at, packet.ACK, false, []byte(ask))
		if i == 0 {
			first = k
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if len(*requests) != more {
		t.Errorf("%d requests came out, want those of the %d connections above the limit", len(*requests), more)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > liveConns*each {
		t.Errorf("%d bytes for %d connections that wait, want at most %d each", grown, liveConns, each)
	}
	first.segment(at, packet.ACK, false, []byte("GET /again HTTP/1.1\r\nHost: shop.example\r\n\r\n"))
	for range 2 { // the first bytes of each side wait, as in the middle of any connection
		at += int64(time.Second)
		p.order.Advance(at)
		first.segment(at, packet.ACK, true, []byte(answer))
		answer = ""
	}
	if last := (*requests)[len(*requests)-1]; last != "/again" {
		t.Errorf("the last request is %s, want /again", last)
	}
	p.order.Flush()
	l := p.account()
	if len(*requests) != liveConns+more+1 || l.Responses != 1 {
		t.Errorf("%d requests and %d responses, want %d and 1", len(*requests), l.Responses, liveConns+more+1)
	}
	if l.PayloadBytes != l.MessageBytes {
		t.Errorf("%d bytes, %d of them in messages", l.PayloadBytes, l.MessageBytes)
	}
}

// A request whose response does not come, and a connection that says nothing, hold up nobody, however long that lasts.
func TestLiveRequestWithoutResponse(t *testing.T) {
	p, requests := livePackets(t)
	server := netip.MustParseAddrPort("10.0.0.1:80")
	open := func(port uint16) *talk {
		k := &talk{p: p, client: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.2"), port), server: server, asked: 7, told: 9}
		k.segment(0, packet.SYN, false, nil)
		k.segment(0, packet.SYN|packet.ACK, true, nil)
		return k
	}
	never, half, silent, other := open(1), open(2), open(3), open(4)
	ask := func(path string) []byte { return []byte("GET " + path + " HTTP/1.1\r\nHost: shop.example\r\n\r\n") }
	never.segment(1, packet.ACK, false, ask("/never"))
	half.segment(2, packet.ACK, false, []byte("GET /half HTTP/1.1\r\nHos"))
	for i := range int64(1000) {
		at := (i + 1) * int64(time.Minute)
		other.segment(at, packet.ACK, false, ask("/other"))
		other.segment(at+1, packet.ACK, true, []byte("HTTP/1.1 204 No Content\r\n\r\n"))
		p.order.Advance(at + int64(time.Second))
		if len(*requests) != int(i)+1 {
			t.Fatalf("%d requests came out after %d minutes, want %d", len(*requests), i+1, i+1)
		}
	}
	never.segment(int64(1001*time.Minute), packet.ACK, true, []byte("HTTP/1.1 204 No Content\r\n\r\n"))
	if last := (*requests)[len(*requests)-1]; last != "/never" {
		t.Errorf("the last request is %s, want /never with its late response", last)
	}
	silent.segment(int64(1002*time.Minute), packet.ACK, false, ask("/late"))
	p.order.Flush()
	l := p.account()
	cut := int64(len("GET /half HTTP/1.1\r\nHos"))
	if l.Requests != 1002 || l.Responses != 1001 || l.SkippedBytes["incomplete"] != cut || l.PayloadBytes != l.MessageBytes+cut {
		t.Errorf("want 1002 requests, 1001 responses and half a one: %+v", l)
	}
}
