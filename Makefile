# One spelling for people and for CI. Everything is set up in .venv; nothing else is touched.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DEMO   ?= demo
REGION ?= eu
COVER  ?=
INPUTS ?= 1000000
FIRST  ?= 0

.PHONY: dev demo test editor coverage slow long lint types imports docs bench bundle clean fuzz fuzz-small check-python

check-python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; this is " + sys.version)'

$(VENV)/run: pyproject.toml | check-python
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/dev: $(VENV)/run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

dev: $(VENV)/dev          ## everything a developer needs

demo: $(VENV)/run         ## rehearse the Azure BYOK ceremony for one region (REGION=eu) into demo/
	rm -rf $(DEMO)
	mkdir -p $(DEMO)
	$(BIN)/ceremony rehearse azure-byok --region $(REGION) --out $(DEMO)/$(REGION)

test: $(VENV)/dev         ## the test suite
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow and not long and not fuzz" $(COVER)

editor:                   ## the language server for tests/editor, which skip without it; needs node and npm
	cd tests/editor && npm ci --no-audit --no-fund

coverage:                 ## the same, with branch coverage; fails below the floor in pyproject.toml
	$(MAKE) test COVER="--cov --cov-report=term:skip-covered"

slow: $(VENV)/dev         ## the tests that take longer: every region, end to end
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow

long: $(VENV)/dev         ## every state that a crash or a power cut can leave, recovered from; many minutes
	$(BIN)/python -m pytest -n 2 --dist worksteal -m long

fuzz: $(VENV)/dev         ## a million changed files, read and planned; hours (FIRST=0, INPUTS=1000000)
	$(BIN)/python tests/fuzz/running.py $(INPUTS) $(FIRST)

fuzz-small: $(VENV)/dev   ## fifty thousand of them, small ones
	$(BIN)/python -m pytest -n 0 -m fuzz

lint: $(VENV)/dev         ## ruff, formatter, and our own playbooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/ceremony lint --level release ceremonies/*/*.ceremony.yaml

types: $(VENV)/dev        ## mypy strict, of both packages
	$(BIN)/mypy

imports: $(VENV)/dev      ## the import contracts of pyproject.toml
	$(BIN)/lint-imports

docs: $(VENV)/dev         ## write the generated pages and schemas; a test fails when they are stale
	$(BIN)/python scripts/make_docs.py

bench: $(VENV)/dev        ## print how long things take here
	$(BIN)/python bench/rehearsal.py
	$(BIN)/python bench/authoring.py
	$(BIN)/python bench/verification.py
	$(BIN)/python bench/emulator.py

bundle: $(VENV)/dev       ## one file for a room without a network, into dist/
	$(BIN)/python scripts/make_bundle.py

clean:                    ## remove everything that was made
	rm -rf $(VENV) $(DEMO) tests/editor/node_modules dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
