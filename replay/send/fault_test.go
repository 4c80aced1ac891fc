package send

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"trafficreplay/replay"
	"trafficreplay/replay/plan"
)

// rst makes closing c a reset.
func rst(c *net.TCPConn) { _ = c.SetLinger(0) }

// after reads one request, answers with bytes and closes.
func after(response string) func(int, *net.TCPConn) {
	return func(_ int, c *net.TCPConn) {
		requests(c, func(*http.Request) bool { _, _ = io.WriteString(c, response); return false })
	}
}

// withReset answers with bytes, waits until the client has them, and resets.
func withReset(response string) func(int, *net.TCPConn) {
	return func(_ int, c *net.TCPConn) {
		requests(c, func(*http.Request) bool {
			_, _ = io.WriteString(c, response)
			if err := drained(c); err != nil {
				return false
			}
			rst(c)
			return false
		})
	}
}

// endless answers with start and then with more until the client has had enough.
func endless(start, more string) func(int, *net.TCPConn) {
	return func(_ int, c *net.TCPConn) {
		requests(c, func(*http.Request) bool {
			_, err := io.WriteString(c, start)
			for err == nil {
				_, err = io.WriteString(c, more)
			}
			return false
		})
	}
}

func hang(_ int, c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) }

var faultTests = []struct {
	name    string
	serve   func(int, *net.TCPConn)
	want    replay.ErrKind // ErrNone: answered with 200
	timeout time.Duration
}{
	{"closed before a byte", after(""), replay.ErrReset, 0},
	{"reset before a byte", withReset(""), replay.ErrReset, 0},
	{"reset at once", func(_ int, c *net.TCPConn) { rst(c) }, replay.ErrReset, 0},
	{"reset in the head", withReset("HTTP/1.1 200 OK\r\nCont"), replay.ErrTruncated, 0},
	{"reset in the body", withReset("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), replay.ErrTruncated, 0},
	{"reset in an open-ended body", withReset("HTTP/1.1 200 OK\r\n\r\nabc"), replay.ErrTruncated, 0},
	{"closed in the head", after("HTTP/1.1 200 OK\r\nCont"), replay.ErrTruncated, 0},
	{"closed in the body", after("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), replay.ErrTruncated, 0},
	{"closed in a chunk", after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc"), replay.ErrTruncated, 0},
	{"until close", after("HTTP/1.1 200 OK\r\n\r\nabc"), replay.ErrNone, 0},
	{"more than its length", after(okResponse + "more"), replay.ErrProtocol, 0},
	{"a second response", after(okResponse + okResponse), replay.ErrProtocol, 0},
	{"negative length", after("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"), replay.ErrProtocol, 0},
	{"two lengths", after("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"), replay.ErrProtocol, 0},
	{"chunk overflow", after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"), replay.ErrProtocol, 0},
	{"garbage", after("\x16\x03\x01 garbage"), replay.ErrProtocol, 0},
	{"endless head", endless("HTTP/1.1 200 OK\r\n", "X-Y: "+strings.Repeat("z", 900)+"\r\n"), replay.ErrOversize, 0},
	{"endless line", endless("HTTP/1.1 200 ", strings.Repeat("z", 900)), replay.ErrOversize, 0},
	{"endless body", endless("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("z", 9000)), replay.ErrOversize, 0},
	{"endless chunks", endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n"), replay.ErrOversize, 0},
	{"huge length", after("HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"), replay.ErrOversize, 0},
	{"100 interim", after(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 100) + okResponse), replay.ErrNone, 0},
	{"never answers", hang, replay.ErrTimeout, 100 * time.Millisecond},
	{"answers half", func(n int, c *net.TCPConn) {
		requests(c, func(*http.Request) bool {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
			hang(n, c)
			return false
		})
	}, replay.ErrTimeout, 100 * time.Millisecond},
}

func TestFaults(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		for _, tt := range faultTests {
			t.Run(tt.name, func(t *testing.T) {
				o := o
				o.Targets = []Target{server(t, tt.serve)}
				o.Timeout, o.MaxBody = tt.timeout, 100<<10
				for _, r := range runShots(t, o, shots(3, time.Millisecond)) {
					checkKind(t, &r, tt.want, o.Timeout)
				}
			})
		}
	})
}

func checkKind(t *testing.T, r *replay.Result, want replay.ErrKind, timeout time.Duration) {
	t.Helper()
	switch {
	case want == replay.ErrNone && (r.Outcome != replay.Answered || r.Status != 200):
		t.Errorf("got %+v, want an answer", *r)
	case want != replay.ErrNone && (r.Outcome != replay.Failed || r.Err != want):
		t.Errorf("got %v %v, want %v", r.Outcome, r.Err, want)
	case want == replay.ErrTimeout && r.Service() < timeout:
		t.Errorf("timed out after %v, want %v or later", r.Service(), timeout)
	}
}

// TestPieces sends every framing over a socket, cut at every byte.
func TestPieces(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		for _, tt := range responseTests {
			if tt.want.kind != replay.ErrNone || tt.want.used != 0 || tt.head || len(tt.in) > 300 {
				continue
			}
			o.Targets = []Target{server(t, func(n int, c *net.TCPConn) {
				cut := n % len(tt.in)
				requests(c, func(*http.Request) bool {
					_, _ = io.WriteString(c, tt.in[:cut])
					_ = drained(c)
					_, _ = io.WriteString(c, tt.in[cut:])
					return false
				})
			})}
			for _, r := range runShots(t, o, shots(len(tt.in), 0)) {
				if r.Outcome != replay.Answered || r.Status != tt.want.status || r.BytesIn != int64(len(tt.in)) {
					t.Fatalf("%s: got %+v", tt.name, r)
				}
			}
		}
	})
}

// TestDrip: a response of one byte at a time is a response like any other.
func TestDrip(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		o.Targets = []Target{server(t, func(_ int, c *net.TCPConn) {
			requests(c, func(*http.Request) bool {
				for i := range len(okResponse) {
					_, _ = io.WriteString(c, okResponse[i:i+1])
					_ = drained(c)
				}
				return true
			})
		})}
		s := shots(20, 0)
		for i := range s {
			s[i].Client = 1
		}
		for _, r := range runShots(t, o, s) {
			checkKind(t, &r, replay.ErrNone, 0)
		}
	})
}

func TestRefused(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := ln.Addr().(*net.TCPAddr).AddrPort()
	_ = ln.Close()
	engines(t, func(t *testing.T, o Options) {
		o.Targets = []Target{target(refused.String())}
		for _, r := range runShots(t, o, shots(50, 0)) {
			checkKind(t, &r, replay.ErrDial, 0)
		}
		// the next address takes over
		o.Targets[0].Addrs = append(o.Targets[0].Addrs, answering(t, okResponse).Addrs...)
		for _, r := range runShots(t, o, shots(50, 0)) {
			checkKind(t, &r, replay.ErrNone, 0)
		}
	})
}

func TestGuard(t *testing.T) {
	no := errors.New("not there")
	engines(t, func(t *testing.T, o Options) {
		o.Targets = []Target{server(t, func(int, *net.TCPConn) { t.Error("a connection was opened") })}
		o.Allow = func(a netip.AddrPort) error {
			if a != o.Targets[0].Addrs[0] {
				t.Errorf("asked about %v", a)
			}
			return no
		}
		for _, r := range runShots(t, o, shots(5, 0)) {
			checkKind(t, &r, replay.ErrGuard, 0)
		}
	})
}

// TestUnsendable: what must not be sent is not, and the rest of the run goes on.
func TestUnsendable(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		o.Targets = []Target{answering(t, okResponse)}
		s := shots(6, 0)
		s[1].Request = get("/a\r\nX: y")
		s[2].Request = nil
		s[3].Target = 7
		s[4].Target = -1
		for i, r := range runShots(t, o, s) {
			want := replay.ErrGuard
			if i == 0 || i == 5 {
				want = replay.ErrNone
			}
			checkKind(t, &r, want, 0)
		}
	})
}

// TestBlackhole: a listener that accepts nothing, its backlog full.
func TestBlackhole(t *testing.T) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Skipf("no raw socket here: %v", err)
	}
	defer syscall.Close(fd)
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	engines(t, func(t *testing.T, o Options) {
		o.Targets, o.Timeout = []Target{target(addr)}, 100*time.Millisecond
		for _, r := range runShots(t, o, shots(20, 0)) {
			checkKind(t, &r, replay.ErrTimeout, o.Timeout)
		}
	})
}

// TestEarlyAnswer: a server may answer, and close, before it has read the body.
func TestEarlyAnswer(t *testing.T) {
	engines(t, func(t *testing.T, o Options) {
		o.Targets = []Target{server(t, func(_ int, c *net.TCPConn) {
			_, _ = c.Read(make([]byte, 100))
			_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
			hang(0, c)
		})}
		o.Timeout = 5 * time.Second
		body := make([]byte, 64<<20)
		s := []plan.Shot{{Request: &plan.Request{Method: "POST", Path: "/", Body: body}}}
		if r := runShots(t, o, s)[0]; r.Outcome != replay.Answered || r.Status != 413 {
			t.Errorf("got %+v, want status 413", r)
		}
	})
}

// TestConservation: whatever a server does, every shot has one result.
func TestConservation(t *testing.T) {
	const n = 3000
	engines(t, func(t *testing.T, o Options) {
		o.Targets = []Target{server(t, func(k int, c *net.TCPConn) {
			rnd := rand.New(rand.NewPCG(1, uint64(k)))
			requests(c, func(*http.Request) bool {
				out := okResponse
				switch rnd.IntN(8) {
				case 0:
					out = faultResponses[rnd.IntN(len(faultResponses))]
				case 1:
					out = out[:rnd.IntN(len(out))]
					rst(c)
				case 2:
					return false
				case 3:
					_, _ = io.WriteString(c, out)
					return false
				case 4:
					rst(c)
					return false
				}
				_, err := io.WriteString(c, out)
				return err == nil && out == okResponse
			})
		})}
		o.Timeout = 2 * time.Second
		for _, conns := range []Connections{Captured, PerRequest, 3} {
			o.Connections = conns
			s := shots(n, 30*time.Microsecond)
			rnd := rand.New(rand.NewPCG(2, 3))
			for i := range s {
				s[i].Client = rnd.Uint64N(40)
				s[i].Request = &plan.Request{Method: []string{"GET", "POST", "HEAD"}[rnd.IntN(3)], Path: "/", Body: make([]byte, rnd.IntN(3)*9000)}
			}
			seen := map[replay.Outcome]int{}
			for _, r := range runShots(t, o, s) {
				seen[r.Outcome]++
			}
			if seen[replay.Answered] < n/10 || seen[replay.Failed] < n/10 {
				t.Errorf("%v: outcomes %v: hardly a mixture", conns, seen)
			}
		}
	})
}

var faultResponses = []string{"", "HTTP/1.1 200 OK\r\n\r\n", "garbage", okResponse + "x", "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n",
	"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 100 Continue\r\n\r\n"}
