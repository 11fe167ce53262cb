PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JUDGES := .judges
EXTENSION := vscode-extension
PICTURES := $(EXTENSION)/media/screenshots
WITH_NODE := PYTHONPATH=tests $(BIN)/python -m vscode.tools
COMMA := ,
PARTS := breakers caching code_actions completion credentials doctor drafting drill explaining history prices privacy providers providers/* spending store telemetry
FLOORS := server/ai_gateway/*.py,$(subst $() ,$(COMMA),$(PARTS:%=server/ai_gateway/%/*))

.DEFAULT_GOAL := help
.PHONY: help demo test test-vscode pictures vsix check unit judges soak bench bench-vscode schemas prices clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.run ## Watch prompts survive outages; needs no credentials and no network
	@$(BIN)/ai-gateway demo

test: check unit ## Check style, types and layers, and run every test

test-vscode: $(VENV)/.dev $(EXTENSION)/node_modules/.package-lock.json ## Check the VS Code extension, and test it in a real VS Code; needs npm and Chromium
	$(WITH_NODE) npm --prefix $(EXTENSION) run --silent check
	$(WITH_NODE) npm --prefix $(EXTENSION) test
	$(BIN)/pytest tests/vscode

check: $(VENV)/.dev
	$(BIN)/ruff check server tests
	$(BIN)/ruff format --check server tests
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(VENV)/.dev judges
	$(BIN)/pytest --cov --cov-report=
	$(BIN)/coverage report --include='$(FLOORS)' --skip-covered --fail-under=95

judges: $(JUDGES)/.installed ## Install programs of others that the tests are judged by; needs npm

soak: $(VENV)/.dev ## Ask 20 000 queries under random faults and cancels, and see that nothing is left over
	PYTHONPATH=tests $(BIN)/python -m soak.soak

bench: $(VENV)/.dev ## Measure speed and size as ratios; writes bench.json
	PYTHONPATH=tests $(BIN)/python -m perf.bench

bench-vscode: $(VENV)/.dev $(EXTENSION)/node_modules/.package-lock.json ## Measure the extension in a real VS Code; writes bench-vscode.json
	PYTHONPATH=tests $(BIN)/python -m perf.bench_vscode

schemas: $(VENV)/.dev ## Generate the JSON Schemas of all messages anew
	$(BIN)/python -m ai_gateway.messages

prices: $(VENV)/.dev ## Derive the list prices anew from genai-prices
	$(BIN)/python -m ai_gateway.prices

clean: ## Remove the environment and everything that was generated
	rm -rf $(VENV) $(JUDGES) .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache bench.json bench-vscode.json

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "AI Gateway needs Python 3.11 or newer; name one: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "Python has no venv module here; on Debian: apt install python3-venv" >&2; exit 1; }
	@$(BIN)/pip install --quiet --upgrade 'pip>=25.1'

$(VENV)/.run: pyproject.toml | $(VENV)/bin/python
	@echo "installing into $(VENV) …"
	@$(BIN)/pip install --quiet --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	@echo "installing into $(VENV), with what the tests need …"
	@$(BIN)/pip install --quiet --editable '.[redis,otel]' --group dev --group vscode
	@touch $@ $(VENV)/.run

pictures: test-vscode ## Take the pictures of the documentation anew
	@mkdir -p $(PICTURES)
	cp tests/vscode/screenshots/picture-answer.png $(PICTURES)/answer.png
	cp tests/vscode/screenshots/picture-dashboard.png $(PICTURES)/dashboard.png
	cp tests/vscode/screenshots/picture-status.png $(PICTURES)/status.png
	cp tests/vscode/screenshots/simulation-dark.png $(PICTURES)/simulation.png

vsix: $(EXTENSION)/node_modules/.package-lock.json ## Pack the VS Code extension for this machine; needs npm
	PYTHON=$(PYTHON) npm --prefix $(EXTENSION) run --silent package

$(EXTENSION)/node_modules/.package-lock.json: $(EXTENSION)/package-lock.json
	npm --prefix $(EXTENSION) ci --no-audit --no-fund
	@touch $@

$(JUDGES)/.installed: tests/judges/package.json
	@mkdir -p $(JUDGES) && cp $< $(JUDGES)/
	@echo "installing into $(JUDGES) …"
	@if npm install --prefix $(JUDGES) --no-package-lock --no-audit --no-fund --silent --fetch-retries 1; then touch $@; \
	else echo "npm can't install $<: the tests against those programs are skipped" >&2; fi
