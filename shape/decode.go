package shape

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"trafficreplay/capture"
	"trafficreplay/capture/strictyaml"
	"trafficreplay/shape/arrival"
)

// decode reads a workload file. With partial set it is one that others extend: every part may be missing
// and nothing is validated.
func decode(file string, data []byte, partial bool) (*Workload, error) {
	return decodeWith(newReader(file), data, partial)
}

// decodeWith is decode for those who want to know afterwards where things stood.
func decodeWith(r *reader, data []byte, partial bool) (*Workload, error) {
	r.notes, r.heads = map[string]string{}, map[string]int{}
	w := &Workload{Path: r.File, notes: r.notes}
	places := map[string]strictyaml.Node{}
	root := r.Parse(data, &form)
	if r.Err == nil {
		r.workload(root, w, places)
	}
	if r.Err == nil && !partial {
		if f, ok := w.Validate().(*fault); ok {
			r.Fail(place(places, f.where, root), "%s: %s", f.where, f.msg)
		}
	}
	if r.Err != nil {
		return nil, r.Err
	}
	return w, nil
}

// place is the node that a fault's place means, or the nearest around it.
func place(places map[string]strictyaml.Node, where string, root strictyaml.Node) strictyaml.Node {
	for where != "" {
		if n := places[where]; n != nil {
			return n
		}
		where = where[:max(strings.LastIndexAny(where, ".["), 0)]
	}
	return root
}

func (r *reader) workload(root strictyaml.Node, w *Workload, places map[string]strictyaml.Node) {
	// at remembers where a value stands before it is read.
	at := func(name string, read func(strictyaml.Node)) func(strictyaml.Node) {
		return func(n strictyaml.Node) { places[name] = n; read(n) }
	}
	schema := ""
	for _, v := range strictyaml.Pairs(root) {
		r.heads[v.Key.GetToken().Value] = v.Key.GetToken().Position.Line
	}
	r.Fields(root, map[string]func(strictyaml.Node){
		"schema":     func(n strictyaml.Node) { schema = r.Text(n); r.schema(n, schema) },
		"name":       func(n strictyaml.Node) { w.Name = r.Text(n) },
		"extends":    func(n strictyaml.Node) { w.Extends = r.Text(n) },
		"seed":       at("seed", func(n strictyaml.Node) { w.Seed = r.seed(n) }),
		"provenance": at("provenance", func(n strictyaml.Node) { r.provenance(n, &w.Provenance) }),
		"arrivals":   at("arrivals", func(n strictyaml.Node) { r.arrivals(n, &w.Arrivals, places) }),
		"sessions":   at("sessions", func(n strictyaml.Node) { r.sessions(n, &w.Sessions) }),
		"connections": at("connections", func(n strictyaml.Node) {
			r.Fields(n, map[string]func(strictyaml.Node){"idle_timeout": func(n strictyaml.Node) { w.Connections.IdleTimeout = r.duration(n) }})
		}),
		"safety":     func(n strictyaml.Node) { r.safety(n, &w.Safety) },
		"thresholds": at("thresholds", func(n strictyaml.Node) { w.Thresholds = r.thresholds(n, "") }),
		"endpoints": at("endpoints", func(n strictyaml.Node) {
			r.Items(n, func(i int, n strictyaml.Node) {
				places[fmt.Sprintf("endpoints[%d]", i)] = n
				var e Endpoint
				r.endpoint(n, &e)
				if kv := strictyaml.Pairs(n); len(kv) > 0 {
					r.heads[e.ID] = kv[0].Key.GetToken().Position.Line
				}
				w.Endpoints = append(w.Endpoints, e)
			})
		}),
	})
	if schema == "" {
		r.Fail(root, "no schema: want %s", Schema)
	}
}

func (r *reader) schema(n strictyaml.Node, schema string) {
	if r.Err == nil && schema != Schema {
		r.Fail(n, "schema %q: this build reads %s", schema, Schema)
	}
}

func (r *reader) seed(n strictyaml.Node) uint64 {
	v, err := strconv.ParseUint(r.Text(n), 10, 64)
	if r.Err == nil && err != nil {
		r.Fail(n, "%q is not a whole number from 1 to 18446744073709551615", r.Text(n))
	}
	return v
}

func (r *reader) provenance(n strictyaml.Node, p *Provenance) {
	r.Fields(n, map[string]func(strictyaml.Node){
		"window": func(n strictyaml.Node) {
			r.Fields(n, map[string]func(strictyaml.Node){
				"from": func(n strictyaml.Node) { p.From = r.instant(n) },
				"to":   func(n strictyaml.Node) { p.To = r.instant(n) },
			})
		},
		"requests":   func(n strictyaml.Node) { p.Requests = r.integer(n, "") },
		"resolution": func(n strictyaml.Node) { p.Resolution = r.duration(n) },
		"sources": func(n strictyaml.Node) {
			r.Items(n, func(_ int, n strictyaml.Node) {
				var s SourceAccount
				r.Fields(n, map[string]func(strictyaml.Node){
					"name":          func(n strictyaml.Node) { s.Name = r.Text(n) },
					"sha256":        func(n strictyaml.Node) { s.SHA256 = r.Text(n) },
					"format":        func(n strictyaml.Node) { s.Format = r.Text(n) },
					"arrival_basis": func(n strictyaml.Node) { s.Basis = capture.Basis(r.Text(n)) },
					"resolution":    func(n strictyaml.Node) { s.Resolution = r.Text(n) },
					"lines":         func(n strictyaml.Node) { s.Lines = r.integer(n, "") },
					"packets":       func(n strictyaml.Node) { s.Packets = r.integer(n, "") },
					"requests":      func(n strictyaml.Node) { s.Requests = r.integer(n, "") },
					"skipped":       func(n strictyaml.Node) { s.Skipped = r.integer(n, "") },
					"filtered":      func(n strictyaml.Node) { s.Filtered = r.integer(n, "") },
				})
				p.Sources = append(p.Sources, s)
			})
		},
	})
}

func (r *reader) arrivals(n strictyaml.Node, a *Arrivals, places map[string]strictyaml.Node) {
	rows := func(name string, add func() map[string]func(strictyaml.Node)) func(strictyaml.Node) {
		return func(n strictyaml.Node) {
			places["arrivals."+name] = n
			r.Items(n, func(i int, n strictyaml.Node) {
				places[fmt.Sprintf("arrivals.%s[%d]", name, i)] = n
				r.Fields(n, add())
			})
		}
	}
	rate := func(v *float64) func(strictyaml.Node) { return func(n strictyaml.Node) { *v = r.number(n, "/s") } }
	plain := func(v *float64) func(strictyaml.Node) { return func(n strictyaml.Node) { *v = r.number(n, "") } }
	span := func(v *time.Duration) func(strictyaml.Node) { return func(n strictyaml.Node) { *v = r.duration(n) } }
	r.Fields(n, map[string]func(strictyaml.Node){
		"rate": rate(&a.Rate), "peak": rate(&a.Peak), "starts": rate(&a.Starts),
		"family": func(n strictyaml.Node) { places["arrivals.family"] = n; a.Family = r.Text(n) },
		"curve": rows("curve", func() map[string]func(strictyaml.Node) {
			a.Curve = append(a.Curve, arrival.Knot{})
			k := &a.Curve[len(a.Curve)-1]
			return map[string]func(strictyaml.Node){"at": func(n strictyaml.Node) { k.At = int64(r.duration(n)) }, "rate": rate(&k.Rate)}
		}),
		"terms": rows("terms", func() map[string]func(strictyaml.Node) {
			a.Terms = append(a.Terms, arrival.Term{})
			t := &a.Terms[len(a.Terms)-1]
			return map[string]func(strictyaml.Node){"a": plain(&t.A), "s": rate(&t.S), "on": plain(&t.On)}
		}),
		"idc": rows("idc", func() map[string]func(strictyaml.Node) {
			a.IDC = append(a.IDC, IDC{})
			x := &a.IDC[len(a.IDC)-1]
			return map[string]func(strictyaml.Node){"t": span(&x.T), "capture": plain(&x.Capture), "model": plain(&x.Model), "se": plain(&x.SE)}
		}),
		"scale_law": rows("scale_law", func() map[string]func(strictyaml.Node) {
			a.ScaleLaw = append(a.ScaleLaw, Law{})
			x := &a.ScaleLaw[len(a.ScaleLaw)-1]
			return map[string]func(strictyaml.Node){"t": span(&x.T), "independent": plain(&x.Independent), "common": plain(&x.Common)}
		}),
	})
}

func (r *reader) sessions(n strictyaml.Node, s *Sessions) {
	r.Fields(n, map[string]func(strictyaml.Node){
		"count":       func(n strictyaml.Node) { s.Count = r.integer(n, "") },
		"timeout":     func(n strictyaml.Node) { s.Timeout = r.duration(n) },
		"mean_length": func(n strictyaml.Node) { s.MeanLength = r.number(n, "") },
		"semantics":   func(n strictyaml.Node) { s.Semantics = r.Text(n) },
		"pool": func(n strictyaml.Node) {
			r.Fields(n, map[string]func(strictyaml.Node){
				"file":     func(n strictyaml.Node) { s.Pool = r.Text(n) },
				"sessions": func(n strictyaml.Node) { s.PoolSessions = int(r.integer(n, "")) },
				"requests": func(n strictyaml.Node) { s.PoolRequests = int(r.integer(n, "")) },
				"sha256":   func(n strictyaml.Node) { s.PoolSHA256 = r.Text(n) },
			})
		},
	})
}

func (r *reader) safety(n strictyaml.Node, s *Safety) {
	r.Fields(n, map[string]func(strictyaml.Node){
		"captured_hosts": func(n strictyaml.Node) { s.CapturedHosts = r.strings(n) },
		"hosts_unknown":  func(n strictyaml.Node) { s.HostsUnknown = r.boolean(n) },
		"allow_writes":   func(n strictyaml.Node) { s.AllowWrites = r.strings(n) },
	})
}

// thresholds keeps the comment behind each.
func (r *reader) thresholds(n strictyaml.Node, endpoint string) (out []string) {
	r.Items(n, func(_ int, v strictyaml.Node) {
		t := r.Text(v)
		out = append(out, t)
		if c := v.GetComment(); c != nil && len(c.Comments) > 0 {
			r.notes[noteKey(endpoint, t)] = strings.TrimSpace(c.Comments[0].GetToken().Value)
		}
	})
	return out
}

func (r *reader) endpoint(n strictyaml.Node, e *Endpoint) {
	var thresholds strictyaml.Node
	span := func(v *time.Duration) func(strictyaml.Node) { return func(n strictyaml.Node) { *v = r.duration(n) } }
	size := func(v *int64) func(strictyaml.Node) { return func(n strictyaml.Node) { *v = r.integer(n, "B") } }
	r.Fields(n, map[string]func(strictyaml.Node){
		"id":       func(n strictyaml.Node) { e.ID = r.Text(n) },
		"share":    func(n strictyaml.Node) { e.Share = r.share(n) },
		"requests": func(n strictyaml.Node) { e.Requests = r.integer(n, "") },
		"observed": func(n strictyaml.Node) {
			r.Fields(n, map[string]func(strictyaml.Node){
				"n": func(n strictyaml.Node) { e.Latency.N = r.integer(n, "") }, "p50": span(&e.Latency.P50),
				"p90": span(&e.Latency.P90), "p99": span(&e.Latency.P99),
			})
		},
		"response": func(n strictyaml.Node) {
			r.Fields(n, map[string]func(strictyaml.Node){
				"n": func(n strictyaml.Node) { e.Size.N = r.integer(n, "") }, "p50": size(&e.Size.P50),
				"p90": size(&e.Size.P90), "p99": size(&e.Size.P99),
			})
		},
		"status": func(n strictyaml.Node) { e.Status = r.statuses(n) },
		"expect": func(n strictyaml.Node) {
			r.Items(n, func(_ int, n strictyaml.Node) { e.Expect = append(e.Expect, int(r.integer(n, ""))) })
		},
		"thresholds": func(n strictyaml.Node) { thresholds = n },
	})
	e.Method, e.Route = splitID(e.ID)
	if thresholds != nil {
		e.Thresholds = r.thresholds(thresholds, e.ID)
	}
}

func (r *reader) statuses(n strictyaml.Node) (out []StatusShare) {
	if strictyaml.Pairs(n) == nil {
		r.Fail(n, "want statuses with their shares")
	}
	for _, v := range strictyaml.Pairs(n) {
		code, err := strconv.Atoi(v.Key.GetToken().Value)
		if err != nil {
			r.Fail(v.Key, "%q is not a status", v.Key.GetToken().Value)
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
