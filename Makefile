# make demo    the whole story on video it makes itself; report in demo/index.html
# make test    lint, types, layers, tests
# make test-fast   the tests that take little
# make bench   speed on this machine, and verdicts on the KTH walkers
# make experiment NAME=... ARGS=...   one of experiments/README.md
# make fuzz    hostile files, command lines and kills, for FUZZ_SECONDS (600) from SEED (0)
# make lint    what `make test` checks before the tests
# Each makes .venv when it is missing or out of date; a second run installs nothing.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
LOCK := pyproject.toml constraints.txt

# Two tests at a time, one thread each: more threads than cores is slower for everybody. Whatever the
# environment says, what is compiled is kept: else every process that a test starts compiles it anew.
WORKERS ?= 2
TEST_ENV := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

# What tests write is thrown away: in memory, where 4 GB of it are free and programs in it may run, no
# commit of a database waits for a disk. Elsewhere: make test TMPDIR=/var/tmp
ifndef TMPDIR
TEST_ENV += $(shell grep -qs ' /dev/shm .*noexec' /proc/mounts || \
  df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4000000 {print "TMPDIR=/dev/shm"}')
endif

# How long `make fuzz` goes on, and where its changes begin: the same seed tries the same again.
FUZZ_SECONDS ?= 600
SEED ?= 0

# Recordings of real people, which are not part of the repository.
DATA ?= ../shared/data

.PHONY: help demo test test-fast bench experiment fuzz lint clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

demo: $(VENV)/.installed-demo
	$(BIN)/gaitproof demo --out demo

test: lint
	$(TEST_ENV) $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-fast: $(VENV)/.installed-dev
	$(TEST_ENV) $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -p no:schemathesis -m 'not slow'

bench: $(VENV)/.installed-dev
	@mkdir -p build
	$(BIN)/gaitproof bench $(addprefix --against ,$(wildcard docs/results/bench.json)) -o build/bench.json
	$(BIN)/gaitproof bench pose
	$(BIN)/gaitproof bench face-scan
	@if [ -d "$(DATA)/kth" ]; then \
	  $(BIN)/python -m experiments kth "$(DATA)/kth"; \
	else \
	  echo "KTH walkers left out: no folder $(DATA)/kth (name another with make bench DATA=...)."; \
	fi

fuzz: $(VENV)/.installed-dev
	$(TEST_ENV) PYTHONPATH=.:tests/helpers $(BIN)/python -m fuzz \
	  --seed $(SEED) --seconds $(FUZZ_SECONDS) --inputs 1000000 --lines 1000000 --kills 1000000

experiment: $(VENV)/.installed-dev
	$(BIN)/python -m experiments $(NAME) $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) demo build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(BIN)/python:
	@for python in "$${PYTHON:-}" python3.11 python3.12 python3; do \
	  if [ -n "$$python" ] && "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null; then \
	    if "$$python" -m venv --clear $(VENV) >/dev/null 2>&1; then exit 0; fi; \
	    rm -rf $(VENV); \
	    echo "$$python cannot make a virtual environment; install its venv module (Debian: sudo apt-get install python3-venv) and run make again." >&2; \
	    exit 1; \
	  fi; \
	done; \
	echo "gaitproof needs Python 3.11 or 3.12 and found neither; install one (Debian: sudo apt-get install python3.11 python3.11-venv) or name it: make PYTHON=/path/to/python3.11" >&2; \
	exit 1

# OpenCV's usual build needs libGL and glib, even without a window. Where they are missing, its build
# without windows, of the same version, takes its place: the numbers are the same.
define opencv_that_loads
@$(BIN)/python -c 'import cv2' 2>/dev/null || { \
  echo "libGL or glib is missing: using OpenCV's build without windows."; \
  $(PIP) --no-deps opencv-contrib-python-headless; }
endef

# A stamp is written only after a complete install, so an interrupted one is done again.
$(VENV)/.installed-demo: $(LOCK) | $(BIN)/python
	@echo "Installing gaitproof and what the demo needs into $(VENV) ..."
	@$(PIP) -e '.[synth]'
	$(opencv_that_loads)
	@touch $@

$(VENV)/.installed-dev: $(LOCK) | $(BIN)/python
	@echo "Installing gaitproof and what tests and training need into $(VENV) ..."
	@$(PIP) -e '.[dev]'
	$(opencv_that_loads)
	@touch $(VENV)/.installed-demo $@
