# Targets a person types; `make help` lists them.

.DEFAULT_GOAL := help

SOURCES := Package.swift Sources Tests
DEBIAN_PACKAGES := git pkg-config python3 libarchive-dev librnp-dev libsqlite3-dev libxml2-dev zlib1g-dev
BREW_PACKAGES := libarchive libxml2 rnp zlib pkgconf
# A target may only import what its entry in Package.swift names.
IMPORTS := --explicit-target-dependency-import-check error
OPTIMIZED := -c release --static-swift-stdlib
ifeq ($(shell uname),Linux)
# Without symbols, and without names for libraries that nobody loads into it. With lld, less of it has to be in memory.
OPTIMIZED += -Xlinker -s -Xlinker --no-export-dynamic -Xswiftc -use-ld=lld
# Every address of a library is looked up at the start, and the table of them is read-only afterwards.
OPTIMIZED += -Xlinker -z -Xlinker now
# The list of addresses to be set at the start is packed, of which 3 MB less are in memory. It needs glibc 2.36, Debian 12's.
OPTIMIZED += -Xlinker -z -Xlinker pack-relative-relocs
# Of ICU's data what the program can use; the toolchain's, to which nothing points then, is left out.
OPTIMIZED += -Xlinker --gc-sections -Xlinker $$(deploy/icu-data .build)
endif
# Another version of a package than the one that was tried is no release.
OPTIMIZED += $(if $(wildcard Package.resolved),--force-resolved-versions)
RELEASE = $(OPTIMIZED) --product cartsync
PREFIX ?= /usr/local
VERSION = $(shell sed -n 's/.*static let number = "\(.*\)"/\1/p' Sources/cartsync/Version.swift)
# In a clone git knows it, with -dirty where there are changes; `git archive` writes it into .commit.
COMMIT ?= $(shell git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null || grep -v Format .commit || echo unknown)
SWIFT_VERSION = $(shell swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*[0-9]\).*/\1/p')
BUILD_RELEASE = CARTSYNC_BUILD="commit $(COMMIT), Swift $(SWIFT_VERSION)" swift build $(RELEASE)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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

# Four at once: most wait for a process or the loopback interface, and all share the few threads of one process.
TESTS_AT_ONCE ?= 4
.PHONY: test
test: deps ## run the unit tests and the end-to-end tests, TESTS_AT_ONCE (4) at once, and those that measure time alone
	SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=$(TESTS_AT_ONCE) swift test --parallel --skip 'TimedTests/'
	swift test --skip-build --no-parallel --filter 'TimedTests/'

COVERED = --enable-code-coverage --scratch-path .build/covered
LINES ?=
.PHONY: coverage
coverage: deps ## say which share of each target's lines the tests execute; LINES="CallPacing SyncEngine/Comparing" lists the others
	swift build --build-tests $(COVERED)
	SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=$(TESTS_AT_ONCE) swift test --skip-build $(COVERED) --parallel --skip 'TimedTests/' || true
	Tests/Coverage/report "$$(swift build $(COVERED) --show-bin-path)" $(LINES)

SANITIZERS ?= thread address
.PHONY: sanitize
sanitize: deps ## run the tests that start no program under SANITIZERS (thread address), TESTS_AT_ONCE (4) at once
	TESTS_AT_ONCE=$(TESTS_AT_ONCE) Tests/Sanitizers/run $(SANITIZERS)

.PHONY: check
check: deps ## check the format, the house (Tests/Architecture), and that there are no warnings
	Tests/Architecture/check
	swift format lint --strict --parallel --recursive $(SOURCES)
	swift build --build-tests $(IMPORTS)

.PHONY: hooks
hooks: ## let git run `make check` before each commit in this clone
	@hooks="$$(git rev-parse --git-path hooks)" && mkdir -p "$$hooks" && \
		printf '#!/bin/sh\nexec make check\n' > "$$hooks/pre-commit" && chmod 755 "$$hooks/pre-commit" && \
		echo "wrote $$hooks/pre-commit"

.PHONY: format
format: ## format the sources
	swift format format --in-place --parallel --recursive $(SOURCES)

.PHONY: world
world: deps ## live the random world SEED and tell it step by step; NIGHTS=, ASSOCIATIONS=, WITHOUT= and QUIET= make it less
	swift build -c release --product worlds
	"$$(swift build -c release --show-bin-path)/worlds" world "$(SEED)" $(if $(NIGHTS),--nights "$(NIGHTS)") \
		$(if $(ASSOCIATIONS),--associations "$(ASSOCIATIONS)") $(if $(WITHOUT),--without "$(WITHOUT)") \
		$(if $(QUIET),--quiet "$(QUIET)")

COUNT ?= 1000
FROM ?= 1
.PHONY: worlds
worlds: deps ## live COUNT (1000) random worlds, from the seed FROM (1) on: no promise is broken in any of them
	swift build -c release --product worlds
	"$$(swift build -c release --show-bin-path)/worlds" many "$(COUNT)" --from "$(FROM)"

.PHONY: test-more
test-more: deps ## run the tests that need foreign tools, which are installed
	Tests/Foreign/run

TORTURE ?=
.PHONY: torture
torture: release ## kill, starve and mislead the release build, at least 100 times; TORTURE="--seed 1 kills" chooses
	Tests/Torture/run "$$(swift build $(RELEASE) --show-bin-path)/cartsync" $(TORTURE)

MUTANT_MINUTES ?= 180
.PHONY: mutants
mutants: deps ## change more than 100 decisions, one after the other: the tests notice each; MUTANTS="Guard.swift" chooses
	MUTANT_MINUTES=$(MUTANT_MINUTES) Tests/Mutants/run $(MUTANTS)

.PHONY: proof
proof: deps ## try every promise, and write what came of it into the guide Proof.md and the README; PROOF="tests model" shows some
	Tests/Proof/run $(PROOF)

SOAK_MINUTES ?= 120
.PHONY: soak
soak: release ## run the service for SOAK_MINUTES (120), killed and restarted at random: nothing lost, nothing grown
	Tests/Torture/soak "$$(swift build $(RELEASE) --show-bin-path)/cartsync" $(SOAK_MINUTES)

FUZZ_SECONDS ?= 60
FUZZED := -c release --sanitize fuzzer -Xswiftc -DFUZZING -Xswiftc -enable-testing --scratch-path .build/fuzzed --product fuzz
.PHONY: fuzz
fuzz: deps ## let libFuzzer look for inputs that break a promise of a reader, FUZZ_SECONDS (60) each; FUZZ="plans sftp" chooses
	swift build $(FUZZED)
	FUZZ_SECONDS=$(FUZZ_SECONDS) Tests/Fuzz/run "$$(swift build $(FUZZED) --show-bin-path)/fuzz" $(FUZZ)

.PHONY: release
release: deps ## build one optimised binary with the Swift standard library inside, stripped
	$(BUILD_RELEASE)
	@binary="$$(swift build $(RELEASE) --show-bin-path)/cartsync"; "$$binary" --version; ls -lh "$$binary"

.PHONY: sbom
sbom: ## write a bill of materials of the packages, with their licences (CycloneDX)
	swift package resolve
	deploy/sbom "$(VERSION)" > .build/cartsync.cdx.json
	@echo "wrote .build/cartsync.cdx.json"

DOCUMENTS := .build/documents
.PHONY: documents
documents: build ## write the manual pages and completions, and the guide of the settings
	"$$(swift build --show-bin-path)/cartsync" documents $(DOCUMENTS)
	cp $(DOCUMENTS)/Settings.md Sources/cartsync/Documentation.docc/Settings.md

.PHONY: install
install: release ## install the program, manual pages, completions and samples below PREFIX (/usr/local)
	deploy/install "$$(swift build $(RELEASE) --show-bin-path)/cartsync" "$(DESTDIR)$(PREFIX)"

.PHONY: deb
deb: release ## build a Debian package with the program, its documents, systemd units and default settings
	deploy/debian/build "$$(swift build $(RELEASE) --show-bin-path)/cartsync" "$(VERSION)" .build

IMAGE ?= cartsync:$(VERSION)
.PHONY: image-bases
image-bases: ## fix the bases of the image by digest: ask the registry, and write them into the Dockerfile (needs docker)
	deploy/docker/image resolve

.PHONY: image
image: ## build the image IMAGE (cartsync:VERSION); refuses bases without a digest (needs docker)
	COMMIT="$(COMMIT)" deploy/docker/image build "$(IMAGE)"

.PHONY: test-packages
test-packages: deb ## try the package, the image and `make deps` in clean Debian roots (as root, needs debootstrap)
	Tests/Packages/run .build/cartsync_$(VERSION)_$$(dpkg --print-architecture).deb

.PHONY: bench
bench: release ## measure the figures of the guide on the release build; SUBJECTS="exports_csv apply" measures some
	swift build $(OPTIMIZED) --product measure-calls
	swift build $(OPTIMIZED) --product measure-reading
	swift build $(OPTIMIZED) --product measure-reports
	Tests/Benchmarks/run "$$(swift build $(RELEASE) --show-bin-path)/cartsync" $(SUBJECTS)

.PHONY: clean
clean: ## remove what was built
	rm -rf .build
