# `make` lists what can be done. Python 3.11 or newer is all it needs; the rest goes into .venv.
# It is installed once, and again when requirements.lock or pyproject.toml is newer.

PYTHON ?= python3
PARAMS ?= params/*.yaml

VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.installed
SPARK := $(VENV)/.spark
COMPILE := -m uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-emit-index-url --custom-compile-command 'make lock'

# Tests run in two processes, whose arrays are small: threads of BLAS mostly wait for each other,
# and fitting a model takes five times as much of the processor.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.PHONY: help report test test-spark test-wheel fuzz soak spark bench lab notebooks messages translate \
	lock clean gone

help: ## List what can be done (default)
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

report: $(READY) ## Build the report of each shop; one alone: make report PARAMS=params/cdnow.yaml
	@$(RUN) -m ltvkit report $(PARAMS)

test: $(READY) ## Check style and types, then run all tests, docstring examples and notebooks
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(VENV)/bin/lint-imports --no-logo --cache-dir .ruff_cache/imports
	@$(RUN) -m mypy
	@$(ONE_THREAD) $(RUN) -m pytest -n 2 --dist loadscope --no-loadscope-reorder \
		--nbval-lax --nbval-current-env --ignore tests/test_wheel.py

spark: $(SPARK) ## Add what engine: spark needs, beside Java 17 or later

test-spark: $(SPARK) ## Hold all engines equal, on Spark clusters of this machine
	@LTVKIT_SPARK=1 $(ONE_THREAD) $(RUN) -m pytest -n 2 --dist loadscope tests/spark

test-wheel: $(READY) ## Install the wheel into empty environments, on Python 3.11 and 3.13
	@LTVKIT_PYTHONS="3.11 3.13" $(RUN) -m pytest -n 2 --dist load tests/test_wheel.py

fuzz: $(READY) ## Read 20,000 broken files, of which `make test` reads 2,000 (some minutes)
	@LTVKIT_FUZZ=$${LTVKIT_FUZZ:-20000} $(RUN) -m pytest -n 2 tests/ingest/test_fuzz.py

soak: $(READY) ## Kill, damage, edit and probe at random, hundreds of times (some hours)
	@PYTHONPATH=tests nice -n 15 $(RUN) -m soak

bench: $(READY) ## Measure speed, memory and intervals (some hours, an idle machine)
	@$(RUN) tests/benchmarks/bench_forecast.py
	@$(RUN) tests/benchmarks/bench_coverage.py
	@$(RUN) tests/benchmarks/bench_next_orders.py
	@$(RUN) tests/benchmarks/bench_rolling_origins.py
	@$(RUN) tests/benchmarks/bench_seasons.py
	@$(RUN) tests/benchmarks/bench_beginnings.py
	@$(RUN) tests/benchmarks/bench_register.py
	@$(RUN) tests/benchmarks/bench_hypotheses.py
	@$(RUN) tests/benchmarks/bench_power.py
	@$(RUN) tests/benchmarks/bench_traits.py
	@$(RUN) tests/benchmarks/bench_archetypes.py
	@$(RUN) tests/benchmarks/bench_offers.py
	@$(RUN) tests/benchmarks/bench_funnel.py
	@$(RUN) tests/benchmarks/bench_support.py
	@$(RUN) tests/benchmarks/bench_report.py
	@$(RUN) tests/benchmarks/bench_odd_shops.py
	@$(RUN) tests/benchmarks/bench_reading.py
	@$(RUN) tests/benchmarks/bench_scale.py

lab: $(READY) ## Open JupyterLab on the notebooks
	@$(RUN) -m jupyterlab notebooks

notebooks: $(READY) ## Run all notebooks and store their output in them
	@$(RUN) -m nbconvert --to notebook --execute --inplace \
		--ExecutePreprocessor.record_timing=False notebooks/*.ipynb notebooks/lessons/*.ipynb

messages: $(READY) ## Bring the catalogues of translations up to date with the texts of the kit
	@$(RUN) tests/stub_catalogues.py

translate: $(READY) ## Write the Japanese notebooks, notebooks/ja, with the output of a run
	@$(RUN) -m ltvkit.config.translations ja
	@$(RUN) -m nbconvert --to notebook --execute --inplace \
		--ExecutePreprocessor.record_timing=False notebooks/ja/*.ipynb notebooks/ja/lessons/*.ipynb

lock: $(READY) ## Refresh requirements.lock and requirements-spark.lock
	@$(RUN) $(COMPILE) --upgrade --output-file requirements.lock requirements.txt requirements-dev.txt
	@$(RUN) $(COMPILE) --upgrade --constraint requirements.lock \
		--output-file requirements-spark.lock requirements-spark.txt

clean: ## Remove the environment and all caches; reports stay
	rm -rf $(VENV) build *.egg-info .hypothesis .pytest_cache .ruff_cache reports/.cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# The stamp comes last, so an interrupted install is done anew, from what uv has downloaded so far.
# uv itself comes by pip, held to its hash in the lock like everything else.
$(READY): requirements.lock pyproject.toml $(shell test -x $(RUN) || echo gone)
	@$(create_venv)
	@$(RUN) -m uv pip sync --compile-bytecode --python $(RUN) --require-hashes requirements.lock
	@$(RUN) -m uv pip install --python $(RUN) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(SPARK): $(READY) requirements-spark.lock
	@$(RUN) -m uv pip install --compile-bytecode --python $(RUN) --require-hashes \
		--requirement requirements-spark.lock
	@touch $@

define create_venv
set -e; \
for python in "$(PYTHON)" python3.13 python3.12 python3.11 none; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
done; \
if [ "$$python" = none ]; then \
	echo "ltvkit needs Python 3.11 or newer; $(PYTHON) is: $$($(PYTHON) --version 2>&1)."; \
	echo "Install one, or name it: make PYTHON=/path/to/python3.12"; \
	exit 1; \
fi; \
if "$$python" -c 'import ensurepip' 2>/dev/null; then \
	without=; \
	pip="$(RUN) -m pip"; \
elif "$$python" -m pip --version >/dev/null 2>&1; then \
	without=--without-pip; \
	pip="$$python -m pip --python $(RUN)"; \
else \
	echo "$$python cannot make environments: it has neither ensurepip nor pip."; \
	echo "On Debian or Ubuntu: sudo apt install python3-venv"; \
	exit 1; \
fi; \
echo "Setting up $(VENV) with $$python, $$($$python --version)"; \
"$$python" -m venv --clear $$without $(VENV); \
awk '/^[a-z]/ {uv = /^uv==/} uv' requirements.lock > $(VENV)/uv.txt; \
$$pip install --quiet --disable-pip-version-check --require-hashes --requirement $(VENV)/uv.txt
endef
