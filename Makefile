# drygate. `make demo` and `make test` each set up what they need first; there is nothing to run before them.

SHELL := /bin/bash
export PATH := $(PATH):$(HOME)/.cargo/bin

.PHONY: demo check test planted-bugs test-versions tools torture bench dist setup

# The run screen, live on a throwaway PostgreSQL; `make demo SCENARIO=drift` for another scenario.
# The dev profile reaches the screen sooner than release on a first build, and shares its objects with `make test`.
demo: setup
	@scripts/demo $(if $(SCENARIO),--scenario $(SCENARIO))

# Format, lint, unit and screen tests: what to run after each edit. It needs Rust and nothing else.
check:
	@scripts/check

# Every test; the last line counts them.
test: setup
	@scripts/test

# Twenty mistakes, switched on one by one: the test that must notice each is green without it and red with it. About a minute.
planted-bugs: setup
	@scripts/planted-bugs

# The hostile statements, the walls, rehearsals and the commit guard on PostgreSQL 13 to 18, which npm and pip bring into target/servers once.
test-versions: setup
	@scripts/test-versions

# The tools that tests carry a change out with, into target/tools; sqitch by apt, where this is root.
tools:
	@scripts/tools

# Faults of disk, kernel, processes, network, server and terminal, and what came of them: MINUTES=10, SEED=..; 60 minutes for all.
torture: setup
	@scripts/torture

# The measures, into benches/RESULTS.md: BENCH=screen for one, PEERS=0 to bring nothing that is measured beside.
bench: setup
	@scripts/bench

# What is handed out, into target/dist/out: a tarball, a Debian package, their checksums.
dist: setup
	@scripts/dist

# Installs what is missing; silent when nothing is.
setup:
	@scripts/setup
