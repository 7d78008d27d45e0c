# `make run` and `make test` set everything up by themselves: Python 3.11+ and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
# About half of the tests, by time: the two halves run side by side.
HALF := tests/bot tests/dialogs tests/storage
PIP := $(PY) -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes

.PHONY: run test check content lint types contracts bench bench-large docs lock chaos fuzz sbom audit backup clean help

help:            ## this list
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Curbside needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..."; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock | $(PY)
	@echo "Installing what Curbside needs (once) ..."
	$(PIP) -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock | $(PY)
	@echo "Installing the development tools (once) ..."
	$(PIP) -r requirements-dev.lock
	@touch $@ $(VENV)/.run

run: $(VENV)/.run            ## start the bot; without a token, with a phone in the browser
	@$(PY) run_bot.py run

test: $(VENV)/.dev           ## every test
	@sh tests/browser.sh
	@$(PY) -m coverage erase
	@mkdir -p build; echo "Two halves side by side; the second one tells at its end."; \
	$(PY) -m coverage run -m pytest -q $(foreach half,$(HALF),--ignore=$(half)) > build/second-half.log 2>&1 & second=$$!; trap "kill $$second" INT TERM; \
	$(PY) -m coverage run -m pytest -q $(HALF); first=$$?; \
	wait $$second; other=$$?; cat build/second-half.log; exit $$((first + other))

check: lint types contracts content test            ## the one gate: style, types, contracts, content, tests, coverage
	@$(PY) -m coverage combine --quiet
	@$(PY) -m coverage report --skip-covered --show-missing
	@$(PY) -m coverage report --include='dialogs/*' --fail-under=99 --format=total

content: $(VENV)/.dev
	@$(PY) run_bot.py check --today 2026-11-22

lint: $(VENV)/.dev
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m bandit -q -r bot dialogs storage web run_bot.py -c pyproject.toml

types: $(VENV)/.dev
	@$(PY) -m mypy

contracts: $(VENV)/.dev
	@$(BIN)/lint-imports --no-cache

bench: $(VENV)/.dev          ## the figures that the documents name, as tables; best on a quiet machine
	@$(PY) -m benchmarks
	@$(PY) -W ignore -m benchmarks guard narrative opinions pages

bench-large: $(VENV)/.dev    ## the log and the console at a million events, on both databases; takes half an hour
	@$(PY) -m benchmarks audit console

docs: $(VENV)/.dev           ## render scenarios, settings and the diagram
	@$(PY) -m docs.render

chaos: $(VENV)/.dev          ## the long form of the crash tests
	@$(PY) -m tests.chaos.long

fuzz: $(VENV)/.dev           ## the fuzzers, ten minutes each
	@$(PY) -m tests.fuzz --seconds 600

backup: $(VENV)/.run         ## copy the database into a new file of the data folder, while it is used
	@$(PY) run_bot.py backup

sbom: $(VENV)/.dev           ## what we depend on, as CycloneDX
	@mkdir -p build && $(BIN)/cyclonedx-py requirements requirements.lock -o build/sbom.json && echo "build/sbom.json"

audit: $(VENV)/.dev          ## known weaknesses of what we depend on; needs the network
	@$(BIN)/pip-audit --strict --disable-pip -r requirements.lock || { echo "Not audited, or something was found: see above. Without an advisory service this says nothing."; exit 1; }

LOCK = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet
lock: $(VENV)/.dev           ## resolve again and write both lock files
	@$(PY) -m pip install --quiet uv
	$(LOCK) -o requirements.lock
	$(LOCK) --extra dev --extra pdf -c requirements.lock -o requirements-dev.lock

clean:                       ## remove what `make` made, never your data
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
