package packet

import (
	"bytes"
	"io"
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// libraryTCP is the innermost TCP header that gopacket finds in a frame, and the IP header around it.
func libraryTCP(f *Frame) (tcp *layers.TCP, src, dst netip.Addr) {
	p := gopacket.NewPacket(bytes.Clone(f.Data), layers.LinkType(f.Link), gopacket.Default)
	for _, l := range p.Layers() {
		switch l := l.(type) {
		case *layers.IPv4:
			src, _ = netip.AddrFromSlice(l.SrcIP)
			dst, _ = netip.AddrFromSlice(l.DstIP)
		case *layers.IPv6:
			src, _ = netip.AddrFromSlice(l.SrcIP)
			dst, _ = netip.AddrFromSlice(l.DstIP)
		case *layers.TCP:
			tcp = l
			if len(l.Contents) < 20 || len(l.Contents) != int(l.DataOffset)*4 { // it gave up there
				tcp = nil
			}
		}
	}
	return tcp, src, dst
}

// sameAsLibrary compares a segment with what gopacket found. It returns what differs.
func sameAsLibrary(s *Segment, tcp *layers.TCP, src, dst netip.Addr) string {
	flags := Flags(0)
	for i, set := range []bool{tcp.FIN, tcp.SYN, tcp.RST, tcp.PSH, tcp.ACK, tcp.URG} {
		if set {
			flags |= 1 << i
		}
	}
	switch {
	case s.Src != netip.AddrPortFrom(src, uint16(tcp.SrcPort)) || s.Dst != netip.AddrPortFrom(dst, uint16(tcp.DstPort)):
		return "addresses"
	case s.Seq != tcp.Seq || s.Ack != tcp.Ack:
		return "numbers"
	case s.Flags != flags:
		return "flags"
	case !bytes.Equal(s.Payload, tcp.Payload):
		return "payload"
	}
	return ""
}

// TestLikeGopacket decodes every packet of the data with gopacket too: every TCP segment that it finds we find,
// with the same content. The other way round we find more: it does not join fragments, and knows fewer tunnels.
func TestLikeGopacket(t *testing.T) {
	compared, more := 0, 0
	for _, truth := range pcapTruths(t) {
		if truth.refused {
			continue
		}
		r, err := NewReader(bytes.NewReader(pcapFile(t, truth.name)), ReaderOptions{Name: truth.name})
		if err != nil {
			t.Fatal(err)
		}
		for err = r.nextFrame(); err == nil; err = r.nextFrame() {
			var s Segment
			alone := NewDecoder() // knows no duplicates and no fragments
			ok := alone.Decode(&r.frame, &s)
			tcp, src, dst := libraryTCP(&r.frame)
			switch {
			case tcp == nil && ok:
				more++
			case tcp == nil:
			case !ok:
				t.Errorf("%s: packet %d: ignored %v, where gopacket finds TCP", truth.name, r.frame.Number, alone.Stats().Ignored)
			default:
				compared++
				if what := sameAsLibrary(&s, tcp, src, dst); what != "" {
					t.Errorf("%s: packet %d: %s differ: %+v, gopacket has %+v", truth.name, r.frame.Number, what, s, tcp)
				}
			}
		}
		if err != io.EOF {
			t.Error(err)
		}
	}
	if compared < 19000 {
		t.Errorf("%d segments compared, want at least 19000", compared)
	}
	t.Logf("%d segments are the same, %d more than gopacket finds", compared, more)
}

// TestDecoderAcrossFiles goes on in a second file with the fragment that the first one ended with.
func TestDecoderAcrossFiles(t *testing.T) {
	file := fragmentFile(t, pcapOrder)
	head, size := file[:24], 0
	for _, n := range []int{14 + 20 + 64, 14 + 20 + 68} { // the first two packets
		size += 16 + n
	}
	d := NewDecoder()
	var got int
	for i, part := range [][]byte{file[:24+size], append(bytes.Clone(head), file[24+size:]...)} {
		r, err := NewReader(bytes.NewReader(part), ReaderOptions{Decoder: d})
		if err != nil {
			t.Fatal(err)
		}
		var s Segment
		for err = r.Next(&s); err == nil; err = r.Next(&s) {
			got++
			if i == 0 || len(s.Payload) != 100 {
				t.Errorf("file %d: segment of %d bytes, want the first one in the second file, of 100", i+1, len(s.Payload))
			}
		}
		if err != io.EOF {
			t.Fatal(err)
		}
		checkBalance(t, "part", r.Stats())
	}
	if s := d.Stats(); got != 2 || s.Packets != 4 || s.Used != 4 {
		t.Errorf("%d segments, stats %+v; want 2 of 4 packets", got, s)
	}
}

// TestReaderAllocates holds the steady state to no allocation.
func TestReaderAllocates(t *testing.T) {
	for name, file := range map[string][]byte{"pcap": loopbackCapture(30000), "pcapng": manyEnhanced(100000)} {
		r, err := NewReader(bytes.NewReader(file), ReaderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var s Segment
		next := func() {
			if err := r.Next(&s); err != nil {
				t.Fatal(err)
			}
		}
		for range 50000 { // until what is remembered of duplicates has its full size
			next()
		}
		if n := testing.AllocsPerRun(40000, next); n != 0 {
			t.Errorf("%s: %v allocations a packet, want 0", name, n)
		}
	}
}
