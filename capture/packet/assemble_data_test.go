package packet

import (
	"bytes"
	"io"
	"testing"
)

// otherStreams are the captures in which we see another number of connections than tshark.
var otherStreams = map[string]int64{
	"pcap/wireshark/wireguard-ping-tcp-dsb.pcapng": 0, // inside WireGuard, which is not ours to decrypt
	"pcap/zeek/tcp/single-rst.pcap":                0, // one reset is no connection; it is counted as such
}

// TestAssemblerOnCaptures assembles every capture of the development data: the laws hold, each Sink hears of two
// ends, and all bytes it hears come from the packets.
func TestAssemblerOnCaptures(t *testing.T) {
	for _, file := range pcapTruths(t) {
		t.Run(file.name, func(t *testing.T) {
			r, err := NewReader(bytes.NewReader(pcapFile(t, file.name)), ReaderOptions{})
			if err != nil {
				t.Skipf("not a capture: %v", err) // the Reader's own test says which may be
			}
			var sinks []*counter
			a := NewAssembler(Options{New: func(Flow) Sink {
				sinks = append(sinks, &counter{})
				return sinks[len(sinks)-1]
			}})
			segments, payload := 0, int64(0)
			for {
				var s Segment
				if err := r.Next(&s); err != nil {
					if err != io.EOF {
						t.Logf("ends early: %v", err)
					}
					break
				}
				segments++
				payload += int64(len(s.Payload))
				a.Add(&s)
			}
			a.Flush()
			stats := a.Stats()
			checkLaws(t, stats, Options{}, segments, payload)
			told, missing := counter{}, int64(0)
			for i, s := range sinks {
				if s.ends != 2 {
					t.Errorf("connection %d: %d ends, want 2", i, s.ends)
				}
				told.bytes += s.bytes
				told.gaps += s.gaps
			}
			for _, n := range stats.MissingBytes {
				missing += n
			}
			if told.bytes != stats.DeliveredBytes || told.gaps != missing {
				t.Errorf("told of %d bytes and %d missing, counted %d and %d", told.bytes, told.gaps, stats.DeliveredBytes, missing)
			}
			want := file.streams
			if n, ok := otherStreams[file.name]; ok {
				want = n
			}
			if stats.Connections != want {
				t.Errorf("%d connections, want %d", stats.Connections, want)
			}
		})
	}
}
