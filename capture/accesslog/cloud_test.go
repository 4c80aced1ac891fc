package accesslog

import (
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

// TestVendors: a line gives what is expected where its dialect is named; a request is also recognised by itself, alone,
// behind a syslog header and a thousand times.
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
			prefixed := "<34>Oct 11 22:14:15 web1 app[1]: " + c.line
			for what, lines := range map[string][]string{"alone": {c.line}, "syslog": {prefixed}, "many": slices.Repeat([]string{c.line}, 1000)} {
				p, note, err := Detect(bytesOf(lines), Options{})
				if err != nil || p.Name() != c.name {
					t.Fatalf("%s: Detect = %v, %q, %v, want %s", what, p, note, err, c.name)
				}
				if got := parseOne(t, p, lines[0]); got != c.want {
					t.Errorf("%s (%s)\n got %s\nwant %s", what, note, got, c.want)
				}
			}
		})
	}
}

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
	for _, name := range []string{"gcp-lb", "cloudflare", "azure-front-door", "azure-app-gateway", "fastly", "aws-waf",
		"alb", "elb", "nlb", "s3", "cloudfront", "cloudfront-json"} {
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
	for _, name := range []string{"gcp-lb", "cloudflare", "azure-front-door", "azure-app-gateway", "fastly", "aws-waf", "cloudfront-json", "s3", "cloudfront"} {
		b.Run(name, func(b *testing.B) {
			p, err := New(Options{Format: name})
			if err != nil {
				b.Fatal(err)
			}
			var lines [][]byte
			size := 0
			for _, c := range vendorCases {
				if c.name == name && c.isRequest() {
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
