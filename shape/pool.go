package shape

import (
	"bytes"

	"trafficreplay/capture"
	"trafficreplay/shape/session"
	"trafficreplay/shape/stat"
)

// Pool is the captured sessions that a plan repeats, in order of their start. It is not changed by use
// and is safe for concurrent use.
type Pool struct {
	Sessions []Session
}

// Session is one captured session.
type Session struct {
	Start    int64  // nanoseconds since the window began
	Client   uint64 // ordinal of the client in order of arrival
	Requests []PoolRequest
}

// PoolRequest is one request of a session.
type PoolRequest struct {
	Offset   int64            // nanoseconds since the session's start
	Endpoint uint32           // index into the workload's endpoints
	Request  *capture.Request // never changed; At is 0, Client, Src and the response's bytes are empty
}

// length is how long after its start the session's last request is due, nanoseconds.
func (s *Session) length() int64 {
	if len(s.Requests) == 0 {
		return 0
	}
	return s.Requests[len(s.Requests)-1].Offset
}

// longest is the length of the longest session.
func (p *Pool) longest() int64 {
	var most int64
	for i := range p.Sessions {
		most = max(most, p.Sessions[i].length())
	}
	return most
}

// Requests is the number of requests in the pool.
func (p *Pool) Requests() int {
	n := 0
	for i := range p.Sessions {
		n += len(p.Sessions[i].Requests)
	}
	return n
}

// poolBytes bounds the memory of a pool's requests, headers and bodies included.
const poolBytes = 256 << 20

// poolSize is about what a request takes in the pool.
func poolSize(q *capture.Request) int64 { return int64(500 + len(q.Target) + len(q.Body)) }

// drawer draws the sessions of the pool: all of them if they fit, else of each stratum its share, in the order of arrival with
// equal chances (Knuth, The Art of Computer Programming 2, algorithm 3.4.2 S). The number of sessions
// leaves room for requests and bytes at their mean per session.
type drawer struct {
	pool    *Pool
	seed    uint64
	strata  *strata
	left    []int64 // places left, by stratum
	seen    []int64 // sessions that have begun, by stratum
	chosen  map[uint64]int
	strings map[string][]byte
	bytes   int64
}

const streamPool = 0x706f6f6c

func newDrawer(f *fitter) *drawer {
	n := min(float64(f.o.PoolSessions), float64(f.sessions))
	n = min(n, float64(f.o.PoolRequests)*float64(f.sessions)/float64(f.requests))
	n = min(n, poolBytes*float64(f.sessions)/float64(f.poolBytes))
	return &drawer{
		pool: &Pool{}, seed: f.o.Seed, strata: &f.strata, left: f.strata.quotas(max(1, int64(n))),
		seen: make([]int64, len(f.strata.counts)), chosen: map[uint64]int{}, strings: map[string][]byte{},
	}
}

func (d *drawer) add(q *capture.Request, at int64, id session.ID, endpoint int) {
	if endpoint < 0 {
		return
	}
	if id.First && d.choose(at, id) {
		d.chosen[id.Session] = len(d.pool.Sessions)
		d.pool.Sessions = append(d.pool.Sessions, Session{Start: at, Client: id.Client})
	}
	i, ok := d.chosen[id.Session]
	if !ok {
		return
	}
	d.bytes += poolSize(q)
	s := &d.pool.Sessions[i]
	s.Requests = append(s.Requests, PoolRequest{id.Offset, uint32(endpoint), d.keep(q)})
}

func (d *drawer) choose(at int64, id session.ID) bool {
	i := d.strata.of(at)
	remain := d.strata.counts[i] - d.seen[i]
	d.seen[i]++
	// Sessions differ in size: twice the bound is where the mean was no guide.
	if d.left[i] <= 0 || d.bytes > 2*poolBytes {
		return false
	}
	if stat.Below(stat.Random(d.seed, streamPool, id.Session), uint64(max(remain, 1))) >= uint64(d.left[i]) {
		return false
	}
	d.left[i]--
	return true
}

// maxStrings bounds the table of strings that requests share; past it each has its own.
const maxStrings = 1 << 16

// share is a copy of b, the same one for equal bytes.
func (d *drawer) share(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	if s, ok := d.strings[string(b)]; ok {
		return s
	}
	s := bytes.Clone(b)
	if len(d.strings) < maxStrings {
		d.strings[string(s)] = s
	}
	return s
}

// keep copies what a plan needs of q.
func (d *drawer) keep(q *capture.Request) *capture.Request {
	var r capture.Request
	r.Reset()
	r.DurUS, r.FirstUS, r.Conn = q.DurUS, q.FirstUS, q.Conn
	r.Method, r.Scheme, r.Host, r.Proto = d.share(q.Method), d.share(q.Scheme), d.share(q.Host), d.share(q.Proto)
	r.Target = d.share(q.Target)
	if len(q.Headers) > 0 {
		r.Headers = make([]capture.Header, len(q.Headers))
		for i, h := range q.Headers {
			r.Headers[i] = capture.Header{Name: d.share(h.Name), Value: d.share(h.Value)}
		}
	}
	r.Body, r.BodySize = bytes.Clone(q.Body), q.BodySize
	r.Status, r.RespSize = q.Status, q.RespSize
	return &r
}
