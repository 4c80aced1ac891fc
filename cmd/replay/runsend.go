package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"trafficreplay/analyze"
	"trafficreplay/replay"
	"trafficreplay/replay/send"
	"trafficreplay/replay/threshold"
)

// Timeouts of a request: at least four times what is demanded of it.
const (
	defaultTimeout  = 30 * time.Second
	timeoutMultiple = 4
)

// send runs the job and writes its folder.
func (a *app) send(ctx context.Context, j *job, f *runFlags) (*replay.Document, error) {
	out, err := f.folder(j)
	if err != nil {
		return nil, err
	}
	cfg, engine, err := a.configure(j, f)
	if err != nil {
		return nil, err
	}
	for _, n := range engine.Notes() {
		a.term.notef("%s", n)
	}
	ctx, stop, end := a.twoStageStop(ctx)
	defer end()
	cfg.Document.Out, cfg.Document.Name = out, filepath.Base(out)
	result, err := replay.Run(ctx, stop, j.plan, engine, cfg)
	a.term.done()
	if err != nil {
		return nil, err
	}
	if err := result.Write(out); err != nil {
		return nil, err
	}
	return result.Document, nil
}

// configure builds the engine and what the run needs beside it.
func (a *app) configure(j *job, f *runFlags) (replay.Config, *send.Engine, error) {
	connections, err := send.ParseConnections(f.connections)
	if err != nil {
		return replay.Config{}, nil, usage(fmt.Errorf("--connections: %w", err))
	}
	id, err := runID()
	if err != nil {
		return replay.Config{}, nil, err
	}
	timeout := f.timeout
	if timeout == 0 {
		timeout = max(defaultTimeout, timeoutMultiple*tightest(j.thresholds))
	}
	engine, err := send.New(send.Options{
		Targets: j.targets, Timeout: timeout, MaxInFlight: f.maxInFlight, Connections: connections, RunID: id,
		IdleTimeout: time.Duration(float64(j.workload.Connections.IdleTimeout) / j.plan.Speed()),
		Allow:       j.guard.Allow, CheckCertificate: j.guard.CheckCertificate, Insecure: f.insecure,
	})
	if err != nil {
		return replay.Config{}, nil, err
	}
	cfg := replay.Config{
		Thresholds: j.thresholds, Survey: j.survey, Warmup: f.warmup, Strict: f.strict, Progress: a.progress,
		Document: replay.Document{
			Tool: toolVersion(), RunID: id, Input: j.input, Targets: f.targets, Seed: j.plan.Seed(), Scale: j.plan.Scale(), Speed: j.plan.Speed(),
			Options: replay.RunOptions{
				Warmup: f.warmup.String(), Duration: f.duration.String(), Timeout: timeout.String(), MaxInFlight: f.maxInFlight,
				Connections: f.connections, AllowWrites: f.allowWrites,
			},
		},
	}
	for _, t := range j.thresholds {
		cfg.Document.Options.Thresholds = append(cfg.Document.Options.Thresholds, t.String())
	}
	for _, e := range j.workload.Endpoints {
		cfg.Endpoints = append(cfg.Endpoints, replay.Endpoint{ID: e.ID, Share: e.Share, Expect: e.Expect})
	}
	return cfg, engine, nil
}

// tightest is the largest latency that a threshold allows: no request may be given up on before four times that.
func tightest(ts []*threshold.Threshold) time.Duration {
	var most time.Duration
	for _, t := range ts {
		if d, ok := t.LatencyLimit(); ok {
			most = max(most, d)
		}
	}
	return most
}

func runID() (string, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(b[:]), nil
}

// folder makes the run folder; a run that it holds is replaced.
func (f *runFlags) folder(j *job) (string, error) {
	out := f.out
	if out == "" {
		out = filepath.Join("runs", time.Now().UTC().Format("20060102-150405")+"-"+defaultOut(j.input, ""))
	}
	return out, os.MkdirAll(out, 0o700)
}

// twoStageStop gives a stop channel that the first interrupt closes and a context that the second ends.
func (a *app) twoStageStop(ctx context.Context) (context.Context, <-chan struct{}, func()) {
	ctx, cancel := context.WithCancel(ctx)
	stop := make(chan struct{})
	go func() {
		select {
		case <-a.interrupts:
			a.term.warnf("stopping: no further request is sent, those in flight may finish; interrupt again to kill")
			close(stop)
		case <-ctx.Done():
			return
		}
		select {
		case <-a.interrupts:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, stop, cancel
}

// progress shows a run under way.
func (a *app) progress(p replay.Progress) {
	a.term.statusf("  %s/%s  %.1f/s  done %s of %s  dropped %s  lag p99 %s  failed %.2f%%", clock(p.Elapsed), clock(p.Length),
		float64(p.Sent)/max(p.Elapsed.Seconds(), 0.001), thousands(p.Sent), thousands(p.Planned), thousands(p.Dropped),
		p.LagP99.Round(10*time.Microsecond), percent(p.Failed+p.Dropped, p.Sent+p.Dropped))
}

func clock(d time.Duration) string {
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

// report renders the run folder's views and answers on stdout.
func (a *app) report(doc *replay.Document, strict bool) error {
	r, err := analyze.Load(doc.Out)
	if err != nil {
		return err
	}
	if err := writeReports(doc.Out, r); err != nil {
		return err
	}
	if a.json {
		if err := a.printJSON(doc); err != nil {
			return err
		}
		return verdictExit(doc.ExitCode)
	}
	return a.answer(r, strict)
}
