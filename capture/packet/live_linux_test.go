package packet

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"
)

func TestLive(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root: no packet is captured from an interface")
	}
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	port := netip.MustParseAddrPort(server.Addr().String()).Port()
	l, err := OpenLive(LiveOptions{Interface: "lo", Ports: []uint16{port}})
	if errors.Is(err, os.ErrPermission) {
		t.Skipf("root may not capture here, so that no packet comes from an interface: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()

	const size = 3 << 20
	talked := make(chan error, 2)
	go func() {
		c, err := server.Accept()
		if err == nil {
			_, err = io.Copy(c, io.LimitReader(c, size))
			c.Close()
		}
		talked <- err
	}()
	go func() {
		c, err := net.Dial("tcp", server.Addr().String())
		if err == nil {
			go c.Write(make([]byte, size))
			_, err = io.Copy(io.Discard, c)
			c.Close()
		}
		talked <- err
	}()

	n := &counter{}
	var flow Flow
	a := NewAssembler(Options{New: func(f Flow) Sink { flow = f; return n }})
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	for n.ends < 2 {
		var s Segment
		if err := l.Next(ctx, &s); err != nil {
			t.Fatalf("after %d bytes: %v", n.bytes, err)
		}
		if age := time.Since(time.Unix(0, s.At)); age < 0 || age > 20*time.Second {
			t.Fatalf("packet captured %v ago", age)
		}
		a.Add(&s)
	}
	for range 2 {
		if err := <-talked; err != nil {
			t.Fatal(err)
		}
	}
	frames, kernel, err := l.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if n.bytes != 2*size || n.gaps != 0 || flow.Server.Port() != port || flow.Basis != BasisHandshake {
		t.Errorf("%d bytes, %d missing, %+v; want %d to and from port %d (kernel %+v)", n.bytes, n.gaps, flow, 2*size, port, kernel)
	}
	if read := frames.Packets + kernel.Drops; kernel.Packets < read || kernel.Packets > read+2 { // the last may wait in the ring
		t.Errorf("the kernel saw %d packets and dropped %d, read were %d", kernel.Packets, kernel.Drops, frames.Packets)
	}
	stop()
	if err := l.Next(ctx, &Segment{}); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Next after the end gives %v", err)
	}
}

func TestLiveErrors(t *testing.T) {
	if _, err := OpenLive(LiveOptions{Interface: "no-such-device"}); err == nil {
		t.Error("an interface that does not exist was opened")
	}
	if _, err := OpenLive(LiveOptions{Interface: "lo", Ports: make([]uint16, maxPorts+1)}); err == nil {
		t.Errorf("%d ports were taken, limit %d", maxPorts+1, maxPorts)
	}
}
