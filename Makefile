# `make demo` and `make test` each work alone on a fresh machine: they create .venv, install what they need, and run.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup demo test test-slow lint format bench docs clean

help: ## Show what can be made.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 14

setup: .venv/.installed ## Create .venv and install insula with everything to train, test and document it.

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[train,adapters,presidio,excel,search,serve,client,postgres,redis,nats,otel,gradients,offline,augmentation,translation,local,dev,docs]'
	@touch $@

demo: setup ## Train on real tweets, evaluate, predict a few sentences, say where the report is.
	$(BIN)/insula train tweets --recipe quick --output runs/demo --overwrite
	@echo
	$(BIN)/insula predict --model runs/demo \
	  "Two hours on hold and nobody called back." \
	  "The crew was wonderful, thank you so much!" \
	  "Our flight leaves from gate 12 at 9:40." \
	  "Oh great, another delay. Just what I needed."
	@echo
	@echo "report: $(CURDIR)/runs/demo/report.html"

test: setup ## Run the fast tests.
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-slow: setup ## Run the tests that train for real, and every case of those that the fast run only samples.
	$(BIN)/python -m pytest -m slow

lint: setup ## Check style, types and the borders between rooms.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: setup ## Rewrite the code in the project's style.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## Measure quality again; each cell writes one file into benchmarks/results.
	$(BIN)/python benchmarks/quality.py

docs: setup ## Build the documentation into site/.
	$(BIN)/mkdocs build --strict

clean: ## Remove the virtual environment and all caches; runs stay.
	rm -rf .venv site .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
