# drygate. `make demo` and `make test` each set up what they need first; there is nothing to run before them.

SHELL := /bin/bash
export PATH := $(PATH):$(HOME)/.cargo/bin

.PHONY: demo test bench setup

demo: setup ## the run screen, live on a throwaway PostgreSQL
	@cargo run --locked --quiet -- demo

test: setup ## every test; the last line counts them
	@scripts/test

bench: setup ## the measures, one file per row
	cargo bench --locked --bench '*'

setup: ## install what is missing; silent when nothing is
	@scripts/setup
