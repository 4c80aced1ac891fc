package capture

import "testing"

// typical are requests as a combined log has them: a target, a referer, a user agent.
var typical = [][3]string{
	{"/presentations/logstash-monitorama-2013/images/kibana-search.png", "http://semicomplete.com/presentations/logstash-monitorama-2013/", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/32.0.1700.77 Safari/537.36"},
	{"/api/items/42?x=1&sort=price", "https://shop.example/items?page=3", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"},
	{"/static/version1762726400/frontend/app.4f3a9c.js", "", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0 Safari/537.36"},
	{"/api/v1/repos/lara_berg/river.js/branch_protections", "", "Go-http-client/1.1"},
}

// requests are the typical ones from a few clients; fill makes request i of them.
func fillTypical(q *Request, i int) {
	t := &typical[i%len(typical)]
	q.Reset()
	q.Client = append(q.Client, "10.1.2.3"...)
	q.Client = q.Client[:7+i%2]
	q.Target = append(q.Target, t[0]...)
	q.Headers = append(q.Headers, Header{userAgentName, []byte(t[2])}, Header{refererName, []byte(t[1])})
}

var userAgentName, refererName = []byte("User-Agent"), []byte("Referer")

// BenchmarkApply is the cost of redaction for a line of a combined log.
func BenchmarkApply(b *testing.B) {
	r, err := NewRedactor(RedactOptions{})
	if err != nil {
		b.Fatal(err)
	}
	type line struct {
		client, target []byte
		headers        []Header
	}
	var lines []line
	size := 0
	for i := range 64 {
		var q Request
		fillTypical(&q, i)
		lines = append(lines, line{q.Client, q.Target, q.Headers})
		size += len(q.Target) + len(q.Headers[0].Value) + len(q.Headers[1].Value)
	}
	var q Request
	b.ReportAllocs()
	b.SetBytes(int64(size / len(lines)))
	for i := 0; b.Loop(); i++ {
		l := &lines[i&63]
		q.Client, q.Target = l.client, l.target
		q.Headers = append(q.Headers[:0], l.headers...)
		r.Apply(&q)
	}
}
