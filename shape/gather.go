package shape

import (
	"math/bits"
	"slices"
	"time"

	"trafficreplay/capture"
)

// hosts are the distinct hosts that were captured, at most capture.MaxHosts of them.
type hosts struct {
	seen    map[string]bool
	unknown bool
}

func newHosts(o FitOptions) hosts {
	h := hosts{seen: map[string]bool{}, unknown: o.HostsUnknown}
	for _, name := range o.Hosts {
		h.add([]byte(name))
	}
	return h
}

func (h *hosts) add(host []byte) {
	switch {
	case len(host) == 0:
		h.unknown = true
	case h.seen[string(host)]:
	case len(h.seen) >= capture.MaxHosts:
		h.unknown = true
	default:
		h.seen[string(host)] = true
	}
}

func (h *hosts) sorted() []string {
	var out []string
	for name := range h.seen {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// heavy finds the clients that make a large part of the requests in the memory of 256 counters
// (Metwally, Agrawal and El Abbadi 2005, space saving): a count is too high by at most its err.
type heavy struct {
	clients map[uint64]int // index into counts
	counts  []heavyCount
}

type heavyCount struct {
	client uint64
	n, err int64
}

const heavySize = 256

func (h *heavy) add(client uint64) {
	if h.clients == nil {
		h.clients = map[uint64]int{}
	}
	if i, ok := h.clients[client]; ok {
		h.counts[i].n++
		return
	}
	if len(h.counts) < heavySize {
		h.clients[client] = len(h.counts)
		h.counts = append(h.counts, heavyCount{client, 1, 0})
		return
	}
	least := 0
	for i := range h.counts {
		if h.counts[i].n < h.counts[least].n {
			least = i
		}
	}
	delete(h.clients, h.counts[least].client)
	h.clients[client] = least
	n := h.counts[least].n
	h.counts[least] = heavyCount{client, n + 1, n}
}

// above are the clients that surely have more than limit requests.
func (h *heavy) above(limit int64) map[uint64]bool {
	out := map[uint64]bool{}
	for _, c := range h.counts {
		if c.n-c.err > limit {
			out[c.client] = true
		}
	}
	return out
}

// strata are stretches of the window of at most a minute, so that the pool holds sessions of each.
type strata struct {
	width  int64
	counts []int64
}

// blockWidth is how far in time from its captured start a pool session may be used; longer only where a
// window of more than 69 days would need too many of them.
func blockWidth(window int64) int64 {
	return max(1, min(int64(time.Minute), window/20), window/100000)
}

func newStrata(window int64) strata {
	w := blockWidth(window)
	return strata{w, make([]int64, window/w+1)}
}

func (s *strata) of(at int64) int {
	return int(min(max(at/s.width, 0), int64(len(s.counts)-1)))
}

func (s *strata) add(at int64) { s.counts[s.of(at)]++ }

// quotas shares out total places in proportion to the counts, systematically: the sums up to any stratum
// are right to within one.
func (s *strata) quotas(total int64) []int64 {
	var all, before, given int64
	for _, n := range s.counts {
		all += n
	}
	out := make([]int64, len(s.counts))
	for i, n := range s.counts {
		before += n
		upto := before
		if total < all {
			upto = int64(float64(before) / float64(all) * float64(total))
		}
		out[i] = min(upto-given, n)
		given += out[i]
	}
	return out
}

// muldiv is a·b/c without overflow on the way, for a < c.
func muldiv(a, b, c uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	q, _ := bits.Div64(hi, lo, c)
	return q
}
