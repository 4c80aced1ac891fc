package session

import (
	"math"
	"slices"
	"time"

	"trafficreplay/capture"
)

// Survey looks at traffic once to find the rules for its sessions: the timeout from the gaps between
// requests of one client, and the addresses that many people share. The zero value is not usable; call
// [NewSurvey]. It is not safe for concurrent use. Memory is bounded like a [Tracker]'s.
type Survey struct {
	clients   *lru[int64] // last arrival by client
	addresses *lru[busy]
	gaps      gaps
	key       []byte
}

// busy is what an address did: the requests of its busiest minute, the minutes in which it did anything,
// and its User-Agents.
type busy struct {
	minute         int64
	requests, most int
	minutes        int
	agents         int
	all            int64
}

// NewSurvey makes a survey.
func NewSurvey() *Survey {
	return &Survey{clients: newLRU[int64](maxClients), addresses: newLRU[busy](maxClients)}
}

// Add looks at one request; requests come in order of arrival.
func (s *Survey) Add(q *capture.Request) {
	s.key = appendKey(s.key[:0], q)
	if len(s.key) == 0 {
		return
	}
	last, fresh, _ := s.clients.get(s.key)
	if !fresh {
		s.gaps.add(q.At - *last)
	}
	*last = q.At
	if len(q.Client) == 0 {
		return
	}
	a, _, _ := s.addresses.get(q.Client)
	if fresh {
		a.agents++
	}
	if m := q.At / int64(time.Minute); m != a.minute || a.all == 0 {
		a.minute, a.requests = m, 0
		a.minutes++
	}
	a.requests++
	a.all++
	a.most = max(a.most, a.requests)
}

// Rules are the rules that the traffic suggests. An address is shared when it showed more than 20
// User-Agents; or when the requests of its busiest minute, or the minutes in which it did anything, are
// more than 30 and more than five times what all but the highest 1% of addresses reach (of those with at
// least two requests, where there are 20 of them). No log says how many people are active at once behind
// an address: these two stand for it.
func (s *Survey) Rules() Rules {
	r := Rules{Timeout: s.gaps.timeout(), Shared: map[string]bool{}}
	var most, minutes []int
	for _, e := range s.addresses.index {
		if e.value.all >= 2 {
			most, minutes = append(most, e.value.most), append(minutes, e.value.minutes)
		}
	}
	mostLimit, minutesLimit := outlying(most), outlying(minutes)
	for key, e := range s.addresses.index {
		if v := &e.value; v.agents > maxAgents || v.most > mostLimit || v.minutes > minutesLimit {
			r.Shared[key] = true
		}
	}
	return r
}

// outlying is the number above which an address is not one person.
func outlying(ns []int) int {
	if len(ns) < 20 {
		return math.MaxInt
	}
	slices.Sort(ns)
	return max(30, 5*ns[len(ns)-1-(len(ns)+99)/100])
}

// gaps counts the logarithms of gaps between a second and 30 days, 20 to the factor of e.
type gaps struct {
	n      int64
	counts [300]int64
}

const perE = 20

func (g *gaps) add(ns int64) {
	if ns < int64(time.Second) {
		return // parts of one page; a think time is longer
	}
	i := int(math.Log(float64(ns)/float64(time.Second)) * perE)
	g.counts[min(i, len(g.counts)-1)]++
	g.n++
}

// normal is one component of a mixture over log gaps.
type normal struct{ weight, mean, sd float64 }

func (c normal) density(x float64) float64 {
	z := (x - c.mean) / c.sd
	return c.weight * math.Exp(-z*z/2) / c.sd
}

// timeout is where a gap is as likely to be thought as absence: the point of equal density of a mixture of
// two lognormals, between 2 and 60 minutes. It is 30 minutes where the gaps are too few, where one
// lognormal does as well (by BIC), or where both lie on one side of two minutes' silence.
func (g *gaps) timeout() time.Duration {
	if g.n < 100 {
		return DefaultTimeout
	}
	one := normal{1, 0, 1}
	one.mean, one.sd = g.moments(func(float64) float64 { return 1 })
	lo, hi, two := g.mixture(one)
	bic := 3*math.Log(float64(g.n)) - 2*(two-g.likelihood(one))
	if bic >= -10 || hi.mean < math.Log(120) || lo.mean > math.Log(3600) || hi.mean-lo.mean < lo.sd+hi.sd {
		return DefaultTimeout
	}
	a, b := lo.mean, hi.mean
	for range 60 {
		if m := (a + b) / 2; lo.density(m) > hi.density(m) {
			a = m
		} else {
			b = m
		}
	}
	t := time.Duration(math.Exp(a) * float64(time.Second)).Round(10 * time.Second)
	return min(max(t, 2*time.Minute), time.Hour)
}

// mixture fits two lognormals by expectation and maximisation from the two halves of the gaps on.
func (g *gaps) mixture(one normal) (lo, hi normal, likelihood float64) {
	lo, hi = normal{0.5, one.mean - one.sd, one.sd / 2}, normal{0.5, one.mean + one.sd, one.sd / 2}
	for range 200 {
		share := func(x float64) float64 {
			a, b := lo.density(x), hi.density(x)
			if a+b == 0 {
				return 0.5
			}
			return a / (a + b)
		}
		next := normal{weight: g.total(share) / float64(g.n)}
		next.mean, next.sd = g.moments(share)
		other := normal{weight: 1 - next.weight}
		other.mean, other.sd = g.moments(func(x float64) float64 { return 1 - share(x) })
		lo, hi = next, other
	}
	if lo.mean > hi.mean {
		lo, hi = hi, lo
	}
	return lo, hi, g.likelihood(lo, hi)
}

func middle(i int) float64 { return (float64(i) + 0.5) / perE }

func (g *gaps) total(w func(float64) float64) (sum float64) {
	for i, c := range g.counts {
		if c > 0 {
			sum += float64(c) * w(middle(i))
		}
	}
	return sum
}

func (g *gaps) moments(w func(float64) float64) (mean, sd float64) {
	n := g.total(w)
	if n <= 0 {
		return 0, 1
	}
	mean = g.total(func(x float64) float64 { return w(x) * x }) / n
	v := g.total(func(x float64) float64 { return w(x) * (x - mean) * (x - mean) }) / n
	return mean, math.Sqrt(max(v, 0.01))
}

func (g *gaps) likelihood(cs ...normal) float64 {
	return g.total(func(x float64) float64 {
		d := 1e-300
		for _, c := range cs {
			d += c.density(x)
		}
		return math.Log(d)
	})
}
