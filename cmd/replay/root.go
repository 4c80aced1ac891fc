package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"trafficreplay/analyze/render"
)

// app is what every command shares.
type app struct {
	term       *terminal
	stdin      io.Reader
	interrupts <-chan os.Signal
	kill       func(code int) // ends the program at once
	json       bool
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "replay",
		Short: "Turn production traffic into a load test, and say per endpoint whether the SLOs hold",
		Long: `Replay derives a realistic workload from what production already wrote (access logs), re-issues it
at any scale against staging, and says per endpoint whether the SLOs hold.

  replay capture access.log*.gz -o prod.cap.zst
  replay shape prod.cap.zst -o shop.workload.yaml
  replay run shop.workload.yaml --target http://staging.example --scale 3x
  replay analyze runs/NAME

Every stage accepts what the earlier stages accept: 'replay run access.log.gz --target http://localhost:8080'
is a complete first use. 'replay demo' shows all of it on bundled traffic.
` + exitStatusHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().BoolVar(&a.term.quiet, "quiet", false, "no progress and no notes on stderr; errors and warnings stay")
	root.AddCommand(newCapture(a), newShape(a), newRun(a), newAnalyze(a), newInspect(a), newExport(a), newDemo(a), newVersion(a))
	return root
}

// jsonFlag adds --json to a command.
func (a *app) jsonFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&a.json, "json", false, "print one JSON document on stdout and nothing else there")
}

// printJSON writes a document to stdout.
func (a *app) printJSON(v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := a.term.out.Write(render.EscapeJSON(b.Bytes()))
	return err
}

func newVersion(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long:  "Print the version of replay, of Go and of the platform it was built for.\n" + exitStatusHelp,
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if a.json {
				return a.printJSON(map[string]string{"schema": "replay.version/1", "version": toolVersion(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
			}
			_, err := fmt.Fprintf(a.term.out, "replay %s (%s, %s/%s)\n", toolVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
	a.jsonFlag(cmd)
	return cmd
}

// toolVersion is the linker's version, or the module's when installed with go install.
func toolVersion() string {
	if version == "dev" {
		if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" && b.Main.Version != "(devel)" {
			return b.Main.Version
		}
	}
	return version
}
