# Every command of this project, defined once. Bare `make` lists them.
PYTHON ?= $(shell command -v python3 || command -v python3.11 || echo python3)
PORT ?= 8000
HOST ?= 127.0.0.1
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
# Each worker has a database of its own; a file's tests stay together, since they share what is slow to make.
PARALLEL := --numprocesses auto --maxprocesses 4 --dist loadfile
# What `check --deploy` needs to see: settings as in production, with values that are no secrets.
PRODUCTION := DEBUG=0 ALLOWED_HOSTS=help.example.org SITE_URL=https://help.example.org \
	SECRET_KEY=checked-only-never-used-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGH

.DEFAULT_GOAL := help
.PHONY: help setup run down test e2e proof lint format typecheck bench eval clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## virtual environment, packages, embedding model; quick when nothing changed
	@$(PYTHON) portal/bootstrap.py setup

run: setup ## the whole product in one terminal (PORT=8123, HOST=0.0.0.0); Ctrl-C stops it
	@exec $(MANAGE) up --port $(PORT) --host $(HOST)

down: ## stop what a killed `make run` has left
	@$(MANAGE) down

test: setup ## every test: units, journeys, browser (chromium and nginx are installed if missing and we are root)
	@$(PYTHON) portal/bootstrap.py browser
	$(BIN)/python -m pytest tests $(PARALLEL)
	$(BIN)/python -m pytest e2e $(PARALLEL)

e2e: setup ## the browser tests (HEADED=1 shows them, BASE_URL=https://… runs the read-only ones on a running site)
	@$(PYTHON) portal/bootstrap.py browser
	$(BIN)/python -m pytest e2e $(PARALLEL) $(if $(HEADED),--headed) $(if $(BASE_URL),--base-url $(BASE_URL))

proof: setup ## the long proofs: chaos, replay, cuts, scale
	$(BIN)/python -m pytest -m proof --timeout 3600

lint: setup ## every static check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/djade --check $$(find templates -name '*.html')
	$(MANAGE) makemigrations --check --dry-run
	$(PRODUCTION) $(MANAGE) check --deploy --fail-level WARNING

typecheck: setup ## only the types
	$(BIN)/mypy

format: setup ## rewrite code and templates in house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djade $$(find templates -name '*.html')

bench: setup ## the benchmarks; each prints a table and writes JSON
	$(BIN)/python -m bench

eval: setup ## quality of search and answers on the evaluation sets, beside a reference BM25
	$(BIN)/python -m bench.quality
	$(BIN)/python -m bench.answers

clean: ## remove caches, test leftovers and the virtual environment; your data in var/ stays
	@[ ! -x $(BIN)/python ] || $(MANAGE) down || true
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
