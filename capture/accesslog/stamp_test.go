package accesslog

import (
	"strings"
	"testing"
	"time"
)

func TestStamp(t *testing.T) {
	const day = "2015-09-06T05:58:05"
	for _, c := range []struct{ in, want string }{
		{"06/Sep/2015:05:58:05 +0000", day + "Z"},
		{"06/Sep/2015:05:58:05 +0330", "2015-09-06T02:28:05Z"},
		{"06/Sep/2015:05:58:05 -0700", "2015-09-06T12:58:05Z"},
		{"06/Sep/2015:05:58:05.123 +0000", day + ".123Z"},
		{"06/Sep/2015:05:58:05", day + "Z"},
		{"2015-09-06T05:58:05Z", day + "Z"},
		{"2015-09-06 05:58:05", day + "Z"},
		{"2015-09-06 05:58:05 +03:30", "2015-09-06T02:28:05Z"},
		{"2015-09-06T05:58:05,1Z", day + ".1Z"},
		{"2015-09-06T05:58:05.123456789+03:30", "2015-09-06T02:28:05.123456789Z"},
		{"2015-09-06T05:58:05.1234567899+0330", "2015-09-06T02:28:05.123456789Z"},
		{"2015-09-06T05:58:05 UTC", day + "Z"},
		{"2015-09-06t05:58:05z", day + "Z"},
		{"2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"},
		{"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
		{"2261-12-31T23:59:59Z", "2261-12-31T23:59:59Z"},
		{"1700000000", "2023-11-14T22:13:20Z"},
		{"1700000000.123", "2023-11-14T22:13:20.123Z"},
		{"1700000000.1234567899", "2023-11-14T22:13:20.123456789Z"},
		{"1700000000123", "2023-11-14T22:13:20.123Z"},
		{"1700000000123.5", "2023-11-14T22:13:20.1235Z"},
		{"1700000000123456", "2023-11-14T22:13:20.123456Z"},
		{"1700000000123456789", "2023-11-14T22:13:20.123456789Z"},
		{"0", "1970-01-01T00:00:00Z"},
		{"2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999999Z"},
		{"01/Jan/2017:05:29:60 +0530", "2016-12-31T23:59:59.999999999Z"},
		{"2016-12-31T23:59:60.5Z", "2016-12-31T23:59:59.999999999Z"},

		{"31/Feb/2026:10:00:00 +0000", msgDay},
		{"29/Feb/2100:10:00:00 +0000", msgDay},
		{"00/Jan/2026:10:00:00 +0000", msgDay},
		{"31/Apr/2026:10:00:00 +0000", msgDay},
		{"01/jan/2026:10:00:00 +0000", msgMonth},
		{"2026-13-01T00:00:00Z", msgMonth},
		{"01/Jan/1969:10:00:00 +0000", msgYear},
		{"2262-01-01T00:00:00Z", msgYear},
		{"9999999999999999999", msgYear},
		{"18446744073709551615", msgTime},
		{"99999999999", "5138-11-16T09:46:39Z"},
		{"01/Jan/2026:24:00:00 +0000", msgClock},
		{"01/Jan/2026:10:60:00 +0000", msgClock},
		{"01/Jan/2026:10:00:61 +0000", msgClock},
		{"01/Jan/2026:10:00:00 +2400", msgZone},
		{"01/Jan/2026:10:00:00 +0060", msgZone},
		{"01/Jul/2026:10:00:00 CEST", "2026-07-01T08:00:00Z"},
		{"01/Jan/2026:10:00:00 PST", "2026-01-01T18:00:00Z"},
		{"2026-01-01 10:00:00 EST", "2026-01-01T15:00:00Z"},
		{"01/Jan/2026:10:00:00 IST", msgZone}, // India's, Israel's or Ireland's
		{"01/Jan/2026:10:00:00 cest", msgZone},
		{"01/Jan/2026:10:00:00 +000", msgZone},
		{"01/Jan/2026:10:00:00 ", msgZone},
		{"01/Jan/2026:10:00:00 +0000x", msgTime},
		{"2015-04-24T21:08:10.313913FOO", msgZone},
		{"2015-04-24T21:08:10.", msgTime},
		{"2015-04-24", msgTime},
		{"1x/Jan/2026:10:00:00 +0000", msgTime},
		{"01/Jan/2026:1x:00:00 +0000", msgTime},
		{"2015-04-2xT21:08:10", msgTime},
		{"1700000000.", msgTime},
		{"-1", msgTime},
		{"1.7e9", msgTime},
		{"", msgTime},
	} {
		var k clock
		ns, msg := k.parse([]byte(c.in))
		got := msg
		if msg == "" {
			got = time.Unix(0, ns).UTC().Format(time.RFC3339Nano)
		}
		if c.want == "5138-11-16T09:46:39Z" {
			c.want = msgYear // representable as seconds, but not in int64 nanoseconds
		}
		if got != c.want {
			t.Errorf("parse(%q) = %s, want %s", c.in, got, c.want)
		}
	}
}

// TestStampMemory: a remembered stamp means the same the second time, and its neighbours are not taken for it.
func TestStampMemory(t *testing.T) {
	var k clock
	for _, in := range []string{"06/Sep/2015:05:58:05 +0000", "06/Sep/2015:05:58:05 +0000", "06/Sep/2015:05:58:06 +0000", "06/Sep/2015:05:58:06 +0100", "07/Sep/2015:05:58:06 +0100"} {
		want, err := time.Parse("02/Jan/2006:15:04:05 -0700", in)
		if err != nil {
			t.Fatal(err)
		}
		if got, msg := k.parse([]byte(in)); msg != "" || got != want.UnixNano() {
			t.Errorf("parse(%q) = %d, %q, want %d", in, got, msg, want.UnixNano())
		}
	}
}

// TestStampTwice: a lone stamp without a zone in the hour that comes twice is the first of the two.
func TestStampTwice(t *testing.T) {
	for _, c := range []struct{ zone, in, want string }{
		{"America/New_York", "2025-11-02T01:30:00", "2025-11-02T05:30:00Z"},
		{"America/New_York", "2025-11-02T00:59:59", "2025-11-02T04:59:59Z"},
		{"America/New_York", "2025-11-02T02:00:00", "2025-11-02T07:00:00Z"},
		{"America/New_York", "2025-03-09T02:30:00", "2025-03-09T06:30:00Z"}, // never was
		{"Europe/Berlin", "26/Oct/2025:02:30:00", "2025-10-26T00:30:00Z"},
		{"Australia/Lord_Howe", "2025-04-06T01:45:00", "2025-04-05T14:45:00Z"},
		{"Asia/Tehran", "2025-04-06T01:45:00", "2025-04-05T22:15:00Z"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		k := clock{zones: zones{loc: zone}}
		ns, msg := k.parse([]byte(c.in))
		if got := time.Unix(0, ns).UTC().Format(time.RFC3339); got != c.want || msg != "" {
			t.Errorf("%s in %s is %s, %q, want %s", c.in, c.zone, got, msg, c.want)
		}
	}
}

func TestEveryDay(t *testing.T) {
	for d := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() <= lastYear; d = d.AddDate(0, 0, 1) {
		if got := daysSince1970(d.Year(), int(d.Month()), d.Day()); got*86400 != d.Unix() {
			t.Fatalf("daysSince1970(%s) = %d, want %d", d.Format(time.DateOnly), got, d.Unix()/86400)
		}
	}
}

func TestScan(t *testing.T) {
	for _, c := range []struct{ layout, in, want string }{
		{"%d/%b/%Y:%H:%M:%S %z", "06/Sep/2015:05:58:05 +0900", "2015-09-05T20:58:05Z"},
		{"%F %T", "2015-09-06 05:58:05", "2015-09-06T05:58:05Z"},
		{"%D %R", "09/06/15 05:58", "2015-09-06T05:58:00Z"},
		{"%y%m%d", "690101", msgYear},
		{"%y%m%d", "700101", "1970-01-01T00:00:00Z"},
		{"%e %B %Y %I:%M:%S %p", " 6 September 2015 11:58:05 pm", "2015-09-06T23:58:05Z"},
		{"%e %B %Y %I:%M:%S %p", "16 September 2015 12:00:00 AM", "2015-09-16T00:00:00Z"},
		{"%e %B %Y %I:%M:%S %p", "16 September 2015 13:00:00 AM", msgClock},
		{"%a, %d %b %Y %T %Z", "Sun, 06 Sep 2015 05:58:05 GMT", "2015-09-06T05:58:05Z"},
		{"%Y-%m-%d %j %H%n%M%t%S%%", "2015-09-06 249 05\n58\t05%", "2015-09-06T05:58:05Z"},
		{layoutSec, "1700000000", "2023-11-14T22:13:20Z"},
		{layoutMsec, "1700000000123", "2023-11-14T22:13:20.123Z"},
		{layoutUsec, "1700000000123456", "2023-11-14T22:13:20.123456Z"},
		{layoutSec + "." + layoutUsecFrac, "1700000000.000042", "2023-11-14T22:13:20.000042Z"},
		{layoutMsecFrac + "|" + layoutSec, "042|1700000000", "2023-11-14T22:13:20.042Z"},
		{"%F %T", "2015-09-06", msgTime},
		{"%F", "2015-9-06", msgTime},
		{"%b %Y", "Xyz 2015", msgMonth},
		{"%b %Y", "X 2015", msgMonth},
		{"%p", "xm", msgTime},
		{"%F", "2015-09-06x", msgTime},
		{layoutMsecFrac, "12", msgTime},
		{layoutSec, "x", msgTime},
		{"%n", "x", msgTime},
	} {
		var k civil
		n, msg := k.scan(c.layout, []byte(c.in))
		if msg == "" && n != len(c.in) {
			msg = msgTime
		}
		var ns int64
		if msg == "" {
			ns, msg = k.unix(&zones{})
		}
		got := msg
		if msg == "" {
			got = time.Unix(0, ns).UTC().Format(time.RFC3339Nano)
		}
		if got != c.want {
			t.Errorf("scan(%q, %q) = %s, want %s", c.layout, c.in, got, c.want)
		}
	}
}

func TestDecimal(t *testing.T) {
	for _, c := range []struct {
		in   string
		unit int64
		want int64
	}{
		{"0.057", second, 57 * millisecond},
		{"29409.6", second, 29409600 * millisecond},
		{"0.000000001", second, 1},
		{"0.0000000019", second, 1},
		{"12", millisecond, 12 * millisecond},
		{"12.5", millisecond, 12500 * microsecond},
		{"12.0005", microsecond, 12000},
		{"7", nanosecond, 7},
		{"31622400", second, maxDuration},
		{"31622400.1", second, -1},
		{"31622401", second, -1},
		{"", second, -1}, {".", second, -1}, {"1.", second, -1}, {".5", second, -1}, {"1.2.3", second, -1},
		{"-1", second, -1}, {"+1", second, -1}, {"1e3", second, -1}, {"1,5", second, -1}, {"9999999999999999999", nanosecond, -1},
	} {
		got, ok := decimal([]byte(c.in), c.unit)
		if !ok {
			got = -1
		}
		if got != c.want {
			t.Errorf("decimal(%q, %d) = %d, want %d", c.in, c.unit, got, c.want)
		}
	}
}

func TestWithUnit(t *testing.T) {
	for _, in := range []string{"2ms", "1.5s", "180µs", "180us", "7ns", "1m2.5s", "1h0m0.000001s", "12.345ms"} {
		want, err := time.ParseDuration(in)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := withUnit([]byte(in)); !ok || got != int64(want) {
			t.Errorf("withUnit(%q) = %d, %t, want %d", in, got, ok, want)
		}
	}
	for in, want := range map[string]int64{"12": 12 * millisecond, "0.5": second / 2, "0": 0} {
		if got, ok := withUnit([]byte(in)); !ok || got != want {
			t.Errorf("withUnit(%q) = %d, %t, want %d", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "x", "1x", "1s2", "s", "1 s", "-1s", "999999h"} {
		if got, ok := withUnit([]byte(in)); ok {
			t.Errorf("withUnit(%q) = %d, want an error", in, got)
		}
	}
}

func TestSumList(t *testing.T) {
	for _, c := range []struct {
		in    string
		want  int64
		known bool
		ok    bool
	}{
		{"0.100", 100 * millisecond, true, true},
		{"0.100, 0.004", 104 * millisecond, true, true},
		{"0.100 : 0.004, -", 104 * millisecond, true, true},
		{"-, -", 0, false, true},
		{"0.1x", 0, false, false},
	} {
		got, known, ok := sumList([]byte(c.in), second)
		if got != c.want || known != c.known || ok != c.ok {
			t.Errorf("sumList(%q) = %d, %t, %t, want %d, %t, %t", c.in, got, known, ok, c.want, c.known, c.ok)
		}
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		`plain`:                  "plain",
		`a\x22b\x5Cc\x5c`:        `a"b\c\`,
		`\"\\\/\b\f\n\r\t\v`:     "\"\\/\b\f\n\r\t\v",
		`\u00e9\u20AC`:           "é€",
		`\ud83d\ude00`:           "😀",
		`\ud83d`:                 "\uFFFD",
		`\ud83dx\ude00`:          "\uFFFDx\uFFFD",
		`\ud83d\u0041`:           "\uFFFDA",
		`\x2`:                    `\x2`,
		`\xZZ`:                   `\xZZ`,
		`\u12`:                   `\u12`,
		`\q`:                     `\q`,
		`end\`:                   `end\`,
		`\xff\xC3`:               "\xff\xc3",
		strings.Repeat(`\\`, 50): strings.Repeat(`\`, 50),
	} {
		if got := string(unescape(nil, []byte(in))); got != want {
			t.Errorf("unescape(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzTime(f *testing.F) {
	for _, s := range []string{"06/Sep/2015:05:58:05 +0000", "2015-09-06T05:58:05.123456789+03:30", "2015-09-06 05:58:05", "1700000000.123",
		"29/Feb/2000:00:00:00 -0700", "1700000000123456789", "2016-12-31T23:59:60Z", "06/Sep/2015:05:58:05.5"} {
		f.Add([]byte(s))
	}
	layouts := []string{"02/Jan/2006:15:04:05 -0700", "02/Jan/2006:15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05-0700",
		"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 -07:00"}
	f.Fuzz(func(t *testing.T, in []byte) {
		var k clock
		ns, msg := k.parse(in)
		if again, msg2 := k.parse(in); again != ns || msg2 != msg {
			t.Fatalf("parse(%q) = %d, %q, then %d, %q", in, ns, msg, again, msg2)
		}
		for _, layout := range layouts {
			want, err := time.Parse(layout, string(in))
			if err != nil {
				continue
			}
			// time.Parse is more lenient (one digit for the hour, months in any case); what it would print itself must be read.
			u := want.UTC()
			must := u.Year() >= firstYear && u.Year() <= lastYear && want.Year() >= firstYear && want.Year() <= lastYear && want.Format(layout) == string(in)
			if msg == "" && ns != want.UnixNano() || msg != "" && must {
				t.Fatalf("parse(%q) = %d, %q, want %d as layout %q has it", in, ns, msg, want.UnixNano(), layout)
			}
			return
		}
	})
}
