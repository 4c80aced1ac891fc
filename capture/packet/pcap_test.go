package packet

import "encoding/binary"

// pcapHeader is the file header of a pcap file.
func pcapHeader(order binary.AppendByteOrder, magic, link uint32) []byte {
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint16(b, 4)
	b = order.AppendUint32(b, 0)
	b = order.AppendUint32(b, 0)
	b = order.AppendUint32(b, 65535)
	return order.AppendUint32(b, link)
}

// pcapRecord appends a packet that was captured at an instant in nanoseconds, in a file of microseconds.
func pcapRecord(b []byte, order binary.AppendByteOrder, at int64, data []byte, wire int) []byte {
	b = order.AppendUint32(b, uint32(at/1e9))
	b = order.AppendUint32(b, uint32(at%1e9/1e3))
	b = order.AppendUint32(b, uint32(len(data)))
	b = order.AppendUint32(b, uint32(wire))
	return append(b, data...)
}
