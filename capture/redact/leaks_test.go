package redact

import (
	"strings"
	"testing"
)

// TestBodyLeaks: secrets in places where a plain reading of a body passes them by.
func TestBodyLeaks(t *testing.T) {
	head := "--x\r\nContent-Disposition: form-data; "
	for _, c := range []struct{ name, contentType, body, gone, stays string }{
		{"repeated password", "application/x-www-form-urlencoded", "user[password]=abc&user[password_confirmation]=hunter&x=1", "hunter", "&x=1"},
		{"numbered password", "application/x-www-form-urlencoded", "password1=hunter&x=1", "hunter", "&x=1"},
		{"short for password", "application/json", `{"newPwd":"hunter","x":1}`, "hunter", `"x":1`},
		{"code by SMS", "application/json", `{"otp_code":"482913","code":"482913"}`, `"otp_code":"482913"`, `"code":"482913"`},
		{"digits of a telephone", "application/json", `{"phone":"4915123456789","user":"4915123456789"}`, `"phone":"4915123456789"`, `"user":"4915123456789"`},
		{"number of a telephone", "application/json", `{"phone":4915123456789,"mobile":1}`, "4915123456789", `"mobile":1`},
		{"groups of a telephone", "application/x-www-form-urlencoded", "phone=06-12-34-56-78&tel=1", "12-34", "&tel=1"},
		{"birthday", "application/json", `{"dateOfBirth":"1990-01-31","date":"2026-01-31"}`, "1990-01-31", `"date":"2026-01-31"`},
		{"name beside its value", "application/json", `[{"name":"password","value":"hunter"},{"name":"title","value":"shoes"}]`, "hunter", `"value":"shoes"`},
		{"value before its name", "application/json", `[{"value":"hunter","name":"password"},{"value":"shoes","name":"title"}]`, "hunter", `"value":"shoes"`},
		{"name with something between", "application/json", `{"key":"api_key","options":{"a":[{}]},"value":"hunter","x":"shoes"}`, "hunter", `"x":"shoes"`},
		{"list beside its name", "application/json", `{"name":"tokens","values":["hunter",{"a":"hunter"}],"x":"shoes"}`, "hunter", `"x":"shoes"`},
		{"spaces before a colon", "application/json", `{"password"` + strings.Repeat(" ", 80) + `:"hunter","x":"shoes"}`, "hunter", `"x":"shoes"`},
		{"semicolon in a value", "application/x-www-form-urlencoded", "password=abc;hunter&x=1;shoes", "hunter", "&x=1;shoes"},
		{"URL that looks like a form", "", "ftp://jane:hunter@shop.example/x?token=abc", "hunter", "@shop.example/x?token="},
		{"form with a line end", "", "password=hun%26ter&x=shoes\r\n", "ter&", "x=shoes\r\n"},
		{"colon without a space", "text/plain", "title:shoes\npassword:hunter\nof time:and more", "hunter", "title:shoes\n"},
		{"STOMP", "", "CONNECT\naccept-version:1.2\npasscode:hunter\n\n\x00", "hunter", "accept-version:1.2\n"},
		{"several cookies of a text", "message/http", "GET / HTTP/1.1\r\nCookie: a=rabbit; b=hunter\r\nAccept: */*\r\n", "hunter", "\r\nAccept: */*\r\n"},
		{"trailers of gRPC-web", "", "grpc-status:0\r\nx-api-key:hunter22\r\n", "hunter", "grpc-status:0\r\n"},
		{"encoded name of a file", "multipart/form-data; boundary=x", head + "name=f; filename*=UTF-8''jane.doe%40example.com.pdf\r\n\r\nshoes\r\n--x--", "jane", "\r\n\r\nshoes\r\n"},
		{"name of a file", "multipart/form-data; boundary=x", head + "name=f; filename=\"jane.doe@example.com.pdf\"\r\n\r\nshoes\r\n--x--", "jane", "\r\n\r\nshoes\r\n"},
		{"name in the name of a file", "multipart/form-data; boundary=x", head + "filename=\"a; name=x\"; name=\"password\"\r\n\r\nhunter\r\n--x--", "hunter", "filename=\"a; name=x\""},
		{"part with lines of its own", "multipart/form-data; boundary=x", "--x\nContent-Disposition: form-data; name=\"password\"\n\nhunter\r\n\r\nx\n--x--", "hunter", "--x--"},
		{"encoded name of a part", "multipart/form-data; boundary=x", head + "name*=UTF-8''password\r\n\r\nhunter\r\n--x--", "hunter", "--x--"},
		{"multipart without a type", "", head + "name=password\r\n\r\nhunter\r\n--x--", "hunter", "--x--"},
		{"UTF-16 of other letters, big end first", "application/json; charset=utf-16be", wide(`{"имяимяимя":"ффффффффффффффффффффф","password":"hunter"}`, 1), wide("hunter", 1), wide(`{"имяимяимя":"ф`, 1)},
		{"UTF-16 that nobody names", "application/json", wide(`{"имяимяимя":"ффффффффффффффффффффф","password":"hunter"}`, 0), wide("hunter", 0), wide(`{"имяимяимя":"ф`, 0)},
		{"map of protobuf", "application/grpc", field(5, field(1, "password")+field(2, "hunter")) + field(5, field(1, "title")+field(2, "shoes")), "hunter", "shoes"},
	} {
		got := string(New(nil).Body([]byte(c.body), []byte(c.contentType)))
		if strings.Contains(got, c.gone) || !strings.Contains(got, c.stays) || len(got) != len(c.body) {
			t.Errorf("%s: %q became\n%q, want %q gone and %q kept", c.name, c.body, got, c.gone, c.stays)
		}
		if finds := NewAuditor(nil).Body([]byte(got), []byte(c.contentType)); len(finds) > 0 {
			t.Errorf("%s: the audit finds %v in %q", c.name, finds, got)
		}
	}
}

// wide is s in UTF-16 with its low bytes first or second.
func wide(s string, low int) string {
	var b []byte
	for _, r := range s {
		pair := [2]byte{}
		pair[low], pair[1-low] = byte(r), byte(r>>8)
		b = append(b, pair[:]...)
	}
	return string(b)
}

// TestHeaderLeaks is the same for headers.
func TestHeaderLeaks(t *testing.T) {
	for _, c := range []struct{ name, value, gone, stays string }{
		{"Set-Cookie", "a=1; Path=/\nsid=hunter; Path=/", "hunter", "; Path=/\nsid="},
		{"Set-Cookie", "a=1; Path=/, sid=hunter; Path=/", "hunter", "; Path=/, sid="},
		{"Set-Cookie", "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT, sid=hunter; Path=/x", "hunter", "; Expires=Wed, 21 Oct 2026 07:28:00 GMT, sid="},
		{"Authorization", `token="hunter", nonce="x"`, "hunter", ""},
		{"Authorization", "hunter22 realm", "hunter", ""},
		{"Authorization", "AWS4-HMAC-SHA256 Credential=hunter", "hunter", "AWS4-HMAC-SHA256 "},
		{"Authorization", "OAuth2 hunter", "hunter", "OAuth2 "},
		{"X-OTP", "482913", "482913", ""},
		{"X-Password-Hash", "hunter", "hunter", ""},
		{"X-Api-Key-Id", "hunter", "hunter", ""},
		{"X-Secret-Key", "hunter", "hunter", ""},
		{"X-Master-Key", "hunter", "hunter", ""},
		{"Host", "jane:hunter@shop.example", "hunter", "shop.example"},
		{"Content-Disposition", "attachment; filename*=UTF-8''jane.doe%40example.com.pdf", "jane", "attachment; filename*=UTF-8''"},
		{"X-Forwarded-Proto", "https", "none", "https"},
		{"X-Forwarded-Port", "443", "none", "443"},
	} {
		got := string(New(nil).Header([]byte(c.name), []byte(c.value)))
		if strings.Contains(got, c.gone) || !strings.Contains(got, c.stays) {
			t.Errorf("%s: %s became %s, want %q gone and %q kept", c.name, c.value, got, c.gone, c.stays)
		}
		if finds := NewAuditor(nil).Header([]byte(c.name), []byte(got)); len(finds) > 0 {
			t.Errorf("%s: the audit finds %v in %s", c.name, finds, got)
		}
	}
}

// TestTargetLeaks is the same for targets.
func TestTargetLeaks(t *testing.T) {
	for _, c := range []struct{ target, gone, stays string }{
		{"/login?password=abc;hunter&x=1", "hunter", "&x=1"},
		{"/x?phone=4915123456789&id=4915123456789", "phone=4915123456789", "&id=4915123456789"},
		{"/x?https://jane:hunter@shop.example/?token=abc", "hunter", "@shop.example/?token="},
		{"jane:hunter@proxy:443", "hunter", "proxy:443"},
		{"/photos/jane.doe@example.com.png", "jane", "/photos/"},
		{"/x/logo@2x.min.js/jquery@3.7.1.min.js/icon@2x.png", "none", "/x/logo@2x.min.js/jquery@3.7.1.min.js/icon@2x.png"},
	} {
		got := string(New(nil).Target([]byte(c.target)))
		if strings.Contains(got, c.gone) || !strings.Contains(got, c.stays) {
			t.Errorf("%s became %s, want %q gone and %q kept", c.target, got, c.gone, c.stays)
		}
	}
}

// TestTrafficStaysOfUse: ids, numbers, dates and places in lists are what a replay lives on.
func TestTrafficStaysOfUse(t *testing.T) {
	for _, c := range []struct{ contentType, body string }{
		{"application/json", `{"id":"507f1f77bcf86cd799439011","uuid":"123e4567-e89b-12d3-a456-426614174000","createdAt":"2026-01-31T10:20:30.123Z","price":1299.99,"sku":"ABC-12345-XL","order":1234567890123,"ts":1767225600123,"snowflake":1234567890123456789,"hash":"da39a3ee5e6b4b0d3255bfef95601890afd80709","lat":52.520008,"ean":"4006381333931","time":"10:20:30","mac":"aa:bb:cc:dd:ee:ff"}`},
		{"application/json", `{"image":"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="}`},
		{"application/json", `{"cursor":"eyJpZCI6MTIzNDV9","nextPageToken":"CAUQAA","after":"YXJyYXljb25uZWN0aW9uOjk=","node":"UHJvZHVjdDoxMjM0NTY3"}`},
		{"application/json", `{"operationName":"GetItem","variables":{"id":"gid://shopify/Product/1234567890"},"extensions":{"persistedQuery":{"version":1,"sha256Hash":"ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38"}}}`},
		{"application/json", `{"field":"title","text":"Choose a password of 8 characters","key":"item","value":"shoes","name":"Red shoes","data":[{"name":"size","value":"XL"}]}`},
		{"application/json", `{"microphone":"default","compass":"north","laptop":"x","mobileApp":"ios","telemetry":"on","name":"email","type":"text"}`},
		{"application/x-www-form-urlencoded", "q=red+shoes&page=2&sort=price_asc&from=2026-01-01&to=2026-02-01&ids=1,2,3&filter[size]=XL&mobile=1&v=1;2"},
		{"application/grpc", field(1, field(1, "title")+field(2, "shoes")) + "\x10\x96\x01" + field(3, "507f1f77bcf86cd799439011")},
		{"message/http", "GET /items/42 HTTP/1.1\r\nHost: shop.example:8080\r\nIf-Modified-Since: Wed, 21 Oct 2026 07:28:00 GMT\r\n"},
	} {
		if got := string(New(nil).Body([]byte(c.body), []byte(c.contentType))); got != c.body {
			t.Errorf("%s: %q became\n%q", c.contentType, c.body, got)
		}
	}
	for _, c := range [][2]string{
		{"Idempotency-Key", "123e4567-e89b-12d3-a456-426614174000"}, {"X-Cache-Key", "/a/b"}, {"X-Client-Version", "1.2.3"}, {"X-Mobile", "1"}, {"Sec-WebSocket-Protocol", "graphql-transport-ws"},
		{"Access-Control-Request-Headers", "authorization,x-api-key"}, {"Content-Range", "bytes 0-1023/4096"}, {"Content-Disposition", `attachment; filename="report 2026.pdf"`}, {"Host", "shop.example:8080"},
	} {
		if got := string(New(nil).Header([]byte(c[0]), []byte(c[1]))); got != c[1] {
			t.Errorf("%s: %s became %s", c[0], c[1], got)
		}
	}
	for _, target := range []string{"/a/b;v=1;x=2", "/x?phone=1&mobile=true&dob=&tel=12345", "/npm/vue@3.2.1/dist/vue.min.js", "/img/icon@next.min.css", "/x?passenger=2&otp=&updated=2026-01-01"} {
		if got := string(New(nil).Target([]byte(target))); got != target {
			t.Errorf("%s became %s", target, got)
		}
	}
}
