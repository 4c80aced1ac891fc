package capture

import "bytes"

// probe is a health checker by the User-Agent that it sends.
type probe struct {
	name   string
	text   []byte
	within bool // text may stand anywhere; else the User-Agent begins with it
}

// probes are those whose User-Agents nobody else sends.
var probes = []probe{
	{"kubernetes", []byte("kube-probe/"), false},
	{"aws-elb", []byte("ELB-HealthChecker/"), false},
	{"aws-route53", []byte("Amazon-Route53-Health-Check-Service"), true},
	{"google", []byte("GoogleHC/"), false},
	{"google-uptime", []byte("GoogleStackdriverMonitoring-UptimeChecks"), true},
	{"azure", []byte("Azure Traffic Manager Endpoint Monitor"), false},
	{"azure", []byte("Edge Health Probe"), false},
	{"cloudflare", []byte("Cloudflare-Healthchecks/"), true},
	{"cloudflare", []byte("Cloudflare-Traffic-Manager/"), true},
	{"consul", []byte("Consul Health Check"), false},
	{"prometheus-blackbox", []byte("Blackbox Exporter/"), false},
	{"prometheus-blackbox", []byte("Blackbox-Exporter/"), false},
	{"uptimerobot", []byte("UptimeRobot/"), true},
	{"pingdom", []byte("Pingdom.com_bot"), true},
	{"statuscake", []byte("StatusCake"), true},
	{"datadog", []byte("DatadogSynthetics"), true},
	{"newrelic", []byte("NewRelicPinger/"), true},
	{"site24x7", []byte("Site24x7"), true},
	{"nagios", []byte("check_http/"), false},
	{"monit", []byte("Monit/"), false},
}

// Paths that only health checks ask for, and paths that people and programs ask for too.
var (
	probePaths  = []string{"/healthz", "/livez", "/readyz", "/startupz"}
	healthPaths = []string{"/health", "/healthcheck", "/health-check", "/_health", "/ping", "/status", "/alive", "/live", "/ready",
		"/health/live", "/health/ready", "/actuator/health", "/actuator/health/liveness", "/actuator/health/readiness"}
	browsers = []string{"Mozilla/", "Opera/"}
	programs = []string{"curl/", "Wget/", "Go-http-client/", "python-requests/", "Python-urllib/", "Apache-HttpClient/", "Java/"}
)

// HealthCheck names the heuristic that takes q for a health check; empty: none does. By User-Agent: see probes.
// haproxy: OPTIONS / HTTP/1.0 without any header, the default of option httpchk. probe-path: GET or HEAD of
// /healthz, /livez, /readyz or /startupz, without a query and a Referer, from what is no browser. health-path: the same
// of /health, /ping, /status and the like, from a program such as curl.
func HealthCheck(q *Request) string {
	agent := q.Header("User-Agent")
	if len(agent) > 0 {
		for i := range probes {
			p := &probes[i]
			if bytes.HasPrefix(agent, p.text) || p.within && bytes.Contains(agent, p.text) {
				return p.name
			}
		}
	}
	if string(q.Method) == "OPTIONS" && string(q.Target) == "/" && string(q.Proto) == "HTTP/1.0" && len(q.Headers) == 0 {
		return "haproxy"
	}
	if string(q.Method) != "GET" && string(q.Method) != "HEAD" || len(q.Header("Referer")) > 0 {
		return ""
	}
	if isOneOf(q.Target, probePaths) && !beginsWithOneOf(agent, browsers) {
		return "probe-path"
	}
	if beginsWithOneOf(agent, programs) && isOneOf(q.Target, healthPaths) {
		return "health-path"
	}
	return ""
}

func isOneOf(b []byte, list []string) bool {
	for _, s := range list {
		if string(b) == s {
			return true
		}
	}
	return false
}

func beginsWithOneOf(b []byte, list []string) bool {
	for _, s := range list {
		if len(b) >= len(s) && string(b[:len(s)]) == s {
			return true
		}
	}
	return false
}
