package capture

import (
	"slices"
	"strconv"
)

// Ensure makes q clean: it applies r unless another Redactor was there before. Of a request that is clean
// already it drops the bodies if r drops bodies, and applies a user's rules, which nobody may have applied before;
// its pseudonym stays as it is.
func (r *Redactor) Ensure(q *Request) {
	if !q.clean {
		r.Apply(q)
		return
	}
	if r.o.Rules != nil && !r.o.KeepSecrets {
		if r.o.Rules.DropClient {
			q.Client = nil
		}
		r.values(q)
		return
	}
	if r.o.NoBodies {
		q.Body, q.RespBody = nil, nil
		for i := range q.Messages {
			q.Messages[i].Data = nil
		}
	}
}

// maxExample is how much of an offending part a ledger shows, bytes.
const maxExample = 120

// Example is an offending part of an input as a ledger shows it: redacted, since ledgers go into capture files,
// escaped, and at most 120 bytes. It ends what the last Apply gave.
func (r *Redactor) Example(part []byte) string {
	if !r.o.KeepSecrets {
		r.mask.Reset()
		part = r.mask.Body(part[:min(len(part), maxExampleInput)], nil)
	}
	quoted := strconv.Quote(string(part[:min(len(part), maxExample)]))
	quoted = quoted[1 : len(quoted)-1]
	return quoted[:min(len(quoted), maxExample)]
}

// maxExampleInput is how much of a part is looked through: a secret that is cut off may no longer look like one.
const maxExampleInput = 4 << 10

// Examples redacts those of ledgers whose requests nobody has redacted, in place.
func (r *Redactor) Examples(ls []Ledger) {
	for i := range ls {
		ls[i].Examples = slices.Clone(ls[i].Examples)
		for k := range ls[i].Examples {
			e := &ls[i].Examples[k]
			if part, err := strconv.Unquote(`"` + e.Part + `"`); err == nil {
				e.Part = part
			}
			e.Part = r.Example([]byte(e.Part))
		}
	}
}
