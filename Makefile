# Every task of this repository is one command: `make help` lists them. All need only Python 3.11 and make.

# CI and constraints.txt use python3.11; any newer python3 is tried where it is missing.
PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
BIN := .venv/bin

# Every version is pinned, also of what builds a wheel (setuptools): pip before 25.3 and after read different variables.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The tests run side by side, one process per core: threads inside each would only fight.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help demo test test-all lint format bench docs gallery systems robustness calibration model-card default-model clean

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: .venv/core  ## analyse a rendered video and compare with its truth; installs no torch
	@$(BIN)/python scripts/demo.py

test: .venv/dev  ## the tests (minutes)
	@$(ONE_THREAD) $(BIN)/python -m pytest -n 2 -m "not slow"

test-all: .venv/dev  ## the tests and the slow scientific checks
	@$(ONE_THREAD) $(BIN)/python -m pytest -n 2

lint: .venv/dev  ## style, formatting, types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: .venv/dev  ## repair what lint can repair
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: .venv/dev  ## speed and memory beside bare loops -> build/bench.json
	@$(BIN)/python scripts/bench.py --out build/bench.json

docs: .venv/dev  ## links, examples and commands of every page
	@$(BIN)/python -m pytest tests/contracts/test_docs.py

gallery: .venv/core  ## the pictures of docs/gallery.md
	@$(BIN)/python scripts/gallery.py

systems: .venv/dev  ## the four systems on rendered faces, and their controls (hours) -> build/systems
	@$(BIN)/python scripts/systems.py

robustness: .venv/dev  ## AD-Net under attack: the curve of docs/robustness.md (minutes)
	@$(BIN)/python scripts/robustness.py

calibration: .venv/core  ## whether the default recogniser's probabilities hold: docs/calibration.md (minutes)
	@$(BIN)/python scripts/calibration.py

model-card: .venv/core  ## measure the default recogniser: every figure of docs/model-card.md (minutes)
	@$(ONE_THREAD) $(BIN)/python scripts/model_card.py $(if $(PORTRAITS),--portraits $(PORTRAITS)) $(if $(GROUPS),--groups $(GROUPS))

default-model: .venv/dev  ## train the bundled recogniser again; MEASURE_ON=MAPS.npz writes its error into it
	@$(BIN)/python scripts/make_default.py $(if $(MEASURE_ON),--measure-on $(MEASURE_ON))

clean:  ## remove the environment and everything built
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis src/mien.egg-info

# One environment: `core` makes it, `dev` grows it.
.venv/core: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "make: installing mien into .venv (a minute)" >&2
	@$(BIN)/python -m pip install -qq -e .
	@touch $@

.venv/dev: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "make: installing mien and what its tests need into .venv (some minutes)" >&2
	@$(BIN)/python -m pip install -qq -e '.[train,dev]'
	@touch .venv/core $@

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: got '$(PYTHON)'; expected Python 3.11 or newer; say where it is: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -m venv .venv
