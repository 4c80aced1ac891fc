package packet

import (
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// reason says what became of a packet.
type reason uint8

// Why a packet holds no TCP segment for us.
const (
	used        reason = iota // it does
	notIP                     // ARP, spanning tree, control frames, ...
	notTCP                    // UDP, ICMP, ...
	quic                      // UDP that carries QUIC, so probably HTTP/3
	duplicate                 // a copy of a packet that was used, see twins
	fragment                  // of a datagram of which parts are missing, or not seen yet
	overlap                   // a fragment whose bytes were there already, with another content
	cut                       // the capture has less than its headers
	badLength                 // headers that contradict each other or the packet
	tooDeep                   // more headers than maxHeaders
	encrypted                 // a protected frame of a wireless network
	unknownLink               // a link layer that this build does not read
	reasons                   // how many there are

	held reason = 255 // a fragment was put by, and counted
)

// reasonNames are the keys of FrameStats.Ignored.
var reasonNames = [reasons]string{"", "not-ip", "not-tcp", "udp-quic", "duplicate", "fragment", "overlap", "cut", "bad-length", "too-deep", "encrypted", "unknown-link"}

// Ceilings on nesting.
const (
	maxHeaders = 40 // headers of one packet
	maxLabels  = 16 // of one MPLS stack
)

// FrameStats says what became of the packets: Packets = Used + the sum of Ignored.
type FrameStats struct {
	Packets    int64
	Used       int64            // held a TCP segment, or a part of one
	Ignored    map[string]int64 // by reason; only those that occurred
	Overlapped int64            // bytes of fragments that were there already: the first ones hold
	Drops      int64            // packets that the capturing kernel or card says it has lost; they are no part of Packets
}

// step is the kind of header that comes next.
type step uint8

const (
	stepEthernet step = iota + 1
	stepType          // after an EtherType, in Decoder.etherType
	stepLLC
	stepIP // version 4 or 6, as the first byte says
	stepIPv4
	stepIPv6
	stepTransport // after an IP protocol, in Decoder.protocol
	stepMPLS
	stepPPP
	stepPPPoE
	stepSLL
	stepSLL2
	stepNull
	stepRadiotap
	stepWLAN
	stepNFLOG
)

// Decoder takes frames apart down to their TCP segments: link layers, tunnels, IP with its fragments. Its memory
// is bounded. It is not safe for concurrent use.
type Decoder struct {
	frame *Frame
	b     []byte // what is left of the packet
	wire  int    // bytes that were left of it on the wire

	etherType uint16
	protocol  uint8
	v6        bool
	src, dst  netip.Addr
	pair      uint64 // both addresses: themselves for IPv4, a digest for IPv6
	id        uint32 // of the innermost IPv4 header; 0: none
	ttl       uint8  // of the innermost IP header
	link      int    // bytes before the outermost IP header; -1: none yet

	packets    int64
	count      [reasons]int64
	parts      int64 // frames counted under fragment which belong to the packet at hand
	fragments  fragments
	twins      twins
	aliases    aliases
	overlapped int64

	sll    layers.LinuxSLL
	sll2   layers.LinuxSLL2
	null   layers.Loopback
	gre    layers.GRE
	vxlan  layers.VXLAN
	erspan layers.ERSPANII
}

// NewDecoder returns a decoder that has seen nothing.
func NewDecoder() *Decoder { return &Decoder{} }

// Decode takes f apart. It reports whether s holds a TCP segment; if not, f is counted under a reason. s.Payload
// points into f.Data or, after a fragment, into the decoder's memory, and is valid until the next call.
func (d *Decoder) Decode(f *Frame, s *Segment) bool {
	d.packets++
	d.frame, d.b, d.wire = f, f.Data, max(f.Len, len(f.Data))
	d.parts, d.link = 0, -1
	why := d.walk(s)
	d.frame, d.b = nil, nil
	if why == held {
		return false
	}
	d.count[why] += 1 + d.parts
	d.count[fragment] -= d.parts
	return why == used
}

// Stats are the counts so far.
func (d *Decoder) Stats() FrameStats {
	s := FrameStats{Packets: d.packets, Used: d.count[used], Ignored: map[string]int64{}, Overlapped: d.overlapped}
	for r := used + 1; r < reasons; r++ {
		if d.count[r] != 0 {
			s.Ignored[reasonNames[r]] = d.count[r]
		}
	}
	return s
}

// walk takes off one header after the other.
func (d *Decoder) walk(s *Segment) reason {
	next, why := d.begin()
	for range maxHeaders {
		if why != used {
			return why
		}
		switch next {
		case stepEthernet:
			next, why = d.ethernet()
		case stepType:
			next, why = d.byType()
		case stepLLC:
			next, why = d.llc()
		case stepIP:
			next, why = d.ip()
		case stepIPv4:
			next, why = d.ipv4()
		case stepIPv6:
			next, why = d.ipv6()
		case stepTransport:
			if d.protocol == protocolTCP {
				return d.tcp(s)
			}
			next, why = d.transport()
		case stepMPLS:
			next, why = d.mpls()
		case stepPPP:
			next, why = d.ppp()
		case stepPPPoE:
			next, why = d.pppoe()
		case stepSLL:
			next, why = d.linuxSLL()
		case stepSLL2:
			next, why = d.linuxSLL2()
		case stepNull:
			next, why = d.loopback()
		case stepRadiotap:
			next, why = d.radiotap()
		case stepWLAN:
			next, why = d.wlan()
		case stepNFLOG:
			next, why = d.nflog()
		}
	}
	if why == used {
		return tooDeep
	}
	return why
}

// take drops the next n bytes, and reports whether the capture has them.
func (d *Decoder) take(n int) bool {
	if n > len(d.b) {
		return false
	}
	d.b = d.b[n:]
	d.wire -= n
	return true
}

// short is why n bytes are not there: the capture has cut the packet, unless that was too short on the wire too.
func (d *Decoder) short(n int) reason {
	if n <= d.wire {
		return cut
	}
	return badLength
}

// trim ends the packet n bytes from here: what follows is padding or a trailer. Where the packet was not that long
// (a mirror that cuts what it forwards), it counts as cut.
func (d *Decoder) trim(n int) {
	d.wire = n
	if len(d.b) > n {
		d.b = d.b[:n]
	}
}

// layer lets one of gopacket's decoders have a look at what is left. It reports whether the header is sound.
// Frames are an attacker's: a panic of the library is a header that is not sound.
func (d *Decoder) layer(l gopacket.DecodingLayer) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return l.DecodeFromBytes(d.b, gopacket.NilDecodeFeedback) == nil
}
