# graphviz_nn: `make demo` and `make test` need nothing but python3.11 or later and make.
.DEFAULT_GOAL := help
.PHONY: help demo test lint bench screenshots clean
MAKEFLAGS += --no-print-directory

VENV ?= .venv
WORKERS ?= auto
BIN := $(VENV)/bin
INPUTS := pyproject.toml constraints.txt tools/setup.sh

# Tests run one thread a process: with more, the cores only wait for each other.
export OMP_NUM_THREADS ?= 1

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.demo  ## Train a small network on real digits, recorded; show what was seen, in the app
	@mkdir -p demo
	$(BIN)/graphviz-nn run --every 10 -o demo/digits.gvnn examples/digits.py
	$(BIN)/graphviz-nn info demo/digits.gvnn
	$(BIN)/graphviz-nn export demo/digits.gvnn -o demo/digits.svg --depth 1
	$(BIN)/graphviz-nn export demo/digits.gvnn -o demo/digits-expanded.svg --depth all --color-by gradient
	@printf '\nThe run file:    %s\nThe pictures:    %s\n                 %s\n' \
	    demo/digits.gvnn demo/digits.svg demo/digits-expanded.svg
	@if [ "$$(uname)" != Linux ] || [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
	    $(BIN)/graphviz-nn view demo/digits.gvnn; \
	else \
	    printf 'The app:         '; \
	    $(BIN)/graphviz-nn view demo/digits.gvnn --screenshot demo/digits-app.png; \
	fi || [ $$? -eq 2 ]  # 2: the system lacks what Qt needs, as the message says; all else is there

test: lint  ## Everything that must hold: lint, then the tests
	@$(BIN)/python -m pytest --numprocesses $(WORKERS)

lint: $(VENV)/.dev  ## Style, types and import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: $(VENV)/.dev  ## Print the measured figures against their targets
	@$(BIN)/python -m benchmarks

screenshots: $(VENV)/.dev  ## Draw the app's windows into docs/screenshots
	@xvfb-run -a -s "-screen 0 1920x1200x24" $(BIN)/python tools/screenshots.py docs/screenshots

clean:  ## Remove the virtual environment, caches and the demo's files
	rm -rf $(VENV) build dist demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.dev: $(INPUTS)
	@PYTHON="$(PYTHON)" tools/setup.sh $(VENV) dev
	@touch $@ $(VENV)/.demo

$(VENV)/.demo: $(INPUTS)
	@PYTHON="$(PYTHON)" tools/setup.sh $(VENV) demo,ui
	@touch $@
