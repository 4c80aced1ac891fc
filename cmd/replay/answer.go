package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"trafficreplay/analyze"
	"trafficreplay/analyze/render"
	"trafficreplay/replay"
)

// writeReports writes the views of a run into its folder.
func writeReports(dir string, r *analyze.Report) error {
	for _, v := range []struct {
		name string
		view func(io.Writer, *analyze.Report) error
	}{
		{"report.html", render.HTML},
		{"junit.xml", render.JUnit},
		{"summary.md", render.Markdown},
	} {
		if err := writeView(filepath.Join(dir, v.name), r, v.view); err != nil {
			return err
		}
	}
	return nil
}

func writeView(path string, r *analyze.Report, view func(io.Writer, *analyze.Report) error) error {
	f, err := os.OpenFile(path+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(view(f, r), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

// answer prints a report on stdout and ends with its verdict's exit code. A run that was strict stays so.
func (a *app) answer(r *analyze.Report, strict bool) error {
	_, r.Document.ExitCode, _ = replay.Judge(r.Document, strict || r.Document.Options.Strict)
	if a.json {
		if err := a.printJSON(r.JSON()); err != nil {
			return err
		}
	} else if err := render.Text(a.term.out, r, render.TextOptions{Colour: a.term.colour}); err != nil {
		return err
	}
	return verdictExit(r.Document.ExitCode)
}

// verdictExit ends the command with a verdict's code, after everything has been said.
func verdictExit(code int) error {
	if code == exitOK {
		return nil
	}
	return &exit{code: code}
}
