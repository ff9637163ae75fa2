# make demo [FILE=data.h5ad] · make test · make test-slow · make bench · make bench-models · make lint · make sample · make gallery · make docs
.PHONY: setup test test-slow bench bench-models demo docs gallery lint sample clean
VENV ?= .venv
export VENV
PY = $(VENV)/bin/python
RUN = $(PY) .ci/display.py

setup:
	@bash .ci/setup test

test: setup
	OMP_NUM_THREADS=1 $(RUN) $(PY) -m pytest -q -n 2 --dist loadfile

test-slow: setup
	OMP_NUM_THREADS=1 $(RUN) $(PY) -m pytest -q -m "slow and not bench" -o timeout=1800

bench: setup
	$(RUN) --software $(PY) -m tests.benchmarks

bench-models: setup
	$(RUN) $(PY) -m tests.benchmarks --models

demo:
	@bash .ci/setup qt,spatial
	$(RUN) $(PY) -m glasscell demo $(if $(FILE),"$(FILE)",) $(if $(SCREENSHOTS),--screenshots "$(SCREENSHOTS)",)

gallery: setup
	$(RUN) --software $(PY) docs/make_gallery.py

docs: setup
	$(PY) docs/make_site.py

lint: setup
	$(PY) -m ruff check . && $(PY) -m ruff format --check . && $(PY) -m mypy && $(VENV)/bin/lint-imports

sample: setup
	$(PY) sample_data/make_sample.py && $(PY) sample_data/make_sets.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist
