package accesslog

import (
	"strings"
	"time"
)

// awsPresets are the logs of load balancers and S3, whose documentation counts the columns.
var awsPresets = []preset{
	{"alb", alb, albColumns, false},
	{"elb", elb, elbColumns, false},
	{"nlb", nlb, nlbColumns, false},
	{"s3", s3, s3Columns, false},
}

const (
	albColumns = "type time elb client:port target:port request_processing_time target_processing_time response_processing_time " +
		"elb_status_code target_status_code received_bytes sent_bytes request user_agent ssl_cipher ssl_protocol target_group_arn trace_id " +
		"domain_name chosen_cert_arn matched_rule_priority request_creation_time actions_executed redirect_url error_reason target:port_list " +
		"target_status_code_list classification classification_reason conn_trace_id transformed_host transformed_uri request_transform_status"
	elbColumns = "time elb client:port backend:port request_processing_time backend_processing_time response_processing_time " +
		"elb_status_code backend_status_code received_bytes sent_bytes request user_agent ssl_cipher ssl_protocol"
	nlbColumns = "type version time elb listener client:port destination:port connection_time tls_handshake_time received_bytes sent_bytes " +
		"incoming_tls_alert chosen_cert_arn chosen_cert_serial tls_cipher tls_protocol_version tls_named_group domain_name"
	s3Columns = "bucket_owner bucket time remote_ip requester request_id operation key request_uri http_status error_code bytes_sent object_size " +
		"total_time turn_around_time referer user_agent version_id host_id signature_version cipher_suite authentication_type host_header tls_version " +
		"access_point_arn acl_required"
)

// alb compiles the log of an Application Load Balancer. time is when the answer was generated, for a WebSocket when it was
// closed; request_creation_time, which older lines lack, is when the request came. Bytes count the head.
func alb(columns string) (*format, error) {
	f := ofAWS(columns, 18, func(name string) step {
		switch name {
		case "type":
			return step{kind: kGate, layout: "http|https|h2|grpc|grpcs|ws|wss"}
		case "time":
			return step{kind: kEnd}
		case "request_creation_time":
			return step{kind: kTime, begin: true}
		case "sent_bytes":
			return step{kind: kWire}
		}
		return balancerColumn(name)
	})
	f.resolution = time.Millisecond // of request_creation_time, whatever its zeros say
	return f, nil
}

// elb compiles the log of a Classic Load Balancer. time is when it received the request, and bytes are those of bodies
// (AWS, "Access logs for your Classic Load Balancer").
func elb(columns string) (*format, error) {
	f := ofAWS(columns, 12, func(name string) step {
		switch name {
		case "time":
			return step{kind: kTime}
		case "received_bytes":
			return step{kind: kBodySize}
		case "sent_bytes":
			return step{kind: kSize}
		}
		return balancerColumn(name)
	})
	f.resolution, f.without = time.Microsecond, reasonNotHTTP
	return f, nil
}

// nlb recognises the log of a Network Load Balancer, which knows connections and no requests.
func nlb(columns string) (*format, error) {
	f := ofAWS(columns, 16, func(name string) step {
		switch name {
		case "type":
			return step{kind: kGate, layout: "tls|tcp|udp|tcp_udp|quic|tcp_quic"}
		case "time":
			return step{kind: kTime}
		}
		return step{}
	})
	f.resolution, f.without, f.utc = time.Second, reasonNotHTTP, true
	return f, nil
}

// balancerColumn is what the balancers have in common. The three times add up to when the answer began to be sent, its first
// byte; one that does not apply is -1.
func balancerColumn(name string) step {
	switch name {
	case "client:port":
		return step{kind: kClient, auto: true}
	case "request_processing_time", "target_processing_time", "backend_processing_time", "response_processing_time":
		return step{kind: kPart, unit: second}
	case "elb_status_code":
		return step{kind: kStatus}
	case "request":
		return step{kind: kRequest, auto: true}
	case "user_agent":
		return step{kind: kHeader, name: []byte("User-Agent")}
	case "domain_name":
		return step{kind: kHost, rank: rankWeak}
	case "ssl_protocol":
		return step{kind: kTLS}
	}
	return step{}
}

// s3 compiles a server access log of S3. time is when the request was received, total_time milliseconds until the last
// byte of the answer; bytes are those of the body, "-" for 0 (AWS, "Amazon S3 server access log format"). What S3 does by
// itself (lifecycle) and the members of a batch have no request line; of a copy the source has a line of its own.
func s3(columns string) (*format, error) {
	f := ofAWS(columns, 17, func(name string) step {
		switch name {
		case "time":
			return step{kind: kTime}
		case "remote_ip":
			return step{kind: kClient}
		case "operation":
			return step{kind: kGate, auto: true, layout: "REST.COPY.OBJECT_GET|REST.COPY.PART_GET"}
		case "requester":
			return step{kind: kUser}
		case "request_uri":
			return step{kind: kRequest}
		case "http_status":
			return step{kind: kStatus}
		case "bytes_sent":
			return step{kind: kSize, zero: true}
		case "total_time":
			return step{kind: kDur, unit: millisecond}
		case "referer":
			return step{kind: kHeader, name: []byte("Referer")}
		case "user_agent":
			return step{kind: kHeader, name: []byte("User-Agent")}
		case "host_header":
			return step{kind: kHost, rank: rankGood}
		case "tls_version":
			return step{kind: kTLS}
		}
		return step{}
	})
	f.table.brackets = true
	f.resolution, f.without = time.Second, reasonNone
	return f, nil
}

func ofAWS(columns string, need int, meaning func(string) step) *format {
	t := &table{sep: ' ', quotes: true, need: need, more: true}
	return ofTable(t, columnsOf(strings.Fields(columns), meaning))
}
