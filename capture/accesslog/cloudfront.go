package accesslog

import (
	"bytes"
	"strings"
)

// cloudFrontColumns are those of a standard log, in the order in which the years have appended them.
const cloudFrontColumns = "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query " +
	"cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher " +
	"x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type " +
	"sc-content-type sc-content-len sc-range-start sc-range-end"

// cloudFront compiles the standard logs of CloudFront, and its real-time logs below a header. The stamp is when the edge
// had finished the answer (AWS, "Standard logging reference").
func cloudFront(columns string) (*format, error) {
	h := &header{
		table:   &table{sep: '\t', more: true},
		meaning: cloudFrontColumn,
		refuses: func(fields []byte) bool { return !ofCloudFront(fields) },
		need:    12, // those of 2010
	}
	f := h.format(columns)
	f.columns = func(comment []byte) sequence { return h.read(f, comment) }
	return f, nil
}

// cloudFrontJSON is the same delivered as JSON: the names of the columns are the keys.
func cloudFrontJSON(string) (*format, error) {
	f := &format{keys: map[string]sequence{}, observed: true, timed: true, utc: true, owned: 1}
	names := strings.Fields(cloudFrontColumns + " timestamp timestamp(ms) cs-host cs-user-agent cs-referer cs-cookie")
	for _, s := range columnsOf(names, cloudFrontColumn) {
		if s.label == "x-edge-location" || s.label == "x-edge-request-id" {
			s.own = 1
		}
		s.label, f.keys[s.label] = "."+s.label, sequence{s}
	}
	return f, nil
}

// ofCloudFront reports whether a header names columns that only CloudFront has.
func ofCloudFront(fields []byte) bool {
	for _, name := range []string{"x-edge-", "x-host-header", "fle-status", "timestamp(ms)", "time-to-first-byte", "cs-protocol-version"} {
		if bytes.Contains(fields, []byte(name)) {
			return true
		}
	}
	return false
}

// cloudFrontColumn is the meaning of a column. cs(Host) is the distribution's own name, x-host-header what the viewer
// asked for; in real-time logs cs-host is what the viewer asked for, and x-host-header the distribution's (AWS, "Use
// real-time access logs", "Fields"). Percent signs are encoded once more.
func cloudFrontColumn(name string) step {
	s := w3cColumn(name)
	switch name {
	case "timestamp", "timestamp(ms)":
		s.kind, s.rank = kTime, rankGood
	case "cs(Host)":
		s.kind, s.rank = kHost, rankName
	case "cs-host":
		s.kind, s.rank = kHost, rankPinned
	case "cs-uri-stem", "cs-uri-query":
		s.esc = percentOnce
	case "time-taken":
		s.auto, s.unit = false, second
	case "time-to-first-byte":
		s.kind, s.unit = kFirst, second
	case "sc-content-len":
		s.kind = kSize
	case "sc-content-type":
		s.kind, s.name = kRespHeader, []byte("Content-Type")
	case "cs-user-agent":
		s.kind, s.name = kHeader, []byte("User-Agent")
	case "cs-referer":
		s.kind, s.name = kHeader, []byte("Referer")
	case "cs-cookie":
		s.kind, s.name = kHeader, []byte("Cookie")
	case "cs-accept":
		s.kind, s.name = kHeader, []byte("Accept")
	case "cs-accept-encoding":
		s.kind, s.name = kHeader, []byte("Accept-Encoding")
	case "x-forwarded-for":
		s.rank = rankName
	}
	if s.kind == kHeader {
		s.esc = percents
		if string(s.name) == "User-Agent" {
			s.esc = percentsTwice // until 2020 it was
		}
	}
	return s
}
