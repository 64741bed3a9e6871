# `make run` and `make test` need nothing but Python 3.11 to 3.14 and make; each brings what it needs into this folder.
.DEFAULT_GOAL := help
.PHONY: help run test lint bench certify chaos soak ccxt lock clean
MAKEFLAGS += --no-print-directory

VENV := .venv/bin
FIND_PYTHON := for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null \
	&& { echo $$p; break; }; done
INSTALL = @python="$${PYTHON:-$$($(FIND_PYTHON))}"; \
	[ -n "$$python" ] || { echo "CTS needs Python 3.11 to 3.14 and found none on PATH ($$(command -v python3 >/dev/null && python3 --version 2>&1 || echo no python3 at all)); install one, on Debian or Ubuntu: apt-get install python3 python3-venv" >&2; exit 1; }; \
	"$$python" -m cts.install

help: ## what can be done here
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## install what is missing, then run all of CTS on http://127.0.0.1:8000 until Ctrl-C
	$(INSTALL) base
	@exec $(VENV)/python manage.py up

test: ## the whole suite: on SQLite, what touches the database again on PostgreSQL, pages in Chromium
	$(INSTALL) dev
	@exec $(VENV)/python -m tests.run

lint: ## style, types, layers, migrations, schema, security
	$(INSTALL) dev
	@exec $(VENV)/python -m tests.lint

bench: ## the benchmarks; one of them: make bench ONLY=F4
	$(INSTALL) dev
	@exec $(VENV)/python -m benchmarks $(ONLY)

certify: ## every venue, verb, channel and fault over the wire; writes README's table
	$(INSTALL) dev
	@exec $(VENV)/python -m tests.certify

chaos: ## fault runs by seed: make chaos RUNS=1000, or one with its whole story: make chaos SEED=7
	$(INSTALL) dev
	@[ -n "$(SEED)" ] || $(VENV)/python -m pytest -q -n 4 tests/chaos
	@RUNS="$(or $(RUNS),1000)" SEED="$(SEED)" exec $(VENV)/python -m tests.chaos

soak: ## the whole product under load for MINUTES=10; draws benchmarks/soak.svg
	$(INSTALL) dev
	@exec $(VENV)/python -m tests.soak

ccxt: ## install the extra that speaks to any exchange of ccxt (see README: another exchange)
	$(INSTALL) ccxt

lock: ## renew the lock files of requirements/ (needs uv)
	@for name in base ccxt dev node; do uv pip compile requirements/$$name.in --python-version 3.11 --universal --fork-strategy fewest \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade --quiet -o requirements/$$name.txt || exit 1; done

clean: ## remove what was installed; keeps var/ with the data
	@rm -rf .venv node_modules
