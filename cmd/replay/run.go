package main

import (
	"time"

	"github.com/spf13/cobra"
)

// runFlags are what was typed; see options for what it means.
type runFlags struct {
	in                           inputFlags
	targets                      []string
	scale, rate, speed           string
	duration, warmup, timeout    time.Duration
	thresholds                   []string
	seed                         uint64
	maxInFlight                  int
	connections                  string
	allowWrites                  []string
	allowCapturedHosts, captured []string
	insecure, planOnly, strict   bool
	out                          string
}

func newRun(a *app) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run WORKLOAD|CAPTURE|SOURCE... --target URL",
		Short: "Re-issue the traffic against a target and judge every threshold",
		Long: `Re-issue the traffic against a target, open-loop, and judge every threshold.

From a capture or an access log the captured sessions are re-issued at their captured offsets. From a workload file
sessions are drawn from its model. --scale multiplies users and keeps each one's behaviour; --speed squeezes time and
is a different thing. Latency counts from the instant a request was due. A run whose generator could not keep the plan
is INVALID, never a pass.

--target is the consent to send; loopback is always allowed, captured hosts are refused. Writes are withheld until
--allow-writes. The first Ctrl-C stops sending, drains and reports; the second kills.
` + exitStatusHelp,
		Example: `  replay run access.log.gz --target http://localhost:8080 --scale 3x
  replay run shop.workload.yaml --target http://staging.example --rate 500/s --duration 10m --threshold 'p99 < 250ms'
  replay run prod.cap.zst --target http://127.0.0.1:8080 --speed 100x --threshold 'GET /api/**: error_rate < 0.1%'`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.run(cmd.Context(), args, &f) },
	}
	fs := cmd.Flags()
	fs.StringArrayVar(&f.targets, "target", nil, "where to send: URL, or HOST=URL for one captured host (repeatable); required")
	fs.StringVar(&f.scale, "scale", "1x", "multiply users: 3x, 0.5x")
	fs.StringVar(&f.rate, "rate", "", "mean rate to reach by scaling users: 500/s, 30k/min")
	fs.StringVar(&f.speed, "speed", "1x", "squeeze time: 100x makes an hour last 36 seconds")
	fs.DurationVar(&f.duration, "duration", 0, "send the busiest stretch of this length (default: everything)")
	fs.DurationVar(&f.warmup, "warmup", 0, "exclude the first part of the run from every verdict")
	fs.StringArrayVar(&f.thresholds, "threshold", nil, "a threshold such as 'GET /api/**: p99 < 250ms' (repeatable); added to the workload's")
	fs.Uint64Var(&f.seed, "seed", 0, "seed of the plan (default: the workload's, else 1)")
	fs.DurationVar(&f.timeout, "timeout", 0, "give up on a response after this long (default: 30s, at least 4 times the tightest latency threshold)")
	fs.IntVar(&f.maxInFlight, "max-in-flight", 10000, "requests outstanding before further ones are dropped and charged to their endpoint")
	fs.StringVar(&f.connections, "connections", "captured", "captured (each client its own), per-request, or pool=N")
	fs.StringArrayVar(&f.allowWrites, "allow-writes", nil, "send writes too, all or those that match GLOB (repeatable)")
	fs.Lookup("allow-writes").NoOptDefVal = "**"
	fs.StringArrayVar(&f.allowCapturedHosts, "allow-captured-host", nil, "allow a target that is a captured host (repeatable)")
	fs.StringArrayVar(&f.captured, "captured-host", nil, "host that the capture is of, or unknown: needed off loopback when the capture names none")
	fs.BoolVar(&f.insecure, "insecure", false, "do not verify the target's certificate")
	fs.BoolVar(&f.planOnly, "plan-only", false, "stop before the first byte and print what would be sent")
	fs.BoolVar(&f.strict, "strict", false, "exit 96 when a threshold stays undecided")
	fs.StringVarP(&f.out, "out", "o", "", "run folder to write (default: runs/TIME-NAME)")
	f.in.add(cmd)
	a.jsonFlag(cmd)
	return cmd
}
