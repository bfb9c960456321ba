# The two commands: `make run` and `make test`. The rest is for developers.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python

.PHONY: help run test check format bench dev-restart samples clean

help:
	@echo "make run             the whole demonstration: simulated providers, backend, traffic, dashboard"
	@echo "make run LOG=path    the dashboard over your own log (several: LOG='a.log b.log')"
	@echo "make test            set up and run all tests, the browser's included"
	@echo "make check           format, lint, types, import contracts"
	@echo "make bench           measure, as ratios of one run"
	@echo "make dev-restart     restart the backend"
	@echo "make samples         write sample_logs/ anew"

# One stamp per set of extras; a change of pyproject.toml installs again.
$(VENV)/run.stamp: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) --version 2>&1); set PYTHON=..."; exit 2; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) \
		|| { echo "cannot create $(VENV): on Debian and Ubuntu, apt install python3-venv"; exit 2; }
	@echo "installing into $(VENV) (about a minute, once) ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check -e '.[service,dashboard]'
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp
	@$(PY) -m pip install --quiet --disable-pip-version-check -e '.[service,dashboard,dev]'
	@touch $@

run: $(VENV)/run.stamp
ifdef LOG
	@exec $(PY) -m dashboard run $(foreach path,$(LOG),--log $(path))
else
	@exec $(PY) -m resilience demo
endif

test: $(VENV)/dev.stamp
	@$(PY) -m tests.browser.chromium
	@$(PY) -m tests.promtool
	$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: $(VENV)/dev.stamp
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/dev.stamp
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

bench: $(VENV)/dev.stamp
	$(PY) -m tests.bench

dev-restart: $(VENV)/run.stamp
	@$(PY) -m resilience restart

samples: $(VENV)/run.stamp
	$(PY) -m resilience.simulator.samples

clean:
	rm -rf $(VENV) .run build dist *.egg-info
