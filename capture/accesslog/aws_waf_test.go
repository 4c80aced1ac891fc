package accesslog

import "strings"

// wafLine is an entry whose request has these members and which ends so.
func wafLine(request, rest string) string {
	return `{"timestamp":1592357192516,"formatVersion":1,"webaclId":"arn:aws:wafv2:us-east-1:123456789012:global/webacl/w/1","terminatingRuleId":"Default_Action","terminatingRuleType":"REGULAR","action":"ALLOW","terminatingRuleMatchDetails":[],"httpSourceName":"ALB","httpSourceId":"app/x","ruleGroupList":[],"rateBasedRuleList":[],"nonTerminatingMatchingRules":[{"ruleId":"T","action":"COUNT","ruleMatchDetails":[{"conditionType":"SQL_INJECTION","location":"HEADER","matchedData":["10","and","1"]}]}],"httpRequest":{` + request + `},"labels":[{"name":"value"}]` + rest + `}`
}

const (
	wafGet  = `"clientIp":"192.0.2.3","country":"US","headers":[{"name":"Host","value":"localhost:1989"},{"name":"User-Agent","value":"curl/7.61.1"},{"name":"Accept","value":"*/*"},{"name":"foo","value":"10 AND 1=1"}],"uri":"/foo","args":"","httpVersion":"HTTP/1.1","httpMethod":"GET","requestId":"rid"`
	wafWant = `2020-06-17T01:26:32.516 GET /foo HTTP/1.1 host=localhost:1989 client=192.0.2.3 [User-Agent: curl/7.61.1] [Accept: */*] [foo: 10 AND 1=1]`
)

// wafCases follow AWS WAF, "Log fields" and "Log examples", and the columns that Athena's manual lists for its logs
// (httpRequest.fragment, scheme and host, requestBodySize).
var wafCases = []vendorCase{
	{"aws-waf", "counted and allowed", wafLine(wafGet, ""), wafWant},
	// A blocked request came from a client too.
	{"aws-waf", "blocked for SQL injection", strings.Replace(wafLine(wafGet, ""), `"ALLOW"`, `"BLOCK"`, 1), wafWant},
	{"aws-waf", "blocked inside a rule group", strings.Replace(wafLine(wafGet, ""), `"ruleGroupList":[]`, `"ruleGroupList":[{"ruleGroupId":"g","terminatingRule":{"ruleId":"RuleA-XSS","action":"BLOCK","ruleMatchDetails":null},"nonTerminatingMatchingRules":[{"ruleId":"B","action":"COUNT"}],"excludedRules":null}]`, 1), wafWant},
	{"aws-waf", "query, encoded", wafLine(strings.NewReplacer(`"/foo"`, `"/a%20b"`, `"args":""`, `"args":"x=%27&y"`).Replace(wafGet), ""), strings.Replace(wafWant, "/foo", "/a%20b?x=%27&y", 1)},
	// responseCodeSent is the code of a custom answer, null if there was none.
	{"aws-waf", "no answer of its own", wafLine(wafGet, `,"requestHeadersInserted":null,"responseCodeSent":null`), wafWant},
	{"aws-waf", "CAPTCHA", wafLine(wafGet, `,"requestHeadersInserted":null,"responseCodeSent":405,"captchaResponse":{"responseCode":405,"solveTimestamp":0,"failureReason":"TOKEN_MISSING"}`),
		strings.Replace(wafWant, "192.0.2.3 ", "192.0.2.3 status=405 ", 1)},
	{"aws-waf", "challenge", wafLine(wafGet, `,"responseCodeSent":202,"challengeResponse":{"responseCode":202,"solveTimestamp":0,"failureReason":"TOKEN_MISSING"}`),
		strings.Replace(wafWant, "192.0.2.3 ", "192.0.2.3 status=202 ", 1)},
	// Headers that it inserts were not sent by the client.
	{"aws-waf", "headers inserted", wafLine(wafGet, `,"requestHeadersInserted":[{"name":"x-amzn-waf-a","value":"b"}]`), wafWant},
	{"aws-waf", "API Gateway, names in small letters", wafLine(`"clientIp":"2001:db8::5","country":"-","headers":[{"name":"X-Forwarded-For","value":"192.0.2.9"},{"name":"host","value":"h.example"},{"name":"sec-ch-ua","value":"\"Chromium\";v=\"94\""},{"name":"content-length","value":"17"}],"uri":"/pets","args":"","httpVersion":"HTTP/2.0","httpMethod":"POST","requestId":"G="`, ""),
		`2020-06-17T01:26:32.516 POST /pets HTTP/2.0 host=h.example client=2001:db8::5 body_size=17 [X-Forwarded-For: 192.0.2.9] [sec-ch-ua: "Chromium";v="94"]`},
	{"aws-waf", "scheme, host and size of the body", wafLine(strings.Replace(wafGet, `"requestId":"rid"`, `"requestId":"rid","fragment":"","scheme":"https","host":"shop.example"`, 1), `,"requestBodySize":532,"requestBodySizeInspectedByWAF":532,"ja3Fingerprint":"d8"`),
		strings.NewReplacer("host=localhost:1989", "scheme=https host=shop.example", "192.0.2.3 ", "192.0.2.3 body_size=532 ").Replace(wafWant)},
	// "Log fields", uri: what was redacted reads REDACTED.
	{"aws-waf", "a header redacted", wafLine(strings.Replace(wafGet, "10 AND 1=1", "REDACTED", 1), ""), strings.TrimSuffix(wafWant, " [foo: 10 AND 1=1]")},
	{"aws-waf", "the query redacted", wafLine(strings.Replace(wafGet, `"args":""`, `"args":"REDACTED"`, 1), ""), wafWant},

	{"aws-waf", "the path redacted", wafLine(strings.Replace(wafGet, "/foo", "REDACTED", 1), ""), reasonRequest},
	{"aws-waf", "the method redacted", wafLine(strings.Replace(wafGet, "GET", "REDACTED", 1), ""), reasonRequest},
	{"aws-waf", "no path, as in the example of a JSON body", wafLine(`"clientIp":"192.0.2.1","country":"AU","headers":[],"uri":"","args":"","httpVersion":"HTTP/1.1","httpMethod":"POST","requestId":"null"`, ""), reasonRequest},
}
