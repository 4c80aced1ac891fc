package packet

import (
	"encoding/binary"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// twinFrame is a packet as it was captured somewhere.
type twinFrame struct {
	id      uint16 // 0 with v6: IPv6
	v6      bool
	ttl     uint8
	mac     byte
	vlan    uint16
	place   uint32
	stamp   byte // of TCP's timestamps option
	sum     uint16
	payload string
	bare    bool // an acknowledgement without payload
	tunnel  bool
}

func (f twinFrame) bytes(t *testing.T) []byte {
	tcp := testTCP()
	tcp.Options[0].OptionData[3], tcp.Checksum = f.stamp, f.sum
	payload := gopacket.Payload("hello" + f.payload)
	if f.bare {
		payload = nil
	}
	eth := testEthernet(layers.EthernetTypeIPv4)
	ip := testIPv4(layers.IPProtocolTCP)
	ip.Id, ip.TTL = f.id, 64-f.ttl
	all := []gopacket.SerializableLayer{eth, ip, tcp, payload}
	if f.v6 {
		eth.EthernetType = layers.EthernetTypeIPv6
		six := testIPv6(layers.IPProtocolTCP)
		six.HopLimit = 64 - f.ttl
		all[1] = six
	}
	if f.vlan != 0 {
		tag := &layers.Dot1Q{VLANIdentifier: f.vlan, Type: eth.EthernetType}
		eth.EthernetType = layers.EthernetTypeDot1Q
		all = append([]gopacket.SerializableLayer{eth, tag}, all[1:]...)
	}
	eth.SrcMAC[5] = f.mac
	b := stack(t, all...)
	if f.tunnel {
		b = stack(t, testEthernet(layers.EthernetTypeIPv4), outerIPv4(layers.IPProtocolUDP), testUDP(4789), &layers.VXLAN{ValidIDFlag: true}, gopacket.Payload(b))
	}
	return b
}

func TestTwins(t *testing.T) {
	const us, ms = 1000, 1000000
	numbered, bare6 := twinFrame{id: 7}, twinFrame{v6: true, bare: true}
	six, zero := twinFrame{v6: true}, twinFrame{}
	for _, test := range []struct {
		name  string
		a, b  twinFrame
		apart int64
		want  bool
	}{
		{"mirrored both ways", numbered, numbered, 3 * us, true},
		{"mirrored, a slow switch", numbered, numbered, 90 * ms, true},
		{"mirrored, copies out of order", numbered, numbered, -3 * us, true},
		{"too far apart", numbered, numbered, 101 * ms, false},
		{"both sides of a router", numbered, twinFrame{id: 7, ttl: 1, mac: 9}, 2 * ms, true},
		{"two VLANs", numbered, twinFrame{id: 7, vlan: 5}, us, true},
		{"inside and outside of a tunnel", numbered, twinFrame{id: 7, tunnel: true}, us, true},
		{"checksum filled in by the network card", numbered, twinFrame{id: 7, sum: 0xabcd}, us, true},
		{"retransmission, numbered", numbered, twinFrame{id: 8}, us, false},
		{"another payload", numbered, twinFrame{id: 7, payload: "!"}, us, false},
		{"another payload of the same length", twinFrame{id: 7, payload: "?"}, twinFrame{id: 7, payload: "!"}, us, false},
		{"another time stamp", numbered, twinFrame{id: 7, stamp: 1}, us, false},
		{"IPv6, both sides of a bridge", six, twinFrame{v6: true, place: 1}, 2 * ms, true},
		{"IPv6, both sides of a router", six, twinFrame{v6: true, ttl: 1, mac: 9}, 2 * ms, true},
		{"IPv6, mirrored both ways", six, six, 50 * us, true},
		{"IPv6, sent again after a millisecond", six, six, ms, false},
		{"IPv6, sent again, seen elsewhere, long after", six, twinFrame{v6: true, place: 1}, 101 * ms, false},
		{"number 0, mirrored both ways", zero, zero, 50 * us, true},
		{"number 0, sent again after a millisecond", zero, zero, ms, false},
		{"number 0, two interfaces", zero, twinFrame{place: 1}, ms, true},
		{"acknowledgement repeated", bare6, bare6, us, false},
		{"acknowledgement twice at one instant", bare6, bare6, 0, true},
		{"acknowledgement at two places", bare6, twinFrame{v6: true, bare: true, place: 1}, us, true},
		{"acknowledgement, numbered", twinFrame{id: 7, bare: true}, twinFrame{id: 7, bare: true}, us, true},
		{"acknowledgement repeated, numbered", twinFrame{id: 7, bare: true}, twinFrame{id: 8, bare: true}, us, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := NewDecoder()
			var s Segment
			const at = 1e15
			a, b := test.a.bytes(t), test.b.bytes(t)
			if !d.Decode(&Frame{Link: 1, Place: test.a.place, At: at, Data: a, Len: len(a)}, &s) {
				t.Fatalf("the first is ignored: %v", d.Stats().Ignored)
			}
			if got := !d.Decode(&Frame{Link: 1, Place: test.b.place, At: at + test.apart, Data: b, Len: len(b)}, &s); got != test.want {
				t.Errorf("duplicate = %v, want %v", got, test.want)
			}
			if got := d.Stats().Ignored["duplicate"] == 1; got != test.want {
				t.Errorf("ignored %v, want a duplicate: %v", d.Stats().Ignored, test.want)
			}
			checkBalance(t, test.name, d.Stats())
		})
	}
}

// TestTwinsRetransmitted captures at two places a packet that is lost behind both and sent again: it counts once
// each time it was sent.
func TestTwinsRetransmitted(t *testing.T) {
	d := NewDecoder()
	var s Segment
	frame := twinFrame{v6: true}.bytes(t)
	for _, seen := range []struct {
		at    int64
		place uint32
		want  bool
	}{{0, 0, true}, {20e3, 1, false}, {5e6, 0, true}, {5e6 + 20e3, 1, false}} {
		if got := d.Decode(&Frame{Link: 1, Place: seen.place, At: seen.at, Data: frame, Len: len(frame)}, &s); got != seen.want {
			t.Errorf("at %d ns, place %d: used = %v, want %v", seen.at, seen.place, got, seen.want)
		}
	}
}

// TestTwinsOfMany sees every packet of a busy link twice, at once and behind a router that holds a hundred packets,
// and holds what is remembered to its bound.
func TestTwinsOfMany(t *testing.T) {
	const sent, held = 100000, 100
	for name, delay := range map[string]int{"at once": 0, "a hundred packets later": held} {
		d := NewDecoder()
		var s Segment
		frame := twinFrame{id: 1}.bytes(t)
		see := func(i int, at int64) {
			binary.BigEndian.PutUint16(frame[14+4:], uint16(i%65535+1))
			binary.BigEndian.PutUint32(frame[14+20+4:], uint32(i*5))
			d.Decode(&Frame{Link: 1, At: at, Data: frame, Len: len(frame)}, &s)
		}
		for i := range sent + delay {
			at := int64(i) * 10000
			if i < sent {
				see(i, at)
			}
			if i >= delay {
				see(i-delay, at+1000)
			}
		}
		// A digest may share its slot with two younger ones: once in some ten thousand packets.
		got := d.Stats()
		if missed := sent - got.Ignored["duplicate"]; missed < 0 || missed > sent/5000 || got.Used != sent+missed {
			t.Errorf("%s: used %d, ignored %v; want %d and as many duplicates, but a few", name, got.Used, got.Ignored, sent)
		}
		if got := len(d.twins.slots); got != maxSlots {
			t.Errorf("%s: %d slots, want %d", name, got, maxSlots)
		}
	}
}
