package accesslog

import (
	"bytes"
	"strings"
	"time"
)

// Squid's built-in logformats (squid.conf.documented, logformat). Its stamps are ends, and %tr counts from the first
// byte of the request.
var squidPresets = []preset{
	{"squid", squidBuiltIn, `%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt`, true},
	{"squid-combined", squidBuiltIn, `%>a %[ui %[un [%tl] "%rm %ru HTTP/%rv" %>Hs %<st "%{Referer}>h" "%{User-Agent}>h" %Ss:%Sh`, true},
	{"squid-common", squidBuiltIn, `%>a %[ui %[un [%tl] "%rm %ru HTTP/%rv" %>Hs %<st %Ss:%Sh`, true},
}

// squidBuiltIn compiles a format that is built into Squid, which escapes nothing.
func squidBuiltIn(s string) (*format, error) { return squidFormat(s, true) }

// compileSquid compiles a logformat, with or without the directive and its name. Inside double quotes values are
// escaped with backslashes.
func compileSquid(s string) (*format, error) { return squidFormat(s, false) }

func squidFormat(s string, builtIn bool) (*format, error) {
	if fields := strings.Fields(s); len(fields) > 2 && fields[0] == "logformat" {
		s = strings.TrimSpace(s[strings.Index(s, fields[1])+len(fields[1]):])
	}
	b, inQuotes := builder{}, false
	for len(s) > 0 && b.err == nil {
		switch {
		case strings.HasPrefix(s, "%%"):
			b.text("%")
			s = s[2:]
		case s[0] == '%' && len(s) > 1:
			b.raw = builtIn || !inQuotes
			s = s[squidCode(&b, s):]
		default:
			inQuotes = inQuotes != (s[0] == '"')
			b.text(s[:1])
			s = s[1:]
		}
	}
	f := &format{ends: true, resolution: time.Second}
	var err error
	if f.text, err = b.finish(); err == nil {
		err = f.settle()
	}
	if err != nil {
		return nil, err
	}
	f.resolution = f.finest()
	f.ends = !f.begins()
	return f, nil
}

// begins reports whether the stamp that settle kept is the start's.
func (f *format) begins() (begin bool) {
	for _, s := range f.text {
		begin = begin || s.kind == kTime && s.begin
	}
	return begin
}

// squidCode compiles one %[encoding][-][width][{argument}]code and returns its length.
func squidCode(b *builder, s string) (n int) {
	for _, whole := range []struct {
		codes string
		v     step
	}{
		{`%rm %ru HTTP/%rv`, step{kind: kRequest}},
		{`%ts.%03tu`, step{kind: kTime, rank: rankMsec}},
		{`%ts.%06tu`, step{kind: kTime, rank: rankMsec}},
	} {
		if strings.HasPrefix(s, whole.codes) {
			whole.v.label = whole.codes
			b.value(whole.v)
			return len(whole.codes)
		}
	}
	n = 1
	for n < len(s) && strings.IndexByte(`"['#/-.0123456789`, s[n]) >= 0 {
		n++
	}
	padded, encoding := strings.ContainsAny(s[1:n], "123456789"), byte(0)
	if n > 1 {
		encoding = s[1]
	}
	arg := ""
	if strings.HasPrefix(s[n:], "{") {
		i := strings.IndexByte(s[n:], '}')
		if i < 0 {
			b.fail("%%{ is not closed")
			return len(s)
		}
		arg, n = s[n+1:n+i], n+i+1
	}
	code, known := longestCode(s[n:])
	if !known || len(arg) > maxName {
		b.fail("%.40q is not a code of Squid's logformat", s)
		return len(s)
	}
	n += len(code)
	// %>h{Name} and %{Name}>h are the same.
	if arg == "" && strings.HasPrefix(s[n:], "{") {
		if i := strings.IndexByte(s[n:], '}'); i > 0 {
			arg, n = s[n+1:n+i], n+i+1
		}
	}
	v := squidMeaning(code, arg)
	if v.kind == kDur && padded {
		v.padded, v.span = true, paddedNumber
	}
	v.label = s[:n]
	b.raw = b.raw && encoding != '"'
	b.value(v)
	return n
}

// squidCodes are the codes that begin with a letter, < or >, longest first where one begins another.
var squidCodes = strings.Fields(">eui >handshake >la >lp >sni >Hs >ha >st >sh >rm >ru >rs >rd >rP >rp >rv >qos >nfmark >h >a >A >p " +
	"<la <lp <Hs <ha <st <sH <sh <sS <pt <tt <bs <rm <ru <rs <rd <rP <rp <rv <qos <nfmark <h <a <A <p " +
	"busy_time credentials external_acl_log error_code err_code err_detail master_xaction note sn tS ts tu tl tg tr dt " +
	"un ul ue ui us et ea Ss Sh mt rm ru rp rv st ssl::bump_mode ssl::>sni")

func longestCode(s string) (code string, known bool) {
	for _, c := range squidCodes {
		if strings.HasPrefix(s, c) {
			return c, true
		}
	}
	return "", false
}

func squidMeaning(code, arg string) step {
	switch code {
	case "ts":
		return step{kind: kTime, rank: rankName}
	case "tS":
		return step{kind: kTime, rank: rankMsec + 1, begin: true}
	case "tl", "tg":
		if arg == "" {
			return step{kind: kTime, rank: rankGood, fixed: len("02/Jan/2006:15:04:05 -0700")}
		}
	case "tr":
		return step{kind: kDur, unit: millisecond}
	case ">a":
		return step{kind: kClient, rank: rankBest}
	case ">A":
		return step{kind: kClient, rank: rankGood}
	case "un", "ul", "ue", "us":
		return step{kind: kUser}
	case ">Hs":
		return step{kind: kStatus}
	case "<st":
		return step{kind: kWire}
	case "rm", ">rm":
		return step{kind: kMethod}
	case "ru", ">ru":
		return step{kind: kTarget, rank: rankGood}
	case "rp", ">rp":
		return step{kind: kTarget, rank: rankName}
	case ">rs":
		return step{kind: kScheme}
	case ">rd":
		return step{kind: kHost, rank: rankName}
	case ">h":
		if arg != "" {
			return requestHeader(arg)
		}
	case "<h":
		if arg != "" {
			return step{kind: kRespHeader, name: []byte(arg)}
		}
	}
	return step{}
}

// paddedNumber is the width of a number with blanks before it.
func paddedNumber(rest []byte) (n int) {
	for n < len(rest) && rest[n] == ' ' {
		n++
	}
	for n < len(rest) && (rest[n]-'0' <= 9 || rest[n] == '-') {
		n++
	}
	return n
}

// isSquid reports whether s is a logformat: the directive, or a code that only Squid has.
func isSquid(s string) bool {
	if strings.HasPrefix(s, "logformat ") {
		return true
	}
	for _, c := range []string{"%>a", "%<st", "%>Hs", "%03>Hs", "%Ss", "%03tu", "%6tr", "%>ru", "%ru", "%rm"} {
		if strings.Contains(s, c) {
			return true
		}
	}
	return false
}

// squid says where Squid cut the queries off, as it does unless told otherwise.
func (t *trial) squid() {
	if n := t.marks.bareQuery; n > 0 {
		t.note("%d of %d targets end in a bare ?: Squid cut their queries (strip_query_terms off keeps them)", n, len(t.lines))
	}
}

// bareQuery reports whether target ends where a query would begin.
func bareQuery(target []byte) bool { return bytes.HasSuffix(target, []byte("?")) }
