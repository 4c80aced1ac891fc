package shape

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"trafficreplay/capture"
)

// root is the folder of the module.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil && dir != "/" {
		if _, e := os.Stat(filepath.Join(dir, "go.mod")); e == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	t.Fatal("no go.mod above")
	return ""
}

// lines yields the lines of a gzipped file below the module's root, or skips the test.
func lines(t *testing.T, path string) []string {
	t.Helper()
	f, err := os.Open(filepath.Join(root(t), path))
	if err != nil {
		t.Skipf("data not here: %v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	s := bufio.NewScanner(strings.NewReader(string(b)))
	s.Buffer(nil, 1<<20)
	var out []string
	for s.Scan() {
		out = append(out, s.Text())
	}
	return out
}

func source(name string, basis capture.Basis, resolution string, qs []capture.Request) *memory {
	slices.SortStableFunc(qs, func(a, b capture.Request) int { return int(max(min(a.At-b.At, 1), -1)) })
	return &memory{qs, []capture.Ledger{{Name: name, Format: "test", Basis: basis, Resolution: resolution, Requests: int64(len(qs))}}}
}

// shop is five minutes behind nginx, end stamps of 1 ms with durations.
func shop(t *testing.T) *memory {
	var qs []capture.Request
	for i, l := range lines(t, "fixtures/shop/access.log.gz") {
		var r struct {
			Msec    float64 `json:"msec"`
			Addr    string  `json:"remote_addr"`
			Request string  `json:"request"`
			Host    string  `json:"host"`
			Status  int     `json:"status"`
			Size    int64   `json:"body_bytes_sent"`
			Time    float64 `json:"request_time"`
			Agent   string  `json:"http_user_agent"`
		}
		if json.Unmarshal([]byte(l), &r) != nil || len(strings.Fields(r.Request)) != 3 {
			continue
		}
		w := strings.Fields(r.Request)
		var q capture.Request
		q.Reset()
		q.DurUS = int64(r.Time*1000+0.5) * 1000
		q.At = int64(r.Msec*1000+0.5)*1e6 - q.DurUS*1000
		q.Method, q.Target, q.Host, q.Client = []byte(w[0]), []byte(w[1]), []byte(r.Host), []byte(r.Addr)
		q.Headers = []capture.Header{{Name: []byte("User-Agent"), Value: []byte(r.Agent)}}
		q.Status, q.RespSize, q.Src = r.Status, r.Size, fmt.Appendf(nil, "access.log:%d", i+1)
		qs = append(qs, q)
	}
	return source("access.log", capture.BasisEndMinusDuration, "1ms", qs)
}

var combined = regexp.MustCompile(`^(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+) [^"]*" (\d+) (\S+) "[^"]*" "([^"]*)`)

// apache is a combined log with stamps of 1 s and no durations.
func apache(t *testing.T) *memory {
	var qs []capture.Request
	for i, l := range lines(t, "../shared/data/access/apache_combined_10k.log.gz") {
		m := combined.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		at, err := time.Parse("02/Jan/2006:15:04:05 -0700", m[2])
		if err != nil {
			continue
		}
		var q capture.Request
		q.Reset()
		q.At, q.Client, q.Method, q.Target = at.UnixNano(), []byte(m[1]), []byte(m[3]), []byte(m[4])
		q.Headers = []capture.Header{{Name: []byte("User-Agent"), Value: []byte(m[7])}}
		q.Status, _ = strconv.Atoi(m[5])
		if n, err := strconv.ParseInt(m[6], 10, 64); err == nil {
			q.RespSize = n
		}
		q.Src = fmt.Appendf(nil, "apache.log:%d", i+1)
		qs = append(qs, q)
	}
	return source("apache.log", capture.BasisStart, "1s", qs)
}

// azure are arrivals with stamps of 100 ns and nothing else.
func azure(t *testing.T, name string) *memory {
	var qs []capture.Request
	for i, l := range lines(t, "../shared/data/arrivals/"+name) {
		stamp, _, _ := strings.Cut(l, ",")
		at, err := time.Parse("2006-01-02 15:04:05.9999999", stamp)
		if err != nil {
			continue
		}
		var q capture.Request
		q.Reset()
		q.At, q.Method, q.Target, q.Status = at.UnixNano(), []byte("POST"), []byte("/v1/completions"), 200
		q.Src = fmt.Appendf(nil, "azure:%d", i+1)
		qs = append(qs, q)
	}
	return source("azure", capture.BasisStart, "100ns", qs)
}

// What is drawn from a fit of real traffic, fitted again, is like it. The apache log has nothing but one minute in each
// hour, which no random process of bursts repeats: its IDC may be half.
func TestRealTraffic(t *testing.T) {
	for _, c := range []struct {
		name   string
		load   func(*testing.T) *memory
		within float64 // factor for the IDC at 1 s and 10 s
	}{
		{"shop", shop, 1.5}, {"apache", apache, 2.2},
		{"azure code", func(t *testing.T) *memory { return azure(t, "azure_llm_code.csv.gz") }, 1.5},
		{"azure conv", func(t *testing.T) *memory { return azure(t, "azure_llm_conv.csv.gz") }, 1.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := c.load(t)
			f := fit(t, m, FitOptions{Name: c.name})
			w := f.Workload
			t.Logf("%d requests, %d sessions of %v, timeout %v, %d shared, %s %v, %d knots", len(m.requests), w.Sessions.Count,
				w.Sessions.MeanLength, w.Sessions.Timeout, len(f.Rules.Shared), w.Arrivals.Family, w.Arrivals.Terms, len(w.Arrivals.Curve))
			for i, r := range w.Arrivals.IDC {
				l := w.Arrivals.ScaleLaw[i]
				t.Logf("%6v capture %.3f model %.3f se %.2g; a %.3f b %.3f", r.T, r.Capture, r.Model, r.SE, l.Independent, l.Common)
				if r.T < w.Provenance.Resolution {
					t.Errorf("a claim at %v from stamps of %v", r.T, w.Provenance.Resolution)
				}
			}
			if w.Provenance.Requests != int64(len(m.requests)) {
				t.Errorf("%d requests, want %d", w.Provenance.Requests, len(m.requests))
			}
			compare(t, f, fit(t, regenerated(f, 3), FitOptions{}), c.within)
		})
	}
}
