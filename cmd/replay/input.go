package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"trafficreplay/capture"
	"trafficreplay/capture/accesslog"
	"trafficreplay/capture/source"
	"trafficreplay/capture/tlskeys"
)

// inputFlags say what to read and how: the same flags wherever a capture or a source is read.
type inputFlags struct {
	format, logFormat, timezone string
	fields                      []string // NAME=PATH[:UNIT]
	maxSkipped                  string
	keepSecrets, noBodies       bool
	rules                       string // file of redaction rules
	keyFile, newKeyFile         string
	filter                      capture.FilterFlags
	dedupe                      bool
	tlsKeys                     string // SSLKEYLOGFILE

	outs []output // what the command writes besides the capture file: none may be a source
}

func (f *inputFlags) add(cmd *cobra.Command) {
	f.addReading(cmd)
	fs := cmd.Flags()
	fs.BoolVar(&f.keepSecrets, "keep-secrets", false, "redact nothing")
	fs.StringVar(&f.rules, "redact", "", "YAML file of your own redaction rules, on top of the default ones (docs/safety.md)")
	fs.StringVar(&f.keyFile, "key-file", "", "key of the clients' pseudonyms: captures made with one key can be joined by client")
	fs.StringVar(&f.newKeyFile, "new-key-file", "", "make such a key, put it into this new file and use it")
	fs.BoolVar(&f.noBodies, "no-bodies", false, "drop request and response bodies")
}

// addReading adds those that say how lines are read and which of them count.
func (f *inputFlags) addReading(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.format, "format", "", "name of the log's dialect (default: recognised)")
	fs.StringVar(&f.logFormat, "log-format", "", "log format of nginx, Apache, HAProxy, Envoy, Squid, Varnish, Tomcat, lighttpd or IIS, pasted verbatim from its configuration")
	fs.StringArrayVar(&f.fields, "field", nil, "of JSON lines: NAME=PATH[:UNIT], such as method=.req.verb, end=.ts:unix_ms, duration=.took:s (repeatable)")
	fs.StringVar(&f.tlsKeys, "tls-keys", "", "of packet captures: key log (SSLKEYLOGFILE) that opens their TLS")
	fs.StringVar(&f.timezone, "timezone", "", "zone of stamps that carry none, such as Europe/Berlin (default: UTC)")
	fs.StringVar(&f.maxSkipped, "max-skipped", "", "more skipped lines than this share are an error, such as 5%")
	fs.StringVar(&f.filter.Since, "since", "", "only requests that arrived at or after this instant (RFC 3339)")
	fs.StringVar(&f.filter.Until, "until", "", "only requests that arrived before this instant (RFC 3339)")
	fs.StringVar(&f.filter.Host, "host", "", "only this host; also the host of logs that name none")
	fs.StringVar(&f.filter.Path, "path", "", "only paths that match this glob; ** crosses slashes")
	fs.StringVar(&f.filter.Method, "method", "", "only this method")
	fs.StringVar(&f.filter.Status, "status", "", "only this status: 200, 5xx")
	fs.StringVar(&f.filter.Client, "client", "", "only this client")
	fs.StringVar(&f.filter.Sample, "sample", "", "keep this share of the clients, such as 10%")
	fs.BoolVar(&f.dedupe, "dedupe", false, "leave out lines that stand in another log too (docs/capture-logs.md)")
	fs.BoolVar(&f.filter.ExcludeHealthChecks, "exclude-health-checks", false, "leave out requests of health checkers and monitors (docs/capture-logs.md lists how they are known)")
}

// asItIs reports that nothing was typed that says how lines are read or which of them count.
func (f *inputFlags) asItIs() bool {
	return f.filter == (capture.FilterFlags{}) && f.tlsKeys == "" && f.noLog("") == nil
}

// noLog refuses flags that say how a log is read, where none is.
func (f *inputFlags) noLog(flag string) error {
	if f.format != "" || f.logFormat != "" || len(f.fields) > 0 || f.timezone != "" || f.maxSkipped != "" || f.dedupe {
		return usage(fmt.Errorf("%s: --format, --log-format, --field, --timezone, --max-skipped and --dedupe are for logs", flag))
	}
	return nil
}

// options turns what was typed into what it means.
func (f *inputFlags) options() (source.Options, *capture.Redactor, error) {
	var o source.Options
	filter, err := capture.ParseFilter(f.filter)
	if err != nil {
		return o, nil, usage(err)
	}
	if o.MaxSkipped, err = parseShare("--max-skipped", f.maxSkipped); err != nil {
		return o, nil, err
	}
	o.Accesslog = accesslog.Options{Format: f.format, LogFormat: f.logFormat, Fields: f.fields}
	if !strings.ContainsAny(f.filter.Host, "*?") {
		o.Accesslog.Host = f.filter.Host
	}
	if f.timezone != "" {
		if o.Accesslog.Timezone, err = time.LoadLocation(f.timezone); err != nil {
			return o, nil, usage(fmt.Errorf("--timezone %q: %w", f.timezone, err))
		}
	}
	if f.format != "" || f.logFormat != "" {
		if _, err := accesslog.New(o.Accesslog); err != nil {
			return o, nil, usage(err)
		}
	}
	if f.format == "" && len(f.fields) > 0 {
		named := o.Accesslog
		named.Format = "json"
		if _, err := accesslog.New(named); err != nil {
			return o, nil, usage(err)
		}
	}
	if o.Keys, err = readKeys(f.tlsKeys); err != nil {
		return o, nil, usage(err)
	}
	redactor, err := f.redactor()
	if err != nil {
		return o, nil, err
	}
	o.Filter, o.Redactor, o.Dedupe = filter, redactor, f.dedupe
	return o, redactor, nil
}

// readKeys reads a key log; nil where none is named.
func readKeys(name string) (*tlskeys.Keys, error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	keys := new(tlskeys.Keys)
	return keys, errors.Join(keys.Read(file, name), file.Close())
}

// open opens the sources.
func (a *app) open(ctx context.Context, args []string, in *inputFlags) (*source.Set, *capture.Redactor, error) {
	o, redactor, err := in.options()
	if err != nil {
		return nil, nil, err
	}
	o.Stdin = a.stdin
	p := reading{began: time.Now()}
	o.Progress = func(bytes, lines int64) {
		if p.ends(bytes) {
			a.term.done() // so that the last line is drawn, whenever the one before was
		}
		a.term.statusf("%s", p.line(bytes, lines, time.Since(p.began)))
	}
	set, err := source.Open(ctx, args, o)
	if err == nil {
		p.total, p.known = set.Size()
	}
	return set, redactor, withFormatHint(err)
}

// tell passes on what was noticed about the sources, once they have been read.
func (a *app) tell(set *source.Set) {
	a.term.done()
	for _, n := range set.Notes() {
		a.term.notef("%s", n)
	}
	for _, n := range set.Warnings() {
		a.term.warnf("%s", n)
	}
}

// withFormatHint says what to do about a log that was not recognised.
func withFormatHint(err error) error {
	switch {
	case errors.Is(err, accesslog.ErrKeys):
		return &exit{exitTrouble, err, []string{fieldHint}}
	case errors.Is(err, accesslog.ErrUnknown):
		return &exit{exitTrouble, err, []string{formatHint}}
	}
	return err
}

// The next step where a log was not recognised, and where the keys of its JSON were not.
const (
	formatHint = `replay capture access.log --log-format '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent'`
	fieldHint  = `replay capture app.json --field method=.req.verb --field target=.req.url --field at=.ts:unix_ms`
)

// captured is a capture file to read from, imported into a temporary one where the arguments were sources.
type captured struct {
	path   string
	name   string // of the first argument
	remove func() error
	meta   capture.Meta
}

// asCapture gives a capture file for the arguments: itself, when they are one capture file and nothing is
// filtered, else a temporary one that close removes.
func (a *app) asCapture(ctx context.Context, args []string, in *inputFlags) (*captured, error) {
	c := &captured{name: filepath.Base(args[0]), remove: func() error { return nil }}
	if len(args) == 1 && in.filter == (capture.FilterFlags{}) && in.rules == "" {
		if r, err := capture.Open(args[0]); err == nil {
			defer r.Close()
			if m, ok := r.Meta(); ok && m.Disorder == 0 {
				c.path, c.meta = args[0], m
				return c, checkOutputs(in.outs, sameAs(args[0]))
			}
		}
	}
	dir, err := os.MkdirTemp("", "replay-")
	if err != nil {
		return nil, err
	}
	c.path = filepath.Join(dir, "input.cap.zst")
	c.remove = func() error { return os.RemoveAll(dir) }
	w, _, err := a.importTo(ctx, args, in, c.path, capture.WriterOptions{Tool: toolVersion()})
	if err != nil {
		return nil, errors.Join(err, c.remove())
	}
	c.meta = w.Meta()
	for i := range c.meta.Sources {
		a.warnSkipped(&c.meta.Sources[i])
	}
	return c, nil
}

// Open starts reading the capture from its beginning; the reader closes itself with Close.
func (c *captured) Open() (capture.Stream, error) { return capture.Open(c.path) }

// Ledgers are the accounts of what the capture was made from.
func (c *captured) Ledgers() []capture.Ledger { return c.meta.Sources }

// interruptible gives a context that the first interrupt ends. The second kills the program, whatever it is waiting for:
// what the disk has by then stays. The function that is returned ends both.
func (a *app) interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		for n := 0; ; {
			select {
			case s := <-a.interrupts:
				if n++; n > 1 && s != syscall.SIGHUP { // a terminal that goes may say so twice
					a.kill(exitInterrupted)
				}
				cancel()
			case <-done:
				return
			}
		}
	}()
	return ctx, sync.OnceFunc(func() {
		cancel()
		close(done)
	})
}
