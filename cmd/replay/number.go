package main

import (
	"fmt"
	"strconv"
	"strings"
)

// parseFactor reads "3x", "0.5x" or "3".
func parseFactor(flag, s string) (float64, error) {
	f, err := strconv.ParseFloat(strings.TrimSuffix(s, "x"), 64)
	if err != nil || !(f > 0 && f <= 1e9) {
		return 0, usage(fmt.Errorf("%s %q: want a factor above 0, such as 3x", flag, s))
	}
	return f, nil
}

// parseRate reads "500/s", "30k/min" or "2/h" as requests per second.
func parseRate(flag, s string) (float64, error) {
	bad := usage(fmt.Errorf("%s %q: want a rate such as 500/s or 30k/min", flag, s))
	num, unit, ok := strings.Cut(s, "/")
	if !ok {
		return 0, bad
	}
	per, ok := map[string]float64{"s": 1, "sec": 1, "min": 60, "m": 60, "h": 3600}[unit]
	if !ok {
		return 0, bad
	}
	mult := 1.0
	if n, isK := strings.CutSuffix(num, "k"); isK {
		num, mult = n, 1000
	}
	f, err := strconv.ParseFloat(num, 64)
	if err != nil || !(f > 0 && f*mult/per <= 1e9) {
		return 0, bad
	}
	return f * mult / per, nil
}

// parseShare reads "5%" or "0.05"; nil where nothing was given.
func parseShare(flag, s string) (*float64, error) {
	if s == "" {
		return nil, nil
	}
	num, isPercent := strings.CutSuffix(s, "%")
	f, err := strconv.ParseFloat(num, 64)
	if isPercent {
		f /= 100
	}
	if err != nil || !(f >= 0 && f <= 1) {
		return nil, usage(fmt.Errorf("%s %q: want a share such as 5%%", flag, s))
	}
	return &f, nil
}
