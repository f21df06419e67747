# Everything a developer or an operator types; `make help` lists it.

PYTHON ?= python3
VENV := .venv
DOCS_VENV := .venv-docs
BIN := $(VENV)/bin
SOURCES := $(wildcard filewallball filewallball_client harness tests benchmarks migrations setup.py wsgi.py gunicorn.conf.py)
TYPED := $(filter-out migrations,$(SOURCES))
# Even where Python is told to write no bytecode: each test process would compile every test anew, for 4 s.
export PYTHONDONTWRITEBYTECODE :=
# Installing must not depend on a newer pip being announced, nor on an answer from the keyboard.
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet install
# Two processes more than cores, for tests wait for servers a third of the time; more than four would only start more
# databases.
PARALLEL := --numprocesses $(shell expr $$(nproc) + 2) --maxprocesses 4 --dist worksteal
PIP_COMPILE := CUSTOM_COMPILE_COMMAND="make requirements" ../$(BIN)/pip-compile --quiet --generate-hashes \
	--allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
PEERS := benchmarks/peers/copyparty benchmarks/peers/seaweedfs

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help setup run demo test test-unit test-integration soak bench lint type format reference render docs pictures requirements packages clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.development ## create .venv with everything that running, testing and linting need

run: $(VENV)/.production ## migrate and serve (BIND, PORT, DATA_DIR, WEB_CONCURRENCY, ADMIN_TOKEN)
	@exec $(BIN)/filewallball serve

demo: $(VENV)/.test packages ## show the service with MariaDB, Redis, nginx and Prometheus, with traffic for a minute
	@$(BIN)/python -m harness.demo

test: announce $(VENV)/.test $(VENV)/.node $(DOCS_VENV)/.ready packages ## run the whole suite
	$(BIN)/pytest $(PARALLEL)

# Goes before `test` installs anything, for .NOTPARALLEL makes what it needs in order.
.PHONY: announce
announce:
	@echo "Installs what is missing: Python packages in $(VENV) and $(DOCS_VENV), Node packages in $(VENV)/node, and Debian packages"
	@echo "with apt-get (harness/servers/packages.txt). That takes some minutes once; the tests take 15 to 20 minutes on 2 cores."

test-unit: $(VENV)/.test ## run the tests that need no server
	$(BIN)/pytest $(PARALLEL) -m "not server"

test-integration: $(VENV)/.test $(VENV)/.node $(DOCS_VENV)/.ready packages ## run the tests that talk to real servers
	$(BIN)/pytest $(PARALLEL) -m server

soak: $(VENV)/.test $(VENV)/.node packages ## run the campaigns at full length
	$(BIN)/pytest -m soak --soak

bench: $(VENV)/.test packages ## print the figures that the documentation quotes
	@harness/servers/install-packages benchmarks/packages.txt
	@for file in $$(grep -l __main__ benchmarks/*.py) benchmarks/peers; do echo "== $$file"; \
		$(BIN)/python -m benchmarks.$$(basename $$file .py) || exit 1; done

lint: $(VENV)/.development ## check rules, formatting, imports and types
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/mypy $(TYPED)

type: $(VENV)/.development ## check types
	$(BIN)/mypy $(TYPED)

format: $(VENV)/.development ## sort imports and format
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

reference: $(VENV)/.production ## write the tables of docs/reference/ anew
	@DATA_DIR=$$(mktemp -d) $(BIN)/filewallball reference $(wildcard docs/reference/*.md docs/ko/reference/*.md)
	@cp docs/runbook.md filewallball/alerts/static/runbook.md

render: $(VENV)/.production ## write the default configurations in ops/ anew
	@env -i PATH="$$PATH" $(BIN)/filewallball ops render

docs: $(DOCS_VENV)/.ready ## build the documentation into site/, for reading offline
	@NO_MKDOCS_2_WARNING=1 $(DOCS_VENV)/bin/mkdocs build --quiet --strict
	@echo "Open site/index.html"

pictures: $(VENV)/.test packages ## take the pictures of the console in docs/images/ anew
	@fc-list :lang=ko | grep -q . || { echo "A font for Korean is needed: apt-get install fonts-inter fonts-nanum" >&2; exit 1; }
	@$(BIN)/python -m harness.pictures docs/images

requirements: $(VENV)/.development ## pin what every *.in names again, with hashes
	cd requirements && for name in production test development; do $(PIP_COMPILE) --output-file=$$name.txt client.in $$name.in || exit 1; done
	cd requirements && $(PIP_COMPILE) --output-file=docs.txt docs.in
	cd requirements && for name in $(PEERS); do $(PIP_COMPILE) --output-file=../$$name.txt ../$$name.in || exit 1; done

packages: ## install the Debian packages that the tests start servers from, if missing
	@harness/servers/install-packages harness/servers/packages.txt

clean: ## remove .venv and caches; keeps data
	rm -rf $(VENV) $(DOCS_VENV) site *.egg-info build .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/.created:
	@$(PYTHON) -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "FileWallBall needs Python 3.11 or newer with venv (Debian: apt-get install python3 python3-venv); PYTHON=... chooses another one." >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(DOCS_VENV)/.ready: requirements/docs.txt
	$(PYTHON) -m venv --clear $(DOCS_VENV)
	$(DOCS_VENV)/bin/python -m pip --disable-pip-version-check --no-input --quiet install --require-hashes -r $<
	@touch $@

$(VENV)/.production: requirements/production.txt requirements/client.in setup.cfg pyproject.toml | $(VENV)/.created
	$(PIP) --require-hashes -r $<
	PYTHONWARNINGS=ignore $(PIP) --no-deps --no-build-isolation --no-index --editable .
	$(BIN)/python -m compileall -q filewallball filewallball_client wsgi.py
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.production
	$(PIP) --require-hashes -r $<
	@touch $@

$(VENV)/.node: harness/node/package-lock.json $(VENV)/.created | packages
	mkdir -p $(VENV)/node && cp harness/node/package.json harness/node/package-lock.json $(VENV)/node/
	cd $(VENV)/node && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

$(VENV)/.development: requirements/development.txt $(VENV)/.production
	$(PIP) --require-hashes -r $<
	@touch $@
