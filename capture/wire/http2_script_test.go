package wire

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// peer writes what one side of a connection sends.
type peer struct {
	side int
	buf  bytes.Buffer
	xhttp2.Framer
	encoder *hpack.Encoder
	block   bytes.Buffer
}

func newPeer(side int) *peer {
	p := &peer{side: side}
	p.Framer = *xhttp2.NewFramer(&p.buf, nil)
	p.Framer.AllowIllegalWrites = true
	p.encoder = hpack.NewEncoder(&p.block)
	return p
}

// take is what was written since the last call.
func (p *peer) take() piece {
	defer p.buf.Reset()
	return piece{side: p.side, text: p.buf.String()}
}

// fields encodes fields that are written as name=value.
func (p *peer) fields(fields ...string) []byte {
	p.block.Reset()
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		p.encoder.WriteField(hpack.HeaderField{Name: name, Value: value})
	}
	return bytes.Clone(p.block.Bytes())
}

func (p *peer) headers(id uint32, end bool, fields ...string) piece {
	p.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: id, BlockFragment: p.fields(fields...), EndStream: end, EndHeaders: true})
	return p.take()
}

func (p *peer) data(id uint32, end bool, text string) piece {
	p.WriteData(id, end, []byte(text))
	return p.take()
}

func (p *peer) ping() piece {
	p.WritePing(false, [8]byte{})
	return p.take()
}

func (p *peer) reset(id uint32) piece {
	p.WriteRSTStream(id, xhttp2.ErrCodeCancel)
	return p.take()
}

// request is the head of a GET of /NUMBER.
func (p *peer) get(id uint32) piece {
	return p.headers(id, true, ":method=GET", ":scheme=http", ":authority=h", fmt.Sprintf(":path=/%d", id))
}

// hello is how a side begins.
func (p *peer) hello() piece {
	if p.side == 0 {
		p.buf.WriteString(clientPreface)
	}
	p.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1 << 20})
	return p.take()
}

// part is a part of a piece.
func (p piece) part(from, to int) piece { return piece{side: p.side, text: p.text[from:to]} }

var postFields = []string{":method=POST", ":scheme=https", ":authority=h", ":path=/p", "content-type=text/plain"}

// TestHTTP2Script has a row for each odd thing that ends of HTTP/2 do. Control frames are left out of what is shown.
func TestHTTP2Script(t *testing.T) {
	for _, test := range []struct {
		name string
		talk func(c, s *peer) []piece // behind the preface and settings of both
		want string
	}{
		{"pair", func(c, s *peer) []piece {
			return []piece{c.get(1), s.headers(1, false, ":status=200"), s.data(1, true, "hi")}
		}, "GET h/1 HTTP/2.0 -> 200 hi/2"},
		{"interleaved", func(c, s *peer) []piece {
			return []piece{c.get(1), c.get(3), s.headers(3, false, ":status=200"), s.headers(1, false, ":status=404"),
				s.data(3, false, "a"), s.data(1, false, "x"), s.data(3, true, "b"), s.data(1, true, "y")}
		}, "GET h/3 HTTP/2.0 -> 200 ab/2\nGET h/1 HTTP/2.0 -> 404 xy/2"},
		{"padding and priority", func(c, s *peer) []piece {
			c.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: c.fields(postFields...), EndHeaders: true, PadLength: 9, Priority: xhttp2.PriorityParam{Weight: 5}})
			c.WriteDataPadded(1, false, []byte("abc"), make([]byte, 255))
			c.WriteDataPadded(1, true, nil, make([]byte, 3))
			q := c.take()
			s.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: s.fields(":status=200"), EndHeaders: true, EndStream: true, PadLength: 1})
			return []piece{q.part(0, 60), q.part(60, 100), q.part(100, len(q.text)), s.take()}
		}, "POST h/p HTTP/2.0 body=abc/3 -> 200"},
		{"continuation", func(c, s *peer) []piece {
			block := c.fields(postFields...)
			c.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:1], EndStream: true, PadLength: 4})
			c.WriteContinuation(1, false, block[1:3])
			c.WriteContinuation(1, false, nil)
			c.WriteContinuation(1, true, block[3:])
			return []piece{c.take(), s.headers(1, true, ":status=200")}
		}, "POST h/p HTTP/2.0 -> 200"},
		{"another frame within a block", func(c, s *peer) []piece {
			c.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: c.fields(postFields...), EndStream: true})
			c.WritePing(false, [8]byte{})
			return []piece{c.take()}
		}, "skipped bad-framing 44"},
		{"interim and trailers", func(c, s *peer) []piece {
			return []piece{c.headers(1, false, postFields...), s.headers(1, false, ":status=100"), c.data(1, false, "abc"), c.headers(1, true, "x-sum=1"),
				s.headers(1, false, ":status=103", "link=x"), s.headers(1, false, ":status=200"), s.data(1, false, "hi"), s.headers(1, true, "x-sum=2")}
		}, "POST h/p HTTP/2.0 body=abc/3 -> 200 hi/2 x-sum=2"},
		{"cookies and host", func(c, s *peer) []piece {
			return []piece{c.headers(1, true, ":method=GET", ":scheme=http", ":path=/", "cookie=a=1", "host=v", "cookie=b=2", "cookie=c=3")}
		}, "GET v/ HTTP/2.0 -> 0 cookie=a=1; b=2; c=3"},
		{"reset before the response", func(c, s *peer) []piece {
			return []piece{c.get(1), c.reset(1), s.headers(1, true, ":status=200"), c.get(3)}
		}, "GET h/1 HTTP/2.0 -> 0\nGET h/3 HTTP/2.0 -> 0\nskipped response-alone 10"},
		{"reset within the response", func(c, s *peer) []piece {
			return []piece{c.get(1), s.headers(1, false, ":status=200"), s.data(1, false, "hi"), s.reset(1), c.get(3), s.headers(3, true, ":status=200")}
		}, "GET h/1 HTTP/2.0 -> 200 hi/2\nGET h/3 HTTP/2.0 -> 200"},
		{"response before the body", func(c, s *peer) []piece {
			return []piece{c.headers(1, false, postFields...), s.headers(1, true, ":status=413"), c.data(1, false, "abc"), s.reset(1), c.data(1, true, "def")}
		}, "POST h/p HTTP/2.0 body=abc/3 -> 413\nskipped http2-stray 12"},
		{"handed over late", func(c, s *peer) []piece {
			q := c.get(1)
			return []piece{s.headers(1, false, ":status=200"), s.data(1, true, "hi"), q}
		}, "GET h/1 HTTP/2.0 -> 200 hi/2"},
		{"pushed", func(c, s *peer) []piece {
			q := c.get(1)
			s.WritePushPromise(xhttp2.PushPromiseParam{StreamID: 1, PromiseID: 2, BlockFragment: s.fields(":method=GET", ":scheme=http", ":authority=h", ":path=/pushed", "x-new=1"), EndHeaders: true})
			return []piece{q, s.take(), s.headers(2, false, ":status=200", "x-new=1"), s.data(2, true, "pushed"), s.headers(1, true, ":status=200", "x-new=1")}
		}, "GET h/1 HTTP/2.0 -> 200\nskipped http2-push 59"},
		{"CONNECT", func(c, s *peer) []piece {
			return []piece{c.headers(1, false, ":method=CONNECT", ":authority=x:443"), s.headers(1, false, ":status=200"), c.data(1, true, "abc"), s.data(1, true, "def")}
		}, "CONNECT x:443x:443 HTTP/2.0 body=abc/3 -> 200 def/3"},
		{"without a path", func(c, s *peer) []piece {
			return []piece{c.headers(1, true, ":method=GET", ":scheme=http", ":authority=h"), s.headers(1, true, ":status=400"), c.get(3)}
		}, "GET h/3 HTTP/2.0 -> 0\nskipped bad-request 14, response-alone 10"},
		{"pseudo-field behind a field", func(c, s *peer) []piece {
			return []piece{c.headers(1, true, ":method=GET", ":scheme=http", "a=b", ":path=/"), c.get(3)}
		}, "GET h/3 HTTP/2.0 -> 0\nskipped bad-request 17"},
		{"stream that goes back", func(c, s *peer) []piece {
			return []piece{c.get(5), c.get(3)}
		}, "GET h/5 HTTP/2.0 -> 0\nskipped bad-request 16"},
		{"a line break in a value", func(c, s *peer) []piece {
			return []piece{c.headers(1, true, ":method=GET", ":scheme=http", ":path=/", "a=b\r\nc: d"), c.headers(3, true, ":method=GET", ":scheme=http", ":path=/ HTTP/1.1", ":authority=h"),
				c.get(5), s.headers(5, true, ":status=200", "a=b\nc")}
		}, "GET h/5 HTTP/2.0 -> 0\nskipped bad-request 47, bad-response 17"},
		{"unknown frames", func(c, s *peer) []piece {
			c.WriteRawFrame(0xfa, 0xff, 77, []byte("grease"))
			c.WriteGoAway(0, xhttp2.ErrCodeNo, []byte("bye"))
			return []piece{c.take(), c.get(1), s.headers(1, true, ":status=200")}
		}, "GET h/1 HTTP/2.0 -> 200"},
		{"too many fields", func(c, s *peer) []piece {
			fields := append([]string{}, postFields...)
			for i := range maxFields + 1 {
				fields = append(fields, fmt.Sprintf("f%d=v", i))
			}
			return []piece{c.headers(1, true, fields...), s.headers(1, true, ":status=431"), c.get(3)}
		}, "GET h/3 HTTP/2.0 -> 0\nskipped too-long 3616"},
		{"a block without end", func(c, s *peer) []piece {
			c.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: c.fields(postFields...), EndStream: true})
			for range 40 {
				c.WriteContinuation(1, false, make([]byte, 16<<10))
			}
			c.WriteContinuation(1, true, nil)
			return []piece{c.take(), s.headers(1, true, ":status=431"), c.headers(3, true, postFields...)}
		}, "skipped too-long 655756, response-alone 14, hpack-unknown 14"},
		{"a block that stands for more than it is", func(c, s *peer) []piece {
			block := c.fields(append(postFields, "x="+repeat("v", 3000))...) // the newest entry of the table
			c.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, BlockFragment: append(block, repeat("\xbe", maxUnpacked/3000)...), EndStream: true, EndHeaders: true})
			return []piece{c.take(), s.headers(1, true, ":status=431"), c.headers(3, true, postFields...)}
		}, "skipped too-long 3094, response-alone 14, hpack-unknown 14"},

		{"gap in DATA", func(c, s *peer) []piece {
			d := s.data(1, true, "0123456789")
			return []piece{c.get(1), s.headers(1, false, ":status=200"), d.part(0, 12), lose(1, 3), d.part(15, 19), c.get(3), s.headers(3, true, ":status=200")}
		}, "GET h/1 HTTP/2.0 -> 200 012/10\nGET h/3 HTTP/2.0 -> 200"},
		{"gap in a head of fields", func(c, s *peer) []piece {
			q := c.get(1)
			return []piece{q.part(0, 12), lose(0, 1), q.part(13, len(q.text)), c.headers(3, true, ":method=GET", ":scheme=http", ":path=/3", ":authority=h"),
				s.headers(1, true, ":status=200"), s.headers(3, true, ":status=200")}
		}, "GET /3 HTTP/2.0 -> 200\nskipped gap 17, response-alone 10"},
		{"gap between frames", func(c, s *peer) []piece {
			first, second := s.headers(1, false, ":status=200"), s.data(1, true, "hi")
			return []piece{c.get(1), c.get(3), first, lose(1, int64(len(second.text))), s.headers(3, true, ":status=200")}
		}, "GET h/3 HTTP/2.0 -> 200\nGET h/1 HTTP/2.0 -> 200 /-1"},
		{"a body that is frames", func(c, s *peer) []piece {
			inner := newPeer(1)
			var text string
			for id := range uint32(3) {
				text += inner.get(2*id + 101).text
			}
			d := s.data(1, true, text+"and more")
			return []piece{c.get(1), s.headers(1, false, ":status=200"), d.part(0, 5), lose(1, 4), d.part(9, len(d.text)), s.ping(), c.get(3), s.headers(3, true, ":status=200"), c.get(5), s.headers(5, true, ":status=200")}
		}, "GET h/3 HTTP/2.0 -> 200\nGET h/5 HTTP/2.0 -> 200\nGET h/1 HTTP/2.0 -> 200 /-1\nskipped gap 66"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, s := newPeer(0), newPeer(1)
			got, tally := run(t, Options{}, append([]piece{c.hello(), s.hello()}, test.talk(c, s)...)...)
			tally.skipped[http2Control] = 0
			text := shown(got, tally)
			for _, q := range got {
				if v := header(q.Headers, "cookie"); v != "" {
					text += " cookie=" + v
				}
			}
			if text != test.want {
				t.Errorf("got\n%s\nwant\n%s", text, test.want)
			}
		})
	}
}

// TestHTTP2Idle asks after each step whether something is under way.
func TestHTTP2Idle(t *testing.T) {
	client, server := newPeer(0), newPeer(1)
	c := NewDecoder(Options{}).Open([2]netip.AddrPort{})
	for i, step := range []struct {
		piece piece
		want  bool
	}{
		{client.hello(), true},
		{server.hello(), true},
		{client.get(1), false},
		{client.get(3), false},
		{server.headers(3, true, ":status=204"), false},
		{server.headers(1, false, ":status=200"), false},
		{server.data(1, true, "hello"), true},
		{client.ping().part(0, 5), false},
	} {
		c.Data(step.piece.side, int64(i), []byte(step.piece.text))
		if got := c.Idle(); got != step.want {
			t.Errorf("step %d: Idle() = %v, want %v", i, got, step.want)
		}
	}
}

// TestHTTP2Begins has a row for each way in which a connection comes up.
func TestHTTP2Begins(t *testing.T) {
	for _, test := range []struct {
		name string
		talk func(c, s *peer) []piece
		want string
	}{
		{"the server first", func(c, s *peer) []piece {
			return []piece{s.hello(), c.hello(), c.get(1), s.headers(1, true, ":status=204")}
		}, "GET h/1 HTTP/2.0 -> 204"},
		{"entered in the middle", func(c, s *peer) []piece {
			s.headers(1, true, ":status=418", "server=x")
			c.headers(1, true, ":method=GET", ":scheme=http", ":path=/old", ":authority=h", "x-old=1")
			return []piece{
				c.ping(), s.ping(),
				c.headers(3, true, ":method=GET", ":scheme=http", ":path=/3", ":authority=h", "x-old=1", "x-new=1"), s.headers(3, true, ":status=200"),
				c.headers(5, true, ":method=GET", ":scheme=http", ":path=/old", ":authority=h"), s.headers(5, true, ":status=200"),
				c.headers(7, true, ":method=GET", ":scheme=http", ":path=/3", ":authority=new", "x-new=1"), s.headers(7, true, ":status=418"),
			}
		}, "GET /3 HTTP/2.0 -> 200\nGET new/3 HTTP/2.0 -> 0\nskipped response-alone 10, hpack-unknown 23"},
		{"binary that looks like it", func(c, s *peer) []piece {
			frame := c.ping().text
			return []piece{{side: 0, text: frame + "and nothing"}, {side: 1, text: frame + frame + frame + "\x00\x00\x00\x09\x00\x00\x00\x00\x00"}}
		}, "skipped mid-stream 20"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, tally := run(t, Options{}, test.talk(newPeer(0), newPeer(1))...)
			if (tally.Requests > 0) != (tally.Streams()["http2"] > 0) {
				t.Errorf("%d requests on %v", tally.Requests, tally.Streams())
			}
			tally.skipped[http2Control] = 0
			if text := shown(got, tally); text != test.want {
				t.Errorf("got\n%s\nwant\n%s", text, test.want)
			}
		})
	}
}

// TestHTTP2Upgrade continues a request of HTTP/1 on stream 1.
func TestHTTP2Upgrade(t *testing.T) {
	client, server := newPeer(0), newPeer(1)
	upgrade := "POST /up HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 2\r\n\r\nab"
	got, tally := run(t, Options{}, c(upgrade), s("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"+server.hello().text), client.hello(),
		server.headers(1, false, ":status=200"), client.get(3), server.data(1, true, "hi"), server.headers(3, true, ":status=204"))
	tally.skipped[http2Control] = 0
	if text, want := shown(got, tally), "POST h/up HTTP/1.1 body=ab/2 -> 200 hi/2\nGET h/3 HTTP/2.0 -> 204"; text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if tally.Responses != 2 || tally.Interim != 1 {
		t.Errorf("%d responses, %d interim, want 2, 1", tally.Responses, tally.Interim)
	}
}

// grpcText is messages as gRPC frames them.
func grpcText(flags byte, messages ...string) string {
	var b []byte
	for _, m := range messages {
		b = append(b, flags, 0, byte(len(m)>>16), byte(len(m)>>8), byte(len(m)))
		b = append(b, m...)
	}
	return string(b)
}

func TestGRPC(t *testing.T) {
	fields := func(content string) []string {
		return []string{":method=POST", ":scheme=http", ":path=/shop.Cart/Add", ":authority=h", "te=trailers", "content-type=" + content}
	}
	web := grpcText(0, "one", "two") + grpcText(0x80, "grpc-status: 5\r\ngrpc-message: none\r\n")
	inText := func(parts ...string) (all string) {
		for _, p := range parts {
			all += base64.StdEncoding.EncodeToString([]byte(p))
		}
		return all
	}
	for _, test := range []struct {
		name string
		talk func(c, s *peer) []piece
		want string
	}{
		{"a stream each way", func(c, s *peer) []piece {
			text := grpcText(0, "one") + grpcText(1, "packed") + grpcText(0, "")
			return []piece{c.headers(1, false, fields("application/grpc+proto")...), c.data(1, false, text[:3]), s.headers(1, false, ":status=200", "content-type=application/grpc"),
				c.data(1, false, text[3:6]), s.data(1, false, grpcText(0, "yes")), c.data(1, true, text[6:]), s.headers(1, true, "grpc-status=0")}
		}, "-> 200 /8 grpc-status=0 [s grpc yes] [c grpc one] [c grpc packed] [c grpc ] of 4"},
		{"the request handed over late", func(c, s *peer) []piece {
			head, body := c.headers(1, false, fields("application/grpc")...), c.data(1, true, grpcText(0, "ask"))
			return []piece{s.headers(1, false, ":status=200", "content-type=application/grpc"), s.data(1, true, grpcText(0, "yes")), head, body}
		}, "-> 200 /8 [s grpc yes] [c grpc ask] of 2"},
		{"trailers only", func(c, s *peer) []piece {
			return []piece{c.headers(1, false, fields("application/grpc")...), c.data(1, true, grpcText(0, "x")), s.headers(1, true, ":status=200", "content-type=application/grpc", "grpc-status=12")}
		}, "-> 200 [c grpc x] of 1"},
		{"not gRPC", func(c, s *peer) []piece {
			return []piece{c.headers(1, false, fields("application/grpcoffee")...), c.data(1, true, grpcText(0, "x")), s.headers(1, true, ":status=200")}
		}, "-> 200 of 0"},
		{"a flag that means nothing", func(c, s *peer) []piece {
			return []piece{c.headers(1, false, fields("application/grpc")...), c.data(1, true, grpcText(0, "x")+grpcText(2, "y")), s.headers(1, true, ":status=200")}
		}, "-> 200 [c grpc x] of 1"},
		{"gap within a message", func(c, s *peer) []piece {
			d := c.data(1, true, grpcText(0, "0123456789", "next"))
			return []piece{c.headers(1, false, fields("application/grpc")...), d.part(0, 16), lose(0, 4), d.part(20, len(d.text)), s.headers(1, true, ":status=200")}
		}, "-> 200 [c grpc next] of 2"},
		{"cut", func(c, s *peer) []piece {
			return []piece{c.headers(1, false, fields("application/grpc")...), c.data(1, false, grpcText(0, "whole", "half")[:12])}
		}, "-> 0 [c grpc whole] of 1"},
		{"web", func(c, s *peer) []piece {
			return []piece{c.headers(1, false, fields("application/grpc-web+proto")...), c.data(1, true, grpcText(0, "x")), s.headers(1, false, ":status=200", "content-type=application/grpc-web+proto"), s.data(1, true, web)}
		}, "-> 200 /57 grpc-status=5 grpc-message=none [c grpc x] [s grpc one] [s grpc two] of 3"},
		{"web as text", func(c, s *peer) []piece {
			text := inText(web[:4], web[4:9], web[9:])
			return []piece{c.headers(1, false, fields("application/grpc-web-text")...), c.data(1, true, inText(grpcText(0, "x"))), s.headers(1, false, ":status=200", "content-type=application/grpc-web-text"), s.data(1, false, text[:6]), s.data(1, true, text[6:])}
		}, "-> 200 /80 grpc-status=5 grpc-message=none [c grpc x] [s grpc one] [s grpc two] of 3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, s := newPeer(0), newPeer(1)
			got, tally := run(t, Options{}, append([]piece{c.hello(), s.hello()}, test.talk(c, s)...)...)
			if len(got) != 1 {
				t.Fatalf("%d requests, want 1", len(got))
			}
			q := got[0]
			q.BodySize, q.Body, q.RespBody = 0, nil, nil // the messages are in them
			text := show(q)
			text = fmt.Sprintf("%s of %d", text[strings.Index(text, "-> "):], tally.GRPC)
			if text != test.want {
				t.Errorf("got\n%s\nwant\n%s", text, test.want)
			}
		})
	}
}

// TestGRPCOverHTTP1 has gRPC-web without HTTP/2.
func TestGRPCOverHTTP1(t *testing.T) {
	body := base64.StdEncoding.EncodeToString([]byte(grpcText(0, "x")))
	web := grpcText(0, "one", "two") + grpcText(0x80, "grpc-status: 5\r\n")
	got, tally := run(t, Options{NoBodies: true},
		c(fmt.Sprintf("POST /shop.Cart/Add HTTP/1.1\r\nHost: h\r\nContent-Type: application/grpc-web-text\r\nContent-Length: %d\r\n\r\n%s", len(body), body)),
		s(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web\r\nContent-Length: %d\r\n\r\n", len(web))), s(web[:7]), s(web[7:]))
	want := "POST h/shop.Cart/Add HTTP/1.1 body=/8 -> 200 /37 grpc-status=5 [c grpc ] [s grpc ] [s grpc ]"
	if text := shown(got, tally); text != want || tally.GRPC != 3 {
		t.Errorf("%d messages, got\n%s\nwant 3,\n%s", tally.GRPC, text, want)
	}
}
