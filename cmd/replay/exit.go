package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"trafficreplay/replay/guard"
	"trafficreplay/replay/threshold"
)

// Exit codes (docs/run.md). Only this file knows them.
const (
	exitOK          = 0
	exitTrouble     = 1
	exitUsage       = 2
	exitRefused     = 95
	exitUndecided   = 96
	exitInvalid     = 97
	exitFailed      = 99
	exitInterrupted = 130
)

const exitStatusHelp = `
EXIT STATUS
  0    done; every threshold that could be decided held
  1    trouble: I/O, network, no connection to the target was ever opened
  2    usage, or a bad workload, threshold or configuration file
  95   refused by a safety guard; nothing was sent
  96   with --strict: some threshold stayed undecided (without it: 0 and a warning)
  97   the run is INVALID: the generator did not keep the plan
  98   regression against the baseline (reserved: no command compares runs yet)
  99   a threshold failed
  130  interrupted; results so far are written
`

// exit is an error that ends the command with a code of its own. A nil err prints nothing: the command has
// already said what there is to say.
type exit struct {
	code  int
	err   error
	hints []string
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// usage marks an error as the user's: exit 2.
func usage(err error, hints ...string) error {
	if err == nil {
		return nil
	}
	return &exit{exitUsage, err, hints}
}

// finish prints err as the user shall see it and gives the exit code.
func (a *app) finish(err error) int {
	if err == nil {
		return exitOK
	}
	e := classify(err)
	if e.err != nil {
		a.term.errorf("%s", e.err)
		for _, h := range e.hints {
			a.term.hintf("%s", h)
		}
	}
	return e.code
}

func classify(err error) *exit {
	if e, ok := errors.AsType[*exit](err); ok {
		return e
	}
	if r, ok := errors.AsType[*guard.Refusal](err); ok {
		return &exit{exitRefused, err, hintList(r.Hint)}
	}
	if s, ok := errors.AsType[*threshold.SyntaxError](err); ok {
		return &exit{exitUsage, err, hintList(s.Hint)}
	}
	if errors.Is(err, context.Canceled) {
		return &exit{exitInterrupted, errors.New("interrupted"), nil}
	}
	if isUsage(err.Error()) {
		return &exit{exitUsage, err, []string{"replay --help"}}
	}
	return &exit{exitTrouble, err, nil}
}

func hintList(h string) []string {
	if h == "" {
		return nil
	}
	return []string{h}
}

// isUsage recognises cobra's own complaints, which have no type.
func isUsage(msg string) bool {
	for _, p := range []string{"unknown command", "unknown flag", "unknown shorthand", "invalid argument", "flag needs an argument", "required flag", "accepts ", "requires at least", "bad flag syntax"} {
		if strings.HasPrefix(msg, p) {
			return true
		}
	}
	return false
}
