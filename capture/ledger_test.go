package capture

import "testing"

func TestLedgerBalance(t *testing.T) {
	packets := Ledger{
		Name: "a.pcap", Packets: 10, Used: 7, Ignored: map[string]int64{"not-tcp": 2, "duplicate": 1}, Requests: 3, Responses: 2,
		PayloadBytes: 900, MessageBytes: 800, SkippedBytes: map[string]int64{"retransmitted": 100}, LostBytes: map[string]int64{"lost": 50},
		Skipped: map[string]int64{"response-alone": 1},
	}
	more := func(change func(*Ledger)) Ledger {
		l := Ledger{Name: "a.pcap"}
		l.Add(&packets)
		change(&l)
		return l
	}
	for _, c := range []struct {
		name   string
		ledger Ledger
		want   string
	}{
		{"lines", Ledger{Lines: 6, Requests: 3, Filtered: 1, Skipped: map[string]int64{"blank": 2}}, ""},
		{"a line is missing", Ledger{Name: "a.log", Lines: 6, Requests: 3, Filtered: 1, Skipped: map[string]int64{"blank": 1}}, "a.log: ledger does not balance: 6 lines, 5 accounted for"},
		{"packets", packets, ""},
		{"packets, added", more(func(*Ledger) {}), ""},
		{"a packet is missing", more(func(l *Ledger) { l.Used-- }), "a.pcap: ledger does not balance: 10 packets, 9 accounted for"},
		{"a byte is too many", more(func(l *Ledger) { l.MessageBytes++ }), "a.pcap: ledger does not balance: 900 payload bytes, 901 accounted for"},
	} {
		got := ""
		if err := c.ledger.Balance(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: Balance() = %q, want %q", c.name, got, c.want)
		}
	}
}
