package packet

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// What every packet of these tests carries.
var (
	testPayload = []byte("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n")
	testSrc4    = netip.MustParseAddrPort("10.0.0.1:40000")
	testDst4    = netip.MustParseAddrPort("10.0.0.2:8080")
	testSrc6    = netip.MustParseAddrPort("[2001:db8::1]:40000")
	testDst6    = netip.MustParseAddrPort("[2001:db8::2]:8080")
)

// stack serializes layers from the outermost to the innermost.
func stack(tb testing.TB, all ...gopacket.SerializableLayer) []byte {
	tb.Helper()
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, all...); err != nil {
		tb.Fatal(err)
	}
	return bytes.Clone(buf.Bytes())
}

func testEthernet(kind layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: kind}
}

func testIPv4(protocol layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, IHL: 5, Id: 7, TTL: 64, Protocol: protocol, SrcIP: net.IP{10, 0, 0, 1}, DstIP: net.IP{10, 0, 0, 2}}
}

// outerIPv4 is of the ends of a tunnel.
func outerIPv4(protocol layers.IPProtocol) *layers.IPv4 {
	ip := testIPv4(protocol)
	ip.SrcIP, ip.DstIP = net.IP{192, 0, 2, 1}, net.IP{192, 0, 2, 2}
	return ip
}

func testIPv6(next layers.IPProtocol) *layers.IPv6 {
	return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: next, SrcIP: net.ParseIP("2001:db8::1"), DstIP: net.ParseIP("2001:db8::2")}
}

func testTCP() *layers.TCP {
	return &layers.TCP{SrcPort: 40000, DstPort: 8080, Seq: 1000, Ack: 2000, ACK: true, PSH: true, Window: 512,
		Options: []layers.TCPOption{{OptionType: layers.TCPOptionKindTimestamps, OptionLength: 10, OptionData: make([]byte, 8)}}}
}

func testUDP(dst layers.UDPPort) *layers.UDP { return &layers.UDP{SrcPort: 50000, DstPort: dst} }

// inner4 and inner6 are an IP packet that carries the payload.
func inner4(tb testing.TB) gopacket.Payload {
	return stack(tb, testIPv4(layers.IPProtocolTCP), testTCP(), gopacket.Payload(testPayload))
}

func inner6(tb testing.TB) gopacket.Payload {
	return stack(tb, testIPv6(layers.IPProtocolTCP), testTCP(), gopacket.Payload(testPayload))
}

// raw is bytes as a layer.
func raw(parts ...string) gopacket.Payload {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// wrapping is a packet in one kind of link or tunnel.
type wrapping struct {
	name  string
	link  LinkType
	frame []byte
	v6    bool
	loose bool // where the header is cut, the tunnel cannot be recognised
}

// wrappings has every link and tunnel once.
func wrappings(tb testing.TB) []wrapping {
	v4, v6 := inner4(tb), inner6(tb)
	inEther := gopacket.Payload(stack(tb, testEthernet(layers.EthernetTypeIPv4), v4))
	eth := func(all ...gopacket.SerializableLayer) []byte {
		return stack(tb, append([]gopacket.SerializableLayer{testEthernet(layers.EthernetTypeIPv4)}, all...)...)
	}
	udp := func(port layers.UDPPort, all ...gopacket.SerializableLayer) []byte {
		return eth(append([]gopacket.SerializableLayer{outerIPv4(layers.IPProtocolUDP), testUDP(port)}, all...)...)
	}
	gre := func(g *layers.GRE, all ...gopacket.SerializableLayer) []byte {
		return eth(append([]gopacket.SerializableLayer{outerIPv4(layers.IPProtocolGRE), g}, all...)...)
	}
	tag := func(kind layers.EthernetType, id uint16) *layers.Dot1Q {
		return &layers.Dot1Q{VLANIdentifier: id, Type: kind}
	}
	label := func(bottom bool) *layers.MPLS { return &layers.MPLS{Label: 16, StackBottom: bottom, TTL: 64} }
	vxlan := &layers.VXLAN{ValidIDFlag: true, VNI: 5}
	all := []wrapping{
		{name: "ethernet", link: 1, frame: eth(v4)},
		{name: "ethernet IPv6", link: 1, frame: stack(tb, testEthernet(layers.EthernetTypeIPv6), v6), v6: true},
		{name: "ethernet padded", link: 1, frame: append(eth(v4), make([]byte, 30)...)},
		{name: "VLAN", link: 1, frame: stack(tb, testEthernet(layers.EthernetTypeDot1Q), tag(layers.EthernetTypeIPv4, 7), v4)},
		{name: "priority tag", link: 1, frame: stack(tb, testEthernet(layers.EthernetTypeDot1Q), tag(layers.EthernetTypeIPv4, 0), v4)},
		{name: "QinQ", link: 1, frame: stack(tb, testEthernet(layers.EthernetTypeQinQ), tag(layers.EthernetTypeDot1Q, 7), tag(layers.EthernetTypeIPv6, 8), v6), v6: true},
		{name: "MPLS", link: 1, frame: stack(tb, testEthernet(layers.EthernetTypeMPLSUnicast), label(false), label(true), v4)},
		{name: "MPLS IPv6", link: 1, frame: stack(tb, testEthernet(layers.EthernetTypeMPLSUnicast), label(true), v6), v6: true},
		{name: "MPLS pseudowire", link: 1, frame: stack(tb, testEthernet(layers.EthernetTypeMPLSUnicast), label(true), inEther)},
		{name: "MPLS pseudowire to a MAC address like IPv4", link: 1, frame: stack(tb, testEthernet(layers.EthernetTypeMPLSUnicast), label(true), raw("\x45\xaa\xbb\xcc\xdd\xee"), inEther[6:])},
		{name: "MPLS pseudowire to a MAC address like IPv6", link: 1, frame: stack(tb, testEthernet(layers.EthernetTypeMPLSUnicast), label(true), raw("\x60\xaa\xbb\xcc\xdd\xee"), inEther[6:])},
		{name: "MPLS control word", link: 1, frame: stack(tb, testEthernet(layers.EthernetTypeMPLSUnicast), label(true), raw("\x00\x00\x00\x09"), inEther)},
		{name: "PPPoE", link: 1, frame: stack(tb, testEthernet(layers.EthernetTypePPPoESession), &layers.PPPoE{Version: 1, Type: 1, SessionId: 3}, &layers.PPP{PPPType: layers.PPPTypeIPv4}, v4)},
		{name: "PPPoE IPv6 padded", link: 1, frame: append(stack(tb, testEthernet(layers.EthernetTypePPPoESession), &layers.PPPoE{Version: 1, Type: 1, SessionId: 3}, &layers.PPP{PPPType: layers.PPPTypeIPv6}, v6), 0, 0, 0), v6: true},
		{name: "802.3 with SNAP", link: 1, frame: snapFrame(v4)},
		{name: "SLL", link: 113, frame: stack(tb, raw("\x00\x00\x00\x01\x00\x06\x02\x00\x00\x00\x00\x01\x00\x00\x08\x00"), v4)},
		{name: "SLL with a tag", link: 113, frame: stack(tb, raw("\x00\x04\x00\x01\x00\x06\x02\x00\x00\x00\x00\x01\x00\x00\x81\x00\x00\x07\x08\x00"), v4)},
		{name: "SLL2", link: 276, frame: stack(tb, raw("\x86\xdd\x00\x00\x00\x00\x00\x02\x00\x01\x00\x06\x02\x00\x00\x00\x00\x01\x00\x00"), v6), v6: true},
		{name: "null, little-endian", link: 0, frame: stack(tb, raw("\x02\x00\x00\x00"), v4)},
		{name: "null, big-endian", link: 0, frame: stack(tb, raw("\x00\x00\x00\x1e"), v6), v6: true},
		{name: "loop", link: 108, frame: stack(tb, raw("\x00\x00\x00\x02"), v4)},
		{name: "raw 12", link: 12, frame: v4}, {name: "raw 14", link: 14, frame: v4},
		{name: "raw 101", link: 101, frame: v6, v6: true},
		{name: "raw 228", link: 228, frame: v4}, {name: "raw 229", link: 229, frame: v6, v6: true},
		{name: "PPP", link: 9, frame: stack(tb, &layers.PPP{PPPType: layers.PPPTypeIPv4, HasPPTPHeader: true}, v4)},
		{name: "PPP compressed", link: 50, frame: stack(tb, raw("\x21"), v4)},
		{name: "PPPoE link", link: 51, frame: stack(tb, &layers.PPPoE{Version: 1, Type: 1}, &layers.PPP{PPPType: layers.PPPTypeIPv4}, v4)},
		{name: "NFLOG", link: 239, frame: stack(tb, raw("\x02\x00\x00\x00", "\x05\x00\x0a\x00\x00\x00\x00\x00", string(binary.LittleEndian.AppendUint16(nil, uint16(4+len(v4)))), "\x09\x00"), v4, raw("\x00\x00"))},
		{name: "802.11", link: 105, frame: stack(tb, raw("\x08\x01\x00\x00", string(make([]byte, 20)), "\xaa\xaa\x03\x00\x00\x00\x08\x00"), v4)},
		{name: "802.11 in SLL", link: 113, frame: stack(tb, raw("\x00\x00\x03\x23\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04", "\x00\x00\x08\x00\x00\x00\x00\x00", "\x88\x81\x00\x00", string(make([]byte, 26)), "\xaa\xaa\x03\x00\x00\x00\x08\x00"), v4)},
		{name: "802.11 QoS, four addresses", link: 127, frame: stack(tb, raw("\x00\x00\x0a\x00\x00\x00\x00\x00\x00\x00", "\x88\x03\x00\x00", string(make([]byte, 28)), "\xaa\xaa\x03\x00\x00\x00\x08\x00"), v4)},

		{name: "VXLAN", link: 1, frame: udp(4789, vxlan, inEther)},
		{name: "VXLAN on Linux's port", link: 1, frame: udp(8472, vxlan, inEther)},
		{name: "VXLAN on any port", link: 1, frame: udp(12345, vxlan, inEther), loose: true},
		{name: "VXLAN twice", link: 1, frame: udp(4789, vxlan, gopacket.Payload(udp(4789, vxlan, inEther)))},
		{name: "Geneve", link: 1, frame: udp(6081, &layers.Geneve{Protocol: 0x6558, VNI: 9}, inEther)},
		{name: "Geneve with 63 words of options", link: 1, frame: udp(6081, raw("\x3f\x00\x65\x58\x00\x00\x01\x00", string(make([]byte, 252))), inEther)},
		{name: "GTP-U", link: 1, frame: udp(2152, &layers.GTPv1U{Version: 1, MessageType: 255, TEID: 4}, v4)},
		{name: "GTP-U with extension", link: 1, frame: udp(2152, &layers.GTPv1U{Version: 1, MessageType: 255, SequenceNumberFlag: true, GTPExtensionHeaders: []layers.GTPExtensionHeader{{Type: 0x85, Content: []byte{1, 2}}}}, v4)},
		{name: "Teredo", link: 1, frame: udp(3544, v6), v6: true},
		{name: "Teredo with authentication and origin", link: 1, frame: udp(3544, raw("\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "\x00\x00\xf2\x30\xb4\x10\x98\x45"), v6), v6: true},
		{name: "AYIYA", link: 1, frame: udp(5072, raw("\x41\x52\x11\x29\x00\x00\x00\x00", string(make([]byte, 36))), v6), v6: true},
		{name: "MPLS in UDP", link: 1, frame: udp(6635, label(true), v4)},
		{name: "GRE in UDP", link: 1, frame: udp(4754, &layers.GRE{Protocol: layers.EthernetTypeIPv4}, v4)},
		{name: "GRE", link: 1, frame: gre(&layers.GRE{Protocol: layers.EthernetTypeIPv4}, v4)},
		{name: "GRE with key, number and checksum", link: 1, frame: gre(&layers.GRE{Protocol: layers.EthernetTypeIPv6, KeyPresent: true, Key: 1, SeqPresent: true, Seq: 2, ChecksumPresent: true}, v6), v6: true},
		{name: "GRE bridging", link: 1, frame: gre(&layers.GRE{Protocol: 0x6558, KeyPresent: true, Key: 1}, inEther)},
		{name: "802.11 in GRE", link: 1, frame: gre(&layers.GRE{Protocol: 0x8210}, raw("\x08\x01\x00\x00", string(make([]byte, 20)), "\xaa\xaa\x03\x00\x00\x00\x08\x00"), v4)},
		{name: "WCCP", link: 1, frame: gre(&layers.GRE{Protocol: 0x883e}, v4)},
		{name: "WCCP version 2", link: 1, frame: gre(&layers.GRE{Protocol: 0x883e}, raw("\x01\x02\x00\x00"), v4)},
		{name: "PPTP", link: 1, frame: gre(&layers.GRE{Version: 1, Protocol: 0x880b, KeyPresent: true, SeqPresent: true}, raw("\xff\x03\x00\x21"), v4)},
		{name: "ERSPAN I", link: 1, frame: gre(&layers.GRE{Protocol: 0x88be}, inEther)},
		{name: "ERSPAN II", link: 1, frame: gre(&layers.GRE{Protocol: 0x88be, SeqPresent: true}, &layers.ERSPANII{Version: 1}, inEther)},
		{name: "ERSPAN III", link: 1, frame: gre(&layers.GRE{Protocol: 0x22eb, SeqPresent: true}, raw("\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), inEther)},
		{name: "ERSPAN III with a subheader", link: 1, frame: gre(&layers.GRE{Protocol: 0x22eb, SeqPresent: true}, raw("\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x08\x01", "12345678"), v4)},
		{name: "4in4", link: 1, frame: eth(outerIPv4(layers.IPProtocolIPv4), v4)},
		{name: "6in4", link: 1, frame: eth(outerIPv4(layers.IPProtocolIPv6), v6), v6: true},
		{name: "4in6", link: 1, frame: stack(tb, testEthernet(layers.EthernetTypeIPv6), testIPv6(layers.IPProtocolIPv4), v4)},
		{name: "6in6", link: 1, frame: stack(tb, testEthernet(layers.EthernetTypeIPv6), testIPv6(layers.IPProtocolIPv6), v6), v6: true},
		{name: "MPLS in IP", link: 1, frame: eth(outerIPv4(layers.IPProtocolMPLSInIP), label(true), v4)},
		{name: "Ethernet in IP", link: 1, frame: eth(outerIPv4(layers.IPProtocolEtherIP), raw("\x30\x00"), inEther)},
		{name: "authentication header", link: 1, frame: eth(testIPv4(layers.IPProtocolAH), raw("\x06\x04\x00\x00", string(make([]byte, 20))), gopacket.Payload(v4[20:]))},
	}
	return append(all, extensionWrappings(tb)...)
}

// extensionWrappings have extension headers of IPv6.
func extensionWrappings(tb testing.TB) []wrapping {
	segment := gopacket.Payload(inner6(tb)[40:])
	six := func(next layers.IPProtocol, headers ...string) []byte {
		return stack(tb, testEthernet(layers.EthernetTypeIPv6), testIPv6(next), raw(headers...), segment)
	}
	none := string(make([]byte, 6))
	return []wrapping{
		{name: "hop-by-hop", link: 1, frame: six(0, "\x06\x00"+none), v6: true},
		{name: "four kinds of extension header", link: 1, frame: six(0, "\x3c\x00"+none, "\x2b\x01"+none+"12345678", "\x87\x00"+none, "\x06\x00"+none), v6: true},
		{name: "fragment header of a whole packet", link: 1, frame: six(44, "\x06\x00\x00\x00\x00\x00\x00\x09"), v6: true},
	}
}

// snapFrame is an IEEE 802.3 frame: with a length where Ethernet has a type.
func snapFrame(ip []byte) []byte {
	b := make([]byte, 12)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(ip)))
	b = append(b, "\xaa\xaa\x03\x00\x00\x00\x08\x00"...)
	return append(b, ip...)
}

func TestLinksAndTunnels(t *testing.T) {
	for _, w := range wrappings(t) {
		t.Run(w.name, func(t *testing.T) {
			var s Segment
			d := NewDecoder()
			f := Frame{Link: w.link, Number: 3, At: 5e9, Data: w.frame, Len: len(w.frame)}
			if !d.Decode(&f, &s) {
				t.Fatalf("no segment: %v", d.Stats().Ignored)
			}
			src, dst := testSrc4, testDst4
			if w.v6 {
				src, dst = testSrc6, testDst6
			}
			want := Segment{Frame: 3, At: 5e9, Src: src, Dst: dst, Seq: 1000, Ack: 2000, Flags: ACK | PSH, Len: len(testPayload)}
			got := s
			got.Payload = nil
			if got.Src != want.Src || got.Dst != want.Dst || got.Seq != want.Seq || got.Ack != want.Ack || got.Flags != want.Flags || got.Len != want.Len || got.Frame != 3 || got.At != 5e9 {
				t.Errorf("segment %+v, want %+v", got, want)
			}
			if !bytes.Equal(s.Payload, testPayload) {
				t.Errorf("payload %q, want %q", s.Payload, testPayload)
			}
			if n := testing.AllocsPerRun(20, func() { d.Decode(&f, &s) }); n != 0 {
				t.Errorf("%v allocations a packet, want 0", n)
			}
			checkSnapped(t, w)
		})
	}
}

// checkSnapped cuts the packet after every byte, as a snap length does.
func checkSnapped(t *testing.T, w wrapping) {
	for n := range w.frame {
		var s Segment
		d := NewDecoder()
		ok := d.Decode(&Frame{Link: w.link, Data: bytes.Clone(w.frame[:n]), Len: len(w.frame)}, &s)
		checkBalance(t, w.name, d.Stats())
		switch {
		case ok && (s.Len != len(testPayload) || !bytes.HasPrefix(testPayload, s.Payload)):
			t.Errorf("cut after %d of %d bytes: %d bytes %q, want %d and the beginning of the payload", n, len(w.frame), s.Len, s.Payload, len(testPayload))
		case ok || d.Stats().Ignored["cut"] == 1:
		case w.loose && d.Stats().Ignored["not-tcp"] == 1:
		default:
			t.Errorf("cut after %d of %d bytes: ignored %v, want cut", n, len(w.frame), d.Stats().Ignored)
		}
	}
}

// TestTooDeep nests IP in IP to the ceiling.
func TestTooDeep(t *testing.T) {
	for _, test := range []struct {
		outer int
		want  bool
	}{{18, true}, {maxHeaders, false}} {
		b := inner4(t)
		for range test.outer {
			b = stack(t, outerIPv4(layers.IPProtocolIPv4), gopacket.Payload(b))
		}
		var s Segment
		d := NewDecoder()
		if got := d.Decode(&Frame{Link: 12, Data: b, Len: len(b)}, &s); got != test.want {
			t.Errorf("%d IP headers around: segment %v, want %v (%v)", test.outer, got, test.want, d.Stats().Ignored)
		}
	}
}

// TestOffload reads packets that were captured before the network card cut them up, which have no length yet.
func TestOffload(t *testing.T) {
	for _, w := range []wrapping{
		{name: "IPv4", link: 1, frame: stack(t, testEthernet(layers.EthernetTypeIPv4), inner4(t))},
		{name: "IPv6", link: 1, frame: stack(t, testEthernet(layers.EthernetTypeIPv6), inner6(t)), v6: true},
	} {
		at := 14 + 2
		if w.v6 {
			at = 14 + 4
		}
		big := append(w.frame, make([]byte, 80000)...)
		binary.BigEndian.PutUint16(big[at:], 0)
		var s Segment
		d := NewDecoder()
		if !d.Decode(&Frame{Link: w.link, Data: big[:200], Len: len(big)}, &s) {
			t.Fatalf("%s: no segment: %v", w.name, d.Stats().Ignored)
		}
		if want := len(testPayload) + 80000; s.Len != want || len(s.Payload) >= 200 || len(s.Payload) < 100 {
			t.Errorf("%s: %d bytes of which %d captured, want %d of which some 120", w.name, s.Len, len(s.Payload), want)
		}
	}
}
