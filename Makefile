# The front door. `make` lists what there is.

CARGO ?=
STATIC_TARGET ?= x86_64-unknown-linux-musl
# What the whole product may weigh, in bytes.
SIZE_BUDGET ?= 2500000

export CARGO STATIC_TARGET

cargo = $(if $(CARGO),$(CARGO),cargo)

.DEFAULT_GOAL := help
.PHONY: help demo test test-containers test-cgroup2 faults formats fuzz lint setup build static bench bench-services soak size

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## build the quickstart and run it: below a private root, as PID 1 where the kernel allows it
	@scripts/demo.sh

test: setup lint ## format, lint, unit, golden, format and process tests
	cargo test

test-containers: static ## build the example images and test them in Docker
	@scripts/container-tests.sh

test-cgroup2: ## a service's memory limit under cgroup v2, in an emulated machine with Debian's kernel; as root
	@scripts/cgroup2-tests.sh

formats: ## read every format back with the real programs, of which none may be missing, and write docs/formats.md
	rm -f target/formats.counts
	CASTOFF_REQUIRE_PARSERS=1 CASTOFF_COUNTS=$(CURDIR)/target/formats.counts cargo test --test castoff formats::
	scripts/formats-table.py target/formats.counts >target/formats.md
	mv target/formats.md docs/formats.md

fuzz: ## fuzz each lexer and --check for FUZZ_SECONDS (600), as many at a time as there are cores
	@scripts/fuzz.sh

faults: ## kill a start at every system call, fail every file operation, cut the power; writes docs/faults.md
	nice cargo test --test faults -- --full

lint: ## formatting, clippy, the floors of the house, dependencies
	cargo fmt --all --check
	cargo clippy --all-targets -- --deny warnings
	cargo clippy --test containers -- --deny warnings
	cargo test --quiet --test castoff house::
	@scripts/deny.sh

setup: ## install the programs that tests read config files back with, where that is possible
	@scripts/setup.sh

build: ## the debug binary
	cargo build

bench: static ## measure beside the peers, and write docs/benchmarks.md; as root
	@scripts/bench.sh
	@$(MAKE) --no-print-directory bench-services

bench-services: static ## two services beside supervisord, s6, runit and Horust; writes docs/benchmarks-services.md
	scripts/bench-services.py >target/bench-services.md
	mv target/bench-services.md docs/benchmarks-services.md

soak: static ## an hour (SOAK_SECONDS) among services that die, print and leave orphans: nothing may grow
	@scripts/soak.py

static: ## the release binary: static musl, target/static/castoff
	@scripts/static.sh
	@$(MAKE) --no-print-directory size

size: ## what the static binary weighs, against the budget
	@size=$$(stat -c %s target/static/castoff) && \
	echo "target/static/castoff: $$size bytes, $$((size * 100 / $(SIZE_BUDGET)))% of the budget of $(SIZE_BUDGET)" && \
	test $$size -le $(SIZE_BUDGET)
