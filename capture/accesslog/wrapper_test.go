package accesslog

import (
	"strings"
	"testing"

	"trafficreplay/capture"
)

func TestWrappers(t *testing.T) {
	const line = `::1 - - [06/Sep/2015:05:58:05 +0000] "GET /\"a HTTP/1.1" 200 1 "-" "c]: d"`
	const want = `2015-09-06T05:58:05 GET /"a HTTP/1.1 client=::1 status=200 size=1 [User-Agent: c]: d]`
	docker := `{"log":"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(line) + `\n","stream":"stdout","time":"2015-09-06T05:58:06.1Z"}`
	for _, c := range []struct{ name, line string }{
		{"none", line},
		{"line end", line + "\r\n"},
		{"byte order mark", "\xef\xbb\xbf" + line},
		{"docker", docker},
		{"cri", `2016-10-06T00:17:09.669794202Z stdout F ` + line},
		{"cri with an offset", `2016-10-06T00:17:09.669794202+02:00 stderr F ` + line},
		{"rfc3164", `Feb  5 17:32:18 web1 nginx[123]: ` + line},
		{"rfc3164 with priority", `<34>Oct 11 22:14:15 web1 nginx: ` + line},
		{"rsyslog with an ISO stamp", `2016-10-06T00:17:09.669794+02:00 web1 nginx: ` + line},
		{"rfc5424", `<34>1 2003-10-11T22:14:15.003Z web1 nginx 123 - - ` + line},
		{"rfc5424 with data and a byte order mark", `<34>1 2003-10-11T22:14:15.003Z web1 nginx - ID47 [a@1 b="c\] d"][e f="g"] ` + "\xef\xbb\xbf" + line},
	} {
		p, err := New(Options{Format: "combined"})
		if err != nil {
			t.Fatal(err)
		}
		if got := parseOne(t, p, c.line); got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, want)
		}
		p, note, err := Detect([][]byte{[]byte(c.line)}, Options{})
		if err != nil {
			t.Errorf("%s: Detect = %v", c.name, err)
			continue
		}
		if got := parseOne(t, p, c.line); got != want {
			t.Errorf("%s, detected (%s):\n got %s\nwant %s", c.name, note, got, want)
		}
		if got := parseOne(t, p, line); got != want {
			t.Errorf("%s, detected, then bare:\n got %s\nwant %s", c.name, got, want)
		}
	}
}

func TestWrappedJunk(t *testing.T) {
	p, err := New(Options{Format: "combined"})
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		`{"log":"`:                                    reasonMisfit,
		`{"log":"\n"}`:                                capture.ReasonBlank,
		`{"log":"2015/09/06 [error] boom\n"}`:         reasonMisfit,
		`2016-10-06T00:17:09.669794202Z stdout F`:     reasonMisfit,
		`<34>1 - - - - [`:                             reasonMisfit,
		`<34>1 - - - - - [a`:                          reasonMisfit,
		`Feb  5 17:32:18 web1`:                        reasonMisfit,
		`Feb  5 17:32:18 web1 kernel: out of memory`:  reasonMisfit,
		`Feb  5 17:32:18 web1 no tag here: or so`:     reasonMisfit,
		`{"log":"\"}`:                                 reasonMisfit,
		`2016-10-06T00:17:09.669794202Z stdout P abc`: reasonMisfit,
	} {
		if got := parseOne(t, p, line); got != want {
			t.Errorf("Parse(%q) = %s, want %s", line, got, want)
		}
	}
}
