package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"trafficreplay/capture"
	"trafficreplay/shape"
)

type shapeFlags struct {
	in           inputFlags
	out, assign  string
	name         string
	seed         uint64
	maxEndpoints int
}

func newShape(a *app) *cobra.Command {
	var f shapeFlags
	cmd := &cobra.Command{
		Use:   "shape CAPTURE|SOURCE... -o FILE.workload.yaml",
		Short: "Fit a workload: endpoints and their mix, arrivals, sessions, thresholds",
		Long: `Fit a workload to captured requests: endpoints learnt from the paths, their mix, the rate over time, bursts,
sessions, and thresholds proposed from the latency that was observed. The result is a small file to review and
commit, with the session pool beside it. What is printed ends with how far the plan at 1x is from the capture, part by part,
against what chance alone gives (docs/statistics.md).

A file that exists is fitted again: what people write into it (thresholds, expect, safety, seed) is kept.
` + exitStatusHelp,
		Example: `  replay shape prod.cap.zst -o shop.workload.yaml
  replay shape access.log.gz -o shop.workload.yaml --assign endpoints.ndjson`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.shape(cmd.Context(), args, &f) },
	}
	fs := cmd.Flags()
	fs.StringVarP(&f.out, "out", "o", "", "workload file to write (default: the input's name with .workload.yaml, in this folder)")
	fs.StringVar(&f.assign, "assign", "", "write the endpoint of every request to this file, one JSON object a line")
	fs.StringVar(&f.name, "name", "", "name of the workload (default: the output's)")
	fs.Uint64Var(&f.seed, "seed", 0, "seed of the plan (default: the file's, else 1)")
	fs.IntVar(&f.maxEndpoints, "max-endpoints", 200, "endpoints to keep; the tail becomes 'other'")
	f.in.add(cmd)
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) shape(ctx context.Context, args []string, f *shapeFlags) (err error) {
	ctx, cancel := a.interruptible(ctx)
	defer cancel()
	if f.out == "" {
		f.out = defaultOut(args[0], ".workload.yaml")
	}
	f.in.outs = []output{{"-o", f.out}, {"--assign", f.assign}}
	in, err := a.asCapture(ctx, args, &f.in)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.remove()) }()
	fit, err := shape.Fit(ctx, in, shape.FitOptions{
		Name: workloadName(f), Seed: f.seed, MaxEndpoints: f.maxEndpoints, Hosts: in.meta.Hosts, HostsUnknown: in.hostsUnknown(),
	})
	if err != nil {
		return err
	}
	if f.assign != "" {
		if err := writeAssignment(f.assign, in, fit); err != nil {
			return err
		}
	}
	if err := fit.Workload.Save(f.out, fit.Pool); err != nil {
		return err
	}
	doc := fit.Document(f.out)
	if a.json {
		return a.printJSON(doc)
	}
	return writeShapeText(a.term, &doc)
}

// hostsUnknown says that the capture does not name every host it is of.
func (c *captured) hostsUnknown() bool { return c.meta.HostsOverflow || c.meta.Hostless > 0 }

func workloadName(f *shapeFlags) string {
	if f.name != "" {
		return f.name
	}
	return strings.TrimSuffix(defaultOut(f.out, ""), ".workload")
}

// writeAssignment writes, whole or not at all, {"n":1,"src":"access.log:118","endpoint":"GET /api/items/{id}"} for every request.
func writeAssignment(path string, in *captured, fit *shape.Fitted) error {
	part := path + ".part"
	file, err := os.Create(part)
	if err != nil {
		return fmt.Errorf("--assign %s: %w", path, cause(err))
	}
	w := bufio.NewWriterSize(file, 1<<16)
	if err := errors.Join(assignTo(w, in, fit), w.Flush(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return os.Rename(part, path)
}

// assignTo writes the rows of the assignment.
func assignTo(w io.Writer, in *captured, fit *shape.Fitted) error {
	r, err := capture.Open(in.path)
	if err != nil {
		return err
	}
	defer r.Close()
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	var q capture.Request
	for n := int64(1); ; n++ {
		if err := r.Next(&q); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		row := struct {
			N        int64  `json:"n"`
			Src      string `json:"src"`
			Endpoint string `json:"endpoint"`
		}{n, string(q.Src), fit.Workload.Endpoints[fit.Assign(&q)].ID}
		if err := enc.Encode(row); err != nil {
			return err
		}
	}
}

func writeShapeText(t *terminal, d *shape.Document) error {
	p := t.printer()
	p.linef("%s requests in %s, %d endpoints, %s sessions of %.1f requests", thousands(d.Requests), seconds(d.WindowS), len(d.Endpoints), thousands(d.Sessions.Count), d.Sessions.MeanLength)
	p.linef("rate %.3g/s on average, peak %.3g/s; stamps resolve %s", d.Rate.Mean, d.Rate.Peak, seconds(d.ResolutionS))
	p.linef("")
	p.linef("%8s %10s  %s", "share", "requests", "endpoint")
	for i, e := range d.Endpoints {
		if i == 20 {
			p.linef("%8s %10s  %d more in the file", "", "", len(d.Endpoints)-i)
			break
		}
		p.linef("%7.2f%% %10s  %s", 100*e.Share, thousands(e.Requests), e.ID)
	}
	if len(d.IDC) > 0 {
		p.linef("")
		p.linef("%10s %10s %10s  burstiness (index of dispersion; 1 is Poisson): %s, %s", "window", "captured", "model", d.Arrivals.Family, counted(int64(len(d.Arrivals.Terms)), "term"))
		for _, r := range d.IDC {
			p.linef("%10s %10.3g %10.3g", seconds(r.TS), r.Capture, r.Model)
		}
	}
	writeFidelityText(p, &d.Fidelity)
	p.linef("")
	p.linef("%s", d.Out)
	return p.err
}

// writeFidelityText prints how far the plan at scale 1 is from what was captured.
func writeFidelityText(p *printer, d *shape.DocumentFidelity) {
	p.linef("")
	if len(d.Parts) > 0 {
		p.linef("the plan at 1x (%s requests) against the capture (%s): fidelity %.0f of 100, %s by the worst part", thousands(d.Planned), thousands(d.Captured), d.Score, d.Verdict)
		p.linef("%6s %9s %9s  %s", "score", "distance", "by chance", "part")
		for _, x := range d.Parts {
			p.linef("%6.0f %9.3g %9.3g  %s", x.Score, x.Distance, x.Floor, strings.TrimSuffix(x.Name+": "+x.Note, ": "))
		}
	}
	for _, x := range d.NotAssessed {
		p.linef("  not assessed: %s", x)
	}
}

// seconds prints a length in its natural unit.
func seconds(s float64) string {
	switch {
	case s == 0:
		return "0s"
	case s < 1:
		return fmt.Sprintf("%.3gms", 1000*s)
	case s < 120:
		return fmt.Sprintf("%.3gs", s)
	case s < 2*3600:
		return fmt.Sprintf("%.1fmin", s/60)
	}
	return fmt.Sprintf("%.1fh", s/3600)
}
