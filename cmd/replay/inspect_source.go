package main

import (
	"context"
	"errors"
	"strings"

	"trafficreplay/capture"
)

// inspectSource reads sources as capture does, in order of arrival and redacted, and writes nothing.
func (a *app) inspectSource(ctx context.Context, args []string, in *inputFlags) (err error) {
	ctx, cancel := a.interruptible(ctx)
	defer cancel()
	set, redactor, err := a.open(ctx, args, in)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	s := newSurvey()
	err = s.read(ctx, set, func(int64) {})
	a.tell(set)
	if err != nil {
		return err
	}
	d := s.document("source", strings.Join(args, " "), &capture.Meta{Redaction: redactor.Version(), Tool: toolVersion(), Sources: set.Ledgers()})
	d.Whole, d.Redacted = true, redactor.Hits()
	return a.printInspect(d)
}
