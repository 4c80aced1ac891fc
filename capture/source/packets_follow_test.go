package source

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trafficreplay/capture"
	"trafficreplay/capture/tlskeys"
)

// tcpPacket is an IPv4 packet from a client to port 80, with an acknowledgement and a payload.
func tcpPacket(client uint16, seq uint32, payload string) []byte {
	b := []byte{0x45, 0, 0, byte(40 + len(payload)), 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2}
	b = binary.BigEndian.AppendUint16(b, client)
	b = binary.BigEndian.AppendUint16(b, 80)
	b = binary.BigEndian.AppendUint32(b, seq)
	b = append(b, 0, 0, 0, 1, 0x50, 0x10, 1, 0, 0, 0, 0, 0)
	return append(b, payload...)
}

// udpPacket is an IPv4 packet of 1,000 bytes that holds no TCP.
func udpPacket() []byte {
	b := make([]byte, 1000)
	copy(b, []byte{0x45, 0, 0x03, 0xe8, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 7, 0, 7, 0x03, 0xd4})
	return b
}

// recordedAt is a packet and its second.
type recordedAt struct {
	second uint32
	packet []byte
}

// pcapOf is a pcap file of raw IP.
func pcapOf(packets ...recordedAt) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	for _, v := range []uint32{4<<16 | 2, 0, 0, 262144, 101} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	for _, p := range packets {
		for _, v := range []uint32{p.second, 0, uint32(len(p.packet)), uint32(len(p.packet))} {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
		b = append(b, p.packet...)
	}
	return b
}

const getA, getB = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", "GET /b HTTP/1.1\r\nHost: h\r\n\r\n"

// Files that follow each other in time are one recording, also where one begins with much else than TCP; files of the
// same time are two, and that is said.
func TestPacketFilesFollow(t *testing.T) {
	var late []recordedAt
	for range 100 {
		late = append(late, recordedAt{110, udpPacket()})
	}
	late = append(late, recordedAt{110, tcpPacket(5000, uint32(len(getA)), getB)})
	for _, c := range []struct {
		name   string
		first  []byte
		second []byte
		one    bool
	}{
		{"on time", pcapOf(recordedAt{100, tcpPacket(5000, 0, getA)}), pcapOf(recordedAt{101, tcpPacket(5000, uint32(len(getA)), getB)}), true},
		{"behind much else", pcapOf(recordedAt{100, tcpPacket(5000, 0, getA)}), pcapOf(late...), true},
		{"at the same time", pcapOf(recordedAt{100, tcpPacket(5000, 0, getA)}, recordedAt{110, tcpPacket(5000, 28, getB)}), pcapOf(recordedAt{105, tcpPacket(5001, 0, getA)}), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, content := range map[string][]byte{"z.pcap": c.first, "a.pcap": c.second} { // their names do not matter
				if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s, err := Open(t.Context(), []string{dir}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			var q capture.Request
			conns := map[int64]bool{}
			for err = s.Next(&q); err == nil; err = s.Next(&q) {
				conns[q.Conn] = true
			}
			said := strings.Contains(strings.Join(s.Notes(), "\n"), "was recorded at the same time as")
			if one := len(s.Ledgers()) == 1 && len(conns) == 1; one != c.one || said == c.one {
				t.Errorf("%d ledgers, %d connections, notes %q", len(s.Ledgers()), len(conns), s.Notes())
			}
		})
	}
}

// block is a block of a pcapng file; its body fills whole words.
func block(kind uint32, body []byte) []byte {
	size := uint32(len(body) + 12)
	b := binary.LittleEndian.AppendUint32(nil, kind)
	b = binary.LittleEndian.AppendUint32(b, size)
	return binary.LittleEndian.AppendUint32(append(b, body...), size)
}

func words(vs ...uint32) (b []byte) {
	for _, v := range vs {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

// The secrets in each file of a set are taken, also where they are as long as those of the file before, or longer than
// what is looked at to put the files in order.
func TestPacketFilesSecrets(t *testing.T) {
	t.Run("short", func(t *testing.T) { testPacketFilesSecrets(t, 3) })
	t.Run("long", func(t *testing.T) { testPacketFilesSecrets(t, 100_000) })
}

func testPacketFilesSecrets(t *testing.T, blanks int) {
	dir := t.TempDir()
	for i := range 3 {
		secret := fmt.Sprintf("CLIENT_RANDOM %064x %096x\n", i, i) + strings.Repeat("\n", blanks)
		secret = secret[:len(secret)&^3]
		file := block(0x0a0d0d0a, words(0x1a2b3c4d, 1, 0xffffffff, 0xffffffff))
		file = append(file, block(0xa, append(words(0x544c534b, uint32(len(secret))), secret...))...)
		file = append(file, block(1, words(101, 262144))...)
		packet := tcpPacket(5000, uint32(i*len(getA)), getA)
		at := uint64(100+i) * 1e6
		file = append(file, block(6, append(words(0, uint32(at>>32), uint32(at), uint32(len(packet)), uint32(len(packet))), packet...))...)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(9-i)), file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var keys tlskeys.Keys
	s, err := Open(t.Context(), []string{dir}, Options{Keys: &keys})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	n := 0
	var q capture.Request
	for err = s.Next(&q); err == nil; err = s.Next(&q) {
		n++
	}
	if n != 3 || keys.Len() != 3 {
		t.Errorf("%d requests and secrets of %d sessions, want 3 of both; %v", n, keys.Len(), err)
	}
	if len(s.Ledgers()) != 1 || len(s.Notes()) != 0 {
		t.Errorf("%d ledgers, notes %q; want one recording and none", len(s.Ledgers()), s.Notes())
	}
}

// A capture without any TCP tells its progress and can be stopped like any other.
func TestPacketFilesStop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "udp.pcap")
	packets := make([]recordedAt, 1000)
	for i := range packets {
		packets[i] = recordedAt{100, udpPacket()}
	}
	if err := os.WriteFile(path, pcapOf(packets...), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var read []int64
	s, err := Open(ctx, []string{path}, Options{Progress: func(n, _ int64) {
		if read = append(read, n); len(read) == 3 {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var q capture.Request
	if err := s.Next(&q); err != context.Canceled || len(read) != 3 || read[2] > 256<<10 {
		t.Errorf("Next = %v after Progress was told %d, want %v after 3 calls and at most 256 KiB", err, read, context.Canceled)
	}
}
