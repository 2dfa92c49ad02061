# Pm: "make run" starts the product, "make test" tests it, "make help" lists the rest.
# A machine with Debian, Python 3.11, make and git is enough; what is missing is installed (root or sudo).

# Debian's own Python where it is whole: it was compiled with a profile (PGO), which pyenv's usually was not.
ifndef PYTHON
PYTHON := $(shell /usr/bin/python3.11 -c 'import ensurepip, os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")' \
	2>/dev/null && echo /usr/bin/python3.11 || echo python3.11)
endif
VENV := .venv
BIN := $(VENV)/bin
# Commands find the virtual environment's programs first, and Debian's nginx.
export PATH := $(CURDIR)/$(BIN):$(PATH):/usr/sbin
export PYTHON
# Checks and tests see the defaults, not what this machine's .env says.
test check chaos test-stacks test-postgres: export PM_ENV_FILE = /dev/null
PIP_INSTALL = $(BIN)/python -m pip install --quiet --use-pep517 --disable-pip-version-check --constraint requirements/lock.txt
UV_COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url \
	--no-emit-find-links --no-annotate --upgrade
# pip keeps what it compiled; a uwsgi that it compiled for another Python 3.11 would bring that one's libpython along.
UWSGI_IS_OURS = test "$$($(BIN)/uwsgi --python-version)" = "$$($(BIN)/python -c 'import platform; print(platform.python_version())')"
RUNTIME = requirements/stack.txt requirements/gateway.txt requirements/model.txt

.DEFAULT_GOAL := help
.PHONY: help run stop upgrade status logs test chaos test-stacks test-postgres check format messages bench bench-peers load lock clean setup setup-dev setup-bench

help: ## list what make can do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

run: setup ## install what is missing, start everything, post a sample picture, print the URLs
	@$(BIN)/python -m server.stack up

stop: ## finish what is in flight and stop everything
	@test -x $(BIN)/python || { echo "Pm was never started here."; exit 0; } && $(BIN)/python -m server.stack down

upgrade: setup ## after git pull: make what runs be what lies here, without a pause
	@$(BIN)/python -m server.stack reload

status: ## say what runs
	@test -x $(BIN)/python || { echo "Pm was never started here: run make run."; exit 1; } && $(BIN)/python -m server.stack status

logs: ## follow every log (Ctrl-C ends it)
	@ls log/*.log >/dev/null 2>&1 || { echo "Pm was never started here: run make run."; exit 1; } && tail -n 20 -F log/*.log

# The tests that start stacks often wait: all else runs beside them. What they say comes when that is through.
test: setup-dev ## set up and run every check and test
	@mkdir -p .pytest_cache; log=.pytest_cache/stacks.log; \
	$(MAKE) --no-print-directory --jobs 2 --output-sync=line --keep-going test-stacks test-postgres >$$log 2>&1 & stacks=$$!; \
	$(MAKE) --no-print-directory check; checks=$$?; \
	$(BIN)/python -m pytest --ignore tests/e2e; rest=$$?; \
	echo "-- Waiting for the tests that start stacks, or PostgreSQL ($$log)"; \
	wait $$stacks; stacks=$$?; cat $$log; test $$checks = 0 || echo "-- make check failed: see above"; \
	exit $$((checks + rest + stacks))

test-stacks: setup-dev ## run the tests that start Pm as a whole, two at a time
	@$(BIN)/python -m pytest tests/e2e -n 2 --dist loadfile

chaos: setup-dev ## the long tests: a random killer for minutes, swaps by the dozen (PM_CHAOS_S=180)
	@PM_LONG=1 $(BIN)/python -m pytest -s tests/e2e/test_chaos.py tests/e2e/test_hosts.py tests/e2e/test_swaps.py \
		tests/e2e/test_rollout.py

test-postgres: setup-dev ## run the tests that use a database on a throw-away PostgreSQL
	@tests/with_postgres.sh $(BIN)/python -m pytest -m "django_db or e2e" tests/api tests/Pm tests/server tests/e2e/test_postgres.py

check: setup-dev ## lint, types, import rules, Django's own checks
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports --no-logo
	@PUBLIC_HTTPS=true $(BIN)/python manage.py check --deploy --fail-level WARNING
	@$(BIN)/python manage.py makemigrations --check --dry-run

format: setup-dev ## format the code
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format .

messages: setup-dev ## compile the admin's Chinese texts after a change of django.po or djangojs.po
	@$(BIN)/python -c "import polib, sys; [polib.pofile(f'{name}.po').save_as_mofile(f'{name}.mo') for name in sys.argv[1:]]" \
		Pm/locale/zh_Hans/LC_MESSAGES/django Pm/locale/zh_Hans/LC_MESSAGES/djangojs

bench: setup-bench ## measure Pm beside the documented stack: table, JSON, plot (ARGS="--long")
	@$(BIN)/python -m benchmarks $(ARGS)

bench-peers: setup-bench ## measure Pm beside the usual model servers (ARGS="litserve mosec")
	@$(BIN)/python -m benchmarks.peers $(ARGS)

load: setup-dev ## let Locust load Pm with photos of all sizes (ARGS="--users 16 --seconds 60")
	@$(BIN)/python -m benchmarks.load $(ARGS)

lock: setup-dev ## pin every package that the requirements bring along
	@$(UV_COMPILE) requirements.txt requirements/dev.txt --output-file requirements/lock.txt
	@for each in requirements/bench-*.txt; do $(UV_COMPILE) $$each --output-file $${each%.txt}.lock; done

clean: stop ## remove the virtual environment (var/ and log/ stay)
	rm -rf $(VENV)

setup: $(VENV)/.runtime

setup-dev: $(VENV)/.dev

setup-bench: setup-dev
	@conf/apt.sh bench

$(VENV)/.made:
	@conf/apt.sh run
	@echo "-- Making the virtual environment"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.runtime: $(VENV)/.made $(RUNTIME) requirements/lock.txt
	@conf/apt.sh run
	@echo "-- Installing the pinned packages (the first time: a minute or two)"
	@$(PIP_INSTALL) $(addprefix --requirement ,$(RUNTIME))
	@$(UWSGI_IS_OURS) || $(PIP_INSTALL) --no-cache-dir --force-reinstall --no-deps uwsgi
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements.txt requirements/training.txt requirements/dev.txt
	@conf/apt.sh test
	@echo "-- Installing the test and training packages (the first time: a few minutes, torch is 5 GB)"
	@$(PIP_INSTALL) --no-compile --requirement requirements.txt --requirement requirements/dev.txt # most of it is never imported
	@touch $@
