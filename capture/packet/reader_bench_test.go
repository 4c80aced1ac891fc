package packet

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// loopbackCapture is a pcap file of n exchanges on a hundred connections of a loopback interface: a request, its
// acknowledgement, a response of 800 bytes and that one's.
func loopbackCapture(n int) []byte {
	const conns, requestSize, responseSize = 100, 150, 800
	file := pcapHeader(binary.LittleEndian, magicMicro, 1)
	packets := 0
	segment := func(conn, size int, toServer bool, seq, ack int) {
		b := make([]byte, 14+20+32+size)
		binary.BigEndian.PutUint16(b[12:], typeIPv4)
		ip := b[14:]
		ip[0], ip[8], ip[9] = 0x45, 64, protocolTCP
		binary.BigEndian.PutUint16(ip[2:], uint16(20+32+size))
		binary.BigEndian.PutUint16(ip[4:], uint16(packets%65535+1))
		copy(ip[12:], "\x7f\x00\x00\x01\x7f\x00\x00\x01")
		tcp := ip[20:]
		src, dst := uint16(20000+conn), uint16(80)
		if !toServer {
			src, dst = dst, src
		}
		binary.BigEndian.PutUint16(tcp, src)
		binary.BigEndian.PutUint16(tcp[2:], dst)
		binary.BigEndian.PutUint32(tcp[4:], uint32(seq))
		binary.BigEndian.PutUint32(tcp[8:], uint32(ack))
		tcp[12], tcp[13] = 8<<4, byte(ACK)
		for j := range size {
			tcp[32+j] = byte('a' + j%23)
		}
		file = pcapRecord(file, binary.LittleEndian, int64(packets)*5000, b, len(b))
		packets++
	}
	for i := range n {
		conn, turn := i%conns, i/conns
		client, server := 1000+turn*requestSize, 5000+turn*responseSize
		segment(conn, requestSize, true, client, server)
		segment(conn, 0, false, server, client+requestSize)
		segment(conn, responseSize, false, server, client+requestSize)
		segment(conn, 0, true, client+requestSize, server+responseSize)
	}
	return file
}

func BenchmarkReader(b *testing.B) {
	file := loopbackCapture(20000)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(file), ReaderOptions{})
		if err != nil {
			b.Fatal(err)
		}
		var s Segment
		for err == nil {
			err = r.Next(&s)
		}
		if err != io.EOF || r.Stats().Used != 80000 {
			b.Fatalf("%v after %d segments", err, r.Stats().Used)
		}
	}
}

// BenchmarkGopacket decodes the same packets with gopacket's layers in its own parser, for comparison: without
// duplicates, fragments and tunnels.
func BenchmarkGopacket(b *testing.B) {
	file := loopbackCapture(20000)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	var (
		eth   layers.Ethernet
		ip4   layers.IPv4
		ip6   layers.IPv6
		tcp   layers.TCP
		found []gopacket.LayerType
	)
	parser := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &eth, &ip4, &ip6, &tcp)
	parser.IgnoreUnsupported = true
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(file), ReaderOptions{})
		if err != nil {
			b.Fatal(err)
		}
		for r.nextFrame() == nil {
			if err := parser.DecodeLayers(r.frame.Data, &found); err != nil || len(found) != 3 {
				b.Fatal(err, found)
			}
		}
	}
}
