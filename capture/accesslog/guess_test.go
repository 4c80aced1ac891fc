package accesslog

import (
	"errors"
	"strings"
	"testing"
)

func TestGuess(t *testing.T) {
	for _, c := range []struct {
		name, line string
		fields     []string
		want, note string
	}{
		{"by names", `{"when":1,"time":"2023-11-14T22:13:20Z","verb":"GET","uri":"/a?b","status":200,"took_ms":12,"ip":"1.2.3.4:5","host":"h"}`, nil,
			`2023-11-14T22:13:19.988 GET /a?b host=h client=1.2.3.4 status=200 dur=12000`,
			`guessed --field method=.verb --field path=.uri --field end=.time --field duration=.took_ms:ms --field status=.status --field host=.host --field client=.ip`},
		{"by values", `{"when":1700000000123,"how":"GET","what":"/a?b","whence":"10.0.0.1","rc":204,"lasted":"12ms","v":"HTTP/1.1"}`, nil,
			`2023-11-14T22:13:20.111 GET /a?b HTTP/1.1 client=10.0.0.1 status=204 dur=12000`,
			`guessed --field method=.how --field path=.what --field end=.when:unix_ms --field duration=.lasted --field status=.rc --field proto=.v --field client=.whence; not found: host`},
		{"a request line", `{"a":"2023-11-14T22:13:20Z","b c":"GET /x HTTP/1.1"}`, nil, `2023-11-14T22:13:20 GET /x HTTP/1.1`,
			`guessed --field 'request=."b c"' --field end=.a; not found: duration, status, host, client`},
		{"two that fit alike", `{"t":"2023-11-14T22:13:20Z","m":"GET","from":"/x","to":"/y"}`, nil, `2023-11-14T22:13:20 GET /x`,
			`.to could be the path as well as .from`},
		{"two names of one rank", `{"t":"2023-11-14T22:13:20Z","method":"GET","url":"/x","uri":"/y"}`, nil, `2023-11-14T22:13:20 GET /x`,
			`.uri could be the path as well as .url`},
		{"a name that its values contradict", `{"t":"2023-11-14T22:13:20Z","method":"card","m":"POST","path":"/pay"}`, nil, `2023-11-14T22:13:20 POST /pay`, `--field method=.m`},
		{"pinned in part", `{"t":"2023-11-14T22:13:20Z","m":"GET","from":"/x","to":"/y"}`, []string{"target=.to", "at=.t"}, `2023-11-14T22:13:20 GET /y`, `guessed --field method=.m; not found`},
		{"floats of seconds", `{"ts":1700000000.25,"method":"GET","path":"/","elapsed":0.25}`, nil, `2023-11-14T22:13:20 GET / dur=250000`, `--field end=.ts:unix --field duration=.elapsed:s`},
		{"a start by its name", `{"start_time":"2023-11-14T22:13:20Z","method":"GET","path":"/","duration":3}`, nil, `2023-11-14T22:13:20 GET / dur=3000`, `--field at=.start_time --field duration=.duration:ms`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, note, err := Detect([][]byte{[]byte(c.line)}, Options{Fields: c.fields})
			if err != nil {
				t.Fatal(err)
			}
			if got := parseOne(t, p, c.line); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			if !strings.Contains(note, c.note) {
				t.Errorf("note %q, want %q in it", note, c.note)
			}
			pinned := flagsOf(note)
			p, again, err := Detect([][]byte{[]byte(c.line)}, Options{Fields: append(pinned, c.fields...)})
			if err != nil {
				t.Fatalf("Detect with the flags of the guess, %q: %v", pinned, err)
			}
			if got := parseOne(t, p, c.line); got != c.want || strings.Contains(again, "guessed") {
				t.Errorf("with the flags of the guess (%s)\n got %s\nwant %s", again, got, c.want)
			}
		})
	}
}

// flagsOf gives the arguments of the --field flags in a note, as a shell would.
func flagsOf(note string) (fields []string) {
	_, rest, _ := strings.Cut(note, "guessed ")
	rest, _, _ = strings.Cut(rest, ";")
	for _, f := range strings.Split(rest, "--field ")[1:] {
		fields = append(fields, strings.Trim(strings.TrimSpace(f), "'"))
	}
	return fields
}

func TestUnknownJSON(t *testing.T) {
	for line, want := range map[string]string{
		`{"instant":{"epochSecond":1663977609,"nanoOfSecond":484000000},"msg":"Hello, World!"}`: "JSON lines with the keys .instant.epochSecond .instant.nanoOfSecond .msg",
		`{"level":"info","method":"GET","path":"/"}`:                                            "no time; --field NAME=PATH names what is what",
		`{"time":"2023-11-14T22:13:20Z","level":"info"}`:                                        "neither a request line nor a path",
	} {
		if _, _, err := Detect([][]byte{[]byte(line)}, Options{}); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), want) {
			t.Errorf("Detect(%s) = %v, want %q in it", line, err, want)
		}
	}
}
