package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"trafficreplay/capture"
	"trafficreplay/capture/proxy"
	"trafficreplay/capture/source"
)

func newCapture(a *app) *cobra.Command {
	var in inputFlags
	var out string
	var roll rollFlags
	var explain int64
	var strict bool
	var card interfaceFlags
	var px proxyFlags
	cmd := &cobra.Command{
		Use:   "capture SOURCE... -o FILE.cap.zst",
		Short: "Import production requests from access logs and packets into a capture file",
		Long: `Import production requests from access logs and packets into one capture file, in order of arrival.

SOURCE is a file, a glob, a folder or - (standard input): access logs (docs/capture-logs.md lists the formats; any other by
--log-format or --field), packets that tcpdump or others recorded (pcap, pcapng; docs/capture-packets.md), HAR, GoReplay and
Vegeta files (docs/other-tools.md), capture files, and lines of our own NDJSON; format, wrappers and compression are
recognised by content. Rotated and overlapping files are merged. Every line is a request, or is counted under a reason; so is
every packet, and every byte of TCP. Secrets are removed before anything is written (docs/safety.md); the file appears under
its name only when whole.

What comes through a pipe is written as it comes: to FILE.part, which every command opens, each second, so that a kill
loses no more. At the end of the pipe the file is sorted and renamed; Ctrl-C finishes it in the order of reading, a second one
kills and leaves FILE.part. --roll goes on in another file, NAME.20261123T140000Z.cap.zst, at a size or a time; together
these read as one.

--interface captures packets off a network interface (Linux, as root or with CAP_NET_RAW, which is given up once it is open;
elsewhere pipe tcpdump -w - into it) and writes requests as their responses end. Packets that the kernel dropped are counted,
warned of and in the ledger.
--proxy ADDRESS --upstream URL listens, passes all bytes on to one upstream and back, and records the requests likewise
(docs/capture-proxy.md).
` + exitStatusHelp,
		Example: `  replay capture /var/log/nginx/access.log* -o prod.cap.zst
  zcat access.log.gz | replay capture - -o prod.cap.zst
  tail -F /var/log/nginx/access.log | replay capture - --roll 1h -o prod.cap.zst
  replay capture --interface eth0 --port 80,8080 --roll 1h -o prod.cap.zst
  replay capture --proxy :8080 --upstream http://localhost:9000 -o prod.cap.zst
  replay capture app.log --log-format '$remote_addr [$time_local] "$request" $status $request_time' -o prod.cap.zst
  replay capture app.json --field method=.req.verb --field end=.ts:unix_ms --field duration=.took:ms -o prod.cap.zst
  replay capture app.log --explain
  replay capture '/var/tmp/prod*.pcap' --tls-keys keys.txt -o prod.cap.zst
  tcpdump -i any -s 0 -U -w - 'tcp port 80' | replay capture - -o prod.cap.zst`,
		Args: func(cmd *cobra.Command, args []string) error {
			if (card.on() || px.on()) && !cmd.Flags().Changed("explain") {
				return nil
			}
			return cobra.MinimumNArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("explain") {
				return a.explain(cmd.Context(), args, &in, explain)
			}
			return a.capture(cmd.Context(), args, &card, &px, &in, out, &roll, strict)
		},
	}
	in.add(cmd)
	cmd.Flags().StringVarP(&out, "out", "o", "", "capture file to write (default: the first source's name with .cap.zst, in this folder)")
	cmd.Flags().StringVar(&card.name, "interface", "", "capture from this network interface (Linux), until Ctrl-C")
	cmd.Flags().StringSliceVar(&card.ports, "port", nil, "of --interface: only TCP from or to these ports, such as 80,8080")
	px.add(cmd)
	cmd.Flags().StringSliceVar(&roll.typed, "roll", nil, "live: go on in another file at this size (1GB) or time (1h); may be both")
	cmd.Flags().BoolVar(&strict, "strict", false, "look through the file before it gets its name: a value kept that looks like a secret is an error")
	cmd.Flags().Int64Var(&explain, "explain", 0, "only print how the first request was understood, or with =N line N, and write nothing")
	cmd.Flags().Lookup("explain").NoOptDefVal = "0"
	a.jsonFlag(cmd)
	return cmd
}

// captureDocument is what capture --json prints.
type captureDocument struct {
	Schema   string           `json:"schema"`
	Requests int64            `json:"requests"`
	First    string           `json:"first"`
	Last     string           `json:"last"`
	Out      string           `json:"out"`
	Outs     []string         `json:"outs,omitempty"` // with --roll: all files, Out being the last
	Redacted map[string]int64 `json:"redacted"`       // values by class
	Sources  []capture.Ledger `json:"sources"`
	Proxy    *proxy.Counts    `json:"proxy,omitempty"` // with --proxy: what became of the connections
}

func (a *app) capture(ctx context.Context, args []string, card *interfaceFlags, px *proxyFlags, in *inputFlags, out string, roll *rollFlags, strict bool) error {
	if err := errors.Join(roll.parse(), px.check(args, card, in)); err != nil {
		return err
	}
	if strict && in.keepSecrets {
		return usage(errors.New("--strict and --keep-secrets exclude each other: one refuses what the other keeps"))
	}
	ports, err := card.parse(args, in)
	if err != nil {
		return err
	}
	live := card.on() || px.on() || a.isLive(args)
	if roll.on() && !live {
		return usage(errors.New("--roll: only a live capture, of - alone, an interface or a proxy, goes on from file to file"))
	}
	switch {
	case out != "":
	case card.on():
		out = card.name + ".cap.zst"
	case px.on():
		out = "proxy.cap.zst"
	default:
		out = defaultOut(args[0], ".cap.zst")
	}
	ctx, cancel := a.interruptible(ctx)
	defer cancel()
	boundMemory()
	signal.Ignore(syscall.SIGPIPE) // who reads what is said may go; the capture goes on
	o := capture.WriterOptions{Tool: toolVersion()}
	if strict {
		whole := ctx
		if live { // which Ctrl-C finishes
			whole = context.WithoutCancel(ctx)
		}
		o.Check = func(unfinished string) error { return a.checkKept(whole, unfinished) }
	}
	if card.on() {
		doc, err := a.captureInterface(ctx, card, ports, in, out, roll, o)
		return errors.Join(a.answerCapture(doc), err)
	}
	if px.on() {
		doc, err := a.captureProxy(ctx, px, in, out, roll, o)
		return errors.Join(a.answerCapture(doc), err)
	}
	if live {
		doc, done, err := a.captureLive(ctx, in, out, roll, o)
		if done {
			return errors.Join(a.answerCapture(doc), err)
		}
	}
	w, hits, err := a.importTo(ctx, args, in, out, o)
	if err != nil {
		return err
	}
	m := w.Meta()
	return a.answerCapture(&captureDocument{
		Schema: "replay.capture/1", Requests: m.Requests, First: stamp(m.First), Last: stamp(m.Last),
		Out: out, Redacted: hits, Sources: m.Sources,
	})
}

// answerCapture says what was captured; nil: nothing.
func (a *app) answerCapture(doc *captureDocument) error {
	if doc == nil {
		return nil
	}
	for i := range doc.Sources {
		a.warnSkipped(&doc.Sources[i])
	}
	if a.json {
		return a.printJSON(doc)
	}
	return writeCaptureText(a.term, doc)
}

// importTo imports sources into a capture file at path, which exists only when the whole import succeeded.
func (a *app) importTo(ctx context.Context, args []string, in *inputFlags, path string, o capture.WriterOptions) (_ *capture.Writer, hits map[string]int64, err error) {
	set, redactor, err := a.open(ctx, args, in)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	if err := checkOutputs(append(in.outs, output{"-o", path}), set.Reads); err != nil {
		return nil, nil, err
	}
	o.Redactor = redactor
	w, err := capture.Create(path, o)
	if err != nil {
		return nil, nil, err
	}
	err = set.CopyTo(w)
	if err == nil || errors.Is(err, source.ErrEmpty) { // why nothing came out is in what is told
		a.tell(set)
	}
	if err != nil {
		return nil, nil, errors.Join(err, w.Abort())
	}
	a.warnSpared(in.rules, redactor.Spared())
	w.SetSources(set.Ledgers())
	w.SetRedactedBefore(set.RedactedBefore())
	return w, redactor.Hits(), w.Close()
}

func stamp(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }

// warnSkipped says how much of a source was not read as requests, with the first example.
func (a *app) warnSkipped(l *capture.Ledger) {
	if bad := l.Bad(); bad > 0 {
		first := ""
		if len(l.Examples) > 0 {
			e := l.Examples[0]
			first = fmt.Sprintf(" (first: %s: %s: %s)", e.Src, e.Reason, e.Part)
		}
		a.term.warnf("%s: %s skipped%s", l.Name, skippedOf(l, bad), first)
	}
}
