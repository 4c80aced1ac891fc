package redact

import (
	"bytes"
	"strings"
)

// sort of a name: what it says about its value.
type sort uint8

const (
	plain      sort = iota
	secret          // a credential, whatever it looks like; in JSON everything below it too
	person          // a person, unless the value is a plain id
	detail          // what is known of a person, in digits too: a telephone number, a birthday
	long            // a credential if it is long and mixed (key=, code=): short ones are ids and coupons
	version         // a version number, not an address
	identifier      // an id of a record or a place in a list: random ids in the usual lengths stay
	kept            // by a rule of the user's: nothing is looked for
)

// fields are names of query parameters, form and JSON fields, folded: lower case without - _ . and spaces.
var fields = table(map[sort]string{
	plain: `microphone headphone smartphone iphone`,
	secret: `password passwords passwd passphrase pwd pass passwort secret secrets apikeys clientsecret sharedsecret secretkey privatekey
		apikey xapikey apptoken appkey apisecret accesskey accesskeyid awsaccesskeyid secretaccesskey subscriptionkey
		token tokens accesstoken idtoken refreshtoken authtoken bearertoken csrftoken xsrftoken csrf xsrf csrfmiddlewaretoken
		authenticitytoken requestverificationtoken resettoken sessiontoken usertoken jwt auth authorization authkey bearer
		assertion clientassertion samlrequest samlresponse oauthtoken oauthverifier oauthsignature codeverifier
		credential credentials session sessionid sessionkey sess sid ssid jsessionid phpsessid aspsessionid aspnetsessionid
		cfid cftoken cookie cookies signature sig hmac xamzsignature xamzcredential xamzsecuritytoken xgoogsignature xgoogcredential
		otp totp mfacode pin pincode cvv cvc cvv2 csc securitycode cardnumber ccnumber ccnum creditcard iban accountnumber
		ssn socialsecurity socialsecuritynumber taxid passport passportnumber hubverifytoken magictoken
		totpcode smscode verifycode onetimecode recoverycode backupcode twofactorcode authenticationcode securityanswer`,
	person: `email mail emailaddress useremail username user login loginid loginname userlogin nickname firstname lastname
		fullname surname givenname familyname middlename realname street streetaddress address1 address2 addressline1 addressline2
		ip ipaddress clientip remoteip remoteaddr useragentip userip`,
	detail:     `birthdate birthday dateofbirth dob phone phonenumber mobile mobilenumber tel telephone msisdn fax`,
	long:       `key code state nonce ticket authcode`,
	version:    `v ver version rev revision build release appversion osversion sdkversion`,
	identifier: `id ids uid uuid guid ref parent after before cursor pagetoken nextpagetoken prevpagetoken nexttoken continuationtoken synctoken starttoken`,
})

var fieldEnds = []struct {
	end  string
	sort sort
}{
	{"pwd", secret}, {"otp", secret}, {"otpcode", secret}, {"verificationcode", secret}, {"secret", secret}, {"token", secret}, {"apikey", secret},
	{"accesskey", secret}, {"secretkey", secret}, {"privatekey", secret}, {"sessionid", secret}, {"signature", secret},
	{"credential", secret}, {"email", person}, {"emailaddress", person}, {"phonenumber", detail}, {"phone", detail}, {"birthdate", detail}, {"dateofbirth", detail}, {"username", person}, {"ipaddress", person},
	{"id", identifier}, {"ids", identifier},
}

// fieldHolds make a name that of a secret wherever they stand in it: password_confirmation, oldPassword1.
var fieldHolds = [...]string{"password", "passwd", "passphrase", "passcode"}

// headers are header names, folded alike.
var headers = table(map[sort]string{
	secret: `authorization proxyauthorization cookie cookie2 setcookie setcookie2 xapikey apikey xapitoken xauth authentication
		xamzsecuritytoken forwarded xrealip trueclientip cfconnectingip cfconnectingipv6 cfpseudoipv4 fastlyclientip xclientip
		xclusterclientip xoriginatingip xremoteip xremoteaddr xproxyuserip clientip remoteaddr remoteuser xremoteuser xuser xusername xuseremail
		from xcsrf xxsrf traceparent tracestate baggage b3 xcloudtracecontext xamzntraceid uberctx sentrytrace
		ocpapimsubscriptionkey xgoogapikey xgoogiamauthorizationtoken xfunctionskey xmsclientprincipal xmsclientprincipalname
		xmsclientprincipalid xsslclientcert sslclientcert xclientcert clientcert xclientdn sslclientsdn proxyauthenticationinfo
		authenticationinfo dpop xhubsignature xhubsignature256 stripesignature xslacksignature xsignature signature xdevicetoken xpushtoken`,
})

var headerBegins = []string{"xauth", "xforwarded", "xoriginalforwarded", "xamz", "xb3", "xgoogauthenticated", "cfaccess", "xjwt", "xaccesstoken", "xidtoken", "xcsrf", "xxsrf", "xsession"}

var headerEnds = []string{"apikeyid", "masterkey", "clientkey", "encryptionkey", "session", "credentials", "cookie", "jwt"}

func table(lists map[sort]string) map[string]sort {
	t := map[string]sort{}
	for s, names := range lists {
		for name := range strings.FieldsSeq(names) {
			t[name] = s
		}
	}
	return t
}

// maxName bounds the names that are looked at; a longer one is compared by its end.
const maxName = 64

// fold writes name without case, separators and brackets to buf. Of a[b][c] and a.b.c it keeps all, so
// that the ends decide.
func fold(name []byte, buf *[maxName]byte) []byte {
	out := buf[:0]
	if len(name) > maxName {
		name = name[len(name)-maxName:]
	}
	for _, c := range name {
		switch k := kinds[c]; {
		case k == upper:
			out = append(out, c|0x20)
		case k&alnum != 0 || c >= 0x80:
			out = append(out, c)
		}
	}
	return out
}

// fieldSort is the sort of a query parameter, form field, JSON field or matrix parameter.
func fieldSort(name []byte) sort {
	var buf [maxName]byte
	f := fold(lastPart(name), &buf)
	if s, ok := fields[string(f)]; ok {
		return s
	}
	if f = bytes.TrimRight(f, "0123456789"); len(f) < 3 {
		return plain
	}
	if s, ok := fields[string(f)]; ok {
		return s // pin2
	}
	for _, r := range fieldEnds {
		if hasSuffix(f, r.end) {
			return r.sort
		}
	}
	for _, s := range fieldHolds {
		if bytes.Contains(f, []byte(s)) {
			return secret
		}
	}
	return plain
}

// Bounds of the names whose sorts are remembered.
const (
	maxSorts    = 1 << 12
	maxSortName = 32 // bytes
)

// fieldSort is fieldSort for names that come again and again.
func (m *Masker) fieldSort(name []byte) sort {
	if s, ok := m.sorts[string(name)]; ok {
		return s
	}
	s := fieldSort(name)
	if len(name) <= maxSortName {
		if m.sorts == nil || len(m.sorts) == maxSorts {
			m.sorts = make(map[string]sort)
		}
		m.sorts[string(name)] = s
	}
	return s
}

// lastPart is the c of a[b][c], a.b.c and a:c, and a itself of a[] and a[0].
func lastPart(name []byte) []byte {
	for len(name) > 0 {
		e := len(name)
		for e > 0 && (name[e-1] == ']' || name[e-1] == '[') {
			e--
		}
		s := e
		for s > 0 && name[s-1] != '[' && name[s-1] != ']' && name[s-1] != '.' && name[s-1] != ':' {
			s--
		}
		if s == 0 || e > s && !allDigits(name[s:e]) {
			return name[s:e]
		}
		name = name[:s-1]
	}
	return name
}

// headerSort is the sort of a header field.
func headerSort(name []byte) sort {
	var buf [maxName]byte
	f := fold(name, &buf)
	if s, ok := headers[string(f)]; ok {
		return s
	}
	for _, p := range headerBegins {
		if len(f) >= len(p) && string(f[:len(p)]) == p {
			return secret
		}
	}
	for _, p := range headerEnds {
		if hasSuffix(f, p) {
			return secret
		}
	}
	if fieldSort(bytes.TrimPrefix(f, []byte("x"))) == secret { // X-OTP
		return secret
	}
	return plain
}

// minDetail is the shortest number under the name of a detail that is one: shorter ones count or choose something.
const minDetail = 6

// condemned reports whether a value (decoded) under a name of sort s has to go.
func (s sort) condemned(value []byte) bool {
	switch s {
	case secret:
		return !trivial(value)
	case person:
		return !trivial(value) && !allDigits(value) && !isHexID(value)
	case detail:
		return !trivial(value) && (len(value) >= minDetail || !allDigits(value))
	case long:
		return len(value) >= 16 && mixed(value) && !wordy(value) && !bytes.ContainsAny(value, "/.")
	}
	return false
}

// trivial values say nothing about anybody.
func trivial(v []byte) bool {
	switch string(v) {
	case "", "0", "1", "-", "true", "false", "null", "none", "undefined", "nil", "yes", "no", "on", "off":
		return true
	}
	return false
}

// mixed reports whether v is made of at least two kinds of letters and digits and has no spaces.
func mixed(v []byte) bool {
	var seen uint8
	for _, c := range v {
		if c == ' ' {
			return false
		}
		seen |= kinds[c]
	}
	seen &= alnum
	return seen&(seen-1) != 0
}

func allDigits(v []byte) bool {
	for _, c := range v {
		if kinds[c] != digit {
			return false
		}
	}
	return len(v) > 0
}

func hasSuffix(b []byte, end string) bool {
	return len(b) >= len(end) && string(b[len(b)-len(end):]) == end
}

func hasPrefix(b []byte, begin string) bool {
	return len(b) >= len(begin) && string(b[:len(begin)]) == begin
}
