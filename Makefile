# Two commands matter: `make demo` and `make test`. Each prepares .venv by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Two processes fit the two cores that a small machine has; PYTEST_ARGS= runs everything in one.
PYTEST_ARGS ?= -n 2
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup demo test check coverage docs pictures wheel installer format clean

help:
	@echo "make demo   the main job on the bundled sample (a window, or results in demo-results/ without a display)"
	@echo "make test   all checks and tests"
	@echo "make coverage  the tests with line coverage by package"
	@echo "make docs   the site in build/site; warnings are errors"
	@echo "make pictures  the pictures of the site, from the real window"
	@echo "make wheel  the package in dist/"
	@echo "make installer  the program as a folder that needs no Python, in dist/"
	@echo "make setup  only prepare .venv"
	@echo "make format format the code"

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

coverage: setup
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest $(PYTEST_ARGS) --cov=iouviewer --cov-report=json:coverage.json
	$(BIN)/python tools/coverage_by_package.py coverage.json

# The theme's notice about its successor is no warning about these pages.
docs: setup
	@$(BIN)/python tools/make_pictures.py --check
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

pictures: setup
	@$(BIN)/python tools/make_pictures.py

wheel: setup
	$(BIN)/python -m hatchling build

installer: setup
	@$(BIN)/python tools/make_installer.py

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf build dist demo-results .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
