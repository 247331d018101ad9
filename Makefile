# SPDX-License-Identifier: Apache-2.0
# Every target sets itself up: the first call creates $(VENV), builds nabi and installs what the target needs; later
# calls rebuild only what changed. Options: VENV=dir, PYTHON=python3.12, CXX=clang++, TESTS="tests/test_x.py -k name".
SHELL := /bin/bash
VENV ?= .venv
PY := $(VENV)/bin/python
BUILT := $(VENV)/.nabi-built
TESTS ?= tests
SOURCES := CMakeLists.txt pyproject.toml $(shell find cpp -type f 2>/dev/null)

.PHONY: help demo test test-all bench kernel asm format clean

help:
	@echo "make demo                              train on real images, evaluate, save plots, compare with PyTorch"
	@echo "make test                              the quick tests, a few minutes on two cores"
	@echo "make test-all                          the slow ones too"
	@echo "make bench                             time nabi against PyTorch"
	@echo "make kernel K=linear SHAPE=64x784x512  time one kernel on every instruction set, without Python"
	@echo "make asm K=linear                      show that kernel's inner loops"
	@echo "make format                            ruff and clang-format, in place"

$(BUILT): $(SOURCES)
	@.ci/setup.sh $(VENV)
	@touch $@

$(VENV)/.extra-%: pyproject.toml | $(BUILT)
	@.ci/setup.sh $(VENV) $*
	@touch $@

demo: $(BUILT) $(VENV)/.extra-demo
	$(PY) examples/demo.py

test: $(BUILT) $(VENV)/.extra-test
	$(PY) -m pytest -q -m "not slow" $(TESTS)

test-all: $(BUILT) $(VENV)/.extra-test
	$(PY) -m pytest -q $(TESTS)

bench: $(BUILT)
	$(PY) -m nabi.bench $(ARGS)

# The build that pip made; CMake gives it the extra program.
BUILD = $(shell dirname $$(ls -t build/*/CMakeCache.txt | head -n 1))
kernel: $(BUILT)
	@test -n "$(K)" -a -n "$(SHAPE)" || { echo "usage: make kernel K=linear SHAPE=64x784x512 [DTYPE=f64] [THREADS=1]"; exit 2; }
	@$(VENV)/bin/cmake --build $(BUILD) --target kernel > build/kernel.log 2>&1 || { cat build/kernel.log; exit 1; }
	@$(BUILD)/kernel $(K) $(SHAPE) $(or $(DTYPE),f32) $(THREADS)

asm: $(BUILT)
	@$(PY) bench/asm.py "$(K)" $(SET)

format: $(VENV)/.extra-dev
	$(PY) -m ruff check --fix . ; $(PY) -m ruff format .
	$(VENV)/bin/clang-format -i $$(find cpp -name '*.cpp' -o -name '*.h')

clean:
	rm -rf $(VENV) build .ci/work
