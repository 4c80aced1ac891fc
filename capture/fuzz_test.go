package capture

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func FuzzStamp(f *testing.F) {
	for _, s := range []string{"2026-11-23T14:00:00.123456789Z", "2000-02-29t23:59:59z", "1969-12-31 00:00:00-23:59", "2026-11-23T14:00:00.Z"} {
		f.Add(s, int64(len(s)))
	}
	f.Fuzz(func(t *testing.T, s string, ns int64) {
		if len(s) > 10 && s[10] == 'T' {
			got, ok := parseStamp([]byte(s))
			if want, err := time.Parse(time.RFC3339, strings.ToUpper(s)); ok && (err != nil || want.UnixNano() != got) {
				t.Errorf("parseStamp(%q) = %d, time.Parse gives %v, %v", s, got, want, err)
			}
		}
		if ns > minAt && ns < maxAt {
			if got, ok := parseStamp(appendStamp(nil, ns)); !ok || got != ns {
				t.Errorf("%d came back as %d, %v", ns, got, ok)
			}
		}
	})
}

func FuzzParseJSON(f *testing.F) {
	f.Add(full().AppendJSON(nil))
	f.Add([]byte(`{"at":"2026-11-23 14:00:00+01:00","x":{"y":[1e5,"\ud83d\ude00"]},"target_b64":"L/8=","headers_b64":[["QQ==","/g=="]]}`))
	f.Add([]byte(`{"at":null,"at":"2026-11-23T14:00:00Z","dur_us":-0,"status":200}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var q Request
		err := ParseJSON(bytes.Clone(line), &q)
		if !utf8.Valid(line) {
			return // kept as it is here, replaced by encoding/json
		}
		want, known := reference(line)
		if bad, ok := errors.AsType[*SyntaxError](err); ok {
			if known && bad.Reason == ReasonBadJSON && bad.Msg != "nested too deeply" {
				t.Fatalf("ParseJSON(%q) = %v, encoding/json accepts it", line, err)
			}
			return
		} else if err != nil {
			t.Fatalf("ParseJSON(%q) = %v, want a *SyntaxError", line, err)
		}
		if !known {
			t.Fatalf("ParseJSON(%q) = %+v, encoding/json refuses it", line, q)
		}
		if got := fields(&q); !reflect.DeepEqual(got, fields(want)) {
			t.Fatalf("ParseJSON(%q)\n got %+v\nwant %+v", line, got, fields(want))
		}
		var back Request
		if err := ParseJSON(q.AppendJSON(nil), &back); err != nil || !reflect.DeepEqual(fields(&back), fields(&q)) {
			t.Fatalf("%q came back as %+v (%v), want %+v", line, fields(&back), err, fields(&q))
		}
	})
}

func reference(line []byte) (*Request, bool) {
	q := &Request{}
	q.Reset()
	d := json.NewDecoder(bytes.NewReader(line))
	if !json.Valid(line) {
		return nil, false
	}
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return nil, false
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, false
		}
		var raw json.RawMessage
		if d.Decode(&raw) != nil {
			return nil, false
		}
		if string(raw) == "null" {
			continue
		}
		if err := referenceField(q, key.(string), raw); err != nil {
			return nil, false
		}
	}
	return q, true
}

func referenceField(q *Request, key string, raw json.RawMessage) error {
	numbers := map[string]*int64{"dur_us": &q.DurUS, "first_us": &q.FirstUS, "conn": &q.Conn,
		"body_size": &q.BodySize, "resp_size": &q.RespSize, "resp_wire": &q.RespWire}
	texts := map[string]*[]byte{"client": &q.Client, "method": &q.Method, "scheme": &q.Scheme, "host": &q.Host,
		"target": &q.Target, "proto": &q.Proto, "src": &q.Src}
	lists := map[string]*[]Header{"headers": &q.Headers, "resp_headers": &q.RespHeaders, "trailers": &q.Trailers}
	name, b64 := strings.CutSuffix(key, "_b64")
	switch {
	case numbers[key] != nil:
		return json.Unmarshal(raw, numbers[key])
	case key == "status":
		return json.Unmarshal(raw, &q.Status)
	case key == "body":
		return referenceBytes(raw, &q.Body)
	case key == "resp_body":
		return referenceBytes(raw, &q.RespBody)
	case texts[name] != nil && b64:
		return referenceBytes(raw, texts[name])
	case texts[name] != nil:
		return referenceText(raw, texts[name])
	case lists[name] != nil:
		return referenceHeaders(raw, lists[name], b64)
	case key == "messages":
		return referenceMessages(raw, q)
	case key == "at":
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		if len(s) > 10 {
			s = s[:10] + "T" + strings.ReplaceAll(s[11:], "z", "Z")
		}
		at, err := time.Parse(time.RFC3339, s)
		if err == nil {
			q.At = at.UnixNano()
		}
	}
	return nil
}

func referenceText(raw json.RawMessage, b *[]byte) error {
	if len(raw) == 0 || raw[0] != '"' {
		return io.ErrUnexpectedEOF
	}
	var s string
	err := json.Unmarshal(raw, &s)
	*b = []byte(s)
	return err
}

func referenceBytes(raw json.RawMessage, b *[]byte) error {
	var s []byte
	if err := referenceText(raw, &s); err != nil {
		return err
	}
	if bytes.ContainsAny(s, "\r\n") {
		return io.ErrUnexpectedEOF
	}
	var err error
	*b, err = base64.StdEncoding.DecodeString(string(s))
	return err
}

func referenceHeaders(raw json.RawMessage, hs *[]Header, b64 bool) error {
	text := referenceText
	if b64 {
		text = referenceBytes
	}
	var list [][]json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return err
	}
	*hs = nil
	for _, pair := range list {
		var h Header
		if len(pair) != 2 {
			return io.ErrUnexpectedEOF
		}
		if err := text(pair[0], &h.Name); err != nil {
			return err
		}
		if err := text(pair[1], &h.Value); err != nil {
			return err
		}
		*hs = append(*hs, h)
	}
	return nil
}

func referenceMessages(raw json.RawMessage, q *Request) error {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return err
	}
	q.Messages = nil
	for _, raw := range list {
		if string(raw) == "null" {
			return io.ErrUnexpectedEOF
		}
		var m Message
		d := json.NewDecoder(bytes.NewReader(raw))
		if first, err := d.Token(); err != nil || first != json.Delim('{') {
			return io.ErrUnexpectedEOF
		}
		for d.More() {
			key, _ := d.Token()
			var raw json.RawMessage
			if err := d.Decode(&raw); err != nil {
				return err
			}
			if string(raw) == "null" {
				continue
			}
			var err error
			var s []byte
			switch key {
			case "us":
				err = json.Unmarshal(raw, &m.US)
			case "dir":
				if err = referenceText(raw, &s); err == nil && string(s) != "c" && string(s) != "s" {
					err = io.ErrUnexpectedEOF
				} else if err == nil {
					m.Dir = s[0]
				}
			case "op":
				err = referenceText(raw, &s)
				m.Op = string(s)
			case "data":
				err = referenceBytes(raw, &m.Data)
			}
			if err != nil {
				return err
			}
		}
		q.Messages = append(q.Messages, m)
	}
	return nil
}

func FuzzCodec(f *testing.F) {
	f.Add([]byte("/a?b=\xff\"\\\n"), []byte("name"), int64(-1), uint16(200), "text")
	f.Fuzz(func(t *testing.T, target, name []byte, n int64, status uint16, op string) {
		q := full()
		q.At, q.DurUS, q.Conn, q.Status = n, max(n, Unknown), max(n, 0), int(status)%1000
		q.Target, q.Client, q.Src, q.Body = target, name, target, name
		q.Headers = []Header{{name, target}, {target, name}}
		q.Messages = []Message{{n, 's', strings.ToValidUTF8(op, "?"), target}}
		var back Request
		if err := ParseJSON(q.AppendJSON(nil), &back); err != nil {
			if q.CheckLimits() == nil {
				t.Fatalf("ParseJSON(AppendJSON(%+v)) = %v", q, err)
			}
			return
		}
		if got, want := fields(&back), fields(q); !reflect.DeepEqual(got, want) {
			t.Fatalf("came back as\n %+v, want\n %+v", got, want)
		}
	})
}
