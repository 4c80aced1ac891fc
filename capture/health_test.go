package capture

import "testing"

func TestHealthCheck(t *testing.T) {
	for _, test := range []struct {
		method, target, agent, referer string
		want                           string
	}{
		{"GET", "/", "kube-probe/1.29", "", "kubernetes"},
		{"GET", "/x?y", "ELB-HealthChecker/2.0", "", "aws-elb"},
		{"GET", "/", "Amazon-Route53-Health-Check-Service (ref 1a2b; report http://amzn.to/1vsZADi)", "", "aws-route53"},
		{"GET", "/", "GoogleHC/1.0", "", "google"},
		{"GET", "/", "Consul Health Check", "", "consul"},
		{"GET", "/", "Blackbox Exporter/0.25.0", "", "prometheus-blackbox"},
		{"HEAD", "/", "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", "", "uptimerobot"},
		{"GET", "/", "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)", "", "pingdom"},
		{"GET", "/", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) StatusCake", "", "statuscake"},
		{"GET", "/", "Mozilla/5.0 (X11; Linux x86_64) DatadogSynthetics", "", "datadog"},
		{"GET", "/", "check_http/v2.3.3 (nagios-plugins 2.3.3)", "", "nagios"},
		{"OPTIONS", "/", "", "", "haproxy"},
		{"GET", "/healthz", "", "", "probe-path"},
		{"GET", "/healthz", "Go-http-client/1.1", "", "probe-path"},
		{"GET", "/healthz", "Mozilla/5.0 (X11)", "", ""},
		{"GET", "/healthz?verbose", "curl/8", "", ""},
		{"POST", "/healthz", "curl/8", "", ""},
		{"GET", "/health", "curl/8.5.0", "", "health-path"},
		{"GET", "/ping", "", "", ""},
		{"GET", "/status", "Mozilla/5.0 (X11)", "", ""},
		{"GET", "/status", "curl/8.5.0", "https://shop.example/", ""},
		{"GET", "/status/42", "curl/8.5.0", "", ""},
		{"GET", "/api", "curl/8.5.0", "", ""},
		{"OPTIONS", "/", "curl/8.5.0", "", ""},
		{"GET", "/", "my kube-probe/1", "", ""},
	} {
		q := &Request{}
		q.Reset()
		q.Method, q.Target, q.Proto = []byte(test.method), []byte(test.target), []byte("HTTP/1.0")
		if test.agent != "" {
			q.Headers = append(q.Headers, Header{[]byte("User-Agent"), []byte(test.agent)})
		}
		if test.referer != "" {
			q.Headers = append(q.Headers, Header{[]byte("Referer"), []byte(test.referer)})
		}
		if got := HealthCheck(q); got != test.want {
			t.Errorf("HealthCheck(%s %s %q %q) = %q, want %q", test.method, test.target, test.agent, test.referer, got, test.want)
		}
		f := &Filter{ExcludeHealthChecks: true}
		if f.Keep(q) != (test.want == "") || f.Why(q) != test.want || !new(Filter).Keep(q) {
			t.Errorf("%s %s %q: Keep %v, Why %q, want %q", test.method, test.target, test.agent, f.Keep(q), f.Why(q), test.want)
		}
		if n := testing.AllocsPerRun(10, func() { HealthCheck(q) }); n != 0 {
			t.Errorf("HealthCheck allocates %v times, want 0", n)
		}
	}
}
