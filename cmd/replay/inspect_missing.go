package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"trafficreplay/capture"
	"trafficreplay/shape/route"
)

// missingField is something that a faithful replay would need and the capture does not hold.
type missingField struct {
	Field    string       `json:"field"`
	Requests int64        `json:"requests"` // that lack it
	Cost     string       `json:"cost"`     // what that means for a replay
	Routes   []routeCount `json:"routes,omitempty"`
}

// sureProxy is from how many requests on a single client is taken for a proxy's address.
const sureProxy = 100

// missing lists what is not there, the dearest first.
func (s *survey) missing(t *route.Table, m *capture.Meta) []missingField {
	var out []missingField
	c := &s.have
	lack := func(field string, n int64, cost string, args ...any) {
		if n > 0 {
			out = append(out, missingField{Field: field, Requests: n, Cost: fmt.Sprintf(cost, args...)})
		}
	}
	none := func(have int64) int64 { // where a part of the requests may well have none
		if have > 0 {
			return 0
		}
		return c.requests
	}
	if s.kept.requests > 0 {
		out = append(out, s.kept.missing(t, c.requests))
	}
	if coarse := s.resolution(m); coarse >= time.Second {
		lack("sub-second stamps", c.requests, "bursts shorter than %s are modelled, not observed", coarse)
	}
	cost := "no latency to propose thresholds from"
	for i := range m.Sources {
		if m.Sources[i].Basis == capture.BasisCompletion {
			cost = "arrivals are only known to lie before the stamps, which are ends; " + cost
			break
		}
	}
	lack("durations", c.requests-c.duration, "%s", cost)
	lack("client identity", c.requests-c.client, "these requests belong to no session: think times and connections cannot follow a user")
	if n, exact := s.clients.count(); exact && n == 1 && c.client >= sureProxy {
		lack("client identity", c.client, "one address asked for everything, as behind a proxy: its users cannot be told apart")
	}
	lack("hosts", c.requests-c.host, "the guard does not know production: a target off loopback needs --captured-host")
	lack("query strings", none(c.query), "if the application uses them, no replayed search or page is the real one")
	lack("User-Agent", none(c.agent), "what answers by browser or bot answers to one client")
	lack("Accept-Encoding", none(c.encoding), "answers may come uncompressed and larger than production's")
	lack("status", none(c.status), "scanners cannot be told from users, nor errors be compared with production's")
	if c.wire > 0 && c.size == 0 {
		lack("response sizes", c.requests, "known only with the heads of the answers: they can be compared roughly")
	} else {
		lack("response sizes", none(c.size), "routes are learnt with less evidence, and sizes cannot be compared")
	}
	lack("connections", none(c.conn), "how long clients kept connections is guessed")
	return out
}

// resolution is the coarsest of the sources', or what the stamps look like where no source is known.
func (s *survey) resolution(m *capture.Meta) time.Duration {
	var coarse time.Duration
	for i := range m.Sources {
		if d, err := time.ParseDuration(m.Sources[i].Resolution); err == nil && m.Sources[i].Requests > 0 {
			coarse = max(coarse, d)
		}
	}
	if len(m.Sources) == 0 && !s.have.subsecond && s.have.requests > 1 {
		return time.Second
	}
	return coarse
}

// bodyless counts the requests that cannot be issued again for want of their body, by method and path. Paths
// past a bound are counted together.
type bodyless struct {
	requests int64
	paths    map[string]*bodylessPath
	rest     int64
	key      []byte
}

type bodylessPath struct {
	method, path string
	n            int64
}

const (
	maxBodyless     = 10_000
	maxBodylessPath = 512 // bytes; longer ones are counted together
	shownBodyless   = 3   // routes that the text names
)

func newBodyless() bodyless { return bodyless{paths: map[string]*bodylessPath{}} }

func (b *bodyless) add(q *capture.Request) {
	b.requests++
	b.key = append(append(append(b.key[:0], q.Method...), ' '), q.Target...)
	if p := b.paths[string(b.key)]; p != nil {
		p.n++
		return
	}
	if len(b.paths) >= maxBodyless || len(b.key) > maxBodylessPath {
		b.rest++
		return
	}
	b.paths[string(b.key)] = &bodylessPath{string(q.Method), string(q.Target), 1}
}

func (b *bodyless) missing(t *route.Table, of int64) missingField {
	counts := map[string]int64{}
	for _, p := range b.paths {
		counts[t.Endpoints()[t.Match([]byte(p.method), []byte(p.path))].ID] += p.n
	}
	f := missingField{Field: "bodies", Requests: b.requests}
	for id, n := range counts {
		f.Routes = append(f.Routes, routeCount{id, n, share(n, of)})
	}
	slices.SortFunc(f.Routes, func(a, b routeCount) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), strings.Compare(a.ID, b.ID))
	})
	var parts []string
	shown := int64(0)
	for _, r := range f.Routes[:min(len(f.Routes), shownBodyless)] {
		parts = append(parts, fmt.Sprintf("%s: %s", clipped(r.ID), counted(r.Requests, "request")))
		shown += r.Requests
	}
	if left := b.requests - shown; left > 0 {
		parts = append(parts, fmt.Sprintf("%s more on other routes", thousands(left)))
	}
	f.Cost = fmt.Sprintf("%s cannot be re-issued (%s in all)", strings.Join(parts, ", "), percentText(share(b.requests, of)))
	return f
}
