package accesslog

import "strings"

// s3Entry is a record of an operation with this from the key on.
func s3Entry(operation, rest string) string {
	return `79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be awsexamplebucket1 [06/Feb/2019:00:00:38 +0000] 192.0.2.3 79a59 3E57427F3EXAMPLE ` + operation + ` ` + rest
}

const (
	s3Auth = ` SigV2 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader awsexamplebucket1.s3.us-west-1.amazonaws.com TLSV1.1`
	s3Host = ` HTTP/1.1 scheme=https host=awsexamplebucket1.s3.us-west-1.amazonaws.com client=192.0.2.3 79a59 `
)

// s3Cases follow AWS, "Amazon S3 server access log format" (the example of five records, "Log record fields", "Additional
// logging for copy operations", "Custom access log information"). columnCases has more.
var s3Cases = []vendorCase{
	// The example. Time is when the request was received, total time until the last byte of the answer; bytes exclude the
	// overhead of HTTP, "-" is zero.
	{"s3", "VERSIONING", s3Entry("REST.GET.VERSIONING", `- "GET /awsexamplebucket1?versioning HTTP/1.1" 200 - 113 - 7 - "-" "S3Console/0.4" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234=`+s3Auth),
		`2019-02-06T00:00:38 GET /awsexamplebucket1?versioning` + s3Host + `status=200 dur=7000 size=113 [User-Agent: S3Console/0.4]`},
	{"s3", "LOGGING_STATUS", s3Entry("REST.GET.LOGGING_STATUS", `- "GET /awsexamplebucket1?logging HTTP/1.1" 200 - 242 - 11 - "-" "S3Console/0.4" - 9vKBE6vMhrNiWHZmb2L0mXOcqPGzQOI5XLnCtZNPxev+Hf+7tpT6sxDwDty4LHBUOZJG96N1234=`+s3Auth),
		`2019-02-06T00:00:38 GET /awsexamplebucket1?logging` + s3Host + `status=200 dur=11000 size=242 [User-Agent: S3Console/0.4]`},
	{"s3", "BUCKETPOLICY that is not there", s3Entry("REST.GET.BUCKETPOLICY", `- "GET /awsexamplebucket1?policy HTTP/1.1" 404 NoSuchBucketPolicy 297 - 38 - "-" "S3Console/0.4" - BNaBsXZQQDbssi6xMBdBU2sLt+Yf5kZDmeBUP35sFoKa3sLLeMC78iwEIWxs99CRUrbS4n11234=`+s3Auth),
		`2019-02-06T00:00:38 GET /awsexamplebucket1?policy` + s3Host + `status=404 dur=38000 size=297 [User-Agent: S3Console/0.4]`},
	{"s3", "an object is put", s3Entry("REST.PUT.OBJECT", `s3-dg.pdf "PUT /awsexamplebucket1/s3-dg.pdf HTTP/1.1" 200 - - 4406583 41754 28 "-" "S3Console/0.4" - 10S62Zv81kBW7BB6SX4XJ48o6kpcl6LPwEoizZQQxJd5qDSCTLX0TgS37kYUBKQW3+bPdrg1234=`+s3Auth),
		`2019-02-06T00:00:38 PUT /awsexamplebucket1/s3-dg.pdf` + s3Host + `status=200 dur=41754000 size=0 [User-Agent: S3Console/0.4]`},
	{"s3", "an object, custom information in the query", s3Entry("REST.GET.OBJECT", `photos/2019/08/puppy.jpg "GET /awsexamplebucket1/photos/2019/08/puppy.jpg?x-foo=bar HTTP/1.1" 200 - 2662992 3462992 70 10 "http://www.amazon.com/webservices" "curl/7.15.1" -`),
		`2019-02-06T00:00:38 GET /awsexamplebucket1/photos/2019/08/puppy.jpg?x-foo=bar HTTP/1.1 client=192.0.2.3 79a59 status=200 dur=70000 size=2662992 [Referer: http://www.amazon.com/webservices] [User-Agent: curl/7.15.1]`},
	{"s3", "not modified, access point, ACL", s3Entry("REST.GET.OBJECT", `a "GET /a HTTP/1.1" 304 - - 12 9 8 "-" "-" 3HL4kqtJvjVBH40Nrjfkd hostid= SigV4 ECDHE-RSA-AES128-GCM-SHA256 QueryString awsexamplebucket1.s3.us-west-1.amazonaws.com TLSv1.2 arn:aws:s3:us-east-1:123456789012:accesspoint/example-AP Yes us-east-1`),
		`2019-02-06T00:00:38 GET /a` + s3Host + `status=304 dur=9000 size=0`},
	{"s3", "without TLS, anonymous", strings.Replace(s3Entry("REST.GET.OBJECT", `a "GET /a HTTP/1.0" 403 AccessDenied 243 - 9 - "-" "-" - hostid= - - - s3.us-west-2.amazonaws.com - - -`), " 79a59 ", " - ", 1),
		`2019-02-06T00:00:38 GET /a HTTP/1.0 host=s3.us-west-2.amazonaws.com client=192.0.2.3 status=403 dur=9000 size=243`},
	{"s3", "static website, a quote in the Referer", s3Entry("WEBSITE.GET.OBJECT", `index.html "GET /?a=b HTTP/1.1" 200 - 5 5 9 8 "http://r.example/?id=4"" "Mozilla/5.0 (X)" -`),
		`2019-02-06T00:00:38 GET /?a=b HTTP/1.1 client=192.0.2.3 79a59 status=200 dur=9000 size=5 [Referer: http://r.example/?id=4"] [User-Agent: Mozilla/5.0 (X)]`},
	{"s3", "a copy is one request", s3Entry("REST.COPY.OBJECT", `to "PUT /awsexamplebucket1/to HTTP/1.1" 200 - 234 - 50 - "-" "aws-cli" -`),
		`2019-02-06T00:00:38 PUT /awsexamplebucket1/to HTTP/1.1 client=192.0.2.3 79a59 status=200 dur=50000 size=234 [User-Agent: aws-cli]`},

	// Additional logging for copy operations: two records for one request.
	{"s3", "the source of a copy", s3Entry("REST.COPY.OBJECT_GET", `from "GET /awsexamplebucket1/photos/2019/08/puppy.jpg?x-foo=bar" 200 - - 13538337 - - - - -`), reasonNone},
	{"s3", "the source of a copy, without a request line", s3Entry("REST.COPY.OBJECT_GET", `from - 200 - - 13538337 - - - - -`), reasonNone},
	{"s3", "the source of a part", s3Entry("REST.COPY.PART_GET", `from - 200 - - 13538337 - - - - -`), reasonNone},
	{"s3", "lifecycle", s3Entry("S3.EXPIRE.OBJECT", `tmp/x - - - - 24896 - - - - - EVM1ZPlhLN7bMxPOGhQuXQg= - - - - -`), reasonNone},
	{"s3", "member of a batch", s3Entry("BATCH.DELETE.OBJECT", `x - 204 - - 344017 - - - - - IeDW5I3w= SigV4 ECDHE-RSA-AES128-SHA AuthHeader s3.eu-central-1.amazonaws.com TLSv1.2`), reasonNone},
}
