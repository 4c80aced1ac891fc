package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"trafficreplay/capture"
)

// errKept means that --strict found something.
var errKept = errors.New("--strict")

// checkKept looks through an unfinished capture file, with the default rules alone, for what should not be kept. It
// warns of each field that holds something, and then its error keeps the file from getting its name.
func (a *app) checkKept(ctx context.Context, unfinished string) (err error) {
	r, err := capture.Open(unfinished)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	s := newScanner(nil)
	s.at = secretPlace{File: unfinished}
	err = s.capture(ctx, unfinished, r, func() {
		a.term.statusf("  --strict: %s requests looked through, %s found", thousands(s.doc.Requests), thousands(s.doc.Found))
	})
	a.term.done()
	if err != nil || s.doc.Found == 0 {
		return err
	}
	for _, field := range slices.Sorted(maps.Keys(s.field)) {
		a.term.warnf("kept %s in field %s", counted(s.field[field], "suspicious value"), field)
	}
	return fmt.Errorf("%w: kept %s", errKept, counted(s.doc.Found, "suspicious value"))
}
