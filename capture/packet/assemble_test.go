package packet

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// line is a segment of a connection between 10.0.0.9:40000 (side c) and 10.0.0.1:80 (side s).
type line struct {
	ms   int64
	from byte // c or s
	f    Flags
	seq  uint32
	ack  uint32 // 0: no ACK flag
	data string
	cut  int // bytes that the capture does not hold
}

// diary is a Sink that writes down what it is told.
type diary struct {
	name  string
	lines *[]string
}

func (d diary) Data(side int, at int64, b []byte) {
	*d.lines = append(*d.lines, fmt.Sprintf("%s%d@%d %s", d.name, side, at/1e6, b))
}

func (d diary) Gap(side int, at, n int64, reason string) {
	*d.lines = append(*d.lines, fmt.Sprintf("%s%d@%d gap %d %s", d.name, side, at/1e6, n, reason))
}

func (d diary) End(side int, at int64, reset bool) {
	how := "end"
	if reset {
		how = "reset"
	}
	*d.lines = append(*d.lines, fmt.Sprintf("%s%d@%d %s", d.name, side, at/1e6, how))
}

// play adds the steps and flushes, and gives what the Sinks were told. Their first line names the basis and, where
// it is not 10.0.0.9, the client; from the second connection on, lines begin with its letter.
func play(o Options, steps []line) (string, Stats) {
	var lines []string
	n := 0
	o.New = func(f Flow) Sink {
		d := diary{lines: &lines}
		if n++; n > 1 {
			d.name = string(rune('a'+n-1)) + ":"
		}
		lines = append(lines, fmt.Sprintf("%s%v", d.name, f.Basis))
		if f.Client.Port() == 80 {
			lines[len(lines)-1] += " server is client"
		}
		return d
	}
	a := NewAssembler(o)
	c, s := netip.MustParseAddrPort("10.0.0.9:40000"), netip.MustParseAddrPort("10.0.0.1:80")
	for i, p := range steps {
		g := Segment{Frame: int64(i + 1), At: p.ms * 1e6, Src: c, Dst: s, Seq: p.seq, Ack: p.ack, Flags: p.f, Payload: []byte(p.data), Len: len(p.data) + p.cut}
		if p.from == 's' {
			g.Src, g.Dst = s, c
		}
		if p.ack != 0 {
			g.Flags |= ACK
		}
		a.Add(&g)
	}
	a.Flush()
	return strings.Join(lines, "; "), a.Stats()
}

// The handshake: the client's first byte is 101, the server's 501.
var hello = []line{{0, 'c', SYN, 100, 0, "", 0}, {1, 's', SYN, 500, 101, "", 0}, {2, 'c', 0, 101, 501, "", 0}}

func after(opening []line, more ...line) []line {
	return append(opening[:len(opening):len(opening)], more...)
}

func TestAssembler(t *testing.T) {
	tests := []struct {
		name    string
		steps   []line
		want    string
		ignored string // segments, as Go prints the map
		skipped string // bytes
	}{
		{"question and answer", after(hello, line{3, 'c', PSH, 101, 501, "GET", 0}, line{4, 's', PSH, 501, 104, "200", 0},
			line{5, 's', FIN, 504, 104, "", 0}, line{6, 'c', FIN, 104, 505, "", 0}, line{7, 's', 0, 505, 105, "", 0}),
			"handshake; 0@3 GET; 1@4 200; 1@5 end; 0@6 end", "", ""},
		{"no SYN, no FIN", []line{{3, 'c', PSH, 101, 501, "GET /", 0}, {4, 's', PSH, 501, 106, "HTTP/1.1", 0}},
			"content; 0@3 GET /; 1@4 HTTP/1.1; 0@4 reset; 1@4 reset", "", ""},
		{"entered at a response", []line{{3, 's', PSH, 501, 106, "HTTP/1.1", 0}},
			"content; 1@3 HTTP/1.1; 0@3 reset; 1@3 reset", "", ""},
		{"entered at bytes of no known kind", []line{{3, 's', PSH, 501, 106, "abc", 0}},
			"port; 1@3 abc; 0@3 reset; 1@3 reset", "", ""},
		{"only the answer to the SYN", []line{{1, 's', SYN, 500, 101, "", 0}, {3, 'c', 0, 101, 501, "abc", 0}},
			"handshake; 0@3 abc; 0@3 reset; 1@3 reset", "", ""},
		{"entered out of order", []line{{3, 'c', 0, 104, 501, "T /", 0}, {4, 's', 0, 501, 107, "HTTP/1.1", 0}, {5, 'c', 0, 101, 501, "GE ", 0}},
			"content; 0@5 GE ; 0@3 T /; 1@4 HTTP/1.1; 0@5 reset; 1@5 reset", "", ""},
		{"entered after an acknowledgement of what comes", []line{{3, 'c', 0, 101, 501, "", 0}, {4, 's', 0, 505, 101, "xyz", 0}, {5, 'c', 0, 101, 508, "", 0}, {300, 'c', 0, 101, 508, "", 0}},
			"port; 1@4 gap 4 start; 1@4 xyz; 0@300 reset; 1@300 reset", "", ""},
		{"simultaneous open", []line{{0, 'c', SYN, 100, 0, "", 0}, {0, 's', SYN, 500, 0, "", 0}, {1, 'c', SYN, 100, 501, "", 0}, {1, 's', SYN, 500, 101, "", 0}, {2, 's', 0, 501, 101, "a", 0}},
			"handshake; 1@2 a; 0@2 reset; 1@2 reset", "map[retransmitted:2]", ""},
		{"answer before its question", after(hello, line{3, 's', 0, 501, 104, "200", 0}, line{4, 'c', 0, 101, 501, "GET", 0}),
			"handshake; 0@4 GET; 1@3 200; 0@4 reset; 1@4 reset", "", ""},
		{"question that was not captured", after(hello, line{3, 's', 0, 501, 105, "200", 0}, line{50, 's', 0, 504, 105, "x", 0}, line{104, 's', 0, 505, 105, "y", 0}),
			"handshake; 0@50 gap 4 lost; 1@3 200; 1@50 x; 1@104 y; 0@104 reset; 1@104 reset", "", ""},
		{"hole that the network made", after(hello, line{3, 'c', 0, 104, 501, "b", 0}, line{4, 's', 0, 501, 101, "", 0}, line{3000, 'c', 0, 101, 501, "aaa", 0}),
			"handshake; 0@3000 aaa; 0@3 b; 0@3000 reset; 1@3000 reset", "", ""},
		{"hole that nobody fills", after(hello, line{3, 'c', 0, 104, 501, "b", 0}, line{10004, 'c', 0, 105, 501, "c", 0}),
			"handshake; 0@3 gap 3 lost; 0@3 b; 0@10004 c; 0@10004 reset; 1@10004 reset", "", ""},
		{"bytes after they were given up", after(hello, line{3, 'c', 0, 104, 501, "b", 0}, line{4, 's', 0, 501, 105, "", 0}, line{200, 'c', 0, 101, 501, "aaa", 0}),
			"handshake; 0@3 gap 3 lost; 0@3 b; 0@200 reset; 1@200 reset", "map[late:1]", "map[late:3]"},
		{"overlap, the first wins", after(hello, line{3, 'c', 0, 103, 501, "XY", 0}, line{4, 'c', 0, 101, 501, "abcdef", 0}),
			"handshake; 0@4 ab; 0@3 XY; 0@4 ef; 0@4 reset; 1@4 reset", "", "map[overlap:2]"},
		{"retransmission, cut anew", after(hello, line{3, 'c', 0, 101, 501, "abc", 0}, line{4, 'c', 0, 101, 501, "ab", 0}, line{5, 'c', 0, 102, 501, "bcd", 0}),
			"handshake; 0@3 abc; 0@5 d; 0@5 reset; 1@5 reset", "map[retransmitted:1]", "map[overlap:2 retransmitted:2]"},
		{"keep-alive", after(hello, line{3, 'c', 0, 101, 501, "abc", 0}, line{4, 'c', 0, 103, 501, "\x00", 0}, line{5, 'c', 0, 103, 501, "", 0}, line{6, 's', 0, 501, 104, "", 0}, line{7, 'c', 0, 104, 501, "d", 0}),
			"handshake; 0@3 abc; 0@7 d; 0@7 reset; 1@7 reset", "map[keep-alive:2]", "map[keep-alive:1]"},
		{"entered at a keep-alive", []line{{4, 'c', 0, 103, 501, "\x00", 0}, {6, 's', 0, 501, 104, "", 0}, {7, 'c', 0, 104, 501, "GET ", 0}},
			"content; 0@7 GET ; 0@7 reset; 1@7 reset", "map[keep-alive:1]", "map[keep-alive:1]"},
		{"entered at an empty keep-alive, then closed", []line{{4, 'c', 0, 103, 501, "", 0}, {6, 's', 0, 501, 104, "", 0}, {700, 's', FIN, 501, 104, "", 0}, {701, 'c', FIN, 104, 502, "", 0}, {702, 's', 0, 502, 105, "", 0}},
			"", "", ""},
		{"zero-window probe", after(hello, line{3, 'c', 0, 101, 501, "a", 0}, line{4, 's', 0, 501, 101, "", 0}, line{5, 'c', 0, 101, 501, "abc", 0}),
			"handshake; 0@3 a; 0@5 bc; 0@5 reset; 1@5 reset", "", "map[overlap:1]"},
		{"urgent byte", after(hello, line{3, 'c', URG, 101, 501, "a!", 0}, line{4, 'c', 0, 103, 501, "b", 0}),
			"handshake; 0@3 a!; 0@4 b; 0@4 reset; 1@4 reset", "", ""},
		{"SYN with data", []line{{0, 'c', SYN, 100, 0, "GET", 0}, {1, 's', SYN, 500, 104, "200", 0}, {2, 'c', 0, 104, 504, "", 0}},
			"handshake; 0@0 GET; 1@1 200; 0@2 reset; 1@2 reset", "", ""},
		{"SYN after its data", []line{{0, 'c', 0, 101, 501, "GET", 0}, {1, 'c', SYN, 100, 0, "", 0}, {2, 's', SYN, 500, 101, "", 0}},
			"handshake; 0@0 GET; 0@2 reset; 1@2 reset", "", ""},
		{"answer to the SYN after its data", []line{{0, 'c', SYN, 100, 0, "", 0}, {1, 's', 0, 504, 101, "de", 0}, {2, 's', SYN, 500, 101, "", 0}, {3, 's', 0, 501, 101, "abc", 0}},
			"handshake; 1@3 abc; 1@1 de; 0@3 reset; 1@3 reset", "", ""},
		{"refused", []line{{0, 'c', SYN, 100, 0, "", 0}, {1, 's', RST, 0, 101, "", 0}}, "", "", ""},
		{"refusal of another SYN", []line{{0, 'c', SYN, 100, 0, "", 0}, {1, 's', RST, 0, 100, "", 0}, {2, 's', SYN, 500, 101, "", 0}, {3, 'c', 0, 101, 501, "abc", 0}},
			"handshake; 0@3 abc; 0@3 reset; 1@3 reset", "map[out-of-window:1]", ""},
		{"reset", after(hello, line{3, 'c', 0, 101, 501, "abc", 0}, line{4, 's', RST, 501, 104, "", 0}, line{5, 'c', 0, 104, 501, "d", 0}),
			"handshake; 0@3 abc; 0@4 reset; 1@4 reset", "map[after-close:1]", "map[after-close:1]"},
		{"reset overtakes bytes", after(hello, line{3, 'c', RST, 104, 503, "", 0}, line{4, 'c', 0, 101, 501, "abc", 0}, line{5, 's', 0, 501, 104, "de", 0}),
			"handshake; 0@4 abc; 0@3 reset; 1@5 de; 1@3 reset", "", ""},
		{"reset outside the window", after(hello, line{3, 'c', 0, 101, 501, "abc", 0}, line{4, 's', 0, 501, 104, "x", 0}, line{4, 'c', RST, 50, 0, "", 0}, line{5, 'c', RST, 104 + 1<<25, 0, "", 0}, line{6, 'c', 0, 104, 502, "d", 0}),
			"handshake; 0@3 abc; 1@4 x; 0@6 d; 0@6 reset; 1@6 reset", "map[out-of-window:2]", ""},
		{"reset of an unknown connection", []line{{4, 'c', RST, 50, 0, "", 0}}, "", "map[no-connection:1]", ""},
		{"FIN before its bytes", after(hello, line{3, 'c', FIN, 104, 501, "", 0}, line{4, 's', 0, 501, 101, "", 0}, line{5, 'c', 0, 101, 501, "abc", 0}),
			"handshake; 0@5 abc; 0@3 end; 1@5 reset", "", ""},
		{"FIN that was not captured", after(hello, line{3, 'c', 0, 101, 501, "abc", 0}, line{4, 's', 0, 501, 105, "xy", 0}, line{200, 's', FIN, 503, 105, "", 0}, line{201, 'c', 0, 105, 504, "", 0}),
			"handshake; 0@3 abc; 1@4 xy; 1@200 end; 0@201 end", "", ""},
		{"closed before a word", after(hello, line{3, 'c', FIN, 101, 501, "", 0}, line{4, 's', 0, 501, 102, "xy", 0}),
			"handshake; 0@3 end; 1@4 xy; 1@4 reset", "", ""},
		{"half closed", after(hello, line{3, 'c', FIN, 101, 501, "abc", 0}, line{4, 's', 0, 501, 105, "xy", 0}, line{5, 's', 0, 503, 105, "z", 0}, line{6, 's', FIN, 504, 105, "", 0}),
			"handshake; 0@3 abc; 0@3 end; 1@4 xy; 1@5 z; 1@6 end", "", ""},
		{"bytes after FIN", after(hello, line{3, 'c', FIN, 101, 501, "abc", 0}, line{4, 'c', 0, 105, 501, "d", 0}),
			"handshake; 0@3 abc; 0@3 end; 1@4 reset", "map[after-close:1]", "map[after-close:1]"},
		{"cut", after(hello, line{3, 'c', 0, 101, 501, "abc", 7}, line{4, 'c', 0, 111, 501, "def", 7}),
			"handshake; 0@3 abc; 0@3 gap 7 cut; 0@4 def; 0@4 gap 7 cut; 0@4 reset; 1@4 reset", "", ""},
		{"cut to nothing, early", after(hello, line{3, 'c', 0, 104, 501, "", 7}, line{4, 'c', 0, 101, 501, "abc", 0}),
			"handshake; 0@4 abc; 0@4 gap 7 cut; 0@4 reset; 1@4 reset", "", ""},
		{"cut, whole again before its turn", after(hello, line{3, 'c', 0, 104, 501, "d", 3}, line{4, 'c', 0, 104, 501, "defg", 0}, line{5, 'c', 0, 101, 501, "abc", 0}),
			"handshake; 0@5 abc; 0@3 d; 0@4 efg; 0@5 reset; 1@5 reset", "", "map[overlap:1]"},
		{"cut where another is whole", after(hello, line{3, 'c', 0, 104, 501, "defghi", 0}, line{4, 'c', 0, 104, 501, "D", 3}, line{5, 'c', 0, 107, 501, "GHIj", 0}, line{6, 'c', 0, 101, 501, "abc", 0}),
			"handshake; 0@6 abc; 0@3 defghi; 0@5 j; 0@6 reset; 1@6 reset", "", "map[overlap:4]"},
		{"ports used again after the close", after(after(hello, line{3, 'c', FIN, 101, 501, "abc", 0}, line{4, 's', FIN, 501, 105, "", 0}),
			line{5, 'c', SYN, 9000, 0, "", 0}, line{6, 's', SYN, 7000, 9001, "", 0}, line{7, 'c', 0, 9001, 7001, "def", 0}),
			"handshake; 0@3 abc; 0@3 end; 1@4 end; b:handshake; b:0@7 def; b:0@7 reset; b:1@7 reset", "", ""},
		{"ports used again, no close seen", after(after(hello, line{3, 'c', 0, 101, 501, "abc", 0}),
			line{5, 'c', SYN, 9000, 0, "", 0}, line{6, 's', SYN, 7000, 9001, "", 0}, line{7, 'c', 0, 9001, 7001, "def", 0}),
			"handshake; 0@3 abc; 0@3 reset; 1@3 reset; b:handshake; b:0@7 def; b:0@7 reset; b:1@7 reset", "", ""},
		{"ports used again, neither close nor SYN seen", after(after(hello, line{3, 'c', 0, 101, 501, "abc", 0}, line{4, 's', 0, 501, 104, "x", 0}),
			line{5, 'c', 0, 1 << 30, 1 << 29, "PUT ", 0}, line{6, 's', 0, 1 << 29, 1<<30 + 4, "HTTP/1.1", 0}),
			"handshake; 0@3 abc; 1@4 x; 0@4 reset; 1@4 reset; b:content; b:0@5 PUT ; b:1@6 HTTP/1.1; b:0@6 reset; b:1@6 reset", "", ""},
		{"ports used again after the close, SYN not seen", after(after(hello, line{3, 'c', FIN, 101, 501, "abc", 0}, line{4, 's', FIN, 501, 105, "", 0}),
			line{5, 'c', 0, 5000, 6000, "PUT ", 0}),
			"handshake; 0@3 abc; 0@3 end; 1@4 end; b:content; b:0@5 PUT ; b:0@5 reset; b:1@5 reset", "", ""},
		{"repeated SYN and FIN", after(hello, line{2, 's', SYN, 500, 101, "", 0}, line{3, 'c', FIN, 101, 501, "a", 0}, line{4, 'c', FIN, 101, 501, "a", 0}),
			"handshake; 0@3 a; 0@3 end; 1@4 reset", "map[retransmitted:2]", "map[retransmitted:1]"},
		{"far from the stream", after(hello, line{3, 'c', 0, 1 << 28, 501, "a", 0}, line{4, 'c', 0, 101, 501, "b", 0}),
			"handshake; 0@4 b; 0@4 reset; 1@4 reset", "map[out-of-window:1]", "map[out-of-window:1]"},
		{"acknowledgement of nonsense", after(hello, line{3, 'c', 0, 101, 1 << 28, "a", 0}, line{4, 's', 0, 501, 102, "b", 0}),
			"handshake; 0@3 a; 1@4 b; 0@4 reset; 1@4 reset", "", ""},
		{"one side only", []line{{0, 'c', SYN, 100, 0, "", 0}, {3, 'c', 0, 101, 501, "a", 0}, {4, 'c', 0, 102, 700, "b", 0}, {5, 'c', FIN, 103, 900, "", 0}},
			"handshake; 0@3 a; 0@4 b; 0@5 end; 1@5 gap 399 unseen; 1@5 reset", "", ""},
		{"one side only, a hole", []line{{0, 'c', SYN, 100, 0, "", 0}, {3, 'c', 0, 102, 501, "b", 0}, {4, 'c', 0, 101, 501, "a", 0}},
			"handshake; 0@4 a; 0@3 b; 0@4 reset; 1@4 reset", "", ""},
		{"each acknowledges what the other sends next", after(hello, line{3, 'c', 0, 101, 503, "ab", 0}, line{4, 's', 0, 501, 103, "xy", 0}),
			"handshake; 0@3 ab; 1@4 xy; 0@4 reset; 1@4 reset", "", ""},
		{"time goes back", after(hello, line{90000, 'c', 0, 102, 501, "b", 0}, line{3, 's', 0, 501, 103, "", 0}, line{110, 's', 0, 501, 103, "c", 0}),
			"handshake; 0@90000 gap 1 lost; 0@90000 b; 1@110 c; 0@110 reset; 1@110 reset", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, stats := play(Options{}, test.steps)
			if got != test.want {
				t.Errorf("told\n%s, want\n%s", got, test.want)
			}
			checkCounts(t, "ignored", stats.Ignored, test.ignored)
			checkCounts(t, "skipped", stats.SkippedBytes, test.skipped)
			payload := int64(0)
			for _, s := range test.steps {
				payload += int64(len(s.data))
			}
			checkLaws(t, stats, Options{}, len(test.steps), payload)
		})
	}
}

func checkCounts(t *testing.T, what string, got map[string]int64, want string) {
	t.Helper()
	if want == "" {
		want = "map[]"
	}
	if s := fmt.Sprint(got); s != want {
		t.Errorf("%s %s, want %s", what, s, want)
	}
}
