package accesslog

import (
	"bytes"
	"strings"
	"time"
)

// w3cPresets are logs of the W3C's Extended Log File Format, whose columns a comment names.
var w3cPresets = []preset{
	{"cloudfront", cloudFront, cloudFrontColumns, true},
	{"cloudfront-json", cloudFrontJSON, "", true},
	{"w3c", w3c, iisOrders[0], true},
	{"iis-native", iisNative, "c-ip cs-username date time s-sitename s-computername s-ip time-taken cs-bytes sc-bytes sc-status sc-win32-status cs-method cs-uri-stem cs-uri-query", true},
}

// iisOrders are the columns of logs without a header, as pieces of a log are: the defaults of IIS 8 and 10, of IIS 7, of
// IIS 6, and what people add to them.
var iisOrders = []string{
	"date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken",
	"date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status sc-substatus sc-win32-status time-taken",
	"date time s-sitename s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status sc-substatus sc-win32-status",
	"date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken X-Forwarded-For",
	"date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status sc-bytes cs-bytes time-taken",
	"date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) cs-host sc-status sc-substatus sc-win32-status sc-bytes cs-bytes time-taken",
	"date time s-sitename s-computername s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs-version cs(User-Agent) cs(Cookie) cs(Referer) cs-host sc-status sc-substatus sc-win32-status sc-bytes cs-bytes time-taken",
	"date time s-sitename s-computername s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs-version cs(User-Agent) cs(Cookie) cs(Referer) cs-host sc-status sc-substatus sc-win32-status sc-bytes cs-bytes time-taken X-Forwarded-For",
}

// w3c compiles the Extended Log File Format as IIS writes it. HTTP.sys stamps a line when the last send has completed;
// time-taken counts from the first byte of the request (Microsoft, "Description of the time-taken field", 944884).
// The stem is decoded, blanks are pluses; a plus that a client sent is refused by default (404.11).
func w3c(columns string) (*format, error) {
	t := &table{sep: ' ', runs: true, quotes: true}
	h := &header{table: t, meaning: iisColumn}
	f := h.format(columns)
	for _, order := range iisOrders {
		t.known = append(t.known, columnsOf(strings.Fields(order), iisColumn))
	}
	microsoft := true
	f.columns = func(comment []byte) sequence {
		if v, ok := directive(comment, "#Software:"); ok || comment == nil {
			of := comment == nil || bytes.Contains(v, []byte("Microsoft")) || bytes.Contains(v, []byte("IIS"))
			if of != microsoft {
				h.last = nil
			}
			if microsoft, h.meaning = of, w3cColumn; of {
				h.meaning = iisColumn
			}
		}
		return h.read(f, comment)
	}
	return f, nil
}

// header reads the comments that name columns.
type header struct {
	table   *table
	meaning func(name string) step
	refuses func(fields []byte) bool // whether these columns are another dialect's; may be nil

	first sequence // before any header
	need  int
	date  civil // of the last #Date:

	fields []byte // of the last #Fields:, and what they mean: servers repeat the header at each start
	last   sequence
}

// format is that of a table with these columns until a header names others.
func (h *header) format(columns string) *format {
	h.first = columnsOf(strings.Fields(columns), h.meaning)
	if h.need == 0 {
		h.need = len(h.first)
	}
	h.table.need = h.need
	f := ofTable(h.table, h.first)
	f.observed, f.utc, f.resolution = true, true, time.Second
	return f
}

// read takes what the comment says of the lines below it.
func (h *header) read(f *format, comment []byte) sequence {
	t := h.table
	if comment == nil {
		t.need, t.day, t.clock, t.offset, t.lastUsed, h.date = h.need, civil{}, 0, 0, nil, civil{}
		f.timed = h.first.has(kDur)
		return h.first
	}
	if v, ok := directive(comment, "#Date:"); ok {
		h.date = dayOf(v)
		h.dateLines(f.text)
	}
	if v, ok := directive(comment, "#GMT-Offset:"); ok {
		var zone civil
		if _, msg := zone.zone(v); msg == "" {
			t.offset = zone.offset
		}
	}
	fields, ok := directive(comment, "#Fields:")
	if !ok {
		return nil
	}
	if h.last == nil || !bytes.Equal(fields, h.fields) {
		h.name(fields)
	}
	t.need, f.timed = len(h.last), h.last.has(kDur)
	h.dateLines(h.last)
	return h.last
}

// name gives the columns their meaning; columns that are another dialect's fit no line.
func (h *header) name(fields []byte) {
	names := strings.Fields(string(fields[:min(len(fields), maxFormat)]))
	if h.refuses != nil && h.refuses(fields) || len(names) > maxValues {
		names = nil
	}
	h.fields, h.last = append(h.fields[:0], fields...), columnsOf(names, h.meaning)
}

// dateLines gives lines that hold only a time of day the date of the last header.
func (h *header) dateLines(seq sequence) {
	h.table.clock = 0
	if h.table.day = h.date; seq.has(kDate) {
		h.table.day = civil{}
	}
}

// directive is the value of the comment if it is this directive.
func directive(comment []byte, name string) (v []byte, ok bool) {
	if len(comment) < len(name) || !bytes.EqualFold(comment[:len(name)], []byte(name)) {
		return nil, false
	}
	return bytes.TrimSpace(comment[len(name):]), true
}

// dayOf is the day of #Date: 2006-01-02 15:04:05.
func dayOf(v []byte) civil {
	var t civil
	if len(v) < 10 || !t.date(v[:10]) {
		return civil{}
	}
	return t
}

// iisColumn is the meaning of a column of IIS.
func iisColumn(name string) step {
	s := w3cColumn(name)
	switch name {
	case "cs-uri-stem":
		s.kind, s.esc = kDecoded, pluses
	case "time-taken":
		s.auto, s.unit = false, millisecond
	case "s-sitename": // IIS logs its FTP, mail and news services alike
		s.kind, s.auto, s.layout = kGate, true, "MSFTPSVC*|FTPSVC*|SMTPSVC*|NNTPSVC*|NntpSvc*|SmtpSvc*"
	}
	return s
}

// w3cColumn is the meaning of a column of the W3C's draft (WD-logfile) and of those who follow it. A name is
// PREFIX-IDENTIFIER or PREFIX(HEADER), where cs is from the client to the server and sc the other way.
func w3cColumn(name string) step {
	s := w3cNamed(strings.ToLower(name))
	if s.esc == backslashes {
		s.esc = literally
	}
	if h, ok := inParentheses(name, "cs"); ok && s.kind == kSkip {
		s = requestHeader(h)
		s.esc, s.list = literally, false
		switch strings.ToLower(h) {
		case "user-agent":
			s.esc = pluses
		case "cookie":
			s.esc = plusAfter
		case "referrer":
			s.name = []byte("Referer")
		}
	} else if h, ok := inParentheses(name, "sc"); ok {
		s.kind, s.name = kRespHeader, []byte(h)
	}
	return s
}

func inParentheses(name, prefix string) (header string, ok bool) {
	rest, ok := strings.CutPrefix(name, prefix+"(")
	header, closed := strings.CutSuffix(rest, ")")
	return header, ok && closed && header != "" && len(header) <= maxName
}

func w3cNamed(name string) step {
	switch name {
	case "date", "date-utc":
		return step{kind: kDate}
	case "time", "time-utc":
		return step{kind: kClockUTC}
	case "date-local":
		return step{kind: kDate}
	case "time-local":
		return step{kind: kClock}
	case "beginrequest-utc":
		return step{kind: kTime, begin: true, rank: rankGood}
	case "endrequest-utc":
		return step{kind: kEnd}
	case "time-taken":
		return step{kind: kDur, auto: true}
	case "timetakenms":
		return step{kind: kDur, unit: millisecond}
	case "cs-method":
		return step{kind: kMethod}
	case "cs-uri":
		return step{kind: kURI, auto: true}
	case "cs-uri-stem", "cs-uri-path":
		return step{kind: kPath}
	case "cs-uri-query":
		return step{kind: kQuery}
	case "cs-version", "cs-protocol-version":
		return step{kind: kProto}
	case "cs-protocol", "cs-uri-scheme":
		return step{kind: kScheme}
	case "cs-host", "cs(host)", "cs-uri-host", "x-host-header":
		return step{kind: kHost, rank: rankBest}
	case "s-port", "cs-uri-port":
		return step{kind: kHostPort}
	case "ssl-protocol", "ssl-cipher", "x-cs-ssl-version":
		return step{kind: kTLS}
	}
	return w3cOther(name)
}

// w3cOther are the columns of the answer and of the client. Bytes count the head.
func w3cOther(name string) step {
	switch name {
	case "sc-status":
		return step{kind: kStatus}
	case "sc-bytes", "bytes":
		return step{kind: kWire}
	case "c-ip":
		return step{kind: kClient, rank: rankBest}
	case "cs-username", "cs-auth-id", "c-auth-id":
		return step{kind: kUser}
	case "x-forwarded-for", "s-xff":
		return step{kind: kHeader, name: []byte("X-Forwarded-For")}
	}
	return step{}
}

// iisNative is the Microsoft IIS log file format: cells between commas, local times, the last cell empty.
func iisNative(columns string) (*format, error) {
	names := strings.Fields(columns)
	seq := columnsOf(names, func(name string) step {
		s := iisColumn(name)
		if s.kind == kClockUTC {
			s.kind = kClock
		}
		return s
	})
	f := ofTable(&table{sep: ',', trim: true, need: len(names), more: true}, seq)
	f.observed, f.resolution = true, time.Second
	return f, nil
}
