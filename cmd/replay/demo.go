package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"trafficreplay/fixtures/shop"
	"trafficreplay/fixtures/staging"
)

// The demo's run: the busiest stretch of the bundled log, with twice the users.
const (
	demoDuration  = 40 * time.Second
	demoScale     = "2x"
	demoThreshold = "GET /api/search: p99 < 250ms"
)

func newDemo(a *app) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run all four stages on bundled traffic against an embedded staging server",
		Long: `Run all four stages on a bundled nginx log against an embedded staging server on loopback: capture, shape, run,
analyze. It takes about a minute. One threshold fails on purpose, and the text says how to read it; the demo itself
exits 0 when everything went as it should.
` + exitStatusHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context(), out) },
	}
	cmd.Flags().StringVarP(&out, "out", "o", "replay-demo", "folder to write into")
	return cmd
}

func (a *app) demo(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	server, err := staging.Start(staging.Options{})
	if err != nil {
		return err
	}
	defer server.Close()
	log := filepath.Join(dir, "access.log.gz")
	if err := os.WriteFile(log, shop.AccessLog, 0o644); err != nil {
		return err
	}
	p := a.term.printer()
	step := func(title string, args ...string) error {
		p.linef("")
		p.linef("# %s", title)
		p.linef("$ replay%s", quoted(args))
		root := newRoot(a)
		root.SetArgs(args)
		return root.ExecuteContext(ctx)
	}
	capFile, workload, run := filepath.Join(dir, "shop.cap.zst"), filepath.Join(dir, "shop.workload.yaml"), filepath.Join(dir, "run")
	p.linef("An access log of a small shop (written by a real nginx) and a staging server at %s.", server.URL)
	if err := step("1. capture: every line is a request or is counted under a reason; secrets go", "capture", log, "-o", capFile); err != nil {
		return err
	}
	if err := step("2. shape: endpoints, mix, arrivals and sessions as a file to review and commit", "shape", capFile, "-o", workload); err != nil {
		return err
	}
	err = step("3. run: the busiest "+demoDuration.String()+" with twice the users, judged per endpoint", "run", workload, "--target", server.URL,
		"--scale", demoScale, "--duration", demoDuration.String(), "--threshold", demoThreshold, "-o", run)
	if e, ok := errors.AsType[*exit](err); !ok || e.code != exitFailed {
		if err == nil {
			return errors.New("demo: the threshold that should fail held")
		}
		return err
	}
	if err := step("4. analyze: the same verdict again, from the run folder alone", "analyze", run); err != nil && !isVerdict(err) {
		return err
	}
	return a.demoEnd(p, run)
}

// isVerdict says that a command did its work and ends with a verdict's code.
func isVerdict(err error) bool {
	e, ok := errors.AsType[*exit](err)
	return ok && e.err == nil
}

func (a *app) demoEnd(p *printer, run string) error {
	report, err := filepath.Abs(filepath.Join(run, "report.html"))
	if err != nil {
		return err
	}
	p.linef("")
	p.linef("How to read it: the staging server answers GET /api/search more slowly than production did, on purpose. So the")
	p.linef("p99 < 250ms that the run demanded of it fails, and so does what the workload proposes from production's own latency;")
	p.linef("'replay run' ended with exit code 99. Latency counts from the instant each request was due, and 'lag' is how late")
	p.linef("the generator itself was. In CI, branch on the exit code.")
	p.linef("")
	p.linef("Report: %s", report)
	return p.err
}

func quoted(args []string) string {
	s := ""
	for _, a := range args {
		if needsQuotes(a) {
			s += fmt.Sprintf(" '%s'", a)
		} else {
			s += " " + a
		}
	}
	return s
}

func needsQuotes(s string) bool {
	for _, r := range s {
		if r == ' ' || r == '<' || r == '*' || r == '$' {
			return true
		}
	}
	return false
}
