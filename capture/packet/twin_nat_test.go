package packet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// natPacket is a packet on one side of a translation.
type natPacket struct {
	at       int64 // microseconds
	src, dst string
	hops     uint8
	id       uint16
	seq, ack uint32
	syn      bool
	payload  string
}

func (p natPacket) bytes(t *testing.T) []byte {
	src, dst := netip.MustParseAddrPort(p.src), netip.MustParseAddrPort(p.dst)
	tcp := &layers.TCP{SrcPort: layers.TCPPort(src.Port()), DstPort: layers.TCPPort(dst.Port()), Seq: p.seq, Ack: p.ack, SYN: p.syn, ACK: p.ack != 0, Window: 100}
	if src.Addr().Is6() {
		ip := testIPv6(layers.IPProtocolTCP)
		ip.HopLimit, ip.SrcIP, ip.DstIP = 64-p.hops, src.Addr().AsSlice(), dst.Addr().AsSlice()
		return stack(t, testEthernet(layers.EthernetTypeIPv6), ip, tcp, gopacket.Payload(p.payload))
	}
	ip := testIPv4(layers.IPProtocolTCP)
	ip.TTL, ip.Id, ip.SrcIP, ip.DstIP = 64-p.hops, p.id, src.Addr().AsSlice(), dst.Addr().AsSlice()
	return stack(t, testEthernet(layers.EthernetTypeIPv4), ip, tcp, gopacket.Payload(p.payload))
}

// bothSides is a connection to a published port of a container, seen on the host's interface and on the bridge.
func bothSides(client, host, container string) []natPacket {
	return []natPacket{
		{0, client, host, 5, 11, 100, 0, true, ""}, {9, client, container, 6, 11, 100, 0, true, ""},
		{50, container, client, 0, 0, 900, 101, true, ""}, {59, host, client, 1, 0, 900, 101, true, ""},
		{100, client, host, 5, 12, 101, 901, false, "request"}, {109, client, container, 6, 12, 101, 901, false, "request"},
		{150, container, client, 0, 31, 901, 108, false, "response"}, {159, host, client, 1, 31, 901, 108, false, "response"},
	}
}

func TestTranslated(t *testing.T) {
	const client, host, container, other = "203.0.113.9:50000", "10.0.0.1:8080", "172.17.0.2:80", "10.0.0.7:8080"
	open := func(at int64, dst string, hops uint8, id uint16, seq uint32) natPacket {
		return natPacket{at: at, src: client, dst: dst, hops: hops, id: id, seq: seq, syn: true}
	}
	lost := bothSides(client, host, container)
	lost = append(lost[:4:4], lost[5:]...) // the request on the host's interface
	for _, test := range []struct {
		name       string
		packets    []natPacket
		duplicates int64
		flows      string
	}{
		{"published port", bothSides(client, host, container), 4, "10.0.0.1:8080-203.0.113.9:50000"},
		{"published port, IPv6", bothSides("[2001:db8::9]:50000", "[2001:db8::1]:8080", "[fd00::2]:80"), 4, "[2001:db8::1]:8080-[2001:db8::9]:50000"},
		{"one copy lost", lost, 3, "10.0.0.1:8080-203.0.113.9:50000"},
		{"masqueraded", []natPacket{
			{0, "172.17.0.2:50000", host, 0, 11, 100, 0, true, ""}, {9, "192.0.2.1:50000", host, 1, 11, 100, 0, true, ""},
			{50, host, "192.0.2.1:50000", 9, 0, 900, 101, true, ""}, {59, host, "172.17.0.2:50000", 10, 0, 900, 101, true, ""},
		}, 2, "10.0.0.1:8080-172.17.0.2:50000"},
		{"another number", []natPacket{open(0, host, 5, 11, 100), open(9, container, 6, 12, 100)}, 0, "10.0.0.1:8080-203.0.113.9:50000 172.17.0.2:80-203.0.113.9:50000"},
		{"another sequence", []natPacket{open(0, host, 5, 11, 100), open(9, container, 6, 11, 101)}, 0, "10.0.0.1:8080-203.0.113.9:50000 172.17.0.2:80-203.0.113.9:50000"},
		{"not forwarded", []natPacket{open(0, host, 5, 11, 100), open(9, container, 5, 11, 100)}, 0, "10.0.0.1:8080-203.0.113.9:50000 172.17.0.2:80-203.0.113.9:50000"},
		{"too far apart", []natPacket{open(0, host, 5, 11, 100), open(101e3, container, 6, 11, 100)}, 0, "10.0.0.1:8080-203.0.113.9:50000 172.17.0.2:80-203.0.113.9:50000"},
		{"the container's port used again without the host", append(bothSides(client, host, container),
			natPacket{5e5, client, container, 6, 40, 5000, 0, true, ""}, natPacket{5e5 + 9, client, container, 6, 41, 5001, 7000, false, "direct"}),
			4, "10.0.0.1:8080-203.0.113.9:50000 172.17.0.2:80-203.0.113.9:50000"},
		{"three places", []natPacket{open(0, host, 5, 11, 100), open(9, container, 6, 11, 100), open(19, other, 7, 11, 100)}, 2, "10.0.0.1:8080-203.0.113.9:50000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := pcapHeader(pcapOrder, magicMicro, 1)
			for _, p := range test.packets {
				b := p.bytes(t)
				file = pcapRecord(file, pcapOrder, 1e15+p.at*1000, b, len(b))
			}
			segments, stats, err := readSegments(t, test.name, file)
			if err != nil {
				t.Fatal(err)
			}
			checkBalance(t, test.name, stats)
			if stats.Ignored["duplicate"] != test.duplicates || stats.Used != int64(len(test.packets))-test.duplicates {
				t.Errorf("%d used, ignored %v; want %d duplicates of %d", stats.Used, stats.Ignored, test.duplicates, len(test.packets))
			}
			if got := flowNames(segments); got != test.flows {
				t.Errorf("connections %s, want %s", got, test.flows)
			}
		})
	}
}

// flowNames lists pairs of endpoints in the order in which they are seen first.
func flowNames(segments []Segment) string {
	var b bytes.Buffer
	for _, s := range segments {
		a, z := s.Src, s.Dst
		if a.Compare(z) > 0 {
			a, z = z, a
		}
		if name := fmt.Sprintf("%v-%v", a, z); !bytes.Contains(b.Bytes(), []byte(name)) {
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(name)
		}
	}
	return b.String()
}

// TestTranslatedMemory opens more translated connections than are remembered.
func TestTranslatedMemory(t *testing.T) {
	d := NewDecoder()
	var s Segment
	a := natPacket{src: "203.0.113.9:1", dst: "10.0.0.1:80", seq: 1, id: 1, syn: true}.bytes(t)
	b := natPacket{src: "203.0.113.9:1", dst: "172.17.0.2:80", seq: 1, id: 1, hops: 1, syn: true}.bytes(t)
	for i := range 2*maxAliases + 10 {
		for _, f := range [][]byte{a, b} {
			binary.BigEndian.PutUint32(f[14+12:], 0x0b000000+uint32(i)) // the client's address
			d.Decode(&Frame{Link: 1, At: int64(i) * 1e6, Data: f, Len: len(f)}, &s)
		}
	}
	if got, want := len(d.aliases.first), 2*maxAliases; got != want {
		t.Errorf("%d directions remembered, want %d", got, want)
	}
	if got, want := d.Stats().Ignored["duplicate"], int64(2*maxAliases+10); got != want {
		t.Errorf("%d duplicates, want %d", got, want)
	}
}
