package accesslog

import (
	"bytes"
	"strings"
	"time"
)

// zeekPresets are http.log of Zeek (once Bro) with tabs.
var zeekPresets = []preset{{"zeek-http", zeek, zeekColumns, false}}

// zeekColumns are those of Zeek 5 and newer; below it those of older ones, which have no origin.
const zeekColumns = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p trans_depth method host uri referrer version user_agent origin request_body_len response_body_len " +
	"status_code status_msg info_code info_msg tags username password proxied orig_fuids orig_filenames orig_mime_types resp_fuids resp_filenames resp_mime_types"

// zeek compiles http.log. ts is when Zeek saw the request (Zeek documentation, "http.log"); it measures no duration. The
// uri is unescaped, query and all, as the event http_request gives it.
func zeek(columns string) (*format, error) {
	t := &table{sep: '\t', absent: "(empty)"}
	h := &header{table: t, meaning: zeekColumn}
	f := h.format(columns)
	t.known = []sequence{columnsOf(strings.Fields(strings.Replace(columns, " origin ", " ", 1)), zeekColumn)}
	f.without, f.resolution, f.observed = reasonNotHTTP, time.Microsecond, false
	f.columns = func(comment []byte) sequence {
		if comment == nil {
			t.sep, t.absent = '\t', "(empty)"
		}
		if v, ok := directive(comment, "#separator "); ok && len(v) == 4 && v[0] == '\\' && v[1] == 'x' {
			if x, ok := hex(v[2:], 2); ok {
				t.sep = byte(x)
			}
		}
		if v, ok := directive(comment, "#empty_field"+string(t.sep)); ok && len(v) <= maxName {
			t.absent = string(v)
		}
		if v, ok := directive(comment, "#fields"+string(t.sep)); ok {
			comment = append([]byte("#Fields: "), bytes.ReplaceAll(v, []byte{t.sep}, []byte{' '})...)
		}
		return h.read(f, comment)
	}
	return f, nil
}

func zeekColumn(name string) step {
	switch name {
	case "ts":
		return step{kind: kTime}
	case "id.orig_h":
		return step{kind: kClient}
	case "method":
		return step{kind: kMethod}
	case "host":
		return step{kind: kHost, rank: rankBest}
	case "uri":
		return step{kind: kUnescaped}
	case "version":
		return step{kind: kProto}
	case "referrer":
		return step{kind: kHeader, name: []byte("Referer")}
	case "user_agent":
		return step{kind: kHeader, name: []byte("User-Agent")}
	case "origin":
		return step{kind: kHeader, name: []byte("Origin")}
	case "request_body_len":
		return step{kind: kBodySize}
	case "response_body_len":
		return step{kind: kSize}
	case "status_code":
		return step{kind: kStatus}
	case "username":
		return step{kind: kUser}
	}
	return step{}
}

// zeekMap is http.log in JSON (LogAscii::use_json, or a package that streams JSON): the values are those of the tabs.
const zeekMap = `
	!at=.ts
	!method=.method
	unescaped=.uri
	host=.host
	proto=.version
	status=.status_code
	resp_size=.response_body_len
	body_size=.request_body_len
	!client=.id.orig_h
	header.User-Agent=.user_agent
	header.Referer=.referrer
	header.Origin=.origin
	user=.username
	!key=.trans_depth`

// rawBytes is v with \xff read as the byte: Zeek writes so what is not UTF-8, since JSON cannot. It works in the memory of
// v, which is the parser's: a backslash was unescaped into it.
func rawBytes(v []byte) []byte {
	if !bytes.Contains(v, []byte(`\x`)) {
		return v
	}
	dst := v[:0]
	for i := 0; i < len(v); i++ {
		c := v[i]
		if c == '\\' && i+1 < len(v) && v[i+1] == 'x' {
			if x, ok := hex(v[i+2:], 2); ok && x >= 0x80 {
				c = byte(x)
				i += 3
			}
		}
		dst = append(dst, c)
	}
	return dst
}
