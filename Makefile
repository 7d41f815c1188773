# Every target sets up what it needs in .venv first, and does so again only when pyproject.toml or the requirements change.
# Another Python than python3: make PYTHON=python3.12 test

PYTHON ?= python3
export PYTHON
BIN := .venv/bin
LOWEST := .venv-lowest
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help demo test check lint format types floors test-lowest docs-check size bench trust clean

help:  ## these lines
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: .venv/.demo  ## two tables of real flights compared, with a report to open
	$(BIN)/python demo/flights.py

test: lint types floors  ## everything: style, types, floors, all tests
	$(PYTEST)

check: lint types floors  ## the part that takes less than a minute
	$(PYTEST) -q -m "not slow" tests/units tests/laws tests/house

lint: .venv/.dev  ## style, and whether the formatter would change anything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/.dev  ## let the formatter change it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: .venv/.dev  ## strict types in src, ordinary ones elsewhere
	$(BIN)/mypy $(wildcard src scripts tests benchmarks demo)

floors: .venv/.dev  ## which room may import which
	$(BIN)/lint-imports

test-lowest: $(LOWEST)/.lowest  ## units, laws and journeys with the lowest versions that may be installed (Python 3.11)
	$(LOWEST)/bin/python -m pytest -q -p no:cacheprovider -m "not slow" tests/units tests/laws tests/journeys

docs-check: .venv/.dev  ## the examples in the docs run, and the links lead somewhere
	$(PYTEST) -q tests/house/test_docs_run.py tests/house/test_docs_links.py tests/house/test_public_names.py

size: .venv/.dev  ## packages, bytes and start-up time of a plain install, into docs/reference/footprint.md
	$(BIN)/python scripts/size.py --write docs/reference/footprint.md

bench: .venv/.dev  ## speed, beside the pure decode of the same file
	for file in $$(grep -l __main__ benchmarks/speed/*.py); do $(BIN)/python "$$file" || exit 1; done

trust: .venv/.dev  ## false alarms on unchanged tables and streams, power on planted changes, pages and tickets a month
	$(BIN)/python benchmarks/trust/compare.py --quick
	$(BIN)/python benchmarks/trust/estimation.py --quick
	$(BIN)/python benchmarks/trust/monitor.py --quick
	$(BIN)/python benchmarks/trust/alerts.py --quick

clean:  ## remove the environments and all caches
	rm -rf .venv .venv-lowest .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.venv/.demo: requirements/demo.txt pyproject.toml scripts/venv.sh
	scripts/venv.sh .venv requirements/demo.txt
	touch $@

# What the demo needs is among the requirements of development, so one environment serves both.
.venv/.dev: requirements/dev.txt pyproject.toml scripts/venv.sh
	scripts/venv.sh .venv requirements/dev.txt
	touch .venv/.demo $@

$(LOWEST)/.lowest: requirements/lowest.txt pyproject.toml scripts/venv.sh
	scripts/venv.sh $(LOWEST) requirements/lowest.txt
	touch $@
