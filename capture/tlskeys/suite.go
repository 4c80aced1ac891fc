package tlskeys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"
)

// suite is a cipher suite with authenticated encryption.
type suite struct {
	key    int // bytes of a key
	aead   func(key []byte) (cipher.AEAD, error)
	hash   func() hash.Hash
	modern bool // of TLS 1.3
	xor    bool // the nonce is the number of the record mixed into the whole IV, and no part of the record
}

var (
	gcm128    = suite{16, newGCM, sha256.New, false, false}
	gcm256    = suite{32, newGCM, sha512.New384, false, false}
	chacha    = suite{32, chacha20poly1305.New, sha256.New, false, true}
	gcm128v13 = suite{16, newGCM, sha256.New, true, true}
	gcm256v13 = suite{32, newGCM, sha512.New384, true, true}
	chachaV13 = suite{32, chacha20poly1305.New, sha256.New, true, true}
)

// suites are by their number (IANA, "TLS Cipher Suites"): those of RFC 8446, 5288, 5289, 5487, 7905 and 8442, whatever
// the key exchange.
var suites = map[uint16]*suite{
	0x1301: &gcm128v13, 0x1302: &gcm256v13, 0x1303: &chachaV13,
	0x009c: &gcm128, 0x009e: &gcm128, 0xc02b: &gcm128, 0xc02d: &gcm128, 0xc02f: &gcm128, 0xc031: &gcm128,
	0x009d: &gcm256, 0x009f: &gcm256, 0xc02c: &gcm256, 0xc02e: &gcm256, 0xc030: &gcm256, 0xc032: &gcm256,
	0x00a8: &gcm128, 0x00aa: &gcm128, 0x00ac: &gcm128, 0xd001: &gcm128, 0x00a9: &gcm256, 0x00ab: &gcm256, 0x00ad: &gcm256, 0xd002: &gcm256,
	0xcca8: &chacha, 0xcca9: &chacha, 0xccaa: &chacha, 0xccab: &chacha, 0xccac: &chacha, 0xccad: &chacha, 0xccae: &chacha,
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// protection opens the records of one side, as long as one key is in use.
type protection struct {
	suite  *suite
	aead   cipher.AEAD
	iv     [12]byte
	seq    uint64 // of the next record
	secret []byte // TLS 1.3: the traffic secret, from which the next one follows

	number [12]byte // memory of the nonce
	extra  [13]byte // and of what is authenticated beside the body in TLS 1.2
}

var errOpen = errors.New("record cannot be opened")

// trafficKeys are the keys of a traffic secret (RFC 8446, section 7.3).
func trafficKeys(s *suite, secret []byte) (*protection, error) {
	p := &protection{suite: s, secret: secret}
	key, err := expandLabel(s, secret, "key", s.key)
	if err != nil {
		return nil, err
	}
	iv, err := expandLabel(s, secret, "iv", len(p.iv))
	if err != nil {
		return nil, err
	}
	copy(p.iv[:], iv)
	p.aead, err = s.aead(key)
	return p, err
}

// update is the protection behind a KeyUpdate (RFC 8446, section 7.2).
func (p *protection) update() (*protection, error) {
	secret, err := expandLabel(p.suite, p.secret, "traffic upd", len(p.secret))
	if err != nil {
		return nil, err
	}
	return trafficKeys(p.suite, secret)
}

// expandLabel is HKDF-Expand-Label without a context (RFC 8446, section 7.1).
func expandLabel(s *suite, secret []byte, label string, n int) ([]byte, error) {
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	info = append(append(info, byte(len("tls13 ")+len(label))), "tls13 "...)
	info = append(append(info, label...), 0)
	return hkdf.Expand(s.hash, secret, string(info), n)
}

// sessionKeys are the keys of both sides of a TLS 1.2 session, the client's first (RFC 5246, section 6.3).
func sessionKeys(s *suite, master []byte, client, server random) (both [2]*protection, err error) {
	fixed := 4
	if s.xor {
		fixed = 12
	}
	seed := append(append([]byte("key expansion"), server[:]...), client[:]...)
	block := expand(s.hash, master, seed, 2*s.key+2*fixed)
	for i := range both {
		p := &protection{suite: s}
		if p.aead, err = s.aead(block[i*s.key : (i+1)*s.key]); err != nil {
			return both, err
		}
		copy(p.iv[:], block[2*s.key+i*fixed:][:fixed])
		both[i] = p
	}
	return both, nil
}

// expand is P_hash (RFC 5246, section 5).
func expand(h func() hash.Hash, secret, seed []byte, n int) []byte {
	mac := hmac.New(h, secret)
	var out []byte
	for a := seed; len(out) < n; {
		mac.Reset()
		mac.Write(a)
		a = mac.Sum(nil)
		mac.Reset()
		mac.Write(a)
		mac.Write(seed)
		out = mac.Sum(out)
	}
	return out[:n]
}

// open decrypts the body of a record into dst, whose memory it may use, as the record with the number seq. It gives
// the content and its type. header is the record's. On an error body is as it was.
func (p *protection) open(dst []byte, header, body []byte, seq uint64) (plain []byte, kind byte, err error) {
	if p.suite.modern {
		plain, err = p.aead.Open(dst[:0], p.nonce(seq, nil), body, header)
		if err != nil {
			return nil, 0, errOpen
		}
		for len(plain) > 0 && plain[len(plain)-1] == 0 { // padding
			plain = plain[:len(plain)-1]
		}
		if len(plain) == 0 {
			return nil, 0, errOpen
		}
		return plain[:len(plain)-1], plain[len(plain)-1], nil
	}
	var explicit []byte
	if !p.suite.xor {
		if len(body) < 8 {
			return nil, 0, errOpen
		}
		explicit, body = body[:8], body[8:]
	}
	if len(body) < p.aead.Overhead() {
		return nil, 0, errOpen
	}
	binary.BigEndian.PutUint64(p.extra[:], seq)
	copy(p.extra[8:], header[:3])
	binary.BigEndian.PutUint16(p.extra[11:], uint16(len(body)-p.aead.Overhead()))
	if plain, err = p.aead.Open(dst[:0], p.nonce(seq, explicit), body, p.extra[:]); err != nil {
		return nil, 0, errOpen
	}
	return plain, header[0], nil
}

// nonce is a record's: the IV mixed with its number, or the IV's first four bytes and the eight that the record has.
func (p *protection) nonce(seq uint64, explicit []byte) []byte {
	p.number = p.iv
	if explicit != nil {
		copy(p.number[4:], explicit)
		return p.number[:]
	}
	for i := range 8 {
		p.number[4+i] ^= byte(seq >> (56 - 8*i))
	}
	return p.number[:]
}
