# Everything that this project can do to itself. `make` alone lists it.
# Needs Python 3.11 or newer, make and a package index; nothing else has to be installed by hand.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# The first Python on the PATH that is new enough; `make PYTHON=/usr/bin/python3.13 …` chooses another.
IS_NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$name" -c '$(IS_NEW_ENOUGH)' >/dev/null 2>&1 && { command -v "$$name"; break; }; done)

VENV := .venv
BIN := $(VENV)/bin
# A second environment holds what a user gets: the wheel and its run-time dependencies, nothing more.
INSTALLED := build/installed
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --no-input
SHIPPED := $(shell find poller migrations -name __pycache__ -prune -o -print 2>/dev/null)

export POLLER_INSTALLED := $(CURDIR)/$(INSTALLED)/bin/poller

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(INSTALLED)/.wheel ## Set up, then show the main job against a bundled API (under a minute)
	$(INSTALLED)/bin/poller demo

.PHONY: test
test: $(BIN)/.ready $(INSTALLED)/.wheel ## Set up, then run the whole suite; ARGS="-k word" narrows it
	$(BIN)/python -m pytest $(SEVERAL) $(ARGS)
# Most tests wait, for servers and for clocks: a few files run at a time, each in one process.
SEVERAL ?= -n 3 --dist loadfile

.PHONY: coverage
coverage: $(BIN)/.ready ## Branch coverage of the decisions and the plugins, which has to be 100 %
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -q $(wildcard tests/core tests/contract tests/config)
	$(BIN)/python -m coverage report --fail-under=100 \
		--include='poller/core/*,poller/pagers/*,poller/auth/*,poller/schedules/*,poller/secrets/*'

.PHONY: docs
docs: $(BIN)/.ready ## Write the pages that are made from the code, and the example of the settings
	$(BIN)/python -m tests.docs.generated

.PHONY: lint
lint: $(BIN)/.ready ## Style and formatting, by ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: format
format: $(BIN)/.ready ## Put the formatting right
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

.PHONY: types
types: $(BIN)/.ready ## Types, by mypy --strict
	$(BIN)/mypy

.PHONY: contracts
contracts: $(BIN)/.ready ## Which layer may import which
	$(BIN)/lint-imports --no-cache

.PHONY: unused
unused: $(BIN)/.ready ## Dependencies that are missing, unused or only borrowed
	$(BIN)/deptry .

.PHONY: mutants
mutants: $(BIN)/.ready ## Plant each known defect and see the suite catch it
	$(BIN)/python -m tests.mutants

.PHONY: memory
memory: $(BIN)/.ready ## Memory of a poll of 200,000 rows against one of 20,000
	$(BIN)/python -m pytest tests/cost/test_memory.py -q --durations=1

.PHONY: torture-rate
torture-rate: $(BIN)/.ready ## 1,200 requests under 1000/minute with two kill -9; SEED=2 kills elsewhere
	POLLER_TORTURE_RATE=$(or $(SEED),1) $(BIN)/python -m pytest tests/engine/test_rate.py -q -s -k killed

.PHONY: hostile
hostile: $(BIN)/.ready ## Every hostile answer and every place of a secret; `make test` has a part of them
	POLLER_TEST_HOSTILE=1 $(BIN)/python -m pytest $(SEVERAL) tests/hostile tests/e2e/test_canary.py -q

.PHONY: benchmark
benchmark: $(BIN)/.ready ## CPU of a first load beside a floor written by hand; ARGS="--rows 50000"
	$(BIN)/python -m benchmarks.load $(ARGS)

.PHONY: audit
audit: $(BIN)/.ready ## Known vulnerabilities in what a release ships (asks a public database)
	$(BIN)/pip-audit --require-hashes --disable-pip -r requirements/run.txt

.PHONY: check
check: lint types contracts unused coverage mutants test ## All of the above, as CI does it

.PHONY: wheel
wheel: build/dist/.built ## Build the wheel into build/dist

.PHONY: lock
lock: $(BIN)/.ready ## Choose the versions afresh within pyproject.toml and write requirements/*.txt
	$(LOCK) --upgrade pyproject.toml --output-file requirements/run.txt
	$(LOCK) --upgrade --group build --constraint requirements/run.txt --output-file requirements/build.txt
	$(LOCK) --upgrade pyproject.toml --group dev \
		--constraint requirements/run.txt --constraint requirements/build.txt --output-file requirements/dev.txt
LOCK := UV_CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-build

.PHONY: clean
clean: ## Remove everything that make made
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- how the environments come about; each step is remembered by a file ------------------------------------

# The checkout's own environment: everything from the lock, and the checkout itself, editable.
$(BIN)/.ready: requirements/dev.txt pyproject.toml | python
	[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	$(BIN)/python $(PIP_INSTALL) --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(INSTALLED)/.ready: requirements/run.txt | python
	rm -rf $(INSTALLED)
	$(PYTHON) -m venv $(INSTALLED)
	$(INSTALLED)/bin/python $(PIP_INSTALL) --require-hashes -r requirements/run.txt
	@touch $@

# The build tools stand apart, so that the wheel cannot lean on them by accident.
build/tools/.ready: requirements/build.txt $(INSTALLED)/.ready
	rm -rf build/tools
	$(INSTALLED)/bin/python $(PIP_INSTALL) --target build/tools --require-hashes -r requirements/build.txt
	@touch $@

build/dist/.built: build/tools/.ready pyproject.toml README.md LICENSE $(SHIPPED)
	rm -rf build/dist
	PYTHONPATH=build/tools $(INSTALLED)/bin/python -m hatchling build -t wheel -d build/dist
	@touch $@

$(INSTALLED)/.wheel: build/dist/.built $(INSTALLED)/.ready
	$(INSTALLED)/bin/python $(PIP_INSTALL) --no-deps --no-index --force-reinstall build/dist/*.whl
	@touch $@

.PHONY: python
python:
	@[ -n "$(PYTHON)" ] || { echo "poller needs Python 3.11 or newer; none was found. Name one: make PYTHON=/path/to/python3" >&2; exit 1; }
