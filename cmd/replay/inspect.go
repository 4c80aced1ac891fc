package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"trafficreplay/capture"
)

func newInspect(a *app) *cobra.Command {
	var verify, secrets bool
	var rules string
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Say what is in a capture file, what it lacks and how to log that",
		Long: `Say what is in a capture file (or in FILE.part, while it is written): span, rate, routes, methods, statuses,
sources and their ledgers, clients, hosts; what is missing for a faithful replay and what that costs; and the lines
to put into the server's configuration so that its log holds it. --verify reads every request and says
whether the file is whole, torn at the end only, or damaged in the middle, in which frames, and how many requests are
sound; the seek table is checked too.

--secrets looks through any file, or all files of a folder, compressed or not (capture, workload, run folder, log,
text), for what the redaction rules take for a secret or personal data; --redact adds your own rules. It prints the
classes found, how often, and the first three places of each, with the value masked. Exit code 1 when something is
found, 0 when nothing is. Tokens are passed over. What no rule knows is not found either (docs/safety.md).
` + exitStatusHelp,
		Example: "  replay inspect prod.cap.zst\n  replay inspect --verify prod.cap.zst\n  replay inspect --secrets runs/20261124-033540-shop",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if secrets && verify {
				return usage(errors.New("--secrets and --verify exclude each other: one looks at values, the other at the file"))
			}
			if rules != "" && !secrets {
				return usage(errors.New("--redact: only --secrets looks at values here"))
			}
			if secrets {
				return a.secrets(cmd.Context(), args[0], rules)
			}
			r, err := capture.Open(args[0])
			if _, ok := errors.AsType[*capture.FormatError](err); ok {
				return &exit{exitTrouble, err, []string{fmt.Sprintf("replay capture %s", args[0])}}
			}
			if err != nil {
				return err
			}
			defer r.Close()
			if verify {
				return a.verify(args[0], r)
			}
			return a.inspect(cmd.Context(), args[0], r)
		},
	}
	cmd.Flags().BoolVar(&verify, "verify", false, "read everything and check it")
	cmd.Flags().BoolVar(&secrets, "secrets", false, "look for secrets and personal data")
	cmd.Flags().StringVar(&rules, "redact", "", "with --secrets: YAML file of your own redaction rules")
	a.jsonFlag(cmd)
	return cmd
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
	d := s.document(path, &m)
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
