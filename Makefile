# The verbs of this repository; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help up test check golden bench fuzz kills run-fuzz risk-review lock migration clean

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "stationmaster needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

up: $(STAMP) ## set up and run the sample platform (Ctrl-C stops it)
	$(BIN)/stationmaster up -f src/stationmaster/sample/platform.yaml

test: $(STAMP) ## set up and run every test
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

check: $(STAMP) ## formatting, lint, types, import directions, our runbooks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/stationmaster runbook lint runbooks

golden: $(STAMP) ## rewrite the golden files; read the diff before committing it
	GOLDEN=rewrite $(BIN)/pytest -k golden

bench: $(STAMP) ## measure; prints the rows of docs/benchmarks.md
	$(BIN)/python -m bench

labels: $(STAMP) ## compare the reader with hand-made labels: make labels [SHOW=part-of-a-file-name]
	$(BIN)/python -m tools.runbook_score $(if $(SHOW),--show $(SHOW))

fuzz: $(STAMP) ## kill at random moments and check every cure: make fuzz RUNS=20 SEED=1
	$(BIN)/python -m tests.e2e.crash_fuzz --runs $(or $(RUNS),20) $(if $(SEED),--seed $(SEED))

kills: $(STAMP) ## kill the control plane at random moments of drills, and check each: make kills KILLS=200 SEED=1
	$(BIN)/python -m tests.e2e.kills --kills $(or $(KILLS),60) $(if $(SEED),--seed $(SEED))

run-fuzz: $(STAMP) ## kill runs of runbooks at random instants and resume them: make run-fuzz KILLS=60 SEED=1
	$(BIN)/python -m tests.runbooks.run_fuzz --kills $(or $(KILLS),60) $(if $(SEED),--seed $(SEED))

risk-review: $(STAMP) ## list the commands of the public runbooks by class: make risk-review ONLY=read
	$(BIN)/python tools/risk_review.py $(if $(ONLY),--only $(ONLY))

lock: ## pin the dependencies anew, with hashes and without index lines (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --group dev pyproject.toml -o requirements.lock

migration: $(STAMP) ## write a migration from the changed tables: make migration MESSAGE="Add a column"
	$(BIN)/python tools/new_migration.py $(MESSAGE)

clean: ## remove the environment and the sample platform's state
	rm -rf $(VENV) .stationmaster
