package shape

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"trafficreplay/capture"
	"trafficreplay/shape/arrival"
)

// decode reads a workload file. With partial set it is one that others extend: every part may be missing
// and nothing is validated.
func decode(file string, data []byte, partial bool) (*Workload, error) {
	return decodeWith(&reader{file: file}, data, partial)
}

// decodeWith is decode for those who want to know afterwards where things stood.
func decodeWith(r *reader, data []byte, partial bool) (*Workload, error) {
	r.notes, r.heads = map[string]string{}, map[string]int{}
	w := &Workload{Path: r.file, notes: r.notes}
	places := map[string]ast.Node{}
	root := r.parse(data)
	if r.err == nil {
		r.workload(root, w, places)
	}
	if r.err == nil && !partial {
		if f, ok := w.Validate().(*fault); ok {
			r.fail(place(places, f.where, root), "%s: %s", f.where, f.msg)
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	return w, nil
}

// place is the node that a fault's place means, or the nearest around it.
func place(places map[string]ast.Node, where string, root ast.Node) ast.Node {
	for where != "" {
		if n := places[where]; n != nil {
			return n
		}
		where = where[:max(strings.LastIndexAny(where, ".["), 0)]
	}
	return root
}

func (r *reader) workload(root ast.Node, w *Workload, places map[string]ast.Node) {
	// at remembers where a value stands before it is read.
	at := func(name string, read func(ast.Node)) func(ast.Node) {
		return func(n ast.Node) { places[name] = n; read(n) }
	}
	schema := ""
	for _, v := range pairs(root) {
		r.heads[v.Key.GetToken().Value] = v.Key.GetToken().Position.Line
	}
	r.fields(root, map[string]func(ast.Node){
		"schema":     func(n ast.Node) { schema = r.text(n); r.schema(n, schema) },
		"name":       func(n ast.Node) { w.Name = r.text(n) },
		"extends":    func(n ast.Node) { w.Extends = r.text(n) },
		"seed":       at("seed", func(n ast.Node) { w.Seed = r.seed(n) }),
		"provenance": at("provenance", func(n ast.Node) { r.provenance(n, &w.Provenance) }),
		"arrivals":   at("arrivals", func(n ast.Node) { r.arrivals(n, &w.Arrivals, places) }),
		"sessions":   at("sessions", func(n ast.Node) { r.sessions(n, &w.Sessions) }),
		"connections": at("connections", func(n ast.Node) {
			r.fields(n, map[string]func(ast.Node){"idle_timeout": func(n ast.Node) { w.Connections.IdleTimeout = r.duration(n) }})
		}),
		"safety":     func(n ast.Node) { r.safety(n, &w.Safety) },
		"thresholds": at("thresholds", func(n ast.Node) { w.Thresholds = r.thresholds(n, "") }),
		"endpoints": at("endpoints", func(n ast.Node) {
			r.items(n, func(i int, n ast.Node) {
				places[fmt.Sprintf("endpoints[%d]", i)] = n
				var e Endpoint
				r.endpoint(n, &e)
				if kv := pairs(n); len(kv) > 0 {
					r.heads[e.ID] = kv[0].Key.GetToken().Position.Line
				}
				w.Endpoints = append(w.Endpoints, e)
			})
		}),
	})
	if schema == "" {
		r.fail(root, "no schema: want %s", Schema)
	}
}

func (r *reader) schema(n ast.Node, schema string) {
	if r.err == nil && schema != Schema {
		r.fail(n, "schema %q: this build reads %s", schema, Schema)
	}
}

func (r *reader) seed(n ast.Node) uint64 {
	v, err := strconv.ParseUint(r.text(n), 10, 64)
	if r.err == nil && err != nil {
		r.fail(n, "%q is not a whole number from 1 to 18446744073709551615", r.text(n))
	}
	return v
}

func (r *reader) provenance(n ast.Node, p *Provenance) {
	r.fields(n, map[string]func(ast.Node){
		"window": func(n ast.Node) {
			r.fields(n, map[string]func(ast.Node){
				"from": func(n ast.Node) { p.From = r.instant(n) },
				"to":   func(n ast.Node) { p.To = r.instant(n) },
			})
		},
		"requests":   func(n ast.Node) { p.Requests = r.integer(n, "") },
		"resolution": func(n ast.Node) { p.Resolution = r.duration(n) },
		"sources": func(n ast.Node) {
			r.items(n, func(_ int, n ast.Node) {
				var s SourceAccount
				r.fields(n, map[string]func(ast.Node){
					"name":          func(n ast.Node) { s.Name = r.text(n) },
					"sha256":        func(n ast.Node) { s.SHA256 = r.text(n) },
					"format":        func(n ast.Node) { s.Format = r.text(n) },
					"arrival_basis": func(n ast.Node) { s.Basis = capture.Basis(r.text(n)) },
					"resolution":    func(n ast.Node) { s.Resolution = r.text(n) },
					"lines":         func(n ast.Node) { s.Lines = r.integer(n, "") },
					"requests":      func(n ast.Node) { s.Requests = r.integer(n, "") },
					"skipped":       func(n ast.Node) { s.Skipped = r.integer(n, "") },
					"filtered":      func(n ast.Node) { s.Filtered = r.integer(n, "") },
				})
				p.Sources = append(p.Sources, s)
			})
		},
	})
}

func (r *reader) arrivals(n ast.Node, a *Arrivals, places map[string]ast.Node) {
	rows := func(name string, add func() map[string]func(ast.Node)) func(ast.Node) {
		return func(n ast.Node) {
			places["arrivals."+name] = n
			r.items(n, func(i int, n ast.Node) {
				places[fmt.Sprintf("arrivals.%s[%d]", name, i)] = n
				r.fields(n, add())
			})
		}
	}
	rate := func(v *float64) func(ast.Node) { return func(n ast.Node) { *v = r.number(n, "/s") } }
	plain := func(v *float64) func(ast.Node) { return func(n ast.Node) { *v = r.number(n, "") } }
	span := func(v *time.Duration) func(ast.Node) { return func(n ast.Node) { *v = r.duration(n) } }
	r.fields(n, map[string]func(ast.Node){
		"rate": rate(&a.Rate), "peak": rate(&a.Peak), "starts": rate(&a.Starts),
		"family": func(n ast.Node) { places["arrivals.family"] = n; a.Family = r.text(n) },
		"curve": rows("curve", func() map[string]func(ast.Node) {
			a.Curve = append(a.Curve, arrival.Knot{})
			k := &a.Curve[len(a.Curve)-1]
			return map[string]func(ast.Node){"at": func(n ast.Node) { k.At = int64(r.duration(n)) }, "rate": rate(&k.Rate)}
		}),
		"terms": rows("terms", func() map[string]func(ast.Node) {
			a.Terms = append(a.Terms, arrival.Term{})
			t := &a.Terms[len(a.Terms)-1]
			return map[string]func(ast.Node){"a": plain(&t.A), "s": rate(&t.S), "on": plain(&t.On)}
		}),
		"idc": rows("idc", func() map[string]func(ast.Node) {
			a.IDC = append(a.IDC, IDC{})
			x := &a.IDC[len(a.IDC)-1]
			return map[string]func(ast.Node){"t": span(&x.T), "capture": plain(&x.Capture), "model": plain(&x.Model), "se": plain(&x.SE)}
		}),
		"scale_law": rows("scale_law", func() map[string]func(ast.Node) {
			a.ScaleLaw = append(a.ScaleLaw, Law{})
			x := &a.ScaleLaw[len(a.ScaleLaw)-1]
			return map[string]func(ast.Node){"t": span(&x.T), "independent": plain(&x.Independent), "common": plain(&x.Common)}
		}),
	})
}

func (r *reader) sessions(n ast.Node, s *Sessions) {
	r.fields(n, map[string]func(ast.Node){
		"count":       func(n ast.Node) { s.Count = r.integer(n, "") },
		"timeout":     func(n ast.Node) { s.Timeout = r.duration(n) },
		"mean_length": func(n ast.Node) { s.MeanLength = r.number(n, "") },
		"semantics":   func(n ast.Node) { s.Semantics = r.text(n) },
		"pool": func(n ast.Node) {
			r.fields(n, map[string]func(ast.Node){
				"file":     func(n ast.Node) { s.Pool = r.text(n) },
				"sessions": func(n ast.Node) { s.PoolSessions = int(r.integer(n, "")) },
				"requests": func(n ast.Node) { s.PoolRequests = int(r.integer(n, "")) },
				"sha256":   func(n ast.Node) { s.PoolSHA256 = r.text(n) },
			})
		},
	})
}

func (r *reader) safety(n ast.Node, s *Safety) {
	r.fields(n, map[string]func(ast.Node){
		"captured_hosts": func(n ast.Node) { s.CapturedHosts = r.strings(n) },
		"hosts_unknown":  func(n ast.Node) { s.HostsUnknown = r.boolean(n) },
		"allow_writes":   func(n ast.Node) { s.AllowWrites = r.strings(n) },
	})
}

// thresholds keeps the comment behind each.
func (r *reader) thresholds(n ast.Node, endpoint string) (out []string) {
	r.items(n, func(_ int, v ast.Node) {
		t := r.text(v)
		out = append(out, t)
		if c := v.GetComment(); c != nil && len(c.Comments) > 0 {
			r.notes[noteKey(endpoint, t)] = strings.TrimSpace(c.Comments[0].GetToken().Value)
		}
	})
	return out
}

func (r *reader) endpoint(n ast.Node, e *Endpoint) {
	var thresholds ast.Node
	span := func(v *time.Duration) func(ast.Node) { return func(n ast.Node) { *v = r.duration(n) } }
	size := func(v *int64) func(ast.Node) { return func(n ast.Node) { *v = r.integer(n, "B") } }
	r.fields(n, map[string]func(ast.Node){
		"id":       func(n ast.Node) { e.ID = r.text(n) },
		"share":    func(n ast.Node) { e.Share = r.share(n) },
		"requests": func(n ast.Node) { e.Requests = r.integer(n, "") },
		"observed": func(n ast.Node) {
			r.fields(n, map[string]func(ast.Node){
				"n": func(n ast.Node) { e.Latency.N = r.integer(n, "") }, "p50": span(&e.Latency.P50),
				"p90": span(&e.Latency.P90), "p99": span(&e.Latency.P99),
			})
		},
		"response": func(n ast.Node) {
			r.fields(n, map[string]func(ast.Node){
				"n": func(n ast.Node) { e.Size.N = r.integer(n, "") }, "p50": size(&e.Size.P50),
				"p90": size(&e.Size.P90), "p99": size(&e.Size.P99),
			})
		},
		"status": func(n ast.Node) { e.Status = r.statuses(n) },
		"expect": func(n ast.Node) {
			r.items(n, func(_ int, n ast.Node) { e.Expect = append(e.Expect, int(r.integer(n, ""))) })
		},
		"thresholds": func(n ast.Node) { thresholds = n },
	})
	e.Method, e.Route = splitID(e.ID)
	if thresholds != nil {
		e.Thresholds = r.thresholds(thresholds, e.ID)
	}
}

func (r *reader) statuses(n ast.Node) (out []StatusShare) {
	if pairs(n) == nil {
		r.fail(n, "want statuses with their shares")
	}
	for _, v := range pairs(n) {
		code, err := strconv.Atoi(v.Key.GetToken().Value)
		if err != nil {
			r.fail(v.Key, "%q is not a status", v.Key.GetToken().Value)
		}
		out = append(out, StatusShare{code, r.share(v.Value)})
	}
	slices.SortFunc(out, func(a, b StatusShare) int { return cmp.Compare(a.Code, b.Code) })
	return out
}

// splitID is the method and the path of an endpoint; one that is no route has no method.
func splitID(id string) (method, path string) {
	if m, p, ok := strings.Cut(id, " "); ok && strings.HasPrefix(p, "/") {
		return m, p
	}
	return "", id
}
