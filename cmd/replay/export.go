package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"trafficreplay/capture"
	"trafficreplay/capture/gor"
	"trafficreplay/capture/har"
	"trafficreplay/capture/source"
	"trafficreplay/capture/vegeta"
)

// exporter writes requests into a file of another tool.
type exporter interface {
	Write(q *capture.Request) error
	Losses() *capture.Losses // so far
	Close() error            // ends the file; the writer below stays open
}

// exportFormats are the values of --to.
var exportFormats = []struct {
	name, ext string
	make      func(w io.Writer) exporter
}{
	{"har", ".har", func(w io.Writer) exporter { return har.NewWriter(w, toolVersion()) }},
	{"gor", ".gor", func(w io.Writer) exporter { return gor.NewWriter(w) }},
	{"vegeta", ".targets.json", func(w io.Writer) exporter { return vegeta.NewWriter(w) }},
}

func newExport(a *app) *cobra.Command {
	var in inputFlags
	var to, out string
	cmd := &cobra.Command{
		Use:   "export CAPTURE|SOURCE... --to har|gor|vegeta [-o FILE]",
		Short: "Write captured requests into another tool's file",
		Long: `Write captured requests into a file that another tool reads, in order of arrival: an HTTP Archive (HAR 1.2), a
GoReplay file, or Vegeta's JSON targets. All that reads a capture reads these files too (docs/other-tools.md).

What the format cannot carry is said on stderr, counted by kind. Secrets are removed as by capture: what was redacted
stays so. The file appears under its name only when whole; with -o - it goes to standard output.
` + exitStatusHelp,
		Example: `  replay export prod.cap.zst --to har -o prod.har
  replay export access.log.gz --host shop.example --since 2026-11-23T14:00:00Z --to gor
  replay export prod.cap.zst --method GET --to vegeta -o - | vegeta attack -format=json -rate=100 -lazy > results.bin`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.export(cmd.Context(), args, &in, to, out) },
	}
	cmd.Flags().StringVar(&to, "to", "", "format to write: har, gor or vegeta")
	cmd.Flags().StringVarP(&out, "out", "o", "", "file to write, - for standard output (default: the first source's name with .har, .gor or .targets.json, in this folder)")
	in.add(cmd)
	return cmd
}

func (a *app) export(ctx context.Context, args []string, in *inputFlags, to, out string) (err error) {
	i := 0
	for i < len(exportFormats) && exportFormats[i].name != to {
		i++
	}
	if i == len(exportFormats) {
		return usage(fmt.Errorf("--to %q: want har, gor or vegeta", to))
	}
	f := &exportFormats[i]
	if out == "" {
		out = defaultOut(args[0], f.ext)
	}
	ctx, cancel := a.interruptible(ctx)
	defer cancel()
	set, redactor, err := a.open(ctx, args, in)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	var e exporter
	var read int64
	write := func(w io.Writer) (err error) {
		e = f.make(w)
		read, err = exportAll(ctx, set, e)
		return err
	}
	if out == "-" {
		err = write(a.term.out)
	} else if err = checkOutputs([]output{{"-o", out}}, set.Reads); err == nil {
		err = writeWhole(out, write)
	}
	a.term.done()
	if err != nil && !errors.Is(err, errNoneHeld) {
		return err
	}
	a.tellSources(set)
	a.warnSpared(in.rules, redactor.Spared())
	return a.answerExport(f.name, out, read, e.Losses())
}

// tellSources says what there is to say of the sources.
func (a *app) tellSources(set *source.Set) {
	for _, n := range set.Notes() {
		a.term.notef("%s", n)
	}
	for _, n := range set.Warnings() {
		a.term.warnf("%s", n)
	}
	ledgers := set.Ledgers()
	for i := range ledgers {
		l := &ledgers[i]
		a.warnSkipped(l)
		if l.Basis == capture.BasisCompletion && l.Requests > 0 {
			a.term.warnf("%s: its stamps are ends of requests and no duration was logged: the file gives them as arrivals", l.Name)
		}
	}
}

// errNoneHeld means that the format can hold no request of the source: there is nothing to write then.
var errNoneHeld = errors.New("no requests: all were left out, and nothing was written")

// exportAll writes all requests, and returns how many were read.
func exportAll(ctx context.Context, set *source.Set, e exporter) (n int64, err error) {
	var q capture.Request
	for {
		if n%4096 == 0 && ctx.Err() != nil {
			return n, context.Cause(ctx)
		}
		err := set.Next(&q)
		switch {
		case err == io.EOF && total(e.Losses().LeftOut) == n:
			return n, errNoneHeld
		case err == io.EOF:
			return n, e.Close()
		case err != nil:
			return n, err
		}
		if err := e.Write(&q); err != nil {
			return n, err
		}
		n++
	}
}

// writeWhole writes a file that appears under its name only when it is whole, for its owner alone.
func writeWhole(path string, write func(io.Writer) error) error {
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("%s: %w", path, cause(err))
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return os.Rename(part, path)
}

// answerExport says what was written and what was not; errNoneHeld: nothing was. Where the file goes to standard output,
// nothing else does.
func (a *app) answerExport(format, out string, read int64, l *capture.Losses) error {
	left := total(l.LeftOut)
	if left > 0 {
		a.term.warnf("%s of %s requests left out, since %s cannot hold them:%s", thousands(left), thousands(read), format, countsText(l.LeftOut))
	}
	if l.LeftOut["no host"] > 0 {
		a.term.hintf("replay export SOURCE --host NAME --to %s    # the host of logs that name none", format)
	}
	if len(l.Lost) > 0 {
		a.term.warnf("%s does not hold, by number of requests:%s", format, countsText(l.Lost))
	}
	switch {
	case left == read:
		return errNoneHeld
	case out == "-":
		return nil
	}
	p := a.term.printer()
	p.linef("%s requests", thousands(read-left))
	p.linef("%s", strings.TrimPrefix(out, "./"))
	return p.err
}
