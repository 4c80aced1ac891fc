package accesslog

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"trafficreplay/capture"
)

// A vendorCase is a line in the shape that a vendor's documentation gives it, and what it must become: a request, or the
// reason why it is none. No server here can write these logs.
type vendorCase struct{ name, what, line, want string }

// vendorCases are the tables of all vendors.
var vendorCases = slices.Concat(gcpCases, cloudflareCases, frontDoorCases, gatewayCases, fastlyCases, wafCases,
	albCases, elbCases, nlbCases, s3Cases, cloudFrontCases, cloudFrontJSONCases)

// isRequest reports whether a line is expected to be one.
func (c *vendorCase) isRequest() bool { return strings.Contains(c.want, " ") }

// TestVendors: a line gives what is expected where its dialect is named; a request is also recognised by itself, alone and
// behind a syslog header.
func TestVendors(t *testing.T) {
	for _, c := range vendorCases {
		t.Run(c.name+" "+c.what, func(t *testing.T) {
			p, err := New(Options{Format: c.name})
			if err != nil {
				t.Fatal(err)
			}
			if got := parseOne(t, p, c.line); got != c.want {
				t.Errorf("named\n got %s\nwant %s", got, c.want)
			}
			if !c.isRequest() {
				return
			}
			for what, line := range map[string]string{"alone": c.line, "syslog": "<34>Oct 11 22:14:15 web1 app[1]: " + c.line} {
				p, note, err := Detect(bytesOf([]string{line}), Options{})
				if err != nil || p.Name() != c.name {
					t.Fatalf("%s: Detect = %v, %q, %v, want %s", what, p, note, err, c.name)
				}
				if got := parseOne(t, p, line); got != c.want {
					t.Errorf("%s (%s)\n got %s\nwant %s", what, note, got, c.want)
				}
			}
		})
	}
}

// TestVendorFiles: a thousand lines of a vendor, those that are no requests among them, are recognised, and each line is
// counted as it is expected.
func TestVendorFiles(t *testing.T) {
	for _, name := range vendors {
		var once []string
		want := map[string]int64{}
		for _, c := range vendorCases {
			if c.name != name {
				continue
			}
			once = append(once, c.line)
			if c.isRequest() {
				want["requests"]++
			} else {
				want[c.want]++
			}
		}
		times := 1 + 1000/len(once)
		lines := bytesOf(slices.Repeat(once, times))
		p, note, err := Detect(lines, Options{})
		if err != nil || p.Name() != name {
			t.Errorf("Detect = %v, %q, %v, want %s", p, note, err, name)
			continue
		}
		requests, l := tally(t, p, lines)
		got := map[string]int64{}
		if len(requests) > 0 {
			got["requests"] = int64(len(requests))
		}
		maps.Copy(got, l.Skipped)
		for k := range want {
			want[k] *= int64(times)
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

// vendors are the dialects of the tables.
var vendors = []string{"gcp-lb", "cloudflare", "azure-front-door", "azure-app-gateway", "fastly", "aws-waf", "alb", "elb", "nlb", "s3", "cloudfront", "cloudfront-json"}

func bytesOf(lines []string) (all [][]byte) {
	for _, l := range lines {
		all = append(all, []byte(l))
	}
	return all
}

// TestVendorLinesSuffice: each dialect of a vendor is held by ten lines or more, some of them requests where it has any.
func TestVendorLinesSuffice(t *testing.T) {
	lines, requests := map[string]int{}, map[string]int{}
	for _, c := range vendorCases {
		if lines[c.name]++; c.isRequest() {
			requests[c.name]++
		}
	}
	for _, name := range vendors {
		if lines[name] < 10 || requests[name] < 5 && name != "nlb" {
			t.Errorf("%s: %d lines, %d of them requests, want at least 10 and 5", name, lines[name], requests[name])
		}
	}
}

// TestVendorBasis: what the stamps of each vendor are taken for, and how fine they are once its lines were read.
func TestVendorBasis(t *testing.T) {
	for name, want := range map[string]struct {
		basis      capture.Basis
		resolution string
	}{
		"gcp-lb":            {capture.BasisStart, "1µs"},
		"cloudflare":        {capture.BasisStart, "1ns"},
		"azure-front-door":  {capture.BasisEndMinusDuration, "100ns"},
		"azure-app-gateway": {capture.BasisEndMinusDuration, "1s"},
		"fastly":            {capture.BasisStart, "1µs"},
		"aws-waf":           {capture.BasisStart, "1ms"},
		"alb":               {capture.BasisStart, "1ms"},
		"elb":               {capture.BasisStart, "1µs"},
		"s3":                {capture.BasisStart, "1s"},
		"cloudfront":        {capture.BasisEndMinusDuration, "1s"},
		"cloudfront-json":   {capture.BasisEndMinusDuration, "1ms"},
	} {
		p, err := New(Options{Format: name})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range vendorCases {
			if c.name == name {
				parseOne(t, p, c.line)
			}
		}
		if p.Basis() != want.basis || p.Resolution().String() != want.resolution {
			t.Errorf("%s: %s, %s, want %s, %s", name, p.Basis(), p.Resolution(), want.basis, want.resolution)
		}
	}
}

// TestVendorAllocations: nor does any line of a vendor cost an allocation once the parser has seen it.
func TestVendorAllocations(t *testing.T) {
	for _, c := range vendorCases {
		p, err := New(Options{Format: c.name})
		if err != nil {
			t.Fatal(err)
		}
		var q capture.Request
		line := []byte(c.line)
		_ = p.Parse(line, &q)
		if n := testing.AllocsPerRun(20, func() { _ = p.Parse(line, &q) }); n != 0 {
			t.Errorf("%s, %s: Parse allocates %v times a line, want 0", c.name, c.what, n)
		}
	}
}

// BenchmarkParseVendors: the requests of each vendor's table, over and over.
func BenchmarkParseVendors(b *testing.B) {
	for _, name := range vendors {
		b.Run(name, func(b *testing.B) {
			p, err := New(Options{Format: name})
			if err != nil {
				b.Fatal(err)
			}
			var lines [][]byte
			size := 0
			for _, c := range vendorCases {
				if c.name == name && (c.isRequest() || name == "nlb") {
					lines = append(lines, []byte(c.line))
					size += len(c.line)
				}
			}
			var q capture.Request
			i := 0
			b.ReportAllocs()
			b.SetBytes(int64(size / len(lines)))
			for b.Loop() {
				if i++; i == len(lines) {
					i = 0
				}
				_ = p.Parse(lines[i], &q)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

// TestVendorSettings: every field that docs/capture-logs.md makes Cloudflare and Fastly log is read.
func TestVendorSettings(t *testing.T) {
	doc, err := os.ReadFile("../../docs/capture-logs.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, begin, end, field string
		want                    int
	}{
		{"cloudflare", `["EdgeStartTimestamp"`, `]`, `"(\w+)"`, 17},
		{"fastly", `{"timestamp":%{time.start.usec}V`, "\n\n", `"(\w+)":`, 17},
	} {
		i := strings.Index(string(doc), c.begin)
		if i < 0 {
			t.Errorf("%s: the settings are not in docs/capture-logs.md", c.name)
			continue
		}
		text, _, _ := strings.Cut(string(doc[i:]), c.end)
		p, err := New(Options{Format: c.name})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, m := range regexp.MustCompile(c.field).FindAllStringSubmatch(text, -1) {
			if n++; p.f.keys[m[1]] == nil {
				t.Errorf("%s: %s is logged and not read", c.name, m[1])
			}
		}
		if n != c.want {
			t.Errorf("%s: %d fields, want %d", c.name, n, c.want)
		}
	}
}
