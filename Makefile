# Everything a person needs, at most ten targets; `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test lint format shots lock

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(VENV)/.product ## Make .venv with what the product needs to run

$(VENV)/.product: requirements/run.txt
	@echo "Making $(VENV) (a minute at most with a warm package cache) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --no-compile --disable-pip-version-check -r requirements/run.txt
	@touch $@

$(VENV)/.tests: requirements/test.txt $(VENV)/.product
	@echo "Adding what the tests need …"
	@$(BIN)/pip install --quiet --no-compile --disable-pip-version-check -r requirements/test.txt
	@touch $@

demo: setup ## A running product with two customers, sandbox and report (ONCE=1: stop after the report)
	@$(BIN)/python manage.py demo $(if $(filter 1,$(ONCE)),--once)

serve: setup ## Web, worker and scheduler in one process at http://127.0.0.1:8000
	@$(BIN)/python manage.py serve

test: $(VENV)/.tests ## Everything: format, lint, types, layers, migrations, tests
	@bash scripts/test

lint: $(VENV)/.tests ## Format, lint, types, layers, migrations: the fast half of `make test`
	@bash scripts/lint

format: $(VENV)/.tests ## Put the code into its usual shape
	@$(BIN)/ruff format -q . && $(BIN)/ruff check -q --fix .

shots: $(VENV)/.tests ## Take the screenshots of README and docs anew
	@$(BIN)/python scripts/screenshots.py

lock: ## Lock the newest versions that pyproject.toml allows
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile -q --upgrade pyproject.toml -o requirements/run.txt
	@$(BIN)/uv pip compile -q --upgrade pyproject.toml --extra test --no-emit-package pip -c requirements/run.txt -o requirements/test.txt
