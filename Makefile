# make sweep    installs what is needed and trains the five depths of Table 1 on real digits
# make test     installs what is needed and runs the tests; test-all runs the slow ones too
# make bench    prints the ratios of tests/benchmarks
# make lint     checks style, format and types
PYTHON ?= $(shell for p in python3.11 python3.10 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 12))' 2>/dev/null \
	&& { command -v $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: sweep test test-all bench lint clean
sweep: $(VENV)/.installed
	$(BIN)/resnet-lab run experiments/depth_sweep.yaml

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n auto --maxprocesses 4

test-all: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n auto --maxprocesses 4 -m "not benchmark"

bench: $(VENV)/.installed-test
	$(BIN)/python -m pytest -m benchmark -s

lint: $(VENV)/.installed-test
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "resnet-lab needs Python 3.11 or 3.10 (MXNet has no build for newer ones), and found neither." >&2; \
	echo "Install one, for example with 'apt-get install python3.11 python3.11-venv' or 'pyenv install 3.11', or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); \
	echo "$(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[mxnet]'
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[mxnet,torch,test]'
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV)
