package redact

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTargetsThatStay are real targets: ids, slugs, file names, versions, positions. None may change.
func TestTargetsThatStay(t *testing.T) {
	for _, s := range []string{
		"/", "/index.html", "/api/items/42?x=1", "/api/items/9007199254740993", "/search?q=red+shoes&page=3&sort=price_asc&limit=50",
		"/presentations/logstash-monitorama-2013/images/1983_delorean_dmc-12-pic-38289.jpeg", "/blog/geekery/sysprep-might-cause-early-balding.html?commentlimit=0",
		"/static/app.4f3a9c.js", "/assets/main-DfG3kL0pQz8aB2cD4eF6.js", "/assets/index.3f9d0a7be84c21d5.css", "/_next/static/chunks/pages/_app-7c1e2f3a4b5d6e7f.js",
		"/s/roboto/v30/KFOmCnqEu92Fr1Mu4mxK.woff2", "/img/logo@2x.png", "/npm/vue@3.2.31/dist/vue.global.js", "/npm/@babel/core@7.24.0/lib/index.js",
		"/u/550e8400-e29b-41d4-a716-446655440000/orders", "/o/507f1f77bcf86cd799439011", "/git/commit/da39a3ee5e6b4b0d3255bfef95601890afd80709",
		"/sha/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "/ulid/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/v1/tracks/11dFghVXANMlKmJXsNCbNl", "/v1/tracks?ids=11dFghVXANMlKmJXsNCbNl",
		"/ksuid/0ujtsYcgvSTl8PAuAdqWYSMnLOv", "/v=dQw4w9WgXcQ", "/watch?v=dQw4w9WgXcQ&t=42s", "/dist/2.4.1.3/x", "/download?version=10.4.0.25", "/app/1.2.3.4/notes", "/Chrome/126.0.0.0",
		"/wiki/Fix_A_Eco_Keyboard_2024", "/wiki/The_Bold_Lamp", "/api/GetUserAccountDetailsV2ByIdentifier", "/Services/OrderHistoryService2.asmx/GetOrdersByCustomer",
		"/i18n/en-US/messages.json", "/2015/05/17/10-05-03-report", "/t?from=2015-05-17T10:05:03Z&to=2015-05-18T00:00:00.000Z", "/e?ts=1384443873878", "/e?us=1384443873878123", "/ean/4006381333931",
		"/order/4123456789012345", "/p?code=US&key=name&state=CA&user=42&login=1", "/p?code=SAVE10&hash=da39a3ee5e6b4b0d3255bfef95601890afd80709", "/list?page_token=CAUQAA&cursor=abc", "/list?nextToken=12",
		"/f?max_tokens=100&tokenize=true&author=jane&pinned=1&pinch=2&spin=5&passenger=2&compass=3&mission=7&signal=5&assign=4", "/geo?lat=52.5200&lon=13.4050", "/calc?x=1+2345678901",
		"/key/user-profile-settings", "/k?key=logs/2015/05/17/file.gz&key2=ProductCategoryName", "/C++/std::vector", "/time/10:20:30", "/mac/aa:bb:cc:dd:ee:ff", "/hosts/127.0.0.1/x", "/reset.css", "/reset/password", "/tokens/list",
		"/caf%C3%A9/%E6%97%A5%E6%9C%AC", "/100%25/off", "/a?b=%zz&c=%", "/a?=&&;=;", "/a?b", "/x?u=https%3A%2F%2Fshop.example%2Fa%3Fb%3Dc", "/x?redirect=/login", "*", "", "/sessions/12/messages",
		"/verify/email", "/isbn/978-3-16-148410-0", "/tel/12-34-56", "/matrix;color=red;size=5/x",
	} {
		if got := string(New(nil).Target([]byte(s))); got != s {
			t.Errorf("Target(%q) = %q, want it unchanged", s, got)
		}
	}
}

// TestAgentsThatStay are browsers and bots; what looks like an address is a version.
func TestAgentsThatStay(t *testing.T) {
	for _, s := range []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.87",
		"Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/32.0.17.107 Safari/537.36",
		"Mozilla/5.0+(Windows+NT+10.0;+Win64;+x64)+AppleWebKit/537.36+(KHTML,+like+Gecko)+Chrome/85.0.4183.121+Safari/537.36",
		"Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1; Trident/4.0; .NET CLR 2.0.50727; .NET CLR 3.5.30729.1; .NET CLR 1.1.43.22)",
		"Mozilla/5.0 (Windows; U; Windows NT 5.1; en-US; rv:1.8.1.13) Gecko/20080311 Firefox/2.0.0.13",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Linux; Android 14; SM-S918B Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/125.0.6422.165 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/468.0.0.54.87;]",
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "msnbot/2.0b (+http://search.msn.com/msnbot.htm)", "Opera/9.80 (Windows NT 6.0) Presto/2.12.388 Version/12.14",
		"Dalvik/2.1.0 (Linux; U; Android 9; SM-G960F Build/PPR1.180610.011)", "Java/1.4.1_04", "curl/7.19.7 (x86_64-redhat-linux-gnu) libcurl/7.19.7 NSS/3.16.2.3 Basic ECC zlib/1.2.3 libidn/1.18", "okhttp/4.12.0", "Go-http-client/1.1",
		"Mozilla/5.0 (Linux; U; Android 2.3.6; el-gr; SAMSUNG GT-S5839i/S5839iBOLK2 Build/GINGERBREAD) AppleWebKit/533.1",
		"Mozilla/5.0+(iPhone;+CPU+iPhone+OS+12_0+like+Mac+OS+X)+AppleWebKit/605.1.15+(KHTML,+like+Gecko)+Mobile/15E148+Safari/604.1",
		"Roku4640X/DVP-7.70 (297.70E04154A)", "AppName/10.20.30.40 CFNetwork/1496.0.7 Darwin/23.5.0", "-",
	} {
		if got := string(New(nil).Header([]byte("User-Agent"), []byte(s))); got != s {
			t.Errorf("User-Agent %q became %q, want it unchanged", s, got)
		}
	}
}

func TestHeadersThatStay(t *testing.T) {
	for _, h := range [][2]string{
		{"ETag", `"aB3dE5fG7hJ9kL1mN2pQ"`}, {"Content-Type", "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW"}, {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}, {"Date", "Tue, 17 May 2015 10:05:03 GMT"},
		{"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, {"Accept-Language", "de-DE,de;q=0.9,en-US;q=0.8"}, {"Cache-Control", "max-age=0, must-revalidate"}, {"Sec-CH-UA", `"Chromium";v="126", "Not/A)Brand";v="8"`},
		{"Referer", "https://www.google.com/search?q=red+shoes&hl=en"}, {"Server", "Apache/2.4.57 (Debian) OpenSSL/3.0.11"}, {"Via", "1.1 varnish, 1.1 10-2-3-4.proxy"}, {"Range", "bytes=0-1023"}, {"X-Request-Id", "529a007902362a5f51385a5fa7049884"},
		{"If-Modified-Since", "Wed, 21 Oct 2015 07:28:00 GMT"}, {"Content-Length", "1234567890123456"}, {"X-Powered-By", "PHP/8.2.7"}, {"WWW-Authenticate", `Basic realm="Members only"`}, {"Link", `<https://shop.example/style.css>; rel=preload; as=style`},
		{"Retry-After", "120"}, {"Location", "/login?next=%2Faccount"}, {"Content-Disposition", `attachment; filename="report-2015-05-17.pdf"`}, {"Strict-Transport-Security", "max-age=31536000; includeSubDomains"},
	} {
		if got := string(New(nil).Header([]byte(h[0]), []byte(h[1]))); got != h[1] {
			t.Errorf("%s: %q became %q, want it unchanged", h[0], h[1], got)
		}
	}
}

func TestScan(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{"hello", ""}, {"jane@example.com", "email"}, {"x jane.doe+tag@mail.example.co.uk.", "email"}, {"a%40b%2540", ""}, {"jane%40example.com", "email"}, {"@user", ""}, {"user@host", ""}, {"a@b..com", ""},
		{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "jwt"}, {"AKIAIOSFODNN7EXAMPLE", "api-key"}, {"AKIALOWERcase", ""}, {"ghp_abcdefghijklmnopqrstuvwxyz0123456789", "api-key"}, {"sk_live_4eC39HqLyjWDarjtT1zdp7dc", "api-key"},
		{"xoxb-123456789012-abcdef", "api-key"}, {"-----BEGIN PRIVATE KEY-----\nabc", "pem"}, {"Authorization: Bearer abcdefgh12345", "credentials"}, {"basic instincts of people", ""}, {"token bucket algorithm", ""},
		{"postgres://app:s3cret@db.example/x", "userinfo"}, {"https://example.com/@user", ""}, {"4111111111111111", "card"}, {"4111 1111 1111 1111", "card"}, {"4111-1111-1111-1112", ""}, {"5555555555554444", "card"}, {"378282246310005", "card"},
		{"4222222222222", "card"}, {"1234567812345670", ""}, {"41111111111111110000000", ""}, {"4111111111111111 12/26", "card"}, {"4111 1111 1111 1111 1226", "card"}, {"GB82 WEST 1234 5698 7654 32", "iban"}, {"GB82WEST12345698765432", "iban"}, {"GB83WEST12345698765432", ""},
		{"+49 (0) 151 2345678", "phone"}, {"+1-212-555-0123", "phone"}, {"call 212-555-0123 now", "phone"}, {"212.555.0123", "phone"}, {"1-212-555-0123", "phone"}, {"call +1 (212) 555-0123", "phone"}, {"21-212-555-0123", ""}, {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "entropy"}, {"a/wJalrXUtnFEMI%2FK7MDENG%2FbPxRfiCYEXAMPLEKEY", "entropy"}, {"112-555-0123", ""}, {"+123456789", ""}, {"1+2345678901", ""},
		{"from 203.0.113.7", "ip"}, {"203.0.113.7:8080", "ip"}, {"127.0.0.1", ""}, {"0.0.0.0", ""}, {"1.2.3", ""}, {"1.2.3.4.5", ""}, {"256.1.1.1", ""}, {"2001:db8::1", "ip"}, {"[2001:db8::1]:443", "ip"}, {"::1", ""}, {"10:20:30", ""}, {"std::foo", ""}, {"::ffff:203.0.113.7", "ip"},
		{"kR7pQ2xW9zT4mN6vB8yC", "entropy"}, {"thequickbrownfoxjumpsover", ""}, {"TheQuickBrownFox2JumpsOver3Dogs", ""}, {"AAAAAAAAAAaaaaaaaaaa1111111", ""}, {"550e8400-e29b-41d4-a716-446655440000", ""},
		{"amFuZS5kb2VAZXhhbXBsZS5jb20gaXM=", "base64"}, {"eyJhIjoiYiIsInBhc3N3b3JkIjoiaHVudGVyMiJ9", "jwt"}, {"WyJhIix7InBhc3N3b3JkIjoiaHVudGVyMiJ9XQ", "base64"}, {"dGhpcyBpcyBhIGhhcm1sZXNzIHRleHQ", ""}, {"password=hunter2", "named"}, {"password: hunter2", "named"}, {"the password is on the note", ""}, {"?next=/x", ""}, {"<Password>k2</Password>", "named"},
	} {
		got, ok := Scan([]byte(c.value))
		if got != c.want || ok != (c.want != "") {
			t.Errorf("Scan(%q) = %q, %v, want %q", c.value, got, ok, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	for _, n := range strings.Fields(`Authorization proxy-authorization COOKIE Set-Cookie X-Api-Key x_api_key X-Shop-Token X-Auth-User X-Client-Secret X-Amz-Security-Token X-Amz-Date X-Csrf-Token X-Forwarded-For X-Real-IP
		Forwarded True-Client-IP CF-Connecting-IP traceparent X-B3-TraceId Ocp-Apim-Subscription-Key X-Original-Forwarded-For X-Goog-Api-Key Remote-User X-Session-Id Stripe-Signature`) {
		if headerSort([]byte(n)) != secret {
			t.Errorf("header %s is not on the deny-list", n)
		}
	}
	for _, n := range strings.Fields(`User-Agent Accept Host Content-Type X-Request-Id If-None-Match Range Origin X-Requested-With Cache-Control`) {
		if headerSort([]byte(n)) != plain {
			t.Errorf("header %s is on the deny-list", n)
		}
	}
	for _, c := range []struct {
		names string
		want  sort
	}{
		{`password PASSWORD user[password] user.password login:passwd passwords[0] new_password api_key apikey api-key access_token id_token refreshToken auth secret client_secret session sessionId sid JSESSIONID PHPSESSID
			signature sig X-Amz-Signature X-Amz-Credential otp pin ssn cvv card_number iban csrf_token __RequestVerificationToken authenticity_token SAMLResponse X-Amz-Security-Token jwt creds.password tokens[] a[token][]`, secret},
		{`email e-mail E_Mail userEmail user username login first_name lastName ip billing[email]`, person},
		{`phone dob homePhone phone2 birth_date billing[phone]`, detail},
		{`code key state nonce`, long}, {`v version appVersion`, version}, {`id ids user_id itemId page_token nextToken uuid`, identifier},
		{`q page sort limit x token_count max_tokens author keyword category name title zip monkey keyboard`, plain},
	} {
		for n := range strings.FieldsSeq(c.names) {
			if got := fieldSort([]byte(n)); got != c.want {
				t.Errorf("field %s has sort %d, want %d", n, got, c.want)
			}
		}
	}
	if fieldSort(nil) != plain || fieldSort([]byte("[]")) != plain || fieldSort(bytes.Repeat([]byte("x"), 200)) != plain || fieldSort([]byte(strings.Repeat("x", 200)+"_password")) != secret {
		t.Error("odd names are sorted wrongly")
	}
}

// TestTwice: tokens are not found again, so that an audit of a redacted capture is silent.
func TestTwice(t *testing.T) {
	m, a := New(nil), NewAuditor(nil)
	for _, s := range secrets {
		target := []byte("/a?x=" + url.QueryEscape(s) + "&password=" + url.QueryEscape(s))
		body, _ := json.Marshal(map[string]string{"note": s, "token": s})
		m.Reset()
		if got := a.Target(m.Target(target)); len(got) > 0 {
			t.Errorf("%s: the audit finds %v in %q", s, got, m.Target(target))
		}
		if got := a.Target(target); len(got) == 0 {
			t.Errorf("%s: the audit finds nothing in %q", s, target)
		}
		if got := a.Body(m.Body(body, nil), nil); len(got) > 0 {
			t.Errorf("%s: the audit finds %v in %q", s, got, m.Body(body, nil))
		}
		for _, h := range []string{"X-Note", "Cookie", "User-Agent", "Referer", "X-Api-Key"} {
			if got := a.Header([]byte(h), m.Header([]byte(h), []byte(s))); len(got) > 0 {
				t.Errorf("%s: the audit finds %v in %s: %q", s, got, h, m.Header([]byte(h), []byte(s)))
			}
		}
	}
}

// secrets are one or two of each class.
var secrets = []string{
	"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI9K7MDENGbPxRfiCYEXAMPLEKEY0", "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
	"ghp_16C7e42F292c6912E7710c838347Ae178B4a", "glpat-aB3dE5fG7hJ9kL1mN2pQ", "xoxp-1234567890-abcdefGHIJ12", "sk_test_4eC39HqLyjWDarjtT1zdp7dc", "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIA\n-----END EC PRIVATE KEY-----",
	"Bearer k3y8s0m3v4lue", "ftp://jane:hunter22@files.example/x", "4111 1111 1111 1111", "5555555555554444", "DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "jane.doe@example.com", "a.b1@mail.io", "+4915123456789", "(212) 555-0123",
	"203.0.113.7", "2001:db8:1f2e::9a", "kR7pQ2xW9zT4mN6vB8yC", "kR7pQ2xW9zT4mN6vB8yCkR7pQ2xW9zT4mN6vB8yC", "am9obkBleGFtcGxlLmNvbQ==",
}

// TestJSONStaysJSON: the same structure, names, lengths; numbers stay numbers.
func TestJSONStaysJSON(t *testing.T) {
	for _, s := range []string{
		`{"password":"a\"b\\c\u0041\ud83d\ude00é","pin":1234,"card":4111111111111111,"token":-1.5e10,"ok":true,"n":null,"x":[{"email":"j@ex.org"},{"sid":["a1","b2",{"c":"d3"}]}]}`,
		`{"auth":{"user":"jane","nested":{"deep":["s3cret",123,false]}},"after":"stays"}`, `["jane\u0040example.com","\u006aane@example.com"]`, `{"a":"{\"b\":\"{\\\"password\\\":\\\"hunter2\\\"}\"}"}`, `"jane@example.com"`,
		`{"url":"https:\/\/h.example\/?email=jane%40example.com","phone":"+49 151 23456789"}`, `{"password":0,"password2":"","p":10}`,
	} {
		got := New(nil).Body([]byte(s), nil)
		if !json.Valid(got) || len(got) != len(s) {
			t.Errorf("%s became %s, want JSON of the same length", s, got)
		}
		for _, secret := range []string{"hunter2", "s3cret", "jane@", "jane%40", "4111111111111111", `\u0041`, "1234", `"a1"`, `"d3"`, "j@ex"} {
			if strings.Contains(string(got), secret) {
				t.Errorf("%s became %s, which still holds %s", s, got, secret)
			}
		}
		if strings.Contains(s, "stays") && !strings.Contains(string(got), `"after":"stays"`) {
			t.Errorf("%s became %s, want what stands behind the credential as it was", s, got)
		}
	}
}

func TestBodies(t *testing.T) {
	binary := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x01\x02\x03\x04jane@example.com\x00\x05\x06")
	for _, c := range []struct{ name, contentType, body, gone, stays string }{
		{"form", "application/x-www-form-urlencoded", "email=jane%40example.com&id=5&note=hello", "jane", "&id=5&note=hello"},
		{"form without a type", "", "user=jane&id=5", "jane", "&id=5"},
		{"ndjson", "application/x-ndjson", "{\"token\":\"abc\"}\n{\"id\":7}\n", "abc", "\n{\"id\":7}\n"},
		{"cut JSON", "application/json", `{"a":{"password":"hunter`, "hunter", `{"a":{"password":"`},
		{"multipart", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"api_key\"\r\n\r\nabc\r\n--x\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nTitle\r\n--x--\r\n", "\r\nabc\r\n", "\r\nTitle\r\n--x--\r\n"},
		{"multipart JSON", "multipart/mixed; boundary=x", "--x\r\nContent-Type: application/json\r\n\r\n{\"password\":\"abc\"}\r\n--x--", "abc", "Content-Type: application/json"},
		{"XML", "text/xml", "<u><email>jane@example.com</email><id>5</id></u>", "jane", "<id>5</id></u>"},
		{"GraphQL", "application/json", `{"query":"mutation { login(password: \"hunter2\") { id } }"}`, "hunter2", "mutation { login("},
		{"text", "text/plain", "call +4915123456789 or 5 others", "4915", "or 5 others"},
		{"binary", "image/png", string(binary), "\xff", string(binary)},
	} {
		got := string(New(nil).Body([]byte(c.body), []byte(c.contentType)))
		if strings.Contains(got, c.gone) || !strings.Contains(got, c.stays) || len(got) != len(c.body) {
			t.Errorf("%s: %q became %q, want %q gone and %q kept", c.name, c.body, got, c.gone, c.stays)
		}
	}
}

func TestTokens(t *testing.T) {
	m := New(nil)
	for _, c := range []struct{ in, want string }{
		{"/a?email=jane.doe%40example.com", `^/a\?email=[qxzjv]{4}\.[qxzjv]{3}%40[qxzjv]{3}\.invalid$`},
		{"/a?x=jane.doe%2540mail.example.com", `%2540[qxzjv]{4}\.[qxzjv]{3}\.invalid$`},
		{"/a?x=a@b.co", `^/a\?x=[qxzjv]@[qxzjv]\.[qxzjv]{2}$`},
		{"/a?password=x%61%62%C3%A4", `^/a\?password=[qxzjv]%[67][0-9a-f]%[67][0-9a-f]%c5%b[abcde]$`},
		{"/a?password=%2561b", `^/a\?password=%25[67][0-9a-f][qxzjv]$`},
		{"/a?x=4111111111111111", `^/a\?x=0[01789]{15}$`},
		{"http://jane:pw@h.example/a?b=c", `^http://h\.example/a\?b=c$`},
		{"http://203.0.113.7/a?x=203.0.113.8", `^http://203\.0\.113\.7/a\?x=0`},
	} {
		if got := string(m.Target([]byte(c.in))); !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("Target(%q) = %q, want %s", c.in, got, c.want)
		}
	}
}

// TestOverflow: past the table tokens depend on the key and are counted.
func TestOverflow(t *testing.T) {
	m := New([]byte("k"))
	for i := range uint64(maxSecrets) {
		m.tokens.ordinals[i] = uint32(i)
	}
	one, two := string(m.Target([]byte("/?sid=s3cretsession"))), string(m.Target([]byte("/?sid=s3cretsession")))
	if one != two || strings.Contains(one, "s3cret") {
		t.Errorf("the same session became %q and %q past the bound", one, two)
	}
	if got := m.Hits()["unnumbered"]; got != 2 || len(m.tokens.ordinals) != maxSecrets {
		t.Errorf("unnumbered = %d of %d secrets, want 2 of %d", got, len(m.tokens.ordinals), maxSecrets)
	}
}

// TestCachesAreBounded sends more values than the caches hold.
func TestCachesAreBounded(t *testing.T) {
	m := New(nil)
	for i := range 2*maxCached + 5 {
		m.Reset()
		v := []byte("bot/" + strings.Repeat("x", i%40) + string(rune('a'+i%26)) + strings.Repeat("y", i/40%300) + " (jane@example.com)")
		if got := m.Header([]byte("User-Agent"), v); bytes.Contains(got, []byte("jane")) {
			t.Fatalf("%q kept the address", got)
		}
	}
	if n := len(m.caches[cacheAgent]); n > maxCached {
		t.Errorf("%d cached values, want at most %d", n, maxCached)
	}
}

// TestRealLog prints how much of a real log is touched.
func TestRealLog(t *testing.T) {
	lines := realLog(t)
	m := New(nil)
	var touched [3]int
	shown := 0
	for _, l := range lines {
		m.Reset()
		out := [3][]byte{m.Target(l[0]), m.Header([]byte("Referer"), l[1]), m.Header([]byte("User-Agent"), l[2])}
		for i := range out {
			if bytes.Equal(out[i], l[i]) {
				continue
			}
			if touched[i]++; i == 0 || shown < 5 {
				t.Logf("%s\n -> %s", l[i], out[i])
				shown++
			}
		}
	}
	n := len(lines)
	t.Logf("%d requests: %d targets (%.2f%%), %d referers, %d agents touched: %v", n, touched[0], 100*float64(touched[0])/float64(n), touched[1], touched[2], m.Hits())
	if touched[0] > n/1000 || touched[1] > n/20 || touched[2] > n/20 {
		t.Errorf("touched %v of %d targets, referers and agents, want at most 0.1%%, 5%%, 5%%", touched, n)
	}
}

var combined = regexp.MustCompile(`"[A-Z]+ (\S+) HTTP/[0-9.]+" \S+ \S+ "([^"]*)" "([^"]*)"`)

// realLog reads targets, referers and agents of a log of the development data.
func realLog(t testing.TB) (lines [][3][]byte) {
	t.Helper()
	root, err := os.Getwd()
	for ; err == nil && root != "/"; root = filepath.Dir(root) {
		if _, bad := os.Stat(filepath.Join(root, "go.mod")); bad == nil {
			break
		}
	}
	f, err := os.Open(filepath.Join(root, "../shared/data/access/apache_combined_10k.log.gz"))
	if err != nil {
		t.Skipf("no development data: %v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(z); s.Scan(); {
		if g := combined.FindSubmatch(s.Bytes()); g != nil {
			lines = append(lines, [3][]byte{bytes.Clone(g[1]), bytes.Clone(g[2]), bytes.Clone(g[3])})
		}
	}
	return lines
}

// BenchmarkRealLog is the cost per request of a real combined log.
func BenchmarkRealLog(b *testing.B) {
	lines := realLog(b)
	m := New(nil)
	size := 0
	for _, l := range lines {
		size += len(l[0]) + len(l[1]) + len(l[2])
	}
	b.ReportAllocs()
	b.SetBytes(int64(size / len(lines)))
	agent, referer := []byte("User-Agent"), []byte("Referer")
	for i := 0; b.Loop(); i++ {
		l := &lines[i%len(lines)]
		m.Reset()
		m.Target(l[0])
		m.Header(referer, l[1])
		m.Header(agent, l[2])
	}
}

func BenchmarkJSONBody(b *testing.B) {
	body := []byte(`{"items":[` + strings.Repeat(`{"id":12345,"name":"Red shoes","price":49.9,"tags":["sale","new"],"email":"jane@example.com"},`, 50) + `{}]}`)
	m := New(nil)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		m.Reset()
		m.Body(body, nil)
	}
}
