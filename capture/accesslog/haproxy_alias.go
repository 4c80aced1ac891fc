package accesslog

import (
	"bytes"
	"strings"
)

// haproxySample is the meaning of a sample expression.
func haproxySample(expr string) step {
	name, arg, call := strings.Cut(expr, "(")
	if call {
		rest := ""
		if arg, rest, call = strings.Cut(arg, ")"); !call || rest != "" {
			return step{} // a converter made something else of it
		}
		arg, _, _ = strings.Cut(arg, ",")
		arg = strings.TrimSpace(arg)
	}
	switch name {
	case "src":
		return step{kind: kClient, rank: rankBest}
	case "method", "capture.req.method":
		return step{kind: kMethod}
	case "pathq", "capture.req.uri", "url":
		return step{kind: kTarget, rank: rankGood}
	case "path":
		return step{kind: kPath, rank: rankGood}
	case "query":
		return step{kind: kQuery}
	case "capture.req.ver":
		return step{kind: kProto}
	case "ssl_fc_sni":
		return step{kind: kHost, rank: rankWeak}
	case "var":
		// Headers are no longer there when the line is written, so people keep them in variables.
		for _, h := range []string{"host", "user_agent", "referer", "x_forwarded_for", "content_length", "content_type", "accept", "accept_encoding", "accept_language"} {
			if arg == "txn."+h {
				return requestHeader(string(headerName(h)))
			}
		}
	case "req.hdr", "req.fhdr", "hdr", "fhdr", "req.hdr_ip":
		if arg != "" {
			return requestHeader(arg)
		}
	case "res.hdr", "res.fhdr":
		if arg != "" {
			return step{kind: kRespHeader, name: []byte(arg)}
		}
	}
	return step{}
}

// alias is the meaning of a variable; more is the length of what belongs to it in the rest of the format.
func (h *haproxy) alias(name, rest string) (v step, more int, known bool) {
	switch name {
	case "ci":
		if v = (step{kind: kClient, rank: rankBest}); strings.HasPrefix(rest, ":%cp") {
			return step{kind: kPeer, rank: rankBest}, len(":%cp"), true
		}
	case "tr":
		v = step{kind: kTime, rank: rankMsec}
	case "t":
		v = step{kind: kTime, rank: rankBest}
	case "trg", "trl":
		v = step{kind: kTime, rank: rankGood, fixed: len("02/Jan/2006:15:04:05 -0700")}
	case "T", "Tl":
		v = step{kind: kTime, rank: rankName, fixed: len("02/Jan/2006:15:04:05 -0700")}
	case "Ts":
		v = step{kind: kTime, rank: rankWeak}
		for _, ms := range []string{"%ms", ".%ms"} {
			if strings.HasPrefix(rest, ms) {
				return step{kind: kTime, rank: rankBest}, len(ms), true
			}
		}
	case "ST":
		v = step{kind: kStatus, signed: true}
	case "B":
		v = step{kind: kWire, signed: true}
	case "r":
		v = step{kind: kRequest, hash: true}
	case "HM":
		v = step{kind: kMethod, hash: true}
	case "HU":
		v = step{kind: kTarget, rank: rankGood, hash: true}
	case "HP", "HPO":
		v = step{kind: kPath, rank: rankGood, hash: true, sent: true}
	case "HQ":
		v = step{kind: kQuery, hash: true}
	case "HV":
		v = step{kind: kProto}
	case "ft":
		v = step{kind: kFrontend}
	case "s":
		if strings.HasPrefix(rest, "⟨host⟩") {
			return step{kind: kServerHost, span: beforeTimers}, len("⟨host⟩"), true
		}
	case "hrl":
		// Values in quotes, or nothing at all where none is captured, even under {+Q}: taken together they reach
		// to the end of the line.
		if strings.HasPrefix(rest, " %hsl") {
			return v, len(" %hsl"), true
		}
	case "sslv":
		v = step{kind: kTLS}
	default:
		if i := timerNamed(name); i > 0 {
			h.timers = true
			return step{kind: kTimer, rank: i}, 0, true
		}
		return v, 0, haproxySilent(name)
	}
	return v, 0, true
}

// haproxyText reports whether a variable is text: flags quote no numbers, stamps or states.
func haproxyText(name string) bool {
	switch name {
	case "b", "bi", "CC", "ci", "CS", "f", "fi", "Fi", "ft", "H", "HM", "HP", "HPO", "HQ", "HU", "HV", "ID", "r", "s", "si", "sslc", "sslv":
		return true
	}
	return false
}

// haproxySilent reports whether name is a variable that says nothing about the request.
func haproxySilent(name string) bool {
	switch name {
	case "H", "ID", "CC", "CS", "U", "ac", "b", "bc", "bi", "bp", "bq", "cp", "f", "fc", "fi", "fp", "hr", "hrl", "hs", "hsl",
		"lc", "ms", "pid", "rc", "rt", "s", "sc", "si", "sp", "sq", "sslc", "ts", "tsc", "Fi":
		return true
	}
	return false
}

// unhash undoes the escapes of HAProxy's variables: #HH.
func (p *Parser) unhash(v []byte) []byte {
	i := bytes.IndexByte(v, '#')
	if i < 0 {
		return v
	}
	p.reserve(len(v))
	n := len(p.arena)
	for ; i >= 0; i = bytes.IndexByte(v, '#') {
		p.arena = append(p.arena, v[:i]...)
		if x, ok := hex(v[i+1:], 2); ok {
			p.arena = append(p.arena, byte(x))
			v = v[i+3:]
		} else {
			p.arena = append(p.arena, '#')
			v = v[i+1:]
		}
	}
	p.arena = append(p.arena, v...)
	return p.arena[n:len(p.arena):len(p.arena)]
}
