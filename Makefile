# Every target but the plain `make` may be run on a machine that has nothing but make, bash and Python.
.DEFAULT_GOAL := help
.NOTPARALLEL:
SHELL := /bin/bash
# a root shell made by a plain `su` lacks them
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin
# tests start cc-ci dozens of times, which is twice as fast when it is compiled once
unexport PYTHONDONTWRITEBYTECODE

bin := .venv/bin
step := @scripts/step
IMAGES ?= standin

.PHONY: help setup demo test test-heavy test-engines format unit integration check mutants lock down clean

help: ## list all targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: ## install what is missing: system packages, uv, the locked Python packages
	$(step) "set-up" scripts/setup

demo: setup ## start a private node and run all stages of custom-html
	$(step) "private node" $(bin)/cc-ci node up
	$(step) "stand-in images" $(bin)/cc-ci images build
	$(step) "run" $(bin)/cc-ci run custom-html

test: setup check unit integration ## everything that CI runs

check: setup
	$(step) "format" $(bin)/ruff format --check .
	$(step) "lint" $(bin)/ruff check .
	$(step) "types" $(bin)/mypy
	$(step) "layers" $(bin)/lint-imports
	$(step) "dependencies" $(bin)/deptry src

unit: setup ## the tests that need no Docker
	$(step) "unit tests" $(bin)/pytest tests/unit -n auto

integration: setup ## the tests on a real private node
	$(step) "integration tests" $(bin)/pytest tests/integration -m "not heavy" -n 4 --dist loadfile --no-loadscope-reorder

test-heavy: setup ## all stages of the heavy recipes, an hour and more; IMAGES=hub: on the real images
	$(step) "heavy tests" env CC_CI_HEAVY=1 CC_CI_IMAGES=$(IMAGES) $(bin)/pytest tests/integration -m heavy -n 2 --maxschedchunk 1
	$(step) "contracts of all stand-ins" env CC_CI_HEAVY=1 $(bin)/pytest tests/integration/test_images.py

test-engines: setup ## tests that depend on the engine, on the machine's own and on Debian trixie's and forky's
	scripts/test-engines $(or $(ENGINES),system trixie forky)

mutants: setup ## report small changes of the core that no unit test notices (never fails); ONLY='cc_ci.pipeline.planner*' limits it
	$(step) "mutants" scripts/mutants $(ONLY)

format: setup ## format the code, and fix what the linter can fix
	$(step) "format" $(bin)/ruff format .
	$(step) "mend" $(bin)/ruff check --fix .

lock: setup ## compile pyproject.toml into requirements/*.txt, with hashes and without host names
	$(step) "lock" scripts/lock

down: ## stop the private node; images and results stay
	$(step) "node down" $(bin)/cc-ci node down

clean: ## remove what was built in this checkout
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build src/*.egg-info
