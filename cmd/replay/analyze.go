package main

import (
	"github.com/spf13/cobra"

	"trafficreplay/analyze"
)

func newAnalyze(a *app) *cobra.Command {
	var strict bool
	cmd := &cobra.Command{
		Use:   "analyze RUN",
		Short: "Judge a run again and rewrite its report, from the run folder alone",
		Long: `Judge a run again from its run folder alone, print the verdict, and rewrite report.html, junit.xml and summary.md
in it. The verdict is recomputed from the exact counts in run.json and must equal the live one.
` + exitStatusHelp,
		Example: "  replay analyze runs/20261124-093000-shop\n  replay analyze runs/20261124-093000-shop --json | jq .verdict",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := analyze.Load(args[0])
			if err != nil {
				return err
			}
			if err := writeReports(args[0], r); err != nil {
				return err
			}
			return a.answer(r, strict)
		},
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "exit 96 when a threshold stays undecided")
	a.jsonFlag(cmd)
	return cmd
}
