# `make chat` and `make test` are all a fresh machine needs: Python 3.11 or later, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: chat test check bench clean

chat: $(READY)  ## index seeds/ and open the chat
	$(BIN)/article-qa chat seeds

test: $(READY)  ## set up and run the tests
	$(BIN)/python -m pytest

check: $(READY)  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)  ## measure beside other pipelines and in growing haystacks, with plots: make bench DATA=folder
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[bench]"
	mkdir -p build
	$(BIN)/python -m tests.bench.compare "$(DATA)" --json build/compare.json
	$(BIN)/python -m tests.bench.scale "$(DATA)" --json build/scale.json
	$(BIN)/python -m tests.bench.plot build/compare.json build/scale.json tests/bench/plots

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV); PyTorch and the encoder are large, the first time takes a few minutes."
	$(BIN)/python -m pip install --quiet --upgrade "pip>=24"
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $(READY)

clean:  ## remove what set-up and tests made
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
