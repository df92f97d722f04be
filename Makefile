# Tidings. `make` alone lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
READY := .venv/.ready
VENDOR := src/tidings/console/static/vendor/.ready
NODE_READY := node_modules/.ready
OFFICIAL := tests/consumer/official/$(NODE_READY)
TYPESCRIPT := tests/openapi/generated/typescript/$(NODE_READY)
TESTS ?= tests
# What asks the store, of the suites that run on PostgreSQL too; with TIDINGS_TESTS_STORE all of
# tests/e2e do, and leave out what is of the embedded store.
ON_POSTGRES := tests/store/conformance tests/store/moving tests/e2e/delivery tests/e2e/events $(wildcard tests/e2e/test_*.py)
# What tries more cases in the deep run, and there all that it tries without. Where that run follows
# (DEEP_FOLLOWS, as in continuous integration), `make test` leaves these files to it.
DEEP_FILES = $(shell grep -rl --include='*.py' '^from tests.depth import' tests)
DEEP_FOLLOWS ?=
# The order of sets is that of every run: a seed of the simulation repeats what it has shown.
export PYTHONHASHSEED ?= 0

# The parts of test-systems: with `make -k` one that fails does not keep the next from running.
SYSTEMS := systems-deep systems-many systems-waiting systems-alone systems-postgres systems-mutants
# The parts of check, the longest first: two are looked at at a time.
CHECKS := check-types check-style check-names check-imports check-bounds

.PHONY: help setup run demo check fix test test-systems mutants bench profile docs golden models wheel \
  systems-ready $(SYSTEMS) $(CHECKS)

help:  ## List the targets
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

setup: $(READY) $(VENDOR) $(OFFICIAL) $(TYPESCRIPT)  ## Install everything into .venv; nothing to do where it is current

# The stamp is as new as the lock; the editable install needs no network (hatchling is in the lock).
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python must be 3.11 or newer; got $$($(PYTHON) -V). Name one: make PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
	  { echo "The venv module must be there. On Debian: apt-get install python3-venv" >&2; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip sync --python $(BIN)/python --quiet --compile-bytecode --require-hashes requirements.lock
	@$(BIN)/uv pip install --python $(BIN)/python --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENDOR): src/tidings/console/browser/package-lock.json | $(READY)
	@$(BIN)/python scripts/console_assets

$(OFFICIAL) $(TYPESCRIPT): %/$(NODE_READY): %/package-lock.json | $(READY)
	@$(BIN)/python scripts/node_packages $*

run: setup  ## Start the service alone, for development: http://127.0.0.1:8080
	@exec $(BIN)/tidings serve --dev

demo: setup  ## Show the main job: events in, three webhooks told, one of them failing for a while
	@exec $(BIN)/tidings demo

check: setup  ## Lint, format, types, words, subjects, dependency rule, bounds of the wiring and of folders
	@$(MAKE) --jobs 2 --output-sync=target $(CHECKS)

check-style: setup
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || { echo "Some files are not formatted: make fix" >&2; exit 1; }

check-types: setup
	@$(BIN)/mypy --strict --no-error-summary src tests bench tools

check-names: setup
	@$(BIN)/python scripts/words.py
	@$(BIN)/python scripts/subjects.py

check-imports: setup
	@report=$$($(BIN)/lint-imports --no-logo) || { echo "$$report"; exit 1; }

check-bounds: setup
	@report=$$($(BIN)/pytest -q tests/docs/test_wiring.py tests/docs/test_contributing.py) || { echo "$$report"; exit 1; }

fix: setup  ## Mend what lint and format can mend by themselves
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format --quiet

test: setup  ## All tests that Python packages can serve, without root
	@$(BIN)/pytest -n 6 --dist worksteal $(if $(DEEP_FOLLOWS),$(DEEP_FILES:%=--ignore=%)) $(TESTS) # on two cores: tests wait for a good part of their time

test-systems: $(SYSTEMS)  ## Tests that need programs of the system; as root it installs them

systems-ready: setup
	@scripts/systems

systems-deep: systems-ready
	@TIDINGS_DEPTH=deep $(BIN)/pytest -n 2 $(DEEP_FILES)

systems-many: systems-ready  # they wait for a part of their time
	@TIDINGS_TESTS_FRESH=1 $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder -m "systems and not (waiting or alone)" $(TESTS)

systems-waiting: systems-ready  # a third of a core each
	@TIDINGS_TESTS_FRESH=1 $(BIN)/pytest -n 4 --dist worksteal -m "systems and waiting" $(TESTS)

systems-alone: systems-ready
	@TIDINGS_TESTS_FRESH=1 $(BIN)/pytest -m "systems and alone" $(TESTS)

systems-postgres: systems-ready
	@TIDINGS_TESTS_STORE=postgres $(BIN)/pytest -n 2 --dist worksteal $(ON_POSTGRES)

systems-mutants: systems-ready  # 27 were seen, a busy machine finds fewer; `make mutants` asks for 28
	@$(BIN)/python -m tests.mutants 1 --least 20

mutants: setup  ## Bugs made on purpose, drawn by three seeds, each run against the tests near it
	@$(BIN)/python -m tests.mutants

bench: setup  ## Throughput in all forms against the yardstick, every run closed by a ledger
	@$(BIN)/python -m bench throughput

profile: setup  ## The time of the main process and of the writer, by phases of the way of an event
	@$(BIN)/python -m bench profile --seconds 10

wheel: setup  ## Build the wheels into dist/: the service with its console, what brands and platforms import
	@$(BIN)/uv build --quiet --wheel --no-build-isolation --out-dir dist
	@$(BIN)/uv build --quiet --wheel --no-build-isolation --out-dir dist consumer
	@$(BIN)/uv build --quiet --wheel --no-build-isolation --out-dir dist producer

models: setup  ## Make the typed models of events, and take new optional fields into the promise
	@$(BIN)/python -m tools.event_models src/tidings_consumer/events
	@$(BIN)/python -m tools.event_shapes tests/catalogue/shapes.json

docs: setup  ## Make the pages that are made from the code, and of all a site with search in dist/site
	@$(BIN)/python -m tools.event_pages docs/events
	@$(BIN)/python -m tools.settings_page > docs/settings.md
	@$(BIN)/python -m tests.openapi.record src/tidings/api/openapi/examples.json
	@$(BIN)/python -m tools.api_promise tests/openapi/promise.json
	@$(BIN)/python -m tools.cli_page docs/cli.md src/tidings/cli/help/help.txt
	@$(BIN)/python -m tests.docs.errors.error_codes docs/contract/errors.md
	@$(BIN)/python -m tools.resources_page docs/contract/resources.md
	@$(BIN)/python -m tests.docs.tree CONTRIBUTING.md
	@$(BIN)/python -m tests.docs.connections.connection_tables docs/connections.md
	@$(BIN)/python -m tests.docs.signature_schemes docs/contract/delivery.md
	@$(BIN)/python -m tools.metrics_page docs/running.md
	@$(BIN)/python -m tools.alert_files deploy docs/running.md
	@$(BIN)/python -m tools.site dist/site

golden: setup  ## Write anew the lists of what must not change unasked (tests/golden)
	@$(BIN)/python -m tests.golden.lists
