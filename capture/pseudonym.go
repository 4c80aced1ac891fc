package capture

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"hash"
)

// pseudonyms turns clients into keyed pseudonyms and remembers those of recent ones. Each has one place, which the
// hash of its name gives, and puts out whoever was there: a look costs one place in memory, whatever the clients are
// called, where a map costs several for each of many clients.
type pseudonyms struct {
	mac    hash.Hash
	sum    []byte
	places []pseudonym
	other  []byte // of a client that is too long for a place
}

// pseudonym is one client's. Its arrays lie in the slice, so that the collector of garbage has nothing to follow.
type pseudonym struct {
	size uint8 // of the name; 0: nobody's
	name [maxClientKept]byte
	text [pseudonymLen]byte
}

const (
	maxClients    = 1 << 13 // places: 768 KiB, which the cache of a core keeps; a power of 2
	maxClientKept = 69      // bytes of a name: an IPv6 address and a user; the place then takes 96
)

// pseudonymSize is how many bytes of the HMAC a pseudonym spells; two of 2^32 clients meet with probability 2^-65.
// pseudonymLen is how many characters that takes.
const (
	pseudonymSize = 16
	pseudonymLen  = (pseudonymSize*8 + 4) / 5
)

var pseudonymEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func newPseudonyms(key []byte) *pseudonyms {
	return &pseudonyms{mac: hmac.New(sha256.New, key), places: make([]pseudonym, maxClients)}
}

// of is the first 16 bytes of HMAC-SHA-256(key, client) in base32. It stays valid until the next call.
func (p *pseudonyms) of(client []byte) []byte {
	if len(client) > maxClientKept {
		p.other = p.spell(p.other[:0], client)
		return p.other
	}
	place := &p.places[placeOf(client)%maxClients]
	if string(place.name[:place.size]) != string(client) {
		place.size = uint8(copy(place.name[:], client))
		p.spell(place.text[:0], client)
	}
	return place.text[:]
}

func (p *pseudonyms) spell(dst, client []byte) []byte {
	p.mac.Reset()
	p.mac.Write(client)
	p.sum = p.mac.Sum(p.sum[:0])
	return pseudonymEncoding.AppendEncode(dst, p.sum[:pseudonymSize])
}

// placeOf spreads clients over the places: eight bytes at a time, the last of them perhaps twice. Who makes clients
// meet in one place gains an HMAC for each of their requests, and nothing else.
func placeOf(client []byte) uint64 {
	const odd = 0x9E3779B97F4A7C15 // 2^64 divided by the golden ratio
	h := uint64(len(client))
	if len(client) < 8 {
		for _, c := range client {
			h = h<<8 | uint64(c)
		}
	} else {
		for rest := client; len(rest) > 8; rest = rest[8:] {
			h = (h ^ binary.LittleEndian.Uint64(rest)) * odd
			h ^= h >> 32
		}
		h ^= binary.LittleEndian.Uint64(client[len(client)-8:])
	}
	return h * odd >> 48 // to the upper bits all bytes have come
}

// IsPseudonym reports whether client looks like what a Redactor makes of one.
func IsPseudonym(client []byte) bool {
	if len(client) != pseudonymLen {
		return false
	}
	for _, c := range client {
		if (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}
