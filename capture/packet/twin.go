package packet

import (
	"hash/crc32"
	"math/bits"
)

// A twin is a second copy of one packet. A mirror port that copies what goes in and what goes out, or a capture on
// both sides of a bridge, a VLAN trunk or a router, sees every packet twice.
//
// Two packets are twins when they agree in everything that forwarding keeps: addresses, ports, IP identification,
// every TCP field and option, the length and the payload; MAC addresses, tags, tunnels and the hop limit may
// differ. That alone would take a retransmission for a copy where the sender does not number its packets (IPv6,
// and IPv4 with an identification of 0). So:
//
//   - numbered packets: within twinWindow. A retransmission gets a number of its own.
//   - packets without a number that were captured at two places (interface, MAC addresses, tags or hop limit
//     differ): within twinWindow.
//   - packets without a number at one place: within bareWindow, in which no sender can learn of a loss. Bare
//     acknowledgements only at one instant: a receiver repeats them as fast as segments arrive out of order.
//
// Two copies lie microseconds apart, or the time that a switch or router holds a packet. A sender that gives all
// its packets the same number is not numbered in truth, but only programs that make packets up do that.
const (
	twinWindow = 100e6 // nanoseconds: half of what senders wait at least before they send again
	bareWindow = 100e3

	firstSlots = 1 << 9 // a short capture needs no more
	maxSlots   = 1 << 13
)

// twins remembers the packets seen last. A digest has two places, of which the older one is given up.
type twins struct {
	slots  [][2]twin
	filled int // places taken
}

type twin struct {
	key   uint64 // 0: none
	at    int64
	place uint32
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seen reports whether s, whose header and payload are b, is the twin of a packet before it.
func (t *twins) seen(d *Decoder, s *Segment, b []byte) bool {
	if t.filled >= len(t.slots)/4 && len(t.slots) < maxSlots {
		t.grow()
	}
	now := twin{twinKey(d, s, b), s.At, d.frame.Place<<8 ^ uint32(d.ttl) ^ crc32.Checksum(d.frame.Data[:d.link], castagnoli)}
	slot := t.slot(now.key)
	for i := range slot {
		if slot[i].key != now.key {
			continue
		}
		window := int64(twinWindow)
		if numbered := d.id != 0 && !d.v6; !numbered && now.place == slot[i].place {
			window = bareWindow
			if s.Len == 0 && s.Flags&(SYN|FIN|RST) == 0 {
				window = 0
			}
		}
		if apart := max(now.at-slot[i].at, slot[i].at-now.at); apart <= window {
			return true
		}
	}
	t.put(slot, now)
	return false
}

func (t *twins) slot(key uint64) *[2]twin { return &t.slots[key&uint64(len(t.slots)-1)] }

// put remembers a packet instead of the older one of a slot, or of itself as it was before.
func (t *twins) put(slot *[2]twin, now twin) {
	i := 0
	if slot[0].key != now.key && (slot[1].key == now.key || slot[1].key == 0 || slot[0].key != 0 && slot[1].at < slot[0].at) {
		i = 1
	}
	if slot[i].key == 0 {
		t.filled++
	}
	slot[i] = now
}

// grow makes more slots, for the same packets.
func (t *twins) grow() {
	old := t.slots
	t.slots, t.filled = make([][2]twin, max(firstSlots, 4*len(old))), 0
	for _, slot := range old {
		for _, s := range slot {
			if s.key != 0 {
				t.put(t.slot(s.key), s)
			}
		}
	}
}

// twinKey is a digest of what two twins agree in. The checksum is left out: network cards fill it in, so a copy
// taken before may not have it.
func twinKey(d *Decoder, s *Segment, b []byte) uint64 {
	h := mix(d.pair, uint64(d.id))
	h = mix(h^uint64(s.Seq)<<32^uint64(s.Ack), uint64(s.Src.Port())<<48^uint64(s.Dst.Port())<<32^uint64(s.Len))
	h ^= uint64(b[12])<<24 ^ uint64(b[13])<<16 ^ uint64(b[14])<<8 ^ uint64(b[15]) // flags and window
	return mix(h, uint64(crc32.Checksum(b[18:], castagnoli))|1<<40)
}

// mix multiplies and folds, with odd constants from the digits of pi.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x243f6a8885a308d3, b^0x13198a2e03707345)
	return hi ^ lo
}
