package packet

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

func TestIgnored(t *testing.T) {
	eth := func(kind layers.EthernetType, rest ...gopacket.SerializableLayer) []byte {
		return stack(t, append([]gopacket.SerializableLayer{testEthernet(kind)}, rest...)...)
	}
	badHeader := inner4(t)
	badHeader[20+12] = 4 << 4
	longHeader := stack(t, testIPv4(layers.IPProtocolTCP), gopacket.Payload(append(bytes.Clone(inner4(t)[20:32]), 0xf0, 0, 0, 0, 0, 0, 0, 0)))
	shortIP := inner4(t)
	binary.BigEndian.PutUint16(shortIP[2:], 19)
	labels := bytes.Repeat([]byte{0, 1, 0, 64}, 20)
	for _, test := range []struct {
		name  string
		link  LinkType
		frame []byte
		want  string
	}{
		{"ARP", 1, eth(layers.EthernetTypeARP, raw(string(make([]byte, 28)))), "not-ip"},
		{"spanning tree", 1, eth(layers.EthernetType(38), raw("BB\x03", string(make([]byte, 35)))), "not-ip"},
		{"UDP", 1, eth(layers.EthernetTypeIPv4, testIPv4(layers.IPProtocolUDP), testUDP(53), raw("hello hello")), "not-tcp"},
		{"ICMP", 1, eth(layers.EthernetTypeIPv4, testIPv4(layers.IPProtocolICMPv4), raw("\x08\x00\x00\x00\x00\x00\x00\x00")), "not-tcp"},
		{"no next header", 1, eth(layers.EthernetTypeIPv6, testIPv6(layers.IPProtocolNoNextHeader)), "not-tcp"},
		{"QUIC initial", 1, eth(layers.EthernetTypeIPv4, testIPv4(layers.IPProtocolUDP), testUDP(4433), raw("\xc3\x00\x00\x00\x01\x08", string(make([]byte, 40)))), "udp-quic"},
		{"QUIC short header", 1, eth(layers.EthernetTypeIPv4, testIPv4(layers.IPProtocolUDP), testUDP(443), raw("\x41", string(make([]byte, 40)))), "udp-quic"},
		{"DTLS on the port of HTTP/3", 1, eth(layers.EthernetTypeIPv4, testIPv4(layers.IPProtocolUDP), testUDP(443), raw("\x16\xfe\xfd", string(make([]byte, 40)))), "not-tcp"},
		{"not VXLAN on its port", 1, eth(layers.EthernetTypeIPv4, testIPv4(layers.IPProtocolUDP), testUDP(4789), raw("hello hello hello")), "not-tcp"},
		{"GTP control", 1, eth(layers.EthernetTypeIPv4, testIPv4(layers.IPProtocolUDP), testUDP(2152), raw("\x32\x01\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00")), "not-tcp"},
		{"TCP header of 16 bytes", 12, badHeader, "bad-length"},
		{"TCP header longer than the packet", 12, longHeader, "bad-length"},
		{"IP length of 19", 12, shortIP, "bad-length"},
		{"IPv4 that says version 5", 228, append([]byte{0x55}, inner4(t)[1:]...), "not-ip"},
		{"Ethernet too short", 1, make([]byte, 10), "bad-length"},
		{"empty", 1, nil, "bad-length"},
		{"20 labels", 1, eth(layers.EthernetTypeMPLSUnicast, raw(string(labels))), "too-deep"},
		{"SNAP with a length", 105, append([]byte{0x08, 1}, append(make([]byte, 22), "\xaa\xaa\x03\x00\x00\x00\x01\x00123456"...)...), "not-ip"},
		{"loopback of AppleTalk", 0, append([]byte{16, 0, 0, 0}, inner4(t)...), "not-ip"},
		{"loopback of no family", 0, append([]byte{1, 2, 3, 4}, inner4(t)...), "not-ip"},
		{"SLL with an address of nine bytes", 113, append([]byte("\x00\x00\x00\x01\x00\x09\x02\x00\x00\x00\x00\x01\x00\x00\x08\x00"), inner4(t)...), "not-ip"},
		{"SLL2 with an address of nine bytes", 276, append([]byte("\x08\x00\x00\x00\x00\x00\x00\x02\x00\x01\x00\x09\x02\x00\x00\x00\x00\x01\x00\x00"), inner4(t)...), "not-ip"},
		{"netlink", 113, append([]byte("\x00\x00\x03\x38\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x08\x00"), inner4(t)...), "not-ip"},
		{"PPPoE discovery", 1, eth(layers.EthernetTypePPPoESession, raw("\x11\x09\x00\x00\x00\x00\x00\x21", string(inner4(t)))), "not-ip"},
		{"PPP link control", 9, append([]byte{0xc0, 0x21}, make([]byte, 20)...), "not-ip"},
		{"NFLOG of version 1", 239, append([]byte{2, 1, 0, 0, 0x4e, 0, 9, 0}, inner4(t)...), "not-ip"},
		{"NFLOG of a bridge", 239, append([]byte{7, 0, 0, 0, 0x4e, 0, 9, 0}, inner4(t)...), "not-ip"},
		{"NFLOG with an attribute of three bytes", 239, []byte{2, 0, 0, 0, 3, 0, 9, 0}, "bad-length"},
		{"NFLOG without a packet", 239, []byte{2, 0, 0, 0, 4, 0, 1, 0}, "bad-length"},
		{"radiotap of four bytes", 127, make([]byte, 40), "bad-length"},
		{"fragment of 802.11", 105, append([]byte{0x08, 0x04}, make([]byte, 60)...), "not-ip"},
		{"GRE of a length", 1, eth(layers.EthernetTypeIPv4, testIPv4(layers.IPProtocolGRE), &layers.GRE{Protocol: 5}, raw("1234")), "not-ip"},
		{"GRE with its number missing", 1, eth(layers.EthernetTypeIPv4, testIPv4(layers.IPProtocolGRE), raw("\x10\x00\x08\x00")), "bad-length"},
		{"ERSPAN II of version 5", 1, eth(layers.EthernetTypeIPv4, testIPv4(layers.IPProtocolGRE), &layers.GRE{Protocol: 0x88be, SeqPresent: true}, raw("\x50", string(make([]byte, 60)))), "not-ip"},
		{"ERSPAN III of version 1", 1, eth(layers.EthernetTypeIPv4, testIPv4(layers.IPProtocolGRE), &layers.GRE{Protocol: 0x22eb}, raw("\x10", string(make([]byte, 60)))), "not-ip"},
		{"Google's QUIC", 1, eth(layers.EthernetTypeIPv4, testIPv4(layers.IPProtocolUDP), testUDP(443), raw("\xc3Q046", string(make([]byte, 40)))), "udp-quic"},
		{"version negotiation", 1, eth(layers.EthernetTypeIPv4, testIPv4(layers.IPProtocolUDP), testUDP(443), raw("\x80\x00\x00\x00\x00", string(make([]byte, 40)))), "udp-quic"},
		{"a draft of QUIC", 1, eth(layers.EthernetTypeIPv4, testIPv4(layers.IPProtocolUDP), testUDP(4433), raw("\xc0\xff\x00\x00\x1d", string(make([]byte, 40)))), "udp-quic"},
		{"protected 802.11", 105, append([]byte{0x08, 0x41}, make([]byte, 60)...), "encrypted"},
		{"beacon", 105, append([]byte{0x80, 0}, make([]byte, 60)...), "not-ip"},
		{"unknown link", 147, inner4(t), "unknown-link"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s Segment
			d := NewDecoder()
			d.Decode(&Frame{Link: test.link, Data: test.frame, Len: len(test.frame)}, &s)
			checkBalance(t, test.name, d.Stats())
			if d.Stats().Ignored[test.want] != 1 {
				t.Errorf("ignored %v, used %d, want %s", d.Stats().Ignored, d.Stats().Used, test.want)
			}
		})
	}
}
