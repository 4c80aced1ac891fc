package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"trafficreplay/capture"
	"trafficreplay/capture/accesslog"
)

type inspectFlags struct {
	in              inputFlags
	verify, secrets bool
	rules           string
}

func newInspect(a *app) *cobra.Command {
	var f inspectFlags
	cmd := &cobra.Command{
		Use:   "inspect CAPTURE|SOURCE...|WORKLOAD",
		Short: "Say what is in a capture, a log or a workload, what it lacks and how to log that",
		Long: `Say what is in a capture file (or in FILE.part, while it is written), or in logs, which are read as 'replay capture'
would read them, without writing anything: span, rate, routes, methods, statuses, sources and their ledgers, clients,
hosts; what is missing for a faithful replay and what that costs; and the lines to put into the server's configuration
so that its log holds it.

Of a workload file it says in words what the site does: rate and bursts, sessions, mix, endpoints with their shares,
latency and thresholds, and what a run of it would leave out or not be allowed to send.

--verify reads every request of a capture file and says whether the file is whole, torn at the end only, or damaged
in the middle, in which frames, and how many requests are sound; the seek table is checked too.

--secrets looks through any file, or all files of a folder, compressed or not (capture, workload, run folder, log,
text), for what the redaction rules take for a secret or personal data; --redact adds your own rules. It prints the
classes found, how often, and the first three places of each, with the value masked. Exit code 1 when something is
found, 0 when nothing is. Tokens are passed over. What no rule knows is not found either (docs/safety.md).
` + exitStatusHelp,
		Example: `  replay inspect prod.cap.zst
  replay inspect /var/log/nginx/access.log*
  replay inspect shop.workload.yaml
  replay inspect --verify prod.cap.zst
  replay inspect --secrets runs/20261124-033540-shop`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.inspectAny(cmd.Context(), args, &f) },
	}
	cmd.Flags().BoolVar(&f.verify, "verify", false, "read everything and check it")
	cmd.Flags().BoolVar(&f.secrets, "secrets", false, "look for secrets and personal data")
	cmd.Flags().StringVar(&f.rules, "redact", "", "with --secrets: YAML file of your own redaction rules")
	f.in.addReading(cmd)
	a.jsonFlag(cmd)
	return cmd
}

// check refuses what does not go together.
func (f *inspectFlags) check(args []string) error {
	what := "--verify"
	if f.secrets {
		what = "--secrets"
	}
	switch {
	case f.secrets && f.verify:
		return usage(errors.New("--secrets and --verify exclude each other: one looks at values, the other at the file"))
	case f.rules != "" && !f.secrets:
		return usage(errors.New("--redact: only --secrets looks at values here"))
	case (f.secrets || f.verify) && len(args) > 1:
		return usage(fmt.Errorf("%s: want one file, got %d", what, len(args)))
	case (f.secrets || f.verify) && !f.in.asItIs():
		return usage(fmt.Errorf("%s looks at the whole file: no flag says how to read it or which requests to take", what))
	}
	return nil
}

// inspectAny finds out what the arguments are.
func (a *app) inspectAny(ctx context.Context, args []string, f *inspectFlags) error {
	if err := f.check(args); err != nil {
		return err
	}
	switch {
	case f.secrets:
		return a.secrets(ctx, args[0], f.rules)
	case f.verify:
		return a.verify(args[0])
	case len(args) == 1 && isWorkload(args[0]):
		if !f.in.asItIs() {
			return usage(fmt.Errorf("%s: a workload is inspected whole: it has no lines to read or to filter", args[0]))
		}
		return a.inspectWorkload(ctx, args[0])
	case len(args) > 1 || !f.in.asItIs():
		return a.inspectSource(ctx, args, &f.in)
	}
	r, err := capture.Open(args[0])
	if err == nil {
		return errors.Join(a.inspect(ctx, args[0], r), r.Close())
	}
	if bad, ok := errors.AsType[*capture.FormatError](err); ok && (errors.Is(bad, capture.ErrTorn) || errors.Is(bad, capture.ErrVersion)) {
		return err
	}
	if err := otherThan(args[0]); err != nil {
		return err
	}
	claimed := err
	err = a.inspectSource(ctx, args, &f.in)
	if errors.Is(err, accesslog.ErrUnknown) && strings.HasSuffix(strings.TrimSuffix(args[0], ".part"), ".cap.zst") {
		return claimed // what the name promises is the better thing to say
	}
	return err
}

// inspect reads the whole file once. One that is torn, as one is that is still being written, is told of as far as
// it is sound; damage in the middle is an error, after the same.
func (a *app) inspect(ctx context.Context, path string, r *capture.Reader) error {
	ctx, cancel := a.interruptible(ctx)
	defer cancel()
	m, whole := r.Meta()
	s := newSurvey()
	bad := s.read(ctx, r, func(n int64) {
		if whole && m.Requests > 0 {
			a.term.statusf("  %s of %s requests  %d%%", thousands(n), thousands(m.Requests), 100*n/m.Requests)
		} else {
			a.term.statusf("  %s requests", thousands(n))
		}
	})
	a.term.done()
	format, damaged := errors.AsType[*capture.FormatError](bad)
	if bad != nil && !damaged {
		return fmt.Errorf("%s: %w", path, bad)
	}
	if c, ok := r.Checkpoint(); ok && !whole {
		m = upToNow(c, s.have.requests)
	}
	d := s.document("capture", path, &m)
	d.Whole = whole && bad == nil
	if err := a.printInspect(d); err != nil || bad == nil {
		return err
	}
	hint := fmt.Sprintf("replay inspect --verify %s", path)
	if errors.Is(format, capture.ErrTorn) {
		a.term.warnf("%s: %s", path, format)
		return nil
	}
	return &exit{exitTrouble, fmt.Errorf("%s: %w", path, bad), []string{hint}}
}

func (a *app) printInspect(d *inspectDocument) error {
	if a.json {
		return a.printJSON(d)
	}
	return writeInspectText(a.term, d)
}

// upToNow is what a torn file says of itself: its last checkpoint, with the requests that came after it.
func upToNow(m capture.Meta, requests int64) capture.Meta {
	if len(m.Sources) == 1 {
		m.Sources[0].Lines += requests - m.Requests
		m.Sources[0].Requests += requests - m.Requests
	}
	m.Requests = requests
	return m
}

// otherThan is the error of what is neither a capture nor a source but our own, and where to look at it.
func otherThan(path string) error {
	if _, err := os.Stat(filepath.Join(path, "run.json")); err == nil {
		return usage(fmt.Errorf("%s: a run folder", path), "replay analyze "+path)
	}
	if workload, ok := strings.CutSuffix(path, ".pool.zst"); ok {
		return usage(fmt.Errorf("%s: the session pool of a workload", path), "replay inspect "+workload+".workload.yaml")
	}
	return nil
}
