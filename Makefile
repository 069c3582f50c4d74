# drygate. `make demo` and `make test` each set up what they need first; there is nothing to run before them.

SHELL := /bin/bash
export PATH := $(PATH):$(HOME)/.cargo/bin

.PHONY: demo check test test-versions tools bench dist setup

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

# The hostile statements, the walls, rehearsals and the commit guard on PostgreSQL 13 to 18, which npm and pip bring into target/servers once.
test-versions: setup
	@scripts/test-versions

# The tools that tests carry a change out with, into target/tools; sqitch by apt, where this is root.
tools:
	@scripts/tools

# The measures, one file per row.
bench: setup
	cargo bench --locked --bench '*'

# What is handed out, into target/dist/out: a tarball, a Debian package, their checksums.
dist: setup
	@scripts/dist

# Installs what is missing; silent when nothing is.
setup:
	@scripts/setup
