# Three commands, each complete on a bare machine with Python >= 3.10 and a package index:
#   make demo   sets up .venv, segments photographs without training, then trains and tests a
#               few-shot model on drawn data; SUPPORT=folder QUERIES=folder: photographs of yours
#   make test   the same set-up plus mmcv's compiled ops (needs a C++ compiler), style, tests
#   make docs   sets up .venv without torch, then builds these documents into site/
# STACK=openmmlab after demo or test: OpenMMLab's host packages instead, in .venv-openmmlab.
# What is done is remembered in $(VENV)/.stamps, so that a second call starts at once.

SHELL := bash
PYTHON ?= python3
STACK ?= onedl

VENV_onedl := .venv
PINS_onedl := requirements/constraints.txt
MMCV_onedl := onedl-mmcv
VENV_openmmlab := .venv-openmmlab
PINS_openmmlab := requirements/constraints-openmmlab.txt
MMCV_openmmlab := mmcv
$(if $(PINS_$(STACK)),,$(error STACK=$(STACK) is unknown; there are onedl and openmmlab))
VENV ?= $(VENV_$(STACK))

PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
PINS := $(PINS_$(STACK))
HOSTS := requirements/$(STACK).txt
STAMPS := $(VENV)/.stamps

NETWORK := check the connection to the package index and the message above; then call make again
FRESH := rm -rf $(VENV) and call make again

# $(call step,title,command,what to do if it fails)
define step
@echo "==> $(1)"
@$(2) || { echo; echo "FAILED: $(1)"; echo "What to do: $(3)"; exit 1; }
endef

# MASK_SUFFIX=.json: files of LabelMe beside the images of SUPPORT.
OWN_PHOTOS := $(if $(SUPPORT),--support "$(SUPPORT)") $(if $(QUERIES),--queries "$(QUERIES)") \
	$(if $(MASK_SUFFIX),--mask-suffix "$(MASK_SUFFIX)")

.PHONY: demo test docs ops style help
.NOTPARALLEL:
.DELETE_ON_ERROR:

help:
	@sed -n '2,7s/^# //p' Makefile

# OpenMMLab's mmseg cannot be imported without mmcv's ops.
demo: $(STAMPS)/package $(if $(filter openmmlab,$(STACK)),$(STAMPS)/ops)
	$(call step,Demo,$(PY) tools/demo.py $(OWN_PHOTOS),read the message above; $(PY) tools/check_env.py shows the state of the environment)

test: $(STAMPS)/compiler style $(STAMPS)/ops
	$(call step,Tests,OMP_NUM_THREADS=1 $(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile,repeat one test with $(PY) -m pytest PATH::NAME; $(PY) tools/check_env.py shows the state of the environment)

docs: $(STAMPS)/docs-tools
	$(call step,Documents,$(PY) -m mkdocs build --strict,mend the links that the warnings above name)
	@echo "Open site/index.html"

style: $(STAMPS)/test-tools
	$(call step,Style: ruff check,$(PY) -m ruff check .,$(PY) -m ruff check --fix . mends most of it)
	$(call step,Style: ruff format,$(PY) -m ruff format --check .,$(PY) -m ruff format .)
	$(call step,Style: codespell,$(VENV)/bin/codespell,mend the words or add them to ignore-words-list in pyproject.toml)
	$(if $(filter onedl,$(STACK)),$(call step,Style: mypy,$(PY) -m mypy,mend the annotations that the lines above name))

ops: $(STAMPS)/ops

$(STAMPS)/venv:
	@command -v $(PYTHON) > /dev/null || { echo "$(PYTHON) not found. What to do: make PYTHON=/path/to/python3 ..."; exit 1; }
	@$(PYTHON) tools/setup/preflight.py python $(VENV) $(STACK)
	$(call step,Virtual environment $(VENV),$(PYTHON) -m venv $(VENV),$(FRESH))
	@mkdir -p $(STAMPS) && touch $@

# Ahead of everything slow, and only until the ops are there.
$(STAMPS)/compiler: | $(STAMPS)/venv
	@$(PY) tools/setup/preflight.py compiler
	@touch $@

$(STAMPS)/torch: $(PINS) | $(STAMPS)/venv
	$(call step,PyTorch (a download of about 3 GB with its CUDA libraries),$(PIP) install -c $(PINS) torch torchvision setuptools wheel,$(NETWORK))
	@touch $@

# Built in pip's isolated environment, without torch, mmcv comes without compiled ops in seconds.
# The pins hold there too (an old mmcv needs an old setuptools); how to say so depends on pip.
# Nothing is kept in pip's cache, where it would pass for the compiled one; an mmcv of the right
# version that is already there, compiled or not, stays.
$(STAMPS)/hosts: $(PINS) $(HOSTS) $(STAMPS)/torch
	$(call step,MMCV without compiled ops,PIP_CONSTRAINT=$(PINS) PIP_BUILD_CONSTRAINT=$(PINS) $(PIP) install --use-pep517 --no-cache-dir --no-deps $(MMCV_$(STACK)),$(NETWORK))
	$(call step,MMEngine and MMDetection and MMSegmentation,$(PIP) install -c $(PINS) -r $(HOSTS),$(NETWORK))
	@touch $@

$(STAMPS)/package: setup.py pyproject.toml requirements/runtime.txt requirements/photos.txt $(STAMPS)/hosts
	$(call step,This package (editable) and what photographs need,$(PIP) install -q -c $(PINS) --no-build-isolation -e '.[photos]',$(NETWORK))
	@touch $@

$(STAMPS)/test-tools: requirements/test.txt $(STAMPS)/package
	$(call step,Tools for tests,$(PIP) install -q -c $(PINS) -r requirements/test.txt ninja,$(NETWORK))
	@touch $@

$(STAMPS)/docs-tools: requirements/docs.txt | $(STAMPS)/venv
	$(call step,Tools for documents,$(PIP) install -q -c $(PINS) -r requirements/docs.txt,$(NETWORK))
	@touch $@

$(STAMPS)/ops: $(STAMPS)/compiler $(STAMPS)/test-tools
	$(call step,MMCV with compiled ops,$(PY) tools/setup/compile_ops.py,read the message above; $(PY) tools/check_env.py names the known traps)
	@touch $@
