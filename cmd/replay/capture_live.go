package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"trafficreplay/capture"
	"trafficreplay/capture/source"
)

// isLive reports whether the sources are standard input alone, and that is no file: it may never end.
func (a *app) isLive(args []string) bool {
	if len(args) != 1 || args[0] != "-" {
		return false
	}
	f, ok := a.stdin.(*os.File)
	if !ok {
		return true
	}
	info, err := f.Stat()
	return err != nil || !info.Mode().IsRegular()
}

// captureLive writes what comes on standard input to the disk each second, until it ends or the user does. done is
// false where standard input turns out to have an end: then an import shall read a.stdin.
func (a *app) captureLive(ctx context.Context, in *inputFlags, path string, roll *rollFlags, w capture.WriterOptions) (doc *captureDocument, done bool, err error) {
	o, redactor, err := in.options()
	if err != nil {
		return nil, true, err
	}
	if err := checkOutputs(append(in.outs, output{"-o", path}), func(os.FileInfo) bool { return false }); err != nil {
		return nil, true, err
	}
	live, err := source.NewLive(ctx, a.stdin, o)
	if err != nil {
		return nil, true, err
	}
	w.Redactor, w.Live = redactor, true
	out := &liveOut{a: a, live: live, path: path, roll: roll, o: w}
	out.o.Ledgers = func() []capture.Ledger { return []capture.Ledger{out.live.Ledger()} }
	if err := out.open(); err != nil {
		return nil, true, err
	}
	lines, err := live.IsLines()
	packets := err == nil && !lines && live.IsPackets()
	if packets {
		out.live = live.Packets()
	}
	if err == nil && !lines && !packets {
		a.stdin = live
		if roll.on() {
			err = usage(errors.New("--roll: standard input is compressed or a capture file, not a log that is being written"))
		}
		return nil, err != nil, errors.Join(err, out.w.Abort())
	}
	if err == nil && lines {
		err = live.Recognise(func(err error) { a.term.warnf("%s; waiting for lines that are known", err) })
	}
	if err != nil {
		return nil, true, errors.Join(withFormatHint(err), out.w.Abort())
	}
	early := out.live.Notes()
	for _, n := range early {
		a.term.notef("%s", n)
	}
	doc, err = out.copy(ctx)
	for _, n := range out.live.Notes()[len(early):] {
		a.term.notef("%s", n)
	}
	a.warnLost(out.live)
	a.warnSpared(in.rules, redactor.Spared())
	if doc != nil {
		doc.Redacted = redactor.Hits()
	}
	return doc, true, err
}

// copy writes what is read until it ends, and finishes the file. The document is that of what was written, also where
// an error comes with it.
func (l *liveOut) copy(ctx context.Context) (*captureDocument, error) {
	err := l.live.Copy(l)
	l.a.term.done()
	stopped := ctx.Err() != nil
	if stopped && errors.Is(err, ctx.Err()) {
		err = nil
	}
	switch {
	case l.failed != nil:
		return nil, l.lost(l.failed)
	case err != nil:
		return nil, l.keep(err)
	}
	if l.w.Requests() > 0 {
		if err := l.finish(ctx, stopped); err != nil {
			return nil, l.lost(err)
		}
	} else if err := l.drop(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil && len(l.files) == 0 {
		return nil, &exit{exitInterrupted, errors.New("interrupted before the first request"), nil}
	}
	if len(l.files) == 0 {
		return nil, l.live.Empty()
	}
	if ctx.Err() != nil {
		return l.document(), &exit{exitInterrupted, fmt.Errorf("interrupted; what was read is in %s", l.files[len(l.files)-1]), nil}
	}
	return l.document(), nil
}

// tellEmpty says what came where no file has a request.
func (l *liveOut) tellEmpty() {
	if len(l.files) == 0 && l.w.Requests() == 0 {
		l.a.term.notef("%v", l.live.Empty())
	}
}

// drop removes a file without requests; its lines count all the same.
func (l *liveOut) drop() error {
	if c := l.live.Ledger(); len(l.files) > 0 {
		l.total.Add(&c)
	}
	return l.w.Abort()
}

// finish ends the file: in order of arrival where its source came to an end by itself, else as it is.
func (l *liveOut) finish(ctx context.Context, stopped bool) error {
	if stopped {
		l.w.SetStopped()
	}
	if stopped || l.roll.on() {
		return l.end()
	}
	l.account()
	unsorted, err := l.w.CloseSorted(ctx)
	if err != nil {
		return err
	}
	if unsorted != nil && ctx.Err() == nil {
		l.a.term.warnf("%s: stays in the order of reading: %v", l.current, unsorted)
	}
	l.ended()
	return nil
}

// keep leaves what was written where reading failed, under its unfinished name.
func (l *liveOut) keep(err error) error {
	l.account()
	n := l.w.Requests()
	if kept := l.w.Keep(); kept != nil {
		return errors.Join(err, l.lost(kept))
	}
	if n == 0 {
		return err
	}
	return fmt.Errorf("%w; the %s requests before are in %s.part", err, thousands(n), l.current)
}

// lost is the error of a disk that failed, with what to do next.
func (l *liveOut) lost(err error) error {
	loss, ok := errors.AsType[*capture.LossError](err)
	switch {
	case !ok || loss.Kept == 0:
		return err
	case errors.Is(err, errKept):
		return &exit{exitTrouble, err, []string{"replay inspect --secrets " + loss.Path}}
	}
	return &exit{exitTrouble, err, []string{"replay inspect " + loss.Path}}
}

// document is what capture --json prints.
func (l *liveOut) document() *captureDocument {
	d := &captureDocument{
		Schema: "replay.capture/1", Requests: l.meta.Requests, First: stamp(l.meta.First), Last: stamp(l.meta.Last),
		Out: l.files[len(l.files)-1], Sources: []capture.Ledger{l.total},
	}
	if l.roll.on() {
		d.Outs = l.files
	}
	return d
}
