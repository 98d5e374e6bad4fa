# Targets a person types; `make help` lists them.

.DEFAULT_GOAL := help

SOURCES := Package.swift Sources Tests
DEBIAN_PACKAGES := git pkg-config libsqlite3-dev libxml2-dev zlib1g-dev
BREW_PACKAGES := libxml2 zlib pkgconf
# A target may only import what its entry in Package.swift names.
IMPORTS := --explicit-target-dependency-import-check error
RELEASE := -c release --static-swift-stdlib --product cartsync
PREFIX ?= /usr/local

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "%-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: deps
deps: ## install the system libraries that are missing (Debian: apt; macOS: says what Homebrew needs)
	@if [ "$$(uname)" = Darwin ]; then \
		missing=$$(for name in $(BREW_PACKAGES); do brew list "$$name" >/dev/null 2>&1 || echo "$$name"; done); \
		[ -z "$$missing" ] || { echo "missing system libraries; run: brew install" $$missing >&2; exit 1; }; \
	else \
		missing=$$(for name in $(DEBIAN_PACKAGES); do \
			dpkg-query -W -f='$${Status}' "$$name" 2>/dev/null | grep -q 'install ok installed' || echo "$$name"; \
		done); \
		[ -n "$$missing" ] || exit 0; \
		echo "installing system libraries:" $$missing; \
		sudo=""; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update -q; \
		$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
	fi

.PHONY: build
build: deps ## build for trying out and testing
	swift build

.PHONY: demo
demo: build ## run the main job against a local sandbox, offline
	@"$$(swift build --show-bin-path)/cartsync" demo

# One after the other: some measure time, and all share one process and its few threads.
.PHONY: test
test: deps ## run the unit tests and the end-to-end tests
	swift test --no-parallel

.PHONY: check
check: deps ## check the format, that there are no warnings, and that each target imports only what it names
	swift format lint --strict --parallel --recursive $(SOURCES)
	swift build --build-tests $(IMPORTS)

.PHONY: format
format: ## format the sources
	swift format format --in-place --parallel --recursive $(SOURCES)

.PHONY: test-more
test-more: deps ## run the tests that need foreign tools, which are installed
	Tests/Foreign/run

TORTURE ?=
.PHONY: torture
torture: release ## kill, starve and mislead the release build, at least 100 times; TORTURE="--seed 1 kills" chooses
	Tests/Torture/run "$$(swift build $(RELEASE) --show-bin-path)/cartsync" $(TORTURE)

FUZZ_SECONDS ?= 60
.PHONY: fuzz
fuzz: deps ## read damaged exports for FUZZ_SECONDS (60): no crash, no hang, no disagreement
	swift build -c release --product fuzz-exports
	cd .build && "$$(swift build --package-path .. -c release --show-bin-path)/fuzz-exports" ../samples/exports --seconds $(FUZZ_SECONDS)

.PHONY: release
release: deps ## build one optimised binary with the Swift standard library inside
	swift build $(RELEASE)
	@echo "built $$(swift build $(RELEASE) --show-bin-path)/cartsync"

.PHONY: install
install: release ## install the binary and the demo's samples below PREFIX (/usr/local)
	install -D -m 755 "$$(swift build $(RELEASE) --show-bin-path)/cartsync" "$(DESTDIR)$(PREFIX)/bin/cartsync"
	for file in exports/customers.csv exports/accounts.xml exports/customers-before.csv exports/accounts-before.xml \
		sandbox/store.json; do \
		install -D -m 644 "samples/$$file" "$(DESTDIR)$(PREFIX)/share/cartsync/samples/$$file" || exit 1; \
	done

.PHONY: bench
bench: release ## measure the figures of the README on the release build; SUBJECTS="exports_csv apply" measures some
	Tests/Benchmarks/run "$$(swift build $(RELEASE) --show-bin-path)/cartsync" $(SUBJECTS)

.PHONY: clean
clean: ## remove what was built
	rm -rf .build
