package capture

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"strings"
)

// canary is a planted secret.
type canary struct {
	kind, value string
	named       bool // only a name gives it away
}

// plant makes three canaries of each kind; every one is different. It is long because it is a table of kinds.
func plant() []canary {
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(n int, alphabet string) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = alphabet[rng.IntN(len(alphabet))]
		}
		return string(b)
	}
	const digits, upper, lower = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
	const b62 = digits + upper + lower
	const b64 = b62 + "-_"
	random := func(n int, alphabet string) string { // holds all kinds of characters and 4 bits each, as generators' output nearly always does
		return "aB3" + pick(n-8, alphabet) + "x7Qw2"
	}
	word := func() string { return "z" + pick(5, lower) }
	card := func(prefix string, n int, sep string) string {
		s := prefix + pick(n-len(prefix)-1, digits)
		for d := range 10 {
			if c := s + fmt.Sprint(d); luhnOf(c) {
				s = c
				break
			}
		}
		if sep == "" {
			return s
		}
		var parts []string
		for len(s) > 4 {
			parts, s = append(parts, s[:4]), s[4:]
		}
		return strings.Join(append(parts, s), sep)
	}
	iban := func(group bool) string {
		account := pick(18, digits)
		for check := 2; check < 99; check++ {
			s := fmt.Sprintf("DE%02d%s", check, account)
			if mod97(s) != 1 {
				continue
			}
			if group {
				return s[:4] + " " + s[4:8] + " " + s[8:12] + " " + s[12:16] + " " + s[16:20] + " " + s[20:]
			}
			return s
		}
		return ""
	}
	kinds := []struct {
		kind  string
		named bool
		make  func() string
	}{
		{"jwt", false, func() string { return "eyJhbGciOiJIUzI1NiJ9.eyJ" + random(30, b64) + "." + random(43, b64) }},
		{"aws-id", false, func() string { return "AKIA" + pick(16, upper+digits) }},
		{"aws-session-id", false, func() string { return "ASIA" + pick(16, upper+digits) }},
		{"aws-secret", false, func() string { return random(40, b62) }},
		{"gcp", false, func() string { return "AIza" + random(35, b64) }},
		{"github", false, func() string { return "ghp_" + random(36, b62) }},
		{"github-pat", false, func() string { return "github_pat_" + random(22, b62) + "_" + random(59, b62) }},
		{"gitlab", false, func() string { return "glpat-" + random(20, b64) }},
		{"slack", false, func() string { return "xoxb-" + pick(12, digits) + "-" + pick(12, digits) + "-" + random(24, b62) }},
		{"stripe", false, func() string { return "sk_live_" + random(24, b62) }},
		{"stripe-test", false, func() string { return "rk_test_" + random(24, b62) }},
		{"pem", false, func() string {
			return "-----BEGIN RSA PRIVATE KEY-----\nMII" + random(60, b62) + "\n" + random(40, b62) + "\n-----END RSA PRIVATE KEY-----"
		}},
		{"bearer", false, func() string { return "Bearer " + pick(24, lower+digits) + "9" }},
		{"basic", false, func() string {
			return "Basic " + base64.StdEncoding.EncodeToString([]byte(word()+":"+pick(9, b62)+"1"))
		}},
		{"userinfo", false, func() string { return "https://" + word() + ":" + pick(9, b62) + "@db.example/x" }},
		{"visa", false, func() string { return card("4", 16, "") }},
		{"mastercard", false, func() string { return card("55", 16, " ") }},
		{"amex", false, func() string { return card("37", 15, "") }},
		{"discover", false, func() string { return card("6011", 16, "-") }},
		{"iban", false, func() string { return iban(false) }},
		{"iban-grouped", false, func() string { return iban(true) }},
		{"email", false, func() string { return word() + "." + word() + "@" + word() + ".example.com" }},
		{"email-short", false, func() string { return word() + "@" + pick(3, lower) + ".io" }},
		{"phone", false, func() string { return "+49151" + pick(8, digits) }},
		{"phone-us", false, func() string { return "(212) 555-" + pick(4, digits) }},
		{"ipv4", false, func() string { return fmt.Sprintf("203.0.113.%d", 100+rng.IntN(100)) }},
		{"ipv6", false, func() string { return "2001:db8:" + pick(4, "123456789abcdef") + "::" + pick(4, "123456789abcdef") }},
		{"random-62", false, func() string { return random(32, b62) }},
		{"random-64", false, func() string { return random(43, b64) }},
		{"random-20", false, func() string { return "aB3dE5fG7hJ9kL" + pick(3, lower) + pick(3, digits) }},
		{"password", true, func() string { return word() + pick(3, digits) }},
		{"session", true, func() string { return pick(32, "0123456789abcdef") }},
		{"unicode-password", true, func() string { return "pässwörd" + pick(4, digits) + "ключ" }},
	}
	var out []canary
	for _, k := range kinds {
		for range 3 {
			out = append(out, canary{k.kind, k.make(), k.named})
		}
	}
	return out
}

func luhnOf(s string) bool {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

func mod97(iban string) int {
	m := 0
	for _, c := range iban[4:] + iban[:4] {
		if c >= 'A' {
			m = (m*100 + int(c-'A') + 10) % 97
		} else {
			m = (m*10 + int(c-'0')) % 97
		}
	}
	return m
}

// place is where a canary is planted. Those marked named hold any canary, the others what a detector knows.
type place struct {
	name  string
	named bool
	put   func(q *Request, s string)
}

func set(h *[]Header, name, value string) { *h = append(*h, Header{[]byte(name), []byte(value)}) }

// places are all of them: a table.
func places() []place {
	js := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	return []place{
		{"header", false, func(q *Request, s string) {
			set(&q.Headers, "X-Debug", "ctx="+strings.ReplaceAll(s, "\n", "\\n")+" end")
		}},
		{"named header", true, func(q *Request, s string) { set(&q.Headers, "X-Api-Key", s) }},
		{"token header", true, func(q *Request, s string) { set(&q.Headers, "x-shop-token", s) }},
		{"forwarded header", true, func(q *Request, s string) { set(&q.Headers, "X-Forwarded-For", s+", "+s) }},
		{"authorization", true, func(q *Request, s string) { set(&q.Headers, "Authorization", "Custom "+s) }},
		{"basic auth", true, func(q *Request, s string) {
			set(&q.Headers, "authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("u:"+s)))
		}},
		{"cookie", true, func(q *Request, s string) {
			set(&q.Headers, "Cookie", "a=1; sid="+url.QueryEscape(s)+"; theme=dark")
		}},
		{"set-cookie", true, func(q *Request, s string) {
			set(&q.RespHeaders, "Set-Cookie", "sid="+url.QueryEscape(s)+"; Path=/; HttpOnly")
		}},
		{"user agent", false, func(q *Request, s string) {
			set(&q.Headers, "User-Agent", "bot/1.0 (contact "+strings.ReplaceAll(s, "\n", " ")+")")
		}},
		{"path", false, func(q *Request, s string) { q.Target = []byte("/a/" + url.PathEscape(s) + "/b") }},
		{"path, as lists escape it", false, func(q *Request, s string) { q.Target = []byte("/a/" + url.QueryEscape(s)) }},
		{"matrix parameter", true, func(q *Request, s string) { q.Target = []byte("/a;jsessionid=" + url.PathEscape(s) + "?x=1") }},
		{"query", false, func(q *Request, s string) { q.Target = []byte("/a?x=" + url.QueryEscape(s) + "&y=1") }},
		{"query, encoded twice", false, func(q *Request, s string) {
			q.Target = []byte("/a?x=" + url.QueryEscape(url.QueryEscape(s)))
		}},
		{"query, base64", false, func(q *Request, s string) {
			q.Target = []byte("/a?x=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s))))
		}},
		{"named query", true, func(q *Request, s string) {
			q.Target = []byte("/a?x=1&access_token=" + url.QueryEscape(s) + "&user%5Bpassword%5D=" + url.QueryEscape(s))
		}},
		{"JSON in query", true, func(q *Request, s string) {
			q.Target = []byte("/graphql?variables=" + url.QueryEscape(`{"input":{"password":`+js(s)+`}}`))
		}},
		{"URL in query", true, func(q *Request, s string) {
			q.Target = []byte("/login?next=" + url.QueryEscape("https://shop.example/x?token="+url.QueryEscape(s)))
		}},
		{"referer", false, func(q *Request, s string) {
			set(&q.Headers, "Referer", "https://shop.example/a/"+url.PathEscape(s)+"?x="+url.QueryEscape(s))
		}},
		{"named referer", true, func(q *Request, s string) {
			set(&q.Headers, "Referer", "https://shop.example/?sid="+url.QueryEscape(s)+"#access_token="+url.QueryEscape(s))
		}},
		{"location", true, func(q *Request, s string) {
			set(&q.RespHeaders, "Location", "https://shop.example/cb?id_token="+url.QueryEscape(s))
		}},
		{"client", true, func(q *Request, s string) { q.Client = []byte(s) }},
		{"JSON body", false, func(q *Request, s string) { q.Body = []byte(`{"items":[1,2],"note":` + js("see "+s+" ok") + `}`) }},
		{"JSON field", true, func(q *Request, s string) { q.Body = []byte(`{"a":{"clientSecret": ` + js(s) + `},"b":2}`) }},
		{"JSON below a name", true, func(q *Request, s string) { q.Body = []byte(`{"credentials":[{"value":` + js(s) + `}]}`) }},
		{"JSON in JSON", true, func(q *Request, s string) { q.Body = []byte(`{"data":` + js(`{"password":`+js(s)+`}`) + `}`) }},
		{"form body", false, func(q *Request, s string) { q.Body = []byte("a=1&note=" + url.QueryEscape(s)) }},
		{"form field", true, func(q *Request, s string) { q.Body = []byte("a=1&passwd=" + url.QueryEscape(s)) }},
		{"multipart field", true, func(q *Request, s string) {
			set(&q.Headers, "Content-Type", "multipart/form-data; boundary=XX")
			q.Body = []byte("--XX\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n" + s + "\r\n--XX--\r\n")
		}},
		{"multipart file", false, func(q *Request, s string) {
			set(&q.Headers, "Content-Type", "multipart/form-data; boundary=XX")
			q.Body = []byte("--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\nline " + s + "\r\n--XX--\r\n")
		}},
		{"XML element", true, func(q *Request, s string) { q.Body = []byte("<a><wsse:Password>" + s + "</wsse:Password></a>") }},
		{"text body", false, func(q *Request, s string) { q.Body = []byte("hello, " + s + "\nbye") }},
		{"response JSON", true, func(q *Request, s string) { q.RespBody = []byte(`{"refresh_token":` + js(s) + `}`) }},
		{"response text", false, func(q *Request, s string) { q.RespBody = []byte("<p>" + s + "</p>") }},
		{"compressed response", true, func(q *Request, s string) {
			set(&q.RespHeaders, "Content-Encoding", "gzip")
			q.RespBody = []byte(s)
		}},
		{"XML attribute", true, func(q *Request, s string) {
			q.Body = []byte(`<a><in name="password" value="` + html.EscapeString(s) + `"/><token><b>` + html.EscapeString(s) + `</b></token></a>`)
		}},
		{"XML text", false, func(q *Request, s string) {
			q.Body = []byte("<a><b>see " + html.EscapeString(s) + " ok</b><![CDATA[" + s + "]]></a>")
		}},
		{"HTML", true, func(q *Request, s string) {
			set(&q.RespHeaders, "Content-Type", "text/html; charset=utf-8")
			q.RespBody = []byte(`<html><input value="` + html.EscapeString(s) + `" name=csrf_token><script>x={"password":` + js(s) + `}</script>`)
		}},
		{"multipart in base64", true, func(q *Request, s string) {
			set(&q.Headers, "Content-Type", "multipart/form-data; boundary=XX")
			q.Body = []byte("--XX\r\nContent-Disposition: form-data; name=password\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(s)) + "\r\n--XX--\r\n")
		}},
		{"gRPC body", false, func(q *Request, s string) {
			set(&q.Headers, "Content-Type", "application/grpc+proto")
			q.Body = append(call(0, protoString(1, s)), call(0, protoString(9, protoString(4, s)))...)
		}},
		{"gRPC-web text", false, func(q *Request, s string) {
			set(&q.RespHeaders, "Content-Type", "application/grpc-web-text")
			q.RespBody = []byte(base64.StdEncoding.EncodeToString(call(0, protoString(1, s))) + base64.StdEncoding.EncodeToString(call(0x80, "grpc-message: "+s+"\r\n")))
		}},
		{"gRPC message", false, func(q *Request, s string) {
			set(&q.Headers, "Content-Type", "application/grpc")
			q.Messages = []Message{{Dir: 'c', Op: "grpc", Data: []byte(protoString(2, s))}, {Dir: 's', Op: "grpc", Data: []byte(protoString(12, protoString(2, s)))}}
		}},
		{"binary message", false, func(q *Request, s string) {
			q.Messages = []Message{{Op: "binary", Data: []byte("\x93\x01\xda" + string([]byte{byte(len(s) >> 8), byte(len(s))}) + s + "\x05")}}
		}},
		{"Socket.IO message", true, func(q *Request, s string) {
			q.Messages = []Message{{Op: "text", Data: []byte(`42["login",{"password":` + js(s) + `}]`)}}
		}},
		{"trailer", true, func(q *Request, s string) { set(&q.Trailers, "X-Auth-Token", s) }},
		{"message", true, func(q *Request, s string) {
			q.Messages = []Message{{Op: "text", Data: []byte(`{"token":` + js(s) + `}`)}}
		}},
	}
}

// dump is every byte of q that a capture file would hold.
func dump(q *Request) []byte {
	var b bytes.Buffer
	for _, f := range [][]byte{q.Client, q.Method, q.Scheme, q.Host, q.Target, q.Proto, q.Body, q.RespBody, q.Src} {
		b.Write(f)
		b.WriteByte('\n')
	}
	for _, hs := range [][]Header{q.Headers, q.RespHeaders, q.Trailers} {
		for _, h := range hs {
			fmt.Fprintf(&b, "%s: %s\n", h.Name, h.Value)
		}
	}
	for _, m := range q.Messages {
		b.Write(m.Data)
	}
	return b.Bytes()
}

// spellings are the forms in which a canary would be found again.
func spellings(s string) []string {
	forms := []string{s, url.QueryEscape(s), url.PathEscape(s), url.QueryEscape(url.QueryEscape(s)), hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s)))}
	j, _ := json.Marshal(s)
	forms = append(forms, string(j[1:len(j)-1]))
	for pad := range 3 { // base64 of a text that holds s at each alignment, without the ends that the neighbours decide
		e := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", pad) + s))
		from, to := (pad*8+5)/6, (pad+len(s))*8/6
		forms = append(forms, e[from:to], strings.NewReplacer("+", "-", "/", "_").Replace(e[from:to]))
	}
	return forms
}

// cores are the parts of a canary that are secret by themselves.
func cores(c canary) []string {
	switch c.kind {
	case "pem":
		lines := strings.Split(c.value, "\n")
		return lines[1 : len(lines)-1]
	case "bearer", "basic":
		_, v, _ := strings.Cut(c.value, " ")
		return []string{v}
	case "userinfo":
		u, _ := url.Parse(c.value)
		return []string{u.User.String()}
	case "mastercard", "discover", "iban-grouped":
		return []string{c.value, strings.NewReplacer(" ", "", "-", "").Replace(c.value)}
	}
	return []string{c.value}
}
