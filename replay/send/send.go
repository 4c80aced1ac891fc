// Package send turns shots into HTTP/1.1 exchanges and gives back one result for each: it issues every
// shot at its instant on one absolute clock, over connections that are kept as the captured clients kept theirs.
//
// Plain http on Linux runs on event loops: one locked thread owns the clock, the sockets and their states, so a
// request costs little more than its system calls. TLS, and every other system, runs on goroutines over net.Conn.
// Both keep the same promises:
//
//   - the clock waits for nobody: a shot is begun when it is due or it is dropped, and lateness is in its result;
//   - a request is never sent twice: a kept connection that turns out closed before a byte of the request was
//     taken is replaced, afterwards the shot has failed;
//   - every response is hostile: heads, bodies and time are bounded, and nothing of a response is kept.
package send

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options say how to send. The zero value of every field but Targets runs.
type Options struct {
	Targets     []Target      // Shot.Target is an index into it
	Timeout     time.Duration // of one request, from Result.Sent to the last byte of its response; 0: 30 s
	MaxInFlight int           // requests outstanding before shots are dropped at the ceiling; 0: 10000; clamped to the open-files limit
	LateLimit   time.Duration // a shot that could not be begun this long after its instant is dropped as late; 0: 1 s
	IdleTimeout time.Duration // how long an idle connection is kept when its Request says nothing; 0: 60 s
	Connections Connections   // who shares connections; 0: captured
	RunID       string        // value of the Replay-Run header; empty: no header
	Loops       int           // event loops, clients are divided among them; 0: 1, which sends more than one core of most targets serves
	MaxBody     int64         // bytes of a response body before ErrOversize; 0: 16 MiB

	// Allow is asked at every dial, from several goroutines at once; its error makes the shot fail with ErrGuard. Nil allows all.
	Allow func(netip.AddrPort) error

	TLS      *tls.Config // base configuration of https targets, copied; nil: the system's roots
	Insecure bool        // accept any certificate
	// CheckCertificate is asked about the leaf of every new TLS connection, also of an insecure one; its error is ErrGuard.
	CheckCertificate func(*x509.Certificate) error

	portable bool // use goroutines for every target
}

// Target is where shots go.
type Target struct {
	Scheme     string           // http or https
	Host       string           // value of the Host header, with the port unless it is the scheme's own
	BasePath   string           // put before every path; a slash at its end is ignored
	Addrs      []netip.AddrPort // pinned addresses; a client starts at one of them and goes on to the next when it refuses
	ServerName string           // name in the TLS handshake and on the certificate; empty: Host without its port
}

// Connections says who shares connections: [Captured], [PerRequest], or the positive size of a pool per target. A
// shot that finds its pool busy waits, which Result.WaitNS says, for at most half of its Timeout; then the target has
// held every connection for so long that the shot is dropped at the ceiling.
type Connections int

// The policies that are no pool.
const (
	Captured   Connections = 0  // each client keeps its own and opens another whenever all of its are busy
	PerRequest Connections = -1 // one connection for each request
)

// ParseConnections reads captured, per-request or pool=N.
func ParseConnections(s string) (Connections, error) {
	switch n, ok := strings.CutPrefix(s, "pool="); {
	case ok:
		k, err := strconv.Atoi(n)
		if err != nil || k < 1 || k > 1<<20 {
			return 0, fmt.Errorf("connections %q: the size of a pool is a number from 1 to %d", s, 1<<20)
		}
		return Connections(k), nil
	case s == "captured":
		return Captured, nil
	case s == "per-request":
		return PerRequest, nil
	}
	return 0, fmt.Errorf("connections %q: want captured, per-request or pool=N", s)
}

func (c Connections) String() string {
	switch {
	case c == Captured:
		return "captured"
	case c < 0:
		return "per-request"
	}
	return "pool=" + strconv.Itoa(int(c))
}

// Engine implements replay.Sender. One Send at a time.
type Engine struct {
	o       Options
	encoder encoder
	tls     []*tls.Config // by target; nil for http
	budget  int64         // connections that may be open at once

	mu    sync.Mutex
	notes []string
}

// New checks o and prepares an engine; nothing is opened yet.
func New(o Options) (*Engine, error) {
	e := &Engine{o: o}
	e.defaults()
	if len(o.Targets) == 0 {
		return nil, errors.New("send: no target")
	}
	for i := range o.Targets {
		if err := checkTarget(&o.Targets[i]); err != nil {
			return nil, fmt.Errorf("send: target %d: %w", i, err)
		}
	}
	if !fieldValue([]byte(o.RunID)) {
		return nil, fmt.Errorf("send: run id %q: not a header value", o.RunID)
	}
	e.clamp(openFiles())
	e.encoder = newEncoder(&e.o)
	e.tls = make([]*tls.Config, len(o.Targets))
	for i := range o.Targets {
		if o.Targets[i].Scheme == "https" {
			e.tls[i] = e.tlsConfig(&o.Targets[i])
		}
	}
	return e, nil
}

func (e *Engine) defaults() {
	o := &e.o
	orDefault(&o.Timeout, 30*time.Second)
	orDefault(&o.MaxInFlight, 10_000)
	orDefault(&o.LateLimit, time.Second)
	orDefault(&o.IdleTimeout, time.Minute)
	orDefault(&o.Loops, 1)
	orDefault(&o.MaxBody, 16<<20)
}

// patience is how long a shot waits for a connection of its pool, in nanoseconds.
func (e *Engine) patience() int64 { return int64(e.o.Timeout) / 2 }

func orDefault[T int | int64 | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

func checkTarget(t *Target) error {
	switch {
	case t.Scheme != "http" && t.Scheme != "https":
		return fmt.Errorf("scheme %q: want http or https", t.Scheme)
	case len(t.Addrs) == 0:
		return fmt.Errorf("host %q: no address", t.Host)
	case t.Host == "" || !fieldValue([]byte(t.Host)):
		return fmt.Errorf("host %q: not a host", t.Host)
	case !pathBytes(t.BasePath) || t.BasePath != "" && t.BasePath[0] != '/':
		return fmt.Errorf("base path %q: not a path", t.BasePath)
	}
	for _, a := range t.Addrs {
		if !a.IsValid() {
			return fmt.Errorf("host %q: bad address", t.Host)
		}
	}
	return nil
}

// clamp keeps what the rest of the process needs out of a limit of open files (0: none is known).
func (e *Engine) clamp(limit int64) {
	e.budget = 1 << 30
	if limit <= 0 {
		return
	}
	e.budget = max(1, limit-min(256, limit/4))
	if int64(e.o.MaxInFlight) > e.budget {
		e.o.MaxInFlight = int(e.budget)
		e.note(fmt.Sprintf("in-flight ceiling lowered to %s by the open-files limit (%s)", thousands(e.budget), thousands(limit)))
	}
}

func (e *Engine) note(s string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.notes = append(e.notes, s)
}

// Notes says in words what the engine could not do as asked, in the order in which it turned out.
func (e *Engine) Notes() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.notes...)
}

// MaxInFlight is the ceiling after clamping.
func (e *Engine) MaxInFlight() int { return e.o.MaxInFlight }

// Workers is the number of event loops, and one more where some target needs goroutines.
func (e *Engine) Workers() int {
	loops, goroutines := e.kinds()
	return loops + goroutines
}

func (e *Engine) kinds() (loops, goroutines int) {
	for i := range e.o.Targets {
		if e.onLoop(i) {
			loops = e.o.Loops
		} else {
			goroutines = 1
		}
	}
	return loops, goroutines
}

func (e *Engine) onLoop(target int) bool {
	return runtime.GOOS == "linux" && !e.o.portable && e.o.Targets[target].Scheme == "http"
}

func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
