# One entry point: make (build), make try, make test, make bench, make soak, make format, make install, make clean.
BUILD   := build/release
PREFIX  ?= /usr/local
JOBS    ?= $(shell nproc)
DIR     ?= /usr/share/doc

.PHONY: all deps try test test-asan test-tsan fuzz bench bench-micro bench-load bench-scale soak soak-kill soak-damage crash story netns format format-check tidy install clean help

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
	@ctest --test-dir $(BUILD) -j $$(($(JOBS) + 1)) --output-on-failure --no-tests=error

test-asan test-tsan: test-%: deps ## the tests under AddressSanitizer and UBSan, or ThreadSanitizer
	@scripts/install-packages.sh test
	@scripts/install-packages.sh fuzz
	@cmake --preset $* > /dev/null
	@cmake --build build/$* -j $(JOBS) --target $(or $(TARGETS),all)
	@RC_PARAMS="$${RC_PARAMS:-max_success=30}" RB_DAMAGE_TRIALS="$${RB_DAMAGE_TRIALS:-100}" ctest --test-dir build/$* -j $$(($(JOBS) + 1)) --output-on-failure --no-tests=error $(CTEST_OPTIONS)

fuzz: deps ## a bounded number of inputs into every decoder
	@scripts/install-packages.sh fuzz
	@cmake --preset asan > /dev/null
	@cmake --build build/asan -j $(JOBS) --target fuzzers
	@scripts/fuzz.sh build/asan/bin

bench: all ## measures against restic, borg, rsync, tar, find and more, into bench/results.md (root, an hour; BENCH_OPTIONS=--quick)
	@scripts/install-packages.sh bench
	@/usr/bin/python3 -B bench/run.py $(BUILD)/bin $(BENCH_OPTIONS)

bench-micro: deps ## the parts of a backup by themselves: chunking, hashing, compression, codecs, cache, catalog
	@scripts/install-packages.sh bench
	@cmake --preset release -DRB_BUILD_BENCH=ON > /dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target micro_bench scan_bench
	@$(BUILD)/bin/micro_bench

soak: soak-damage soak-kill ## kill -9 in a mixed load, 1,000 rounds, and 10,000 times damage

soak-kill: all ## ROUNDS=1000 of backups, restores, prune and gc with kill -9 of client or server, SEED=random
	@scripts/install-packages.sh test
	@python3 -B tests/soak/soak.py $(BUILD)/bin $(or $(ROUNDS),1000) $(SEED)

soak-damage: deps ## TRIALS=10000 times damage to packs, parity, journal, catalog and cache, from SEED=1 on
	@scripts/install-packages.sh test
	@cmake --preset release -DRB_BUILD_TESTS=ON > /dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target damage_tests
	@scripts/soak-damage.sh $(BUILD)/bin $(or $(TRIALS),10000) $(or $(SEED),1)

crash: deps ## the power goes, and the disk fails, at every operation of a server's history (a few minutes)
	@scripts/install-packages.sh test
	@cmake --preset release -DRB_BUILD_TESTS=ON > /dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target crash_tests
	@RB_CRASH_ALL=1 $(BUILD)/bin/crash_tests --gtest_brief=1

story: deps ## a year of daily backups of five nodes, with a crash and a flipped sector each week, SEEDS="1 2 3 4 5 6"
	@scripts/install-packages.sh test
	@cmake --preset release -DRB_BUILD_TESTS=ON > /dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target story_tests
	@for seed in $(or $(SEEDS),1 2 3 4 5 6); do \
	  RB_YEAR_DAYS=366 RB_YEAR_SEED=$$seed $(BUILD)/bin/story_tests --gtest_brief=1 || exit 1; done

bench-load: deps ## measures groups, a thousand clients, TLS and a long link, into bench/results-load.md (root, an hour)
	@scripts/install-packages.sh bench
	@cmake --preset release -DRB_BUILD_BENCH=ON > /dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target rbbackup rbbackupd load_generator idle_connections link_forwarder
	@for script in group.py "group.py --tls" transport.py "load.py --tls" longlink.py; do \
	  name=$${script%% *}; python3 bench/$$name $(BUILD)/bin $${script#$$name} || exit 1; done

bench-scale: deps ## measures ten million objects (OBJECTS=10000000), into bench/results-scale.md (root, a quarter of an hour, 40 GB)
	@scripts/install-packages.sh bench
	@cmake --preset release -DRB_BUILD_BENCH=ON > /dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target rbbackup rbbackupd repository_generator
	@python3 -B bench/scale.py $(BUILD)/bin --objects $(or $(OBJECTS),10000000)

netns: all ## three hosts in network namespaces: joining, changing addresses, restarts, removal (root)
	@python3 tests/netns/walkthrough.py $(BUILD)/bin

format: ## formats all sources
	@git ls-files 'src/*.h' 'src/*.cc' 'tests/*.h' 'tests/*.cc' 'bench/*.cc' | xargs clang-format-14 -i

format-check: ## fails when a source is not formatted
	@git ls-files 'src/*.h' 'src/*.cc' 'tests/*.h' 'tests/*.cc' 'bench/*.cc' | xargs clang-format-14 --dry-run --Werror

tidy: deps ## clang-tidy on all sources, or FILES=...
	@scripts/tidy.sh $(FILES)

install: all ## installs the two programs under PREFIX
	@cmake --install $(BUILD) --prefix $(PREFIX)

clean: ## removes everything that was built
	@rm -rf build
