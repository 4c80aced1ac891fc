# Needs Go and make. Everything else is fetched by make test where it can be, and skipped aloud where not.

export CGO_ENABLED = 0

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PREFIX ?= /usr/local
FUZZTIME ?= 1m
BUILD = go build -trimpath -ldflags '-X main.version=$(VERSION)'

.PHONY: demo test experiments bench fuzz lint build install clean

build:
	$(BUILD) -o bin/replay ./cmd/replay

demo: build
	bin/replay demo

# What go test prints, then a list of the tests that were skipped and why.
test:
	@.ci/deps
	@.ci/test ./...

# Every statistical experiment at full seeds.
experiments:
	@REPLAY_EXPERIMENTS=1 .ci/test -timeout 90m ./...

bench:
	go test -run '^$$' -bench . -benchmem ./...

# Every fuzz target for FUZZTIME each: make fuzz FUZZTIME=10m
fuzz:
	@.ci/fuzz $(FUZZTIME)

lint:
	@.ci/lint

install: build
	install -d '$(DESTDIR)$(PREFIX)/bin'
	install -m 755 bin/replay '$(DESTDIR)$(PREFIX)/bin/replay'

clean:
	rm -rf bin
