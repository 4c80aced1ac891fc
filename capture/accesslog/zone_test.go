package accesslog

import (
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the test must not depend on the system's
)

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// TestClockSetBack: a log that goes through the hour that comes twice keeps its order, also where lines are a little
// out of order, and whatever its pace.
func TestClockSetBack(t *testing.T) {
	for _, c := range []struct {
		zone, from string
		hours      int
	}{
		{"Europe/Berlin", "2025-10-25T22:00:00Z", 6},
		{"America/New_York", "2025-11-02T03:00:00Z", 6},
		{"Australia/Lord_Howe", "2025-04-05T13:00:00Z", 4}, // by half an hour
	} {
		for _, every := range []time.Duration{time.Second, time.Minute, 10 * time.Minute} {
			t.Run(fmt.Sprint(c.zone, " ", every), func(t *testing.T) {
				loc := location(t, c.zone)
				p, err := New(Options{Format: "combined", Timezone: loc})
				if err != nil {
					t.Fatal(err)
				}
				from, err := time.Parse(time.RFC3339, c.from)
				if err != nil {
					t.Fatal(err)
				}
				k := &p.clock
				for at := from; at.Before(from.Add(time.Duration(c.hours) * time.Hour)); at = at.Add(every) {
					text := at.In(loc).Format("2006-01-02T15:04:05")
					ns, msg := k.parse([]byte(text))
					if msg != "" || ns != at.UnixNano() {
						t.Fatalf("%s is %s, %q, want %s", text, time.Unix(0, ns).UTC(), msg, at)
					}
				}
				if k.twice == 0 || k.never != 0 || !strings.Contains(fmt.Sprint(p.Notes()), "came twice in "+c.zone) {
					t.Errorf("%d stamps in the hour that came twice, %d in none, notes %q", k.twice, k.never, p.Notes())
				}
			})
		}
	}
}

func TestClockNotes(t *testing.T) {
	for _, c := range []struct {
		name, zone string
		stamps     []string
		want       string
	}{
		{"with a zone", "", []string{"2025-03-30T02:30:00Z"}, "[]"},
		{"without", "", []string{"2025-03-30T02:30:00"}, "[stamps carry no zone and are taken as UTC (--timezone names another)]"},
		{"set back unseen", "", []string{"2025-10-26T02:59:58", "2025-10-26T02:00:01", "2025-10-26T02:00:02"}, "step back by an hour 1 times"},
		{"left out", "Europe/Berlin", []string{"2025-03-30T01:59:59", "2025-03-30T02:30:00"}, "1 stamps lie in an hour that the clock of Europe/Berlin left out"},
		{"no transition", "Europe/Berlin", []string{"2025-03-30T01:59:59", "2025-03-30T03:30:00"}, "[]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var k clock
			if c.zone != "" {
				k.loc = location(t, c.zone)
			}
			for _, s := range c.stamps {
				if _, msg := k.parse([]byte(s)); msg != "" {
					t.Fatalf("parse(%q): %s", s, msg)
				}
			}
			if got := fmt.Sprint(k.notes(false)); !strings.Contains(got, c.want) {
				t.Errorf("notes %s, want %s", got, c.want)
			}
		})
	}
}

// TestZoneInitials: the zone that the user gave knows what its own initials mean, and tells the two hours apart.
func TestZoneInitials(t *testing.T) {
	for _, c := range []struct{ zone, in, want string }{
		{"Asia/Kolkata", "2026-01-01 10:00:00 IST", "2026-01-01T04:30:00Z"},
		{"Asia/Jerusalem", "2026-01-01 10:00:00 IST", "2026-01-01T08:00:00Z"},
		{"Asia/Shanghai", "2026-01-01 10:00:00 CST", "2026-01-01T02:00:00Z"},
		{"America/New_York", "2025-11-02 01:30:00 EDT", "2025-11-02T05:30:00Z"},
		{"America/New_York", "2025-11-02 01:30:00 EST", "2025-11-02T06:30:00Z"},
		{"America/New_York", "2026-01-01 10:00:00 CET", "2026-01-01T09:00:00Z"},
	} {
		k := clock{zones: zones{loc: location(t, c.zone)}}
		ns, msg := k.parse([]byte(c.in))
		if got := time.Unix(0, ns).UTC().Format(time.RFC3339); msg != "" || got != c.want {
			t.Errorf("%s in %s is %s, %q, want %s", c.in, c.zone, got, msg, c.want)
		}
	}
}
