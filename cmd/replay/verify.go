package main

import (
	"errors"
	"fmt"
	"io"

	"trafficreplay/capture"
)

// verify reads the whole file and says that it is whole. What is wrong otherwise is an error: torn at the end only, or
// damaged in the middle, and where.
func (a *app) verify(path string) error {
	r, err := openCapture(path)
	if err != nil {
		return err
	}
	defer r.Close()
	var q capture.Request
	var n int64
	for {
		err := r.Next(&q)
		if err == io.EOF {
			break
		}
		if errors.Is(err, capture.ErrTorn) {
			return a.torn(path, err, r.Live())
		}
		if _, ok := errors.AsType[*capture.FormatError](err); ok {
			return a.damaged(path, err)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		n++
	}
	m, ok := r.Meta()
	if !ok || m.Requests != n {
		return fmt.Errorf("%s: metadata promises %d requests, %d were read", path, m.Requests, n)
	}
	if err := r.CheckTable(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if a.json {
		return a.printJSON(m)
	}
	p := a.term.printer()
	p.linef("%s: whole, %s requests", path, thousands(n))
	return p.err
}

// openCapture opens what must be a capture file.
func openCapture(path string) (*capture.Reader, error) {
	r, err := capture.Open(path)
	if _, ok := errors.AsType[*capture.FormatError](err); ok {
		return nil, &exit{exitTrouble, err, []string{fmt.Sprintf("replay capture %s", path)}}
	}
	return r, err
}

// torn is the error of a file whose end is missing.
func (a *app) torn(path string, err error, live bool) error {
	e := &exit{exitTrouble, fmt.Errorf("%s: torn tail only: %w", path, err), nil}
	if live {
		e.hints = []string{"replay capture " + path + " -o " + defaultOut(path, "-sound.cap.zst")}
	}
	return e
}

// damaged names the damaged frames, the first as the error.
func (a *app) damaged(path string, first error) error {
	d, err := capture.FindDamage(path)
	if err != nil || len(d.Frames) == 0 {
		return fmt.Errorf("%s: damaged: %w", path, first)
	}
	for _, f := range d.Frames[1:] {
		a.term.warnf("%s: damaged too: %s", path, f.Msg)
	}
	behind := ""
	if d.Lost {
		behind = ", what follows could not be looked at"
	}
	return fmt.Errorf("%s: damaged: %w; %d requests are sound in all frames that could be read%s", path, first, d.Sound, behind)
}
