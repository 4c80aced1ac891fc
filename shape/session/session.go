// Package session takes captured requests in order of arrival and gives each its session: who made it,
// and which visit of theirs it belongs to.
//
// A client is an address or pseudonym together with a User-Agent; without one it is a connection; a request with neither is a
// client of its own. A session ends when its client is silent for longer than a timeout. What looks like
// many people behind one address becomes sessions of one request each, so that a proxy is never one
// enormous session (docs/shape.md).
//
// A [Survey] reads the traffic once and derives the [Rules]; a [Tracker] reads it (again) and assigns.
package session

import (
	"strconv"
	"time"

	"trafficreplay/capture"
)

// Defaults of Rules, and the limits of memory.
const (
	DefaultTimeout = 30 * time.Minute
	maxRequests    = 1000    // requests in one session; a client that reaches it is taken for a machine
	maxAgents      = 20      // User-Agents of one address; more are a proxy
	maxClients     = 1 << 18 // clients remembered at once; the one silent for longest is forgotten first
)

// Rules say where a session ends. The zero value has a timeout of 30 minutes and knows no shared
// addresses; it still recognises those with more than 20 User-Agents once it has seen them, and clients
// that make 1,000 requests in one session.
type Rules struct {
	Timeout time.Duration // of silence; 0 means 30 minutes
	Shared  map[string]bool
}

// Tracker assigns sessions. The zero value is not usable; call [NewTracker]. It is not safe for
// concurrent use. Its memory is bounded by the clients that are active, at most 262,144 of them.
type Tracker struct {
	rules    Rules
	clients  *lru[client]
	agents   *lru[address]
	key      []byte
	sessions uint64
	ordinals uint64

	Evicted int64 // clients forgotten while their session was still open, for want of memory
	Split   int64 // requests made sessions of their own because their client stands for many
}

type client struct {
	ordinal, session uint64
	start, last      int64
	requests         int
	machine          bool
}

// address is what is known of one address over all its User-Agents.
type address struct {
	agents int
	shared bool
}

// NewTracker makes a tracker.
func NewTracker(r Rules) *Tracker {
	if r.Timeout <= 0 {
		r.Timeout = DefaultTimeout
	}
	return &Tracker{rules: r, clients: newLRU[client](maxClients), agents: newLRU[address](maxClients)}
}

// ID says whose a request is. Sessions and clients are numbered from 0 in the order of their first
// request, and depend on the pseudonyms by equality only, so that the same traffic under other pseudonyms
// is numbered alike.
type ID struct {
	Session uint64
	Client  uint64 // keeps its number over its sessions, as long as it is remembered
	Offset  int64  // nanoseconds since the session's first request
	First   bool   // this is that request
}

// Assign gives q its session. Requests must come in order of arrival.
func (t *Tracker) Assign(q *capture.Request) ID {
	c := t.client(q)
	if c == nil { // nobody is known: a visitor of its own
		t.ordinals++
		t.sessions++
		return ID{t.sessions - 1, t.ordinals - 1, 0, true}
	}
	first := false
	single := c.machine || t.shared(q)
	if c.requests == 0 || single || q.At-c.last > int64(t.rules.Timeout) {
		c.session, c.start, c.requests = t.sessions, q.At, 0
		t.sessions++
		first = true
	}
	c.requests++
	c.last = max(c.last, q.At)
	if single {
		t.Split++
	} else if c.requests >= maxRequests {
		c.machine = true
	}
	return ID{c.session, c.ordinal, q.At - c.start, first}
}

// client finds or makes the client of q; nil when q says nothing of it.
func (t *Tracker) client(q *capture.Request) *client {
	t.key = appendKey(t.key[:0], q)
	if len(t.key) == 0 {
		return nil
	}
	c, fresh, gone := t.clients.get(t.key)
	if gone != nil && q.At-gone.last <= int64(t.rules.Timeout) {
		t.Evicted++
	}
	if !fresh {
		return c
	}
	*c = client{ordinal: t.ordinals}
	t.ordinals++
	if len(q.Client) > 0 {
		a, fresh, _ := t.agents.get(q.Client)
		if fresh {
			*a = address{}
		}
		a.agents++
		a.shared = a.agents > maxAgents
	}
	return c
}

func (t *Tracker) shared(q *capture.Request) bool {
	if len(q.Client) == 0 {
		return false
	}
	if t.rules.Shared[string(q.Client)] {
		return true
	}
	a := t.agents.peek(q.Client)
	return a != nil && a.shared
}

// appendKey is what a client is known by.
func appendKey(dst []byte, q *capture.Request) []byte {
	if len(q.Client) > 0 {
		dst = append(dst, q.Client...)
		dst = append(dst, 0)
		return append(dst, q.Header("User-Agent")...)
	}
	if q.Conn == 0 {
		return dst
	}
	src := q.Src
	for i := len(src) - 1; i >= 0; i-- {
		if src[i] == ':' {
			src = src[:i]
			break
		}
	}
	dst = append(dst, 0)
	dst = append(dst, src...)
	dst = append(dst, 0)
	return strconv.AppendInt(dst, q.Conn, 10)
}
