# One entry point: make (build), make try, make test, make bench, make soak, make format, make install, make clean.
BUILD   := build/release
PREFIX  ?= /usr/local
JOBS    ?= $(shell nproc)
DIR     ?= /usr/share/doc

.PHONY: all deps try test test-asan test-tsan fuzz bench bench-load soak netns format format-check tidy install clean help

all: $(BUILD)/build.ninja
	@cmake --build $(BUILD) -j $(JOBS) --target rbbackup rbbackupd
	@echo "built: $(BUILD)/bin/rbbackup and $(BUILD)/bin/rbbackupd"

$(BUILD)/build.ninja: CMakePresets.json | deps
	@cmake --preset release -DRB_BUILD_TESTS=OFF

help:
	@sed -n '2,$$s/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

deps: ## installs the Debian packages that are missing, and says which
	@scripts/install-packages.sh build

try: ## builds, starts a server, backs up DIR=/usr/share/doc, changes it, restores it, compares
	@$(MAKE) --no-print-directory all
	@scripts/try.sh "$(BUILD)/bin" "$(DIR)"

test: deps ## builds and runs all tests
	@scripts/install-packages.sh test
	@cmake --preset release -DRB_BUILD_TESTS=ON > /dev/null
	@cmake --build $(BUILD) -j $(JOBS)
	@ctest --test-dir $(BUILD) -j $(JOBS) --output-on-failure --no-tests=error

test-asan test-tsan: test-%: deps ## the tests under AddressSanitizer and UBSan, or ThreadSanitizer
	@scripts/install-packages.sh test
	@scripts/install-packages.sh fuzz
	@cmake --preset $* > /dev/null
	@cmake --build build/$* -j $(JOBS)
	@RC_PARAMS="$${RC_PARAMS:-max_success=30}" ctest --test-dir build/$* -j $(JOBS) --output-on-failure --no-tests=error

fuzz: deps ## a bounded number of inputs into every decoder
	@scripts/install-packages.sh fuzz
	@cmake --preset asan > /dev/null
	@cmake --build build/asan -j $(JOBS) --target fuzzers
	@scripts/fuzz.sh build/asan/bin

bench: all ## measures against tar, find and zstd, and writes bench/results.md
	@scripts/install-packages.sh bench
	@python3 bench/run.py $(BUILD)/bin

soak: all ## 200 rounds of backups with kill -9 of client or server at random moments
	@scripts/install-packages.sh test
	@python3 tests/soak/soak.py $(BUILD)/bin $(or $(ROUNDS),200)

bench-load: deps ## measures groups, a thousand clients, TLS and a long link, into bench/results-load.md (root, an hour)
	@scripts/install-packages.sh bench
	@cmake --preset release -DRB_BUILD_BENCH=ON > /dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target rbbackup rbbackupd load_generator idle_connections link_forwarder
	@for script in group.py "group.py --tls" transport.py "load.py --tls" longlink.py; do \
	  name=$${script%% *}; python3 bench/$$name $(BUILD)/bin $${script#$$name} || exit 1; done

netns: all ## three hosts in network namespaces: joining, changing addresses, restarts, removal (root)
	@python3 tests/netns/walkthrough.py $(BUILD)/bin

format: ## formats all sources
	@git ls-files 'src/*.h' 'src/*.cc' 'tests/*.h' 'tests/*.cc' 'bench/*.cc' | xargs clang-format-14 -i

format-check: ## fails when a source is not formatted
	@git ls-files 'src/*.h' 'src/*.cc' 'tests/*.h' 'tests/*.cc' 'bench/*.cc' | xargs clang-format-14 --dry-run --Werror

tidy: deps ## clang-tidy on all sources, or FILES=...
	@scripts/tidy.sh $(BUILD) $(FILES)

install: all ## installs the two programs under PREFIX
	@cmake --install $(BUILD) --prefix $(PREFIX)

clean: ## removes everything that was built
	@rm -rf build
