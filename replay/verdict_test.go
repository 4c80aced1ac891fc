package replay

import (
	"strings"
	"testing"
	"time"

	"trafficreplay/replay/threshold"
)

// judged makes a threshold's result with this verdict, and this one without our lag.
func judged(v, withLag threshold.Verdict) threshold.Result {
	return threshold.Result{Expr: "p99 < 250ms", Verdict: v, WithLag: withLag, N: 20, Needed: 299,
		Exceed: threshold.Exceed{P: 0.031, Limit: 0.01}}
}

func run(results ...threshold.Result) *Document {
	return &Document{Planned: 10_000, Sent: 10_000, OK: 10_000, Endpoints: []EndpointResult{{ID: "GET /a", Thresholds: results}}}
}

func TestJudge(t *testing.T) {
	pass, fail := judged("pass", "pass"), judged("fail", "fail")
	ourFail, undecided := judged("fail", "pass"), judged("undecided", "undecided")
	late := func(d *Document) { d.DroppedLate = 1 }
	for _, tt := range []struct {
		name       string
		d          *Document
		change     func(*Document)
		want       Verdict
		code       int
		codeStrict int
		reason     string // contained in the first reason
	}{
		{"all hold", run(pass, pass), nil, Pass, 0, 0, "All 2 thresholds held"},
		{"one holds", run(pass), nil, Pass, 0, 0, "The only threshold held"},
		{"some undecided", run(pass, undecided), nil, Pass, 0, 96, "1 threshold held out of those"},
		{"none decided", run(undecided), nil, Inconclusive, 0, 96, "No threshold could be decided"},
		{"no thresholds", run(), nil, Inconclusive, 0, 96, "No threshold was set"},
		{"one fails", run(pass, fail, undecided), nil, Fail, 99, 99, "p99 < 250ms does not hold on GET /a: 3.1% of 20 samples"},
		{"fails by our lag in a valid run", run(ourFail), nil, Fail, 99, 99, "does not hold"},
		{"lag gate", run(pass), func(d *Document) { d.LagUS.P99 = 5001 }, Invalid, 97, 97, "lag p99 was 5 ms, limit 5 ms"},
		{"lag at the gate", run(pass), func(d *Document) { d.LagUS.P99 = 5000 }, Pass, 0, 0, ""},
		{"late shots", run(pass), func(d *Document) { d.Late10MS = 11 }, Invalid, 97, 97, "11 of 10,000 shots"},
		{"late shots at the gate", run(pass), func(d *Document) { d.Late10MS = 10 }, Pass, 0, 0, ""},
		{"dropped late", run(pass), late, Invalid, 97, 97, "1 of 10,000 shots were dropped"},
		{"out of ports", run(pass), func(d *Document) { d.Endpoints[0].Errors = map[string]int64{"resource": 3} }, Invalid, 97, 97, "ran out of ports"},
		{"gaps off the plan", run(pass), func(d *Document) { d.Fidelity = &Fidelity{Parts: []FidelityPart{{Name: "gaps", Distance: 0.03}}} }, Invalid, 97, 97, "gaps"},
		{"fidelity of the rest", run(pass), func(d *Document) { d.Fidelity = &Fidelity{Parts: []FidelityPart{{Name: "mix", Distance: 0.5}}} }, Pass, 0, 0, ""},
		{"invalid and fails by our lag", run(ourFail), late, Invalid, 97, 97, "did not keep the plan"},
		{"invalid and fails anyway", run(fail), late, Fail, 99, 99, "does not hold"},
		{"invalid and undecided", run(undecided), late, Invalid, 97, 97, "did not keep the plan"},
		{"interrupted", run(pass), func(d *Document) { d.Stopped = ByUser; d.Cancelled = 1234 }, Interrupted, 130, 130, "1,234 of 10,000"},
		{"interrupted outranks all", run(fail), func(d *Document) { d.Stopped = ByUser; d.DroppedLate = 5 }, Interrupted, 130, 130, "interrupted"},
		{"aborted", run(undecided), func(d *Document) { d.Stopped = ByThreshold }, Fail, 99, 99, "stopped the run"},
		{"fails on the whole run", run(), func(d *Document) { d.Thresholds = []threshold.Result{fail} }, Fail, 99, 99, "on the whole run"},
		{"in a window", run(), func(d *Document) {
			w := fail
			w.Worst, w.Blocks = 3, make([]threshold.Block, 7)
			d.Thresholds = []threshold.Result{w}
		}, Fail, 99, 99, "in window 3 of 7"},
		{"nothing sent", &Document{}, nil, Inconclusive, 0, 96, "No threshold"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.change != nil {
				tt.change(tt.d)
			}
			v, code, reasons := Judge(tt.d, false)
			_, strict, _ := Judge(tt.d, true)
			if v != tt.want || code != tt.code || strict != tt.codeStrict {
				t.Errorf("Judge = %s, %d, strict %d, want %s, %d, %d", v, code, strict, tt.want, tt.code, tt.codeStrict)
			}
			if len(reasons) == 0 || !strings.Contains(reasons[0], tt.reason) {
				t.Errorf("reasons %q, want %q in the first", reasons, tt.reason)
			}
		})
	}
}

func TestJudgeNamesFewBreaches(t *testing.T) {
	var rs []threshold.Result
	for range 12 {
		rs = append(rs, judged("fail", "fail"))
	}
	_, _, reasons := Judge(run(rs...), false)
	if len(reasons) != maxBreaches+1 || !strings.HasPrefix(reasons[maxBreaches], "7 more") {
		t.Errorf("reasons %q", reasons)
	}
}

func TestLagGate(t *testing.T) {
	for _, tt := range []struct {
		exprs []string
		want  time.Duration
	}{
		{nil, 2 * time.Millisecond},
		{[]string{"error_rate < 1%"}, 2 * time.Millisecond},
		{[]string{"p99 < 50ms"}, 2 * time.Millisecond},
		{[]string{"p99 < 1s", "p50 < 250ms", "rate > 99%"}, 5 * time.Millisecond},
	} {
		var ts []*threshold.Threshold
		for _, e := range tt.exprs {
			th, err := threshold.Parse(e)
			if err != nil {
				t.Fatal(err)
			}
			ts = append(ts, th)
		}
		if got := LagGate(ts); got != tt.want {
			t.Errorf("LagGate(%q) = %v, want %v", tt.exprs, got, tt.want)
		}
	}
}
