package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trafficreplay/capture"
)

// TestPlantedSecretsInBodies plants every secret in every form of body, request and response, plain and compressed, in
// the packets of a connection and in a HAR, and looks for it in every byte that capture and shape write.
func TestPlantedSecretsInBodies(t *testing.T) {
	secrets := append([]string{"hunter-0815-xyzzy"}, planted...) // the first is known by its names alone
	for _, source := range []struct {
		name  string
		write func(t *testing.T, path, secret string) (requests int)
	}{{"bodies.pcap", writeBodiesPcap}, {"bodies.har", writeBodiesHAR}} {
		for i, secret := range secrets {
			dir := t.TempDir()
			in, out := filepath.Join(t.TempDir(), source.name), filepath.Join(dir, "bodies.cap.zst")
			want := source.write(t, in, secret)
			code, stdout, stderr := command(t, "capture", "--strict", in, "-o", out)
			if code != 0 {
				t.Fatalf("%s with %s: exit code %d: %s%s", source.name, secret, code, stdout, stderr)
			}
			if code, _, stderr := command(t, "shape", out, "-o", filepath.Join(dir, "bodies.workload.yaml")); code != 0 {
				t.Fatalf("shape: exit code %d: %s", code, stderr)
			}
			requests, readable := readBodies(t, out)
			if requests != want {
				t.Errorf("%s with %s: %d requests, want %d", source.name, secret, requests, want)
			}
			all := append(everyByte(t, dir), readable...)
			for _, form := range secretForms(secret) {
				if at := bytes.Index(all, []byte(form)); at >= 0 {
					t.Errorf("%s: %s is there as %q: …%q…", source.name, secret, form, all[max(0, at-80):min(len(all), at+80)])
					break
				}
			}
			if i == 0 && !bytes.Contains(readable, []byte("red shoes")) {
				t.Errorf("%s: what is no secret is gone from %q", source.name, readable)
			}
		}
	}
}

// secretForms are the ways in which a secret may be spelled.
func secretForms(s string) []string {
	if scheme, value, ok := strings.Cut(s, " "); ok && scheme == "Bearer" {
		s = value
	}
	quoted, _ := json.Marshal(s)
	forms := []string{s, url.QueryEscape(s), url.PathEscape(s), html.EscapeString(s), string(quoted[1 : len(quoted)-1]), hex.EncodeToString([]byte(s))}
	for pad := range 3 {
		e := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", pad) + s))
		forms = append(forms, e[(pad*8+5)/6:(pad+len(s))*8/6])
	}
	return forms
}

// everyByte is the content of all files below a folder, and of those in zstd what they hold.
func everyByte(t *testing.T, dir string) (all []byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		all = append(all, b...)
		if strings.HasSuffix(path, ".zst") {
			z, err := capture.NewZstdReader(bytes.NewReader(b))
			if err != nil {
				return err
			}
			plain, err := io.ReadAll(z)
			if err != nil {
				return err
			}
			all = append(all, plain...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// readBodies is how many requests a capture has, and all that can be read in their bodies and messages.
func readBodies(t *testing.T, path string) (n int, all []byte) {
	t.Helper()
	r, err := capture.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var into capture.Contents
	keep := func(part, _ []byte) []byte {
		all = append(append(all, part...), '\n')
		return part
	}
	var q capture.Request
	for {
		if err := r.Next(&q); err == io.EOF {
			return n, all
		} else if err != nil {
			t.Fatal(err)
		}
		n++
		all = append(append(append(all, q.Body...), q.RespBody...), '\n')
		_, asked := into.Rewrite(q.Headers, q.Body, keep)
		_, answered := into.Rewrite(q.RespHeaders, q.RespBody, keep)
		if !asked || !answered {
			t.Errorf("request %d: %q and %q are kept and cannot be read", n, q.Body, q.RespBody)
		}
		if len(q.Body) > 0 && int64(len(q.Body)) < q.BodySize {
			t.Errorf("request %d: %d of %d bytes would be sent", n, len(q.Body), q.BodySize)
		}
		for i := range q.Messages {
			if _, ok := into.RewriteMessage(&q, i, keep); !ok {
				t.Errorf("request %d: message %q cannot be read", n, q.Messages[i].Data)
			}
		}
	}
}

// secretBody is a body that holds a secret under a name, and by its look.
type secretBody struct{ kind, text string }

func secretBodies(s string) []secretBody {
	js, _ := json.Marshal(s)
	return []secretBody{
		{"application/json", `{"title":"red shoes","auth":{"password":` + string(js) + `}}`},
		{"application/json", `{"query":"mutation M { a }","variables":{"i":{"token":` + string(js) + `}}}`},
		{"application/x-www-form-urlencoded", "title=red+shoes&password=" + url.QueryEscape(s) + "&json=" + url.QueryEscape(`{"secret":`+string(js)+`}`)},
		{"multipart/form-data; boundary=XX", "--XX\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n" + s + "\r\n--XX--\r\n"},
		{"multipart/form-data; boundary=XX", "--XX\r\nContent-Disposition: form-data; name=\"token\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(s)) + "\r\n--XX--\r\n"},
		{"text/xml", "<a><t>red shoes</t><wsse:Password>" + html.EscapeString(s) + "</wsse:Password></a>"},
		{"text/html", `<input name="csrf_token" value="` + html.EscapeString(s) + `">`},
		{"text/plain", "title: red shoes\npassword=\"" + s + "\"\n"},
	}
}

// writeBodiesPcap writes the packets of a connection for each body and coding, and of a WebSocket.
func writeBodiesPcap(t *testing.T, path, secret string) (requests int) {
	t.Helper()
	w := newPcap()
	for _, b := range secretBodies(secret) {
		for _, coding := range []string{"", "gzip"} {
			body := []byte(b.text)
			head := "Content-Type: " + b.kind + "\r\n"
			if coding != "" {
				body, head = gzipped(t, b.text), head+"Content-Encoding: gzip\r\n"
			}
			ask := fmt.Appendf(nil, "POST /a HTTP/1.1\r\nHost: shop.example\r\n%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
			answer := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\n%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", head, len(body), body)
			w.connection(ask, answer)
			requests++
		}
	}
	if !strings.HasPrefix(secret, "hunter") { // no name tells a password in these
		field := string([]byte{0x12, byte(len(secret))}) + secret
		call := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(field))), field...)
		w.connection(fmt.Appendf(nil, "POST /s.S/M HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/grpc-web+proto\r\nContent-Length: %d\r\n\r\n%s", len(call), call),
			fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web+proto\r\nContent-Length: %d\r\n\r\n%s", len(call), call))
		requests++
	}
	const up = "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	js, _ := json.Marshal(map[string]string{"title": "red shoes", "token": secret})
	w.connection([]byte("GET /ws HTTP/1.1\r\nHost: shop.example\r\n"+up+"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
		[]byte("HTTP/1.1 101 Switching Protocols\r\n"+up+"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"),
		append([]byte{0x81, 0x80 | 126, byte(len(js) >> 8), byte(len(js)), 0, 0, 0, 0}, js...), append([]byte{0x81, 126, byte(len(js) >> 8), byte(len(js))}, js...))
	requests++
	if err := os.WriteFile(path, w.b, 0o600); err != nil {
		t.Fatal(err)
	}
	return requests
}

func gzipped(t *testing.T, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, s); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pcap is a capture file of raw IPv4 packets (PCAP Capture File Format, IETF draft) while it is written.
type pcap struct {
	b    []byte
	us   uint32
	port uint16
}

func newPcap() *pcap {
	le := binary.LittleEndian
	const microseconds, rawIP = 0xa1b2c3d4, 101
	b := le.AppendUint32(nil, microseconds)
	b = le.AppendUint16(le.AppendUint16(b, 2), 4)
	b = le.AppendUint32(le.AppendUint32(le.AppendUint32(le.AppendUint32(b, 0), 0), 1<<18), rawIP)
	return &pcap{b: b, port: 40000}
}

// connection writes a connection in which client and server speak in turn.
func (p *pcap) connection(turns ...[]byte) {
	p.port++
	seq := [2]uint32{1000, 5000}
	const fin, syn, ack = 1, 2, 16
	p.packet(0, seq, syn, nil)
	seq[0]++
	p.packet(1, seq, syn|ack, nil)
	seq[1]++
	for i, b := range turns {
		for len(b) > 0 {
			n := min(len(b), 1400)
			p.packet(i&1, seq, ack, b[:n])
			seq[i&1] += uint32(n)
			b = b[n:]
		}
	}
	for side := range 2 {
		p.packet(side, seq, fin|ack, nil)
		seq[side]++
	}
}

func (p *pcap) packet(side int, seq [2]uint32, flags byte, payload []byte) {
	be, le := binary.BigEndian, binary.LittleEndian
	ports := [2]uint16{p.port, 80}
	tcp := be.AppendUint16(be.AppendUint16(nil, ports[side]), ports[side^1])
	tcp = be.AppendUint32(be.AppendUint32(tcp, seq[side]), seq[side^1])
	tcp = append(append(tcp, 5<<4, flags, 0xff, 0xff, 0, 0, 0, 0), payload...)
	ip := append([]byte{0x45, 0}, be.AppendUint16(nil, uint16(20+len(tcp)))...)
	ip = append(ip, 0, 0, 0x40, 0, 64, 6, 0, 0)
	hosts := [2][]byte{{10, 0, 0, 1}, {10, 0, 0, 2}}
	ip = append(append(append(ip, hosts[side]...), hosts[side^1]...), tcp...)
	p.us += 100
	p.b = le.AppendUint32(le.AppendUint32(p.b, 1_770_000_000), p.us)
	p.b = append(le.AppendUint32(le.AppendUint32(p.b, uint32(len(ip))), uint32(len(ip))), ip...)
}

// writeBodiesHAR writes an entry for each body, in the request and in the response.
func writeBodiesHAR(t *testing.T, path, secret string) (requests int) {
	t.Helper()
	type object = map[string]any
	var entries []object
	for _, b := range secretBodies(secret) {
		kind := []object{{"name": "Content-Type", "value": b.kind}}
		entries = append(entries, object{
			"startedDateTime": fmt.Sprintf("2026-11-25T10:00:%02d.000Z", len(entries)), "time": 5,
			"request":  object{"method": http.MethodPost, "url": "https://shop.example/a", "httpVersion": "HTTP/1.1", "headers": kind, "bodySize": len(b.text), "postData": object{"mimeType": b.kind, "text": b.text}},
			"response": object{"status": 200, "httpVersion": "HTTP/1.1", "headers": kind, "bodySize": len(b.text), "content": object{"size": len(b.text), "mimeType": b.kind, "text": b.text}},
			"timings":  object{"send": 0, "wait": 4, "receive": 1},
		})
	}
	doc, err := json.Marshal(object{"log": object{"version": "1.2", "creator": object{"name": "test", "version": "1"}, "entries": entries}})
	if err != nil {
		t.Fatal(err)
	}
	writeText(t, path, string(doc))
	return len(entries)
}
