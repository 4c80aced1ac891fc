// Package packet turns packets into TCP streams: capture files (pcap, pcapng) or a live interface go in, the
// bytes of each connection come out in order, with the instant at which each arrived and with every byte that
// is missing.
//
// Every packet is accounted for: it was used, or it was ignored for a reason that has a counter.
package packet

import "net/netip"

// Segment is one TCP segment as a packet carried it. Payload points into the reader's memory and is valid until
// the next packet is read.
type Segment struct {
	Frame    int64 // number of the packet in its source, from 1; of a fragmented datagram the last one's
	At       int64 // when it was captured, nanoseconds since the Unix epoch, UTC
	Src, Dst netip.AddrPort
	Seq, Ack uint32
	Flags    Flags
	Payload  []byte // what the capture holds of it
	Len      int    // payload bytes on the wire; more than len(Payload) where the capture cut the packet
}

// Flags are the control bits of a TCP header.
type Flags uint8

// The control bits that matter to reassembly (RFC 9293, section 3.1).
const (
	FIN Flags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
)

// Sink takes the bytes of one TCP connection. Side 0 is the client, side 1 the server; [Flow] says how it was
// decided which end is which. Each side's calls are in the order of its bytes.
type Sink interface {
	// Data hands over the next bytes of a side; their packet was captured at the instant at (nanoseconds), which
	// for bytes that had to wait is before that of later calls. b is valid for the call.
	Data(side int, at int64, b []byte)
	// Gap says that n bytes of a side are not in the capture, for a reason that [Assembler] lists.
	// What follows is in order again.
	Gap(side int, at, n int64, reason string)
	// End says that no more bytes of a side will come. reset: it did not close with a FIN, so what it was sending
	// may be incomplete: the connection was torn down, or the capture or our memory of it ended first.
	// It is called exactly once for each side.
	End(side int, at int64, reset bool)
}
