package accesslog

import (
	"bytes"
	"strings"
	"time"

	"trafficreplay/capture"
)

// ltsvPresets are Labeled Tab-separated Values (ltsv.org): label:value between tabs, in any order. A time in brackets is
// Apache's %t, a start (Parser.time); nginx's $time_local is an end.
var ltsvPresets = []preset{{"ltsv", ltsv, "", true}}

func ltsv(string) (*format, error) {
	return &format{labels: true, keys: map[string]sequence{}, infer: true, observed: true, timed: true, resolution: time.Second}, nil
}

// labelled gives the values of a line their meaning.
func (p *Parser) labelled(line []byte, q *capture.Request) bool {
	for rest := line; len(rest) > 0; {
		v := rest
		if i := bytes.IndexByte(rest, '\t'); i >= 0 {
			v, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		i := labelEnd(v)
		if i == 0 {
			if len(v) == 0 {
				continue
			}
			return p.fail(reasonMisfit, v, "no label before a colon")
		}
		seq, known := p.f.keys[string(v[:i])]
		if !known {
			seq = p.f.learn(v[:i])
		}
		if len(seq) > 0 && !p.put(&seq[0], v[i+1:], q) {
			return false
		}
	}
	return true
}

// labelEnd is the index of the colon behind the label that v begins with, or 0.
func labelEnd(v []byte) int {
	for i, c := range v[:min(len(v), maxName)] {
		switch {
		case c == ':':
			return i
		case nameByte(c) || c == '.' || c == '-':
		default:
			return 0
		}
	}
	return 0
}

// ltsvLabel is the meaning of a label: those of ltsv.org first, where host is the client and apptime the time that the
// application took, then what other logs call their keys.
func ltsvLabel(label string) step {
	switch strings.ToLower(label) {
	case "host":
		return step{kind: kClient, rank: rankWeak}
	case "req":
		return step{kind: kRequest}
	case "uri":
		return step{kind: kPath, rank: rankGood}
	case "reqtime":
		return step{kind: kDur, unit: second, rank: rankGood}
	case "reqtime_microsec":
		return step{kind: kDur, unit: microsecond, rank: rankBest}
	case "apptime":
		return step{kind: kDur, unit: second, rank: rankWeak}
	case "size":
		return step{kind: kSize}
	case "forwardedfor":
		return step{kind: kHeader, name: []byte("X-Forwarded-For")}
	}
	return meaning(label)
}
