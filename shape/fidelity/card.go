package fidelity

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Card says how far a traffic is from another.
type Card struct {
	Score       float64 // 0 … 100, the weighted mean of the parts; no verdict rests on it
	Worst       string  // name of the part with the lowest score
	Verdict     Verdict // by the worst part
	Parts       []Part
	NotAssessed []string // what cannot be said, and why

	Reference, Traffic int64 // requests of each
}

// Part is one aspect of it.
type Part struct {
	Name     string
	Distance float64
	Floor    float64 // the distance that noise alone gives
	OK, Fail float64 // distances with a score of 100 (or the floor, if that is larger) and of 0
	Weight   float64
	Score    float64
	Note     string // where and how much, for people
}

// Verdict is what a card comes to.
type Verdict string

// The verdicts.
const (
	Faithful    Verdict = "faithful"     // every part scores 80 or more
	Partial     Verdict = "partial"      // every part scores 50 or more
	NotFaithful Verdict = "not faithful" // one does not
	Unknown     Verdict = "unknown"      // nothing could be assessed
)

func (c *Card) add(p Part) {
	if p.Floor >= p.Fail && p.Distance > p.OK && p.Distance <= p.Floor {
		c.NotAssessed = append(c.NotAssessed, p.Name+" (too little traffic: noise alone reaches the level of failure)")
		return
	}
	p.Score = 100 * min(max(1-max(0, p.Distance-max(p.OK, p.Floor))/(p.Fail-p.OK), 0), 1)
	c.Parts = append(c.Parts, p)
}

// judge sums up the parts.
func (c *Card) judge() {
	var sum, weights, worst float64
	worst = math.Inf(1)
	for _, p := range c.Parts {
		sum, weights = sum+p.Weight*p.Score, weights+p.Weight
		if p.Score < worst {
			worst, c.Worst = p.Score, p.Name
		}
	}
	switch {
	case weights == 0:
		c.Verdict = Unknown
		return
	case worst >= 80:
		c.Verdict = Faithful
	case worst >= 50:
		c.Verdict = Partial
	default:
		c.Verdict = NotFaithful
	}
	c.Score = sum / weights
}

// Part is the part of a name; nil where it was not assessed.
func (c *Card) Part(name string) *Part {
	if i := slices.IndexFunc(c.Parts, func(p Part) bool { return p.Name == name }); i >= 0 {
		return &c.Parts[i]
	}
	return nil
}

// String is the card in a line: "fidelity 94, faithful (worst: burst 81, IDC x1.21 at 100ms; floor x1.08); not assessed: sizes (…)".
func (c *Card) String() string {
	var b strings.Builder
	if c.Verdict == Unknown {
		b.WriteString("fidelity unknown")
	} else {
		p := c.Part(c.Worst)
		fmt.Fprintf(&b, "fidelity %.0f, %s (worst: %s %.0f", c.Score, c.Verdict, p.Name, p.Score)
		if p.Note != "" {
			fmt.Fprintf(&b, ", %s", p.Note)
		} else {
			fmt.Fprintf(&b, ", distance %.3f", p.Distance)
		}
		fmt.Fprintf(&b, "; floor %.3f)", p.Floor)
	}
	if len(c.NotAssessed) > 0 {
		b.WriteString("; not assessed: " + strings.Join(c.NotAssessed, ", "))
	}
	return b.String()
}

func span(ns int64) string { return time.Duration(ns).String() }
