package packet

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// FuzzReader reads any bytes as a capture file. Packets balance, and the bytes cut in half give the same segments
// until they end.
func FuzzReader(f *testing.F) {
	f.Add(loopbackCapture(2))
	f.Add(ngEveryBlock())
	f.Add(pcapRecord(pcapHeader(binary.BigEndian, magicModified, 113), binary.BigEndian, 5, make([]byte, 60), 60))
	f.Add(pcapRecord(append(pcapHeader(binary.BigEndian, magicIxiaSW, 276), 0, 0, 0, 0), binary.BigEndian, 5, make([]byte, 60), 60))
	f.Add(append(ngSection(binary.BigEndian), ngInterface(binary.BigEndian, 1, 0, ngOption(binary.BigEndian, optionResolution, "\xff"))...))
	f.Add(pcapHeader(binary.LittleEndian, magicNano, 1))
	f.Fuzz(func(t *testing.T, file []byte) {
		whole, stats, err := readSegments(t, "x", file)
		checkBalance(t, "x", stats)
		if err != nil && err.Error() == "" {
			t.Error("an error that says nothing")
		}
		part, partly, _ := readSegments(t, "x", file[:len(file)/2])
		checkBalance(t, "half", partly)
		if len(part) > len(whole) {
			t.Fatalf("half the file has %d segments, the whole has %d", len(part), len(whole))
		}
		for i := range part {
			if !sameSegment(&part[i], &whole[i]) {
				t.Fatalf("segment %d of half the file is %+v, want %+v", i, part[i], whole[i])
			}
		}
	})
}

// FuzzDecode takes any bytes as frames of any link type. Where gopacket finds a plain TCP segment, ours is the
// same.
func FuzzDecode(f *testing.F) {
	for _, w := range wrappings(f) {
		f.Add(uint16(w.link), w.frame, uint16(0))
	}
	content := make([]byte, 200)
	f.Add(uint16(1), fragment4(f, 1, content, piece{0, 64, false}), uint16(0))
	f.Add(uint16(1), fragment6(f, 1, content, piece{64, 200, true}), uint16(10))
	d := NewDecoder() // goes on from frame to frame: fragments join as they come
	f.Fuzz(func(t *testing.T, link uint16, frame []byte, beyond uint16) {
		before := bytes.Clone(frame)
		var s Segment
		in := Frame{Link: LinkType(link), Number: 1, Data: frame, Len: len(frame) + int(beyond)}
		d.Decode(&in, &s)
		checkBalance(t, "fuzz", d.Stats())
		alone := NewDecoder()
		s = Segment{}
		ok := alone.Decode(&in, &s)
		checkBalance(t, "fuzz alone", alone.Stats())
		if !bytes.Equal(before, frame) {
			t.Fatal("the frame was changed")
		}
		if !ok {
			return
		}
		if s.Len < len(s.Payload) || s.Len > max(in.Len, maxDatagram) || len(s.Payload) > len(frame) {
			t.Fatalf("%d bytes of which %d are there, in a frame of %d (%d on the wire)", s.Len, len(s.Payload), len(frame), in.Len)
		}
		if !s.Src.IsValid() || !s.Dst.IsValid() {
			t.Fatalf("segment without addresses: %+v", s)
		}
	})
}

// FuzzDecodePlain compares with gopacket where both must agree: TCP in IPv4 in Ethernet, whole.
func FuzzDecodePlain(f *testing.F) {
	for _, w := range wrappings(f)[:3] {
		f.Add(w.frame)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		in := Frame{Link: LinkEthernet, Number: 1, Data: frame, Len: len(frame)}
		tcp, src, dst := libraryTCP(&in)
		if tcp == nil || len(frame) < 15 || binary.BigEndian.Uint16(frame[12:]) != typeIPv4 || frame[14]>>4 != 4 || frame[14+9] != protocolTCP {
			return // gopacket believes the EtherType where the version says otherwise
		}
		d := NewDecoder()
		var s Segment
		if !d.Decode(&in, &s) {
			t.Fatalf("ignored %v, where gopacket finds TCP", d.Stats().Ignored)
		}
		if what := sameAsLibrary(&s, tcp, src, dst); what != "" {
			t.Fatalf("%s differ: %+v, gopacket has %+v", what, s, tcp)
		}
	})
}

var pcapOrder = binary.LittleEndian

// manyEnhanced is a pcapng file of n packets.
func manyEnhanced(n int) []byte {
	file := append(ngSection(pcapOrder), ngInterface(pcapOrder, 1, 0)...)
	frame := loopbackCapture(1)[24+16:][:14+20+32+150]
	for i := range n {
		pcapOrder.PutUint32(frame[14+20+4:], uint32(i)) // the sequence number
		file = append(file, ngEnhanced(pcapOrder, 0, uint64(i), frame, len(frame))...)
	}
	return file
}
