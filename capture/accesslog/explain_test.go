package accesslog

import (
	"fmt"
	"strings"
	"testing"
)

// explained shows an explanation in one line per value.
func explained(e Explanation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", e.Format, strings.Join(e.Wrappers, "/"))
	for _, v := range e.Values {
		fmt.Fprintf(&b, "%s|%s|%s|%s\n", v.Label, v.Raw, v.Meaning, v.Value)
	}
	fmt.Fprintf(&b, "%s|%s|%s|%s|%s", e.Arrival, e.Why, e.Skipped, e.Message, e.Part)
	return b.String()
}

func TestExplain(t *testing.T) {
	combined := `::1 - bob [06/Sep/2015:05:58:05 +0000] "GET /\x22a HTTP/1.1" 200 - "-" "c"`
	for _, c := range []struct {
		name string
		o    Options
		line string
		want string
	}{
		{"text", Options{Format: "apache-combined"}, combined, `apache-combined 
%~|::1 - bob|client and user|::1 bob
%t|06/Sep/2015:05:58:05 +0000|at|2015-09-06T05:58:05Z
%r|GET /\x22a HTTP/1.1|request|GET /"a HTTP/1.1
%>s|200|status|200
%b|-|resp_size|0
%{Referer}i|-|header.Referer|
%{User-Agent}i|c|header.User-Agent|c
2015-09-06T05:58:05Z|the stamp is the start of the request|||`},
		{"JSON, an end and a duration, in two wrappers", Options{Format: "caddy"},
			`<34>Oct 11 22:14:15 web1 app[1]: {"message":"{\"ts\":1646861401.5,\"request\":{\"method\":\"GET\",\"uri\":\"/\",\"client_ip\":\"[::1]:5\",\"x\":1},\"duration\":0.5,\"size\":0}"}`,
			`caddy syslog RFC 3164/JSON envelope
.ts|1646861401.5|end|2022-03-09T21:30:01.5Z
.request.method|GET|method|GET
.request.uri|/|target|/
.request.client_ip|[::1]:5|client|::1
.request.x|1||
.duration|0.5|duration|500ms
.size|0|resp_size|0
2022-03-09T21:30:01Z|end of the request − duration = 2022-03-09T21:30:01.5Z − 500ms|||`},
		{"an end alone", Options{Format: "json"}, `{"time":"2022-03-09T21:30:01Z","method":"GET","path":"/"}`, `json 
.time|2022-03-09T21:30:01Z|end|2022-03-09T21:30:01Z
.method|GET|method|GET
.path|/|path|/
2022-03-09T21:30:01Z|the stamp is the end of the request, and no duration was logged: the arrival is only known to lie before it|||`},
		{"a value that is refused", Options{Format: "json"}, `{"time":"2022-03-09T21:30:01Z","method":"GET","path":"/","status":"oops"}`, `json 
.time|2022-03-09T21:30:01Z|end|2022-03-09T21:30:01Z
.method|GET|method|GET
.path|/|path|/
.status|oops|status|refused: not a status
||bad-status|not a status|oops`},
		{"a line of another kind", Options{Format: "combined"}, `hello`, `combined 
||not-this-format|does not fit the format from here on|hello`},
	} {
		p, err := New(c.o)
		if err != nil {
			t.Fatal(err)
		}
		if got := explained(p.Explain([]byte(c.line))); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
		if before, after := parseOne(t, p, c.line), parseOne(t, p, c.line); before != after {
			t.Errorf("%s: explaining changes what is parsed: %s, %s", c.name, before, after)
		}
	}
}

// TestExplainChoice: how a dialect was chosen, and which others fit.
func TestExplainChoice(t *testing.T) {
	line := []byte(`::1 - - [06/Sep/2015:05:58:05 +0000] "GET / HTTP/1.1" 200 5`)
	p, _, err := Detect([][]byte{line}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := p.Explain(line)
	if !strings.HasPrefix(e.Chosen, "1 of the first 1 lines fit; nginx and Apache write this format alike") || !strings.Contains(strings.Join(e.Rivals, ","), "combined (1 lines)") {
		t.Errorf("chosen %q, rivals %q", e.Chosen, e.Rivals)
	}
}
