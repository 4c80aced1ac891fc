package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"trafficreplay/replay/plan"
	"trafficreplay/replay/threshold"
)

// longRun is the length from which a run that was not told how long to be asks first.
const longRun = time.Hour

// foretell says before the start what the run can show, and asks whether a long one is meant.
func (a *app) foretell(j *job, f *runFlags) error {
	length := time.Duration(j.survey.Length)
	a.term.notef("plan: %s shots over %s (mean %.1f/s, peak %s in a second), scale %.4gx, seed %d", thousands(j.survey.Planned),
		length.Round(time.Millisecond), rate(j.survey.Planned, j.survey.Length), thousands(j.survey.PeakRate), j.plan.Scale(), j.plan.Seed())
	if n := plan.Total(j.survey.Unsendable); n > 0 {
		a.term.notef("unsendable: %s of %s captured (%.1f%%):%s", thousands(n), thousands(j.survey.Captured), percent(n, j.survey.Captured), countsText(j.survey.Unsendable))
	}
	if n := plan.Total(j.survey.Withheld); n > 0 {
		a.term.notef("withheld: %s of %s captured (%.1f%%):%s", thousands(n), thousands(j.survey.Captured), percent(n, j.survey.Captured), countsText(j.survey.Withheld))
	}
	a.foretellUndecided(j)
	if length <= longRun || f.duration != 0 || f.speed != "1x" || f.planOnly {
		return nil
	}
	a.term.warnf("this run takes %s; --duration 10m takes its busiest stretch, --speed squeezes time", length.Round(time.Minute))
	if in, ok := a.stdin.(*os.File); !ok || !term.IsTerminal(int(in.Fd())) || !a.term.errTTY {
		return nil
	}
	fmt.Fprint(a.term.err, "replay: go on? [y/N] ")
	answer, _ := bufio.NewReader(io.LimitReader(a.stdin, 64)).ReadString('\n')
	if s := strings.ToLower(strings.TrimSpace(answer)); s == "y" || s == "yes" {
		return nil
	}
	return &exit{code: exitInterrupted, err: errors.New("nothing was sent")}
}

// foretellUndecided names the thresholds that the plan holds too few requests for.
func (a *app) foretellUndecided(j *job) {
	var short []string
	note := func(t *threshold.Threshold, where string, n int64) {
		switch needed := t.Needed(); {
		case n >= needed:
		case n == 0:
			short = append(short, fmt.Sprintf("%q: the plan sends nothing to %s", t, where))
		default:
			length := enough(j.survey.Length, needed, n)
			short = append(short, fmt.Sprintf("%q needs %s requests of %s, the plan holds %s: a plan of %s would do", t, thousands(needed), where, thousands(n), length))
		}
	}
	for _, t := range j.thresholds {
		at, whole, err := t.Resolve(j.ids)
		if err != nil {
			continue // setThresholds has refused it
		}
		if whole {
			note(t, "the whole run", j.survey.Judged)
		}
		for _, e := range at {
			note(t, j.ids[e], j.survey.JudgedBy[e])
		}
	}
	if len(short) > 0 {
		a.term.notef("%s cannot be decided by this plan, such as %s", thresholdCount(len(short)), short[0])
	}
}

// enough is the length of plan, in whole seconds, that would hold the requests needed.
func enough(lengthNS, needed, have int64) time.Duration {
	return time.Duration(math.Ceil(float64(lengthNS)*float64(needed)/float64(have)/1e9)) * time.Second
}

func thresholdCount(n int) string {
	if n == 1 {
		return "1 threshold"
	}
	return fmt.Sprintf("%d thresholds", n)
}

func rate(n, lengthNS int64) float64 {
	if lengthNS <= 0 {
		return float64(n)
	}
	return float64(n) / (float64(lengthNS) / 1e9)
}

func percent(n, of int64) float64 {
	if of == 0 {
		return 0
	}
	return 100 * float64(n) / float64(of)
}

// planDocument is what run --plan-only --json prints.
type planDocument struct {
	Schema     string           `json:"schema"`
	Captured   int64            `json:"captured"`
	Unsendable map[string]int64 `json:"unsendable"`
	Withheld   map[string]int64 `json:"withheld"`
	Planned    int64            `json:"planned"`
	LengthS    float64          `json:"length_s"`
	PeakPerS   int64            `json:"peak_per_s"`
	Scale      float64          `json:"scale"`
	Seed       uint64           `json:"seed"`
	PlanSHA256 string           `json:"plan_sha256"`
	Endpoints  []plannedShare   `json:"endpoints"`
}

type plannedShare struct {
	ID      string `json:"id"`
	Planned int64  `json:"planned"`
}

func (a *app) printPlan(j *job) error {
	d := planDocument{
		Schema: "replay.plan/1", Captured: j.survey.Captured, Unsendable: j.survey.Unsendable, Withheld: j.survey.Withheld,
		Planned: j.survey.Planned, LengthS: float64(j.survey.Length) / 1e9, PeakPerS: j.survey.PeakRate, Scale: j.plan.Scale(),
		Seed: j.plan.Seed(), PlanSHA256: j.survey.Digest,
	}
	for i, id := range j.ids {
		d.Endpoints = append(d.Endpoints, plannedShare{id, j.survey.Endpoints[i]})
	}
	if a.json {
		return a.printJSON(d)
	}
	p := a.term.printer()
	p.linef("%12s %8s  %s", "planned", "share", "endpoint")
	for _, e := range d.Endpoints {
		p.linef("%12s %7.2f%%  %s", thousands(e.Planned), percent(e.Planned, d.Planned), e.ID)
	}
	p.linef("%s of %s captured requests make %s shots over %s; plan %s", thousands(d.Captured-total(d.Unsendable)-total(d.Withheld)),
		thousands(d.Captured), thousands(d.Planned), seconds(d.LengthS), d.PlanSHA256)
	return p.err
}
