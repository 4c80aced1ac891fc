package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"trafficreplay/replay/guard"
	"trafficreplay/replay/plan"
	"trafficreplay/replay/send"
	"trafficreplay/replay/threshold"
	"trafficreplay/shape"
)

// job is one run on its way: what is to be sent, where, and how it is judged.
type job struct {
	input      string // base name of the workload or capture
	workload   *shape.Workload
	fit        *shape.Fitted // when made from a capture
	pool       *shape.Pool
	source     *captured
	ids        []string
	thresholds []*threshold.Threshold
	guard      *guard.Guard
	targets    []send.Target
	hosts      map[string]int // index of the target by captured host
	plan       *plan.Plan
	survey     *plan.Survey
	close      func() error
}

// run is the run command.
func (a *app) run(ctx context.Context, args []string, f *runFlags) (err error) {
	thresholds, err := parseThresholds(f.thresholds)
	if err != nil {
		return err
	}
	if len(f.targets) == 0 && !f.planOnly {
		return usage(errors.New("--target: where to send is not said"), "replay run "+args[0]+" --target http://127.0.0.1:8080")
	}
	if err := f.check(); err != nil {
		return err
	}
	prepare, cancel := a.interruptible(ctx)
	j, err := a.prepare(prepare, args, f, thresholds)
	cancel()
	if j != nil {
		defer func() { err = errors.Join(err, j.close()) }()
	}
	if err != nil {
		return err
	}
	if f.planOnly {
		return a.printPlan(j)
	}
	if err := preflight(ctx, j.guard, j.targets, f.insecure); err != nil {
		if g, ok := errors.AsType[*guard.Refusal](err); ok {
			return g
		}
		return err
	}
	doc, err := a.send(ctx, j, f)
	if err != nil {
		return err
	}
	return a.report(doc, f.strict)
}

// check refuses what no input could make sense of.
func (f *runFlags) check() error {
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{{"--duration", f.duration}, {"--warmup", f.warmup}, {"--timeout", f.timeout}} {
		if d.value < 0 {
			return usage(fmt.Errorf("%s %s: want a positive duration", d.flag, d.value))
		}
	}
	if f.maxInFlight < 1 {
		return usage(fmt.Errorf("--max-in-flight %d: want at least 1", f.maxInFlight))
	}
	if f.rate != "" && f.scale != "1x" {
		return usage(fmt.Errorf("--rate %s --scale %s: both say how many users there are, want one of them", f.rate, f.scale))
	}
	return nil
}

func parseThresholds(typed []string) ([]*threshold.Threshold, error) {
	ts := make([]*threshold.Threshold, 0, len(typed))
	for _, s := range typed {
		t, err := threshold.Parse(s)
		if err != nil {
			return nil, fmt.Errorf("--threshold %q: %w", s, err)
		}
		ts = append(ts, t)
	}
	return ts, nil
}

// prepare loads the input, checks every threshold, asks the guard and fixes the plan: everything before the
// first byte.
func (a *app) prepare(ctx context.Context, args []string, f *runFlags, typed []*threshold.Threshold) (*job, error) {
	j := &job{close: func() error { return nil }}
	if err := a.loadInput(ctx, j, args, f); err != nil {
		return j, err
	}
	for _, e := range j.workload.Endpoints {
		j.ids = append(j.ids, e.ID)
	}
	if err := j.setThresholds(typed); err != nil {
		return j, err
	}
	if err := j.resolve(ctx, f); err != nil {
		return j, err
	}
	o, err := f.planOptions(j)
	if err != nil {
		return j, err
	}
	if j.fit != nil {
		j.plan, err = plan.FromCapture(ctx, j.source, j.fit, o)
	} else {
		j.plan, err = plan.FromWorkload(ctx, j.workload, j.pool, o)
	}
	if err != nil {
		return j, err
	}
	j.survey, err = j.plan.Survey(ctx)
	if err != nil {
		return j, err
	}
	return j, a.foretell(j, f)
}

// isWorkload tells a workload file from captures and sources: by its name alone, since logs may hold anything.
func isWorkload(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// loadInput reads a workload file, or fits the capture that the arguments are or become.
func (a *app) loadInput(ctx context.Context, j *job, args []string, f *runFlags) error {
	j.input = filepath.Base(args[0])
	if len(args) == 1 && isWorkload(args[0]) {
		w, pool, err := shape.Load(args[0])
		if err != nil {
			return usage(err)
		}
		j.workload, j.pool = w, pool
		return nil
	}
	in, err := a.asCapture(ctx, args, &f.in)
	if err != nil {
		return err
	}
	j.source, j.close = in, in.remove
	j.fit, err = shape.Fit(ctx, in, shape.FitOptions{Name: j.input, Seed: f.seed, Hosts: in.meta.Hosts, HostsUnknown: in.hostsUnknown()})
	if err != nil {
		return err
	}
	j.workload = j.fit.Workload
	return nil
}

// setThresholds joins the workload's thresholds and the typed ones. A capture has none of its own, and a run
// without any gets error_rate < 1%.
func (j *job) setThresholds(typed []*threshold.Threshold) error {
	var all []*threshold.Threshold
	if j.fit == nil {
		own, err := workloadThresholds(j.workload)
		if err != nil {
			return err
		}
		all = own
	}
	all = append(all, typed...)
	if len(all) == 0 {
		t, err := threshold.Parse("error_rate < 1%")
		if err != nil {
			return err
		}
		all = append(all, t)
	}
	seen := map[string]bool{}
	for _, t := range all {
		if _, _, err := t.Resolve(j.ids); err != nil {
			return usage(err)
		}
		if s := t.String(); !seen[s] {
			seen[s] = true
			j.thresholds = append(j.thresholds, t)
		}
	}
	return nil
}

func workloadThresholds(w *shape.Workload) ([]*threshold.Threshold, error) {
	var all []*threshold.Threshold
	add := func(scope string, exprs []string) error {
		for _, e := range exprs {
			if scope != "" {
				e = scope + ": " + e
			}
			t, err := threshold.Parse(e)
			if err != nil {
				return usage(fmt.Errorf("%s: threshold %q: %w", w.Path, e, err))
			}
			all = append(all, t)
		}
		return nil
	}
	if err := add("", w.Thresholds); err != nil {
		return nil, err
	}
	for _, e := range w.Endpoints {
		if err := add(e.ID, e.Thresholds); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// planOnlyTarget stands for the target of a plan that is only printed.
const planOnlyTarget = "http://127.0.0.1"

// resolve asks the guard where the run may send.
func (j *job) resolve(ctx context.Context, f *runFlags) error {
	typed := f.targets
	if len(typed) == 0 {
		typed = []string{planOnlyTarget}
	}
	urls, hosts, err := parseTargets(typed)
	if err != nil {
		return err
	}
	writes := append(append([]string(nil), j.workload.Safety.AllowWrites...), f.allowWrites...)
	j.guard, err = guard.Resolve(ctx, guard.Policy{
		Targets: urls, CapturedHosts: j.workload.Safety.CapturedHosts, HostsUnknown: j.workload.Safety.HostsUnknown,
		AllowCapturedHosts: f.allowCapturedHosts, AcknowledgedHosts: f.captured, AllowWrites: writes,
	}, net.DefaultResolver)
	if err != nil {
		return err
	}
	j.hosts = hosts
	for i, u := range urls {
		j.targets = append(j.targets, send.Target{
			Scheme: u.Scheme, Host: j.guard.Host(i), BasePath: u.EscapedPath(), Addrs: j.guard.Addresses(i), ServerName: j.guard.ServerName(i),
		})
	}
	return nil
}

// parseTargets reads URL and HOST=URL. A target without a host takes what no other target names.
func parseTargets(typed []string) (urls []*url.URL, hosts map[string]int, err error) {
	hosts = map[string]int{}
	for i, s := range typed {
		raw, name := s, ""
		if host, rest, ok := strings.Cut(s, "="); ok && !strings.ContainsAny(host, ":/") {
			raw, name = rest, strings.ToLower(host)
			if name == "" {
				return nil, nil, usage(fmt.Errorf("--target %q: want HOST=URL", s))
			}
		}
		if _, twice := hosts[name]; twice && name == "" {
			return nil, nil, usage(fmt.Errorf("--target %q: only one target may be without HOST=", s))
		} else if twice {
			return nil, nil, usage(fmt.Errorf("--target %q: %s has a target already", s, name))
		}
		hosts[name] = i
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" {
			return nil, nil, usage(fmt.Errorf("--target %q: want a URL such as http://127.0.0.1:8080", s))
		}
		urls = append(urls, u)
	}
	return urls, hosts, nil
}

// planOptions turns what was typed into what the plan needs.
func (f *runFlags) planOptions(j *job) (plan.Options, error) {
	o := plan.Options{Seed: j.workload.Seed, Duration: f.duration, Warmup: f.warmup, Guard: j.guard, IDs: j.ids}
	if f.seed != 0 {
		o.Seed = f.seed
	}
	var err error
	if o.Scale, err = parseFactor("--scale", f.scale); err != nil {
		return o, err
	}
	if o.Speed, err = parseFactor("--speed", f.speed); err != nil {
		return o, err
	}
	if f.rate != "" {
		if o.Rate, err = parseRate("--rate", f.rate); err != nil {
			return o, err
		}
	}
	if _, any := j.hosts[""]; !any || len(j.hosts) > 1 {
		o.Route = j.route
	}
	return o, nil
}

// route gives the target of a captured host, -1 when none was named for it.
func (j *job) route(host []byte) int {
	name := strings.ToLower(string(host))
	if i := strings.LastIndexByte(name, ':'); i > 0 && !strings.HasSuffix(name, "]") {
		name = name[:i]
	}
	for _, n := range [2]string{name, ""} {
		if i, ok := j.hosts[n]; ok {
			return i
		}
	}
	return -1
}
