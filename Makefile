# Two commands: `make demo` and `make test`. Each prepares .venv by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Two processes fit the two cores that a small machine has; PYTEST_ARGS= runs everything in one.
PYTEST_ARGS ?= -n 2
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup demo test check format clean

help:
	@echo "make demo   the main job on the bundled sample (a window, or results in demo-results/ without a display)"
	@echo "make test   all checks and tests"
	@echo "make setup  only prepare .venv"
	@echo "make format mend the layout of the code"

setup:
	@$(PYTHON) tools/bootstrap.py

demo: setup
	@$(BIN)/python tools/run_demo.py

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest $(PYTEST_ARGS)

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf build dist demo-results .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
