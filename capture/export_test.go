package capture

import "testing"

func TestAppendURL(t *testing.T) {
	for _, c := range []struct {
		scheme, host, target string
		want                 string
		encoded              bool
		why                  string
	}{
		{"https", "shop.example", "/a?b=1", "https://shop.example/a?b=1", false, ""},
		{"HTTP", "[::1]:8080", "/", "http://[::1]:8080/", false, ""},
		{"", "a", "/%20~", "http://a/%20~", false, ""},
		{"http", "a", "/\x00 ü#\"<>\\^`{|}\x7f", "http://a/%00%20%C3%BC%23%22%3C%3E%5C%5E%60%7B%7C%7D%7F", true, ""},
		{"http", "", "/", "", false, "no host"},
		{"http", "a/b", "/", "", false, "bad host"},
		{"http", "a b", "/", "", false, "bad host"},
		{"http", "u@a", "/", "", false, "bad host"},
		{"http", "a\r\n", "/", "", false, "bad host"},
		{"ftp", "a", "/", "", false, "another scheme"},
		{"http", "a", "*", "", false, "target without a path"},
		{"http", "a", "", "", false, "target without a path"},
		{"http", "a", "a:443", "", false, "target without a path"},
	} {
		q := Request{Scheme: []byte(c.scheme), Host: []byte(c.host), Target: []byte(c.target)}
		got, encoded, why := q.AppendURL([]byte("x"))
		if string(got) != "x"+c.want || encoded != c.encoded || why != c.why {
			t.Errorf("AppendURL of %q %q %q: %s, %v, %q, want %s, %v, %q", c.scheme, c.host, c.target, got, encoded, why, "x"+c.want, c.encoded, c.why)
		}
	}
}

func TestIsField(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        bool
	}{
		{"X-A_b.c~1", "any \x80 \tvalue", true}, {"", "a", false}, {"a b", "", false}, {":path", "/", false}, {"a", "\n", false}, {"a", "b\r", false}, {"a", "\x00", false}, {"é", "", false},
	} {
		if got := (Header{[]byte(c.name), []byte(c.value)}).IsField(); got != c.want {
			t.Errorf("IsField of %q: %q = %v, want %v", c.name, c.value, got, c.want)
		}
	}
}

func TestLacksBody(t *testing.T) {
	length := []Header{{[]byte("content-length"), []byte("3")}}
	for _, c := range []struct {
		name string
		q    Request
		want bool
	}{
		{"nothing known", Request{BodySize: Unknown}, false},
		{"only the head tells", Request{BodySize: Unknown, Headers: length}, true},
		{"the head says none", Request{BodySize: Unknown, Headers: []Header{{[]byte("Content-Length"), []byte("0")}}}, false},
		{"chunks", Request{BodySize: Unknown, Headers: []Header{{[]byte("Transfer-Encoding"), []byte("chunked")}}}, true},
		{"whole", Request{BodySize: 3, Body: []byte("abc"), Headers: length}, false},
		{"cut", Request{BodySize: 4, Body: []byte("abc")}, true},
		{"none", Request{BodySize: 0, Headers: length}, false},
	} {
		if got := c.q.LacksBody(); got != c.want {
			t.Errorf("%s: LacksBody = %v, want %v", c.name, got, c.want)
		}
	}
}
