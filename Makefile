# Everything happens in virtual environments inside the clone; `make` alone tells what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The first of these that runs. Python 3.9 to 3.11 get the add-ons line of TensorFlow, others the current one.
PYTHON ?= $(shell for p in python3.11 python3.10 python3.9 python3; do $$p -c "import venv" 2>/dev/null && echo $$p && break; done)
PYTEST_FLAGS ?=
# Three processes keep two cores busy, since some tests wait; each file's tests in one of them, since what they share is
# made once a file. They take the files in the order of tests/conftest.py.
PYTEST := -m pytest --numprocesses=3 --dist=loadfile --no-loadscope-reorder
QUICK := $(addprefix tests/,flags metrics place pose study transfer video test_compat.py test_files.py \
    evaluate/test_pairs.py evaluate/test_report.py train/test_losses.py \
    $(patsubst %,models/test_%.py,attention composition fusion part_choice warp))
DEMO_FLAGS ?=
START := $(shell date +%s)

LINE := $(shell $(PYTHON) -c "import sys; print('addons' if (3, 9) <= sys.version_info < (3, 12) else 'current')")
BIN := .venv/bin
# A stamp per environment and line: it is made anew when the requirements change, and only then.
ENV := .venv/installed-$(LINE)
ENV_CURRENT := .venv-current/installed-current
FOR_TESTS := ,serving,test
# What the demo needs, in the same place: the whole environment where that is there, else the package alone.
ENV_DEMO := $(or $(wildcard $(ENV)),.venv/runs-$(LINE))

.PHONY: help env demo quick test test-current lint clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r name text; do
	    printf '  make %-14s %s\n' "$$name" "$$text"
	done

env: $(ENV) ## installs the package and its tests' needs into .venv

$(ENV): setup.py pyproject.toml
	@$(call install,$(LINE),$(FOR_TESTS))

.venv/runs-$(LINE): setup.py pyproject.toml
	@$(call install,$(LINE))

$(ENV_CURRENT): setup.py pyproject.toml
	@$(call install,current,$(FOR_TESTS))

# Makes the environment that a stamp lies in, of a line of TensorFlow and further extras.
define install
echo "Installing stmt_tf with the $(1) line of TensorFlow into $(@D) (a few minutes; it takes about 3 GB)"
$(PYTHON) -m venv --clear $(@D)
$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --editable ".[$(1)$(2)]"
$(@D)/bin/python -m pip check --disable-pip-version-check
touch $@
endef

demo: $(ENV_DEMO) ## makes out/demo.mp4 and out/demo.png from the two sample videos
	@mkdir -p out
	$(BIN)/python -m stmt_tf.assets fetch pose_landmarker > /dev/null
	$(BIN)/python -m stmt_tf.transfer --source=samples/source.mp4 --target=samples/target.mp4 \
	    --layout=side_by_side --output=out/demo.mp4 --sheet=out/demo.png $(DEMO_FLAGS)
	echo "Source, target and result side by side: $(CURDIR)/out/demo.mp4"
	echo "The contact sheet:                      $(CURDIR)/out/demo.png"
	echo "It took $$(($$(date +%s) - $(START))) seconds, with what had to be installed."

quick: $(ENV) ## runs the tests of two minutes: those of single functions, without trainings and whole commands
	@$(BIN)/python $(PYTEST) -m "not slow and not browser" $(QUICK) $(PYTEST_FLAGS)

test: $(ENV) ## runs the tests in .venv
	@$(BIN)/python $(PYTEST) $(PYTEST_FLAGS)

test-current: $(ENV_CURRENT) ## runs the tests on the current line of TensorFlow, in .venv-current
	@.venv-current/bin/python $(PYTEST) $(PYTEST_FLAGS)

lint: $(ENV) ## checks style
	@$(BIN)/ruff check .

clean: ## removes what was made here: environments, results, caches (fetched assets stay)
	@rm -rf .venv .venv-current out build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
