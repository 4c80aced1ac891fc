package packet

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// sentByte is the byte of a stream at a sequence number, so that every segment can be checked alone.
func sentByte(seq uint32) byte { return byte(seq ^ seq>>8 ^ seq>>16*31) }

// travelled is a packet on its way: an IP packet, and what was done to it.
type travelled struct {
	ip   []byte
	v6   bool
	snap int // bytes that the capture keeps; 0: all
}

// send makes a packet of a stream.
func send(t *testing.T, r *rand.Rand, v6 bool, id uint16, seq uint32) travelled {
	payload := make([]byte, r.IntN(3000))
	for i := range payload {
		payload[i] = sentByte(seq + uint32(i))
	}
	tcp := testTCP()
	tcp.Seq = seq
	if v6 {
		return travelled{ip: stack(t, testIPv6(layers.IPProtocolTCP), tcp, gopacket.Payload(payload)), v6: true}
	}
	ip := testIPv4(layers.IPProtocolTCP)
	ip.Id = id
	return travelled{ip: stack(t, ip, tcp, gopacket.Payload(payload))}
}

// split cuts a packet into fragments.
func (p travelled) split(r *rand.Rand, id uint32) []travelled {
	header := 20
	if p.v6 {
		header = 40
	}
	content := p.ip[header:]
	var all []travelled
	for from := 0; from < len(content); {
		to := min(from+8*(1+r.IntN(150)), len(content))
		ip := bytes.Clone(p.ip[:header])
		at := uint16(from)
		if p.v6 {
			if to < len(content) {
				at |= 1
			}
			binary.BigEndian.PutUint16(ip[4:], uint16(8+to-from))
			ip[6] = protocolFragment
			ip = append(ip, protocolTCP, 0)
			ip = binary.BigEndian.AppendUint16(ip, at)
			ip = binary.BigEndian.AppendUint32(ip, id)
		} else {
			at /= 8
			if to < len(content) {
				at |= 0x2000
			}
			binary.BigEndian.PutUint16(ip[2:], uint16(header+to-from))
			binary.BigEndian.PutUint16(ip[6:], at)
		}
		all = append(all, travelled{ip: append(ip, content[from:to]...), v6: p.v6})
		from = to
	}
	return all
}

// wrap puts a packet into one of a few links and tunnels.
func (p travelled) wrap(t *testing.T, r *rand.Rand) []byte {
	kind := layers.EthernetTypeIPv4
	if p.v6 {
		kind = layers.EthernetTypeIPv6
	}
	frame := stack(t, testEthernet(kind), gopacket.Payload(p.ip))
	switch r.IntN(4) {
	case 0:
		return stack(t, testEthernet(layers.EthernetTypeDot1Q), &layers.Dot1Q{VLANIdentifier: 5, Type: kind}, gopacket.Payload(p.ip))
	case 1:
		return stack(t, testEthernet(layers.EthernetTypeIPv4), outerIPv4(layers.IPProtocolUDP), testUDP(4789), &layers.VXLAN{ValidIDFlag: true}, gopacket.Payload(frame))
	case 2:
		return stack(t, testEthernet(layers.EthernetTypeIPv4), outerIPv4(layers.IPProtocolGRE), &layers.GRE{Protocol: kind}, gopacket.Payload(p.ip))
	}
	return frame
}

// TestRandomTravels sends packets that are fragmented, lost, doubled, reordered, wrapped and cut at random.
// Every packet is accounted for, and no segment holds a byte that was not sent there.
func TestRandomTravels(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 4))
		var all []travelled
		seq := r.Uint32()
		for i := range 150 {
			p := send(t, r, seed%2 == 1, uint16(i+1), seq)
			seq += 3000
			parts := []travelled{p}
			if r.IntN(3) == 0 {
				parts = p.split(r, uint32(i+1))
			}
			for _, q := range parts {
				if r.IntN(10) == 0 {
					q.snap = 1 + r.IntN(len(q.ip))
				}
				for range []int{1, 1, 1, 1, 1, 1, 0, 2}[r.IntN(8)] {
					all = append(all, q)
				}
			}
		}
		for i := range all {
			j := min(i+r.IntN(6), len(all)-1)
			all[i], all[j] = all[j], all[i]
		}
		d := NewDecoder()
		var found []uint32
		for i, p := range all {
			frame := p.wrap(t, r)
			data := frame
			if p.snap > 0 {
				data = frame[:p.snap]
			}
			var s Segment
			if d.Decode(&Frame{Link: 1, Number: int64(i + 1), At: int64(i) * 1e6, Data: data, Len: len(frame)}, &s) {
				found = append(found, s.Seq)
				for k, c := range s.Payload {
					if c != sentByte(s.Seq+uint32(k)) {
						t.Fatalf("seed %d, packet %d: byte %d of the segment at %d is not the one that was sent", seed, i+1, k, s.Seq)
					}
				}
			}
			checkBalance(t, "random", d.Stats())
		}
		stats := d.Stats()
		if stats.Packets != int64(len(all)) || len(found) < 50 {
			t.Errorf("seed %d: %d packets and %d segments, want %d and at least 50", seed, stats.Packets, len(found), len(all))
		}
		for reason := range stats.Ignored {
			if !slices.Contains([]string{"duplicate", "fragment", "overlap", "cut", "not-tcp"}, reason) {
				t.Errorf("seed %d: packets ignored as %s: %v", seed, reason, stats.Ignored)
			}
		}
	}
}
