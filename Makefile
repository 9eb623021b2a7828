# make sweep     installs what is needed and trains the five depths of Table 1 on real digits
# make test      installs what is needed and runs the tests; test-all runs the slow ones too
# make rehearsal runs all that is prepared for a GPU in its smallest form, on a pretended GPU
# make bench     measures tests/benchmarks, and compares the times with the last run on this machine
# make lint      checks style, format and types
# make docs      builds the site of the documentation into site/
# Any Python from 3.10 to 3.14 does; 3.11 first, since there MXNet runs without a change to what it sees of NumPy.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3.10 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 15))' 2>/dev/null \
	&& { command -v $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: sweep test test-all rehearsal bench lint docs clean
sweep: $(VENV)/.installed
	$(BIN)/resnet-lab run experiments/depth_sweep.yaml --engine auto

# One more than there are cores: many tests wait for a process that they have started.
WORKERS = $(shell $(BIN)/python -c 'import os; print(min(4, (os.cpu_count() or 1) + 1))')
test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-all: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not benchmark"

rehearsal: $(VENV)/.installed-test
	@rm -rf .rehearsal
	@if $(BIN)/python -c 'import torch' 2>/dev/null; then \
		PYTHONPATH=tests/pretended_gpu/startup $(BIN)/python -m tests.gpu --out .rehearsal --tiny --device gpu --minutes 20; \
	else echo "PyTorch is not installed: nothing is rehearsed"; fi

# Times can be compared on one machine alone: each kind of processor has a folder of its own.
MACHINE = $(shell $(BIN)/python -c 'import re, os; from resnet_lab.base.hardware import processor; \
	print(re.sub(r"\W+", "-", f"{processor()} {os.cpu_count()} cores"))')
bench: $(VENV)/.installed-test
	$(BIN)/python -m pytest -m benchmark -s --benchmark-storage=file://.benchmarks/$(MACHINE) --benchmark-autosave \
		--benchmark-compare --benchmark-columns=min,median,iqr,rounds --benchmark-sort=name

lint: $(VENV)/.installed-test
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

docs: $(VENV)/bin/python
	@$(INSTALL) -e '.[docs]'
	$(BIN)/mkdocs build --strict

INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# MXNet's own metadata keeps pip from installing it beside NumPy 2, which it runs with all the same.
MXNET = if $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 12))'; then \
	echo "Python 3.12 or later: installing MXNet and Gluon-CV with --no-deps, beside NumPy 2"; \
	$(INSTALL) --no-deps mxnet gluoncv autocfg; fi
# PyTorch is installed on Python 3.10 and 3.11; elsewhere `make test TORCH=torch` asks for it, and `TORCH=` leaves it out.
# pip takes a CPU build if its indexes have one for this Python, else a build with gigabytes of CUDA packages.
TORCH ?= $(shell $(BIN)/python -c 'import sys; print("torch" * (sys.version_info < (3, 12)))' 2>/dev/null)
COMMA := ,

$(VENV)/bin/python:
	@if [ -n "$(PYTHON)" ]; then \
		"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }; \
	elif command -v uv >/dev/null 2>&1; then uv venv --quiet --seed --python 3.11 $(VENV); \
	else echo "resnet-lab needs a Python from 3.10 to 3.14, or uv, and found neither." >&2; \
		echo "Install a Python, for example with 'apt-get install python3 python3-venv', or name one: make PYTHON=/path/to/python3" >&2; \
		exit 1; fi

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@{ $(INSTALL) -e '.[mxnet]' && { $(MXNET); }; } || { \
		echo "MXNet cannot be installed here: installing PyTorch in its place" >&2; $(INSTALL) -e '.[torch]'; }
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(VENV)/bin/python
	@$(INSTALL) -e '.[mxnet,test$(if $(TORCH),$(COMMA)torch)]'
	@$(MXNET)
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV)
