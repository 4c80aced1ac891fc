package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"trafficreplay/capture"
	"trafficreplay/capture/proxy"
	"trafficreplay/capture/source"
)

// proxyFlags say what a recording proxy listens on and where it passes requests to.
type proxyFlags struct {
	listen, upstream string
	cert, key        string
}

func (f *proxyFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.listen, "proxy", "", "live: listen on this address, such as 127.0.0.1:8080 or :8080, and record what is passed on to --upstream")
	fs.StringVar(&f.upstream, "upstream", "", "with --proxy: where to, such as http://localhost:9000 or https://[2001:db8::1]")
	fs.StringVar(&f.cert, "proxy-cert", "", "with --proxy: listen with TLS, and this certificate (PEM)")
	fs.StringVar(&f.key, "proxy-key", "", "with --proxy-cert: its key (PEM)")
}

func (f *proxyFlags) on() bool { return *f != (proxyFlags{}) }

// check refuses what does not go together.
func (f *proxyFlags) check(args []string, card *interfaceFlags, in *inputFlags) error {
	if !f.on() {
		return nil
	}
	switch {
	case len(args) > 0:
		return usage(fmt.Errorf("--proxy and %s: a proxy records what it passes on, and reads no source", args[0]))
	case card.on():
		return usage(errors.New("--proxy and --interface: one at a time"))
	case f.listen == "" || f.upstream == "":
		return usage(errors.New("--proxy ADDRESS and --upstream URL belong together"))
	case (f.cert == "") != (f.key == ""):
		return usage(errors.New("--proxy-cert FILE and --proxy-key FILE belong together"))
	case in.tlsKeys != "":
		return usage(errors.New("--proxy and --tls-keys: a proxy opens no TLS that it passes on; --proxy-cert and --proxy-key make it speak TLS itself"))
	}
	return in.noLog("--proxy")
}

// options turns what was typed into what it means.
func (f *proxyFlags) options() (o proxy.Options, err error) {
	if o.Upstream, err = proxy.ParseUpstream(f.upstream); err != nil {
		return o, usage(fmt.Errorf("--upstream %q: %w", shownURL(f.upstream), err))
	}
	_, port, err := net.SplitHostPort(f.listen)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return o, usage(fmt.Errorf("--proxy %q: want HOST:PORT or :PORT", f.listen))
	}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return o, fmt.Errorf("--proxy-cert %s: %w", f.cert, err)
		}
		o.Certificate = &pair
	}
	return o, nil
}

// shownURL is a URL as it may be shown: without a password.
func shownURL(s string) string {
	if u, err := url.Parse(s); err == nil {
		return u.Redacted()
	}
	return s
}

// proxied is a proxy as a recording. It ends when its context does.
type proxied struct {
	*proxy.Proxy
	ctx context.Context
}

func (p proxied) Copy(out source.Sink) error { return p.Proxy.Copy(p.ctx, out) }

func (p proxied) Notes() []string { return nil }

// Empty says what came instead of requests.
func (p proxied) Empty() error {
	l, c := p.Ledger(), p.Counts()
	switch {
	case c.Connections == 0:
		return errors.New("no requests: no connection came")
	case l.Skipped["tls-no-key"] > 0:
		return fmt.Errorf("no requests: of %s connections %s speak TLS with the upstream: --proxy-cert and --proxy-key make the proxy listen with TLS itself",
			thousands(c.Connections), thousands(l.Skipped["tls-no-key"]))
	}
	return fmt.Errorf("no requests on %s, %s bytes; filtered %s, skipped %s%s", counted(c.Connections, "connection"), thousands(c.Bytes),
		thousands(l.Filtered), thousands(total(l.Skipped)), countsText(l.Skipped))
}

// captureProxy passes requests on until the user ends it, and writes them to the disk each second.
func (a *app) captureProxy(ctx context.Context, px *proxyFlags, in *inputFlags, path string, roll *rollFlags, w capture.WriterOptions) (*captureDocument, error) {
	o, err := px.options()
	if err != nil {
		return nil, err
	}
	reading, redactor, err := in.options()
	if err != nil {
		return nil, err
	}
	if err := checkOutputs(append(in.outs, output{"-o", path}), func(os.FileInfo) bool { return false }); err != nil {
		return nil, err
	}
	o.Filter, o.NoBodies = reading.Filter, in.noBodies
	o.Warn = func(msg string) { a.term.warnf("%s", msg) }
	p, err := proxy.Listen(ctx, px.listen, o)
	if err != nil {
		return nil, fmt.Errorf("--proxy %s: %w", px.listen, err)
	}
	w.Redactor, w.Live = redactor, true
	w.Ledgers = func() []capture.Ledger { return []capture.Ledger{p.Ledger()} }
	out := &liveOut{a: a, live: proxied{p, ctx}, path: path, roll: roll, o: w}
	if err := out.open(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	at := p.Addr().String()
	if p.Addr().IP.IsUnspecified() {
		at = fmt.Sprintf("port %d of every interface of this machine", p.Addr().Port)
	}
	a.term.notef("listening on %s, passing on to %s, recording into %s.part; Ctrl-C ends it", at, o.Upstream, out.current)
	defer context.AfterFunc(ctx, func() {
		a.term.notef("no more connections are accepted; requests under way have %v to end", proxy.DrainFor)
	})()
	doc, err := out.copy(ctx)
	out.tellEmpty()
	a.warnSpared(in.rules, redactor.Spared())
	if doc != nil {
		doc.Redacted = redactor.Hits()
		counts := p.Counts()
		doc.Proxy = &counts
	}
	return doc, err
}

// writeStreamsText prints what became of the bytes of connections.
func writeStreamsText(p *printer, l *capture.Ledger) {
	p.linef("  %s: %s payload bytes = %s in messages + %s skipped%s", l.Name, thousands(l.PayloadBytes), thousands(l.MessageBytes),
		thousands(total(l.SkippedBytes)), countsText(l.SkippedBytes))
	if lost := total(l.LostBytes); lost > 0 {
		p.linef("    %s bytes were not read:%s", thousands(lost), countsText(l.LostBytes))
	}
	p.linef("    %s connections: %s requests (%s filtered), %s responses", thousands(l.Streams), thousands(l.Requests+l.Filtered),
		thousands(l.Filtered), thousands(l.Responses))
}

func writeProxyText(p *printer, c *proxy.Counts) {
	p.linef("    of %s connections the upstream was not reached by %s, %s were torn down by a side, %s were cut at the end",
		thousands(c.Connections), thousands(c.Failed), thousands(c.Aborted), thousands(c.Cut))
}
