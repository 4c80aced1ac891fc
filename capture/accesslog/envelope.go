package accesslog

import "bytes"

// peelEnvelope finds the line that a collector put into a JSON object beside what it knows about it: the value of the
// likeliest of its keys. It may be an object, as where a collector read the line.
func (p *Parser) peelEnvelope(line []byte) (inner []byte, ok bool) {
	w := &p.shell
	w.start(line)
	best := 0
	p.outer = nil
	for !w.bad {
		w.rest = trimLeft(w.rest)
		if len(w.rest) == 0 {
			return nil, false
		}
		c := w.rest[0]
		w.rest = w.rest[1:]
		if c == '}' {
			break
		}
		if c == ',' {
			continue
		}
		if c != '"' || !w.key() || len(w.rest) == 0 {
			return nil, false
		}
		kind := w.rest[0]
		if v := w.wholeValue(); len(v) > 0 {
			if collectorTime(w.path) && len(v) <= len(p.shellTime) {
				p.outer = p.shellTime[:copy(p.shellTime[:], bytes.Trim(v, `"`))]
			}
			if rank := envelopeRank(w.path, kind); rank > best {
				best, inner = rank, v
			}
		}
	}
	if best == 0 || w.bad {
		return nil, false
	}
	switch inner[0] {
	case '"':
		return bytes.TrimRight(p.plain(inner[1:len(inner)-1]), "\r\n"), true
	case '[':
		return p.byteArray(inner)
	}
	return inner, true
}

// collectorTime reports whether a key is the time at which a collector met the line.
func collectorTime(key []byte) bool {
	switch string(key) {
	case "time", "timestamp", "@timestamp", "date", "__REALTIME_TIMESTAMP":
		return true
	}
	return false
}

// wholeValue reads the value that w.rest begins with, whatever it is, with its quotes or braces.
func (w *walker) wholeValue() []byte {
	start := w.rest
	switch start[0] {
	case '"':
		w.rest = start[1:]
		w.quoted()
	case '{', '[':
		w.pass()
	default:
		w.bare()
	}
	return start[:len(start)-len(w.rest)]
}

// envelopeRank is how likely the value of a key is the line; kind is the value's first byte. The keys are those of
// journald, Docker and Fluent Bit, Filebeat, Vector and CloudWatch, Loki, Google Cloud, Logs Insights, Splunk,
// Elasticsearch, and loggers that get the line as their message.
func envelopeRank(key []byte, kind byte) int {
	switch kind {
	case '"':
		switch string(key) {
		case "MESSAGE":
			return 9
		case "log":
			return 8
		case "message":
			return 7
		case "line":
			return 6
		case "textPayload":
			return 5
		case "@message":
			return 4
		case "_raw":
			return 3
		case "event":
			return 2
		case "msg", "body", "stringValue": // the last two of OpenTelemetry's log records
			return 1
		}
	case '{':
		switch string(key) {
		case "jsonPayload":
			return 5
		case "_source":
			return 4
		case "result":
			return 3
		case "event":
			return 2
		case "body":
			return 1
		}
	case '[':
		if string(key) == "MESSAGE" {
			return 9
		}
	}
	return 0
}

// byteArray reads a message that journald wrote as the numbers of its bytes, since they are no text.
func (p *Parser) byteArray(v []byte) (line []byte, ok bool) {
	p.makeRoom(len(v))
	out, n, digits := p.inner[:0], 0, 0
	for _, c := range v[1:] {
		switch {
		case c-'0' <= 9:
			n = n*10 + int(c-'0')
			if digits++; n > 255 {
				return nil, false
			}
		case c == ',' || c == ']':
			if digits == 0 {
				return nil, false
			}
			out = append(out, byte(n))
			n, digits = 0, 0
		case !space(c):
			return nil, false
		}
	}
	p.inner = out
	return bytes.TrimRight(out, "\r\n"), true
}
