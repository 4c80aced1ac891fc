package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"trafficreplay/capture"
)

func newInspect(a *app) *cobra.Command {
	var verify bool
	cmd := &cobra.Command{
		Use:   "inspect FILE.cap.zst",
		Short: "Say what is in a capture file",
		Long: `Say what is in a capture file: span, sources and their ledgers, hosts. --verify reads every request and says
whether they are whole, torn at the end, or damaged in the middle, and how many are sound; the seek table is not checked.
` + exitStatusHelp,
		Example: "  replay inspect prod.cap.zst\n  replay inspect --verify prod.cap.zst",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := capture.Open(args[0])
			if err != nil {
				return err
			}
			defer r.Close()
			if verify {
				return a.verify(args[0], r)
			}
			m, ok := r.Meta()
			if !ok {
				err := fmt.Errorf("%s: no metadata: the file is torn or still being written", args[0])
				return &exit{exitTrouble, err, []string{fmt.Sprintf("replay inspect --verify %s", args[0])}}
			}
			if a.json {
				return a.printJSON(m)
			}
			return writeMetaText(a.term, args[0], &m)
		},
	}
	cmd.Flags().BoolVar(&verify, "verify", false, "read everything and check it")
	a.jsonFlag(cmd)
	return cmd
}

// verify reads the whole file; damage is an error that says where.
func (a *app) verify(path string, r *capture.Reader) error {
	var q capture.Request
	var n int64
	for {
		if err := r.Next(&q); err == io.EOF {
			break
		} else if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		n++
	}
	m, ok := r.Meta()
	if !ok || m.Requests != n {
		return fmt.Errorf("%s: metadata promises %d requests, %d were read", path, m.Requests, n)
	}
	if a.json {
		return a.printJSON(m)
	}
	p := a.term.printer()
	p.linef("%s: whole, %s requests", path, thousands(n))
	return p.err
}

func writeMetaText(t *terminal, path string, m *capture.Meta) error {
	d := captureDocument{Requests: m.Requests, First: stamp(m.First), Last: stamp(m.Last), Out: path, Sources: m.Sources}
	if err := writeCaptureText(t, &d); err != nil {
		return err
	}
	p := t.printer()
	p.linef("  hosts: %d named, %s requests name none", len(m.Hosts), thousands(m.Hostless))
	p.linef("  redaction rules: %s; written by replay %s", m.Redaction, m.Tool)
	return p.err
}
