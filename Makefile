# Everything a newcomer or a script calls. `make` alone prints the list.
# PYTHON=… chooses a Python (3.11 to 3.14); without it one that was built with a profile is preferred (deploy/pythons.py).
# Ports: `.venv/bin/python -m stack --help`.

PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	if $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; then echo $$p; exit; fi; done; echo python3)
PY := .venv/bin/python
SECONDS ?= 1800
RATE ?= 100
SEED ?= 1
# Tests of one file stay together; each process has a PostgreSQL and a Kafka of its own. Chaos fills a core and more for
# minutes: what begins beside it is light. Beside e2e, which has the whole stack and listens for delays, runs nothing.
PARALLEL = $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder
SERVICES := $(addprefix tests/integration/,intake triage mediation followup)
CHECKED := schemas/src services/chassis/src services/intake-svc/src services/triage-svc/src \
	services/mediation-svc/src services/followup-svc/src deploy/src tests

.PHONY: help venv run up down test check bench chaos faults fuzz feed ledger contracts clean

help:           ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## */  make \1|/' | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

venv:
	@$(PYTHON) deploy/bootstrap.py $(if $(filter file,$(origin PYTHON)),--best)

run: venv       ## start everything, show sample calls travelling, print `ready`, serve until Ctrl-C
	@exec $(PY) -m stack run

up: venv        ## the same in the background, without samples; returns when everything is ready
	@exec $(PY) -m stack up

down: venv      ## stop it; returns when everything is gone
	@exec $(PY) -m stack down

test: venv      ## every test, on a real PostgreSQL and a real Kafka of its own
	@failed=0; $(PARALLEL) tests/chaos tests/unit tests/contract $(SERVICES) tests/integration/chassis \
		tests/integration/stack tests/fuzz || failed=$$?; \
	$(PY) -m pytest tests/e2e || failed=$$?; exit $$failed

check: venv     ## format, lint, strict types, import contracts, drift of contracts, unit tests
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy $(CHECKED)
	.venv/bin/lint-imports
	$(PY) -m referral_schemas check
	$(PARALLEL) tests/unit tests/contract

bench: venv     ## measure, beside the floor: BENCH_ONLY=B1,B2 QUICK=1; PUBLISH=1 writes READMEs and plots
	@PYTHONPATH=tests BENCH_ONLY='$(BENCH_ONLY)' QUICK='$(QUICK)' PUBLISH='$(PUBLISH)' exec $(PY) -m bench

chaos: venv     ## kill and wipe everything under load, then check: SECONDS=1800 RATE=100 SEED=1
	@CHAOS_SECONDS=$(SECONDS) CHAOS_RATE=$(RATE) CHAOS_SEED=$(SEED) exec $(PY) -m pytest tests/chaos

faults: venv    ## the faults that need minutes: ten without PostgreSQL, 100,000 events past a service that is off, one with Kafka stopped
	@FAULTS_AWAY_SECONDS=600 FAULTS_OFF_EVENTS=100000 CHAOS_HANG_SECONDS=60 exec $(PY) -m pytest \
		tests/integration/chassis/test_fault_*.py tests/chaos/test_chaos.py

fuzz: venv      ## hostile requests, records and clients: 100,000 inputs, SEED=1; what fails is kept in .local/fuzz
	@rm -rf .local/fuzz; FUZZ_SEED=$(SEED) FUZZ_INPUTS=100000 FUZZ_EXAMPLES=30 $(PY) -m pytest tests/fuzz \
		$(foreach service,intake triage mediation followup,tests/integration/$(service)/test_openapi_fuzzed.py) \
		tests/e2e/test_with_hostile_clients.py; code=$$?; $(PY) tests/fuzz/reported.py; exit $$code

feed: venv      ## post the calls of FILE=….jsonl to the running stack
	@test -n '$(FILE)' || { echo 'make feed FILE=calls.jsonl' >&2; exit 2; }
	@exec $(PY) -m stack feed '$(FILE)'

ledger: venv    ## is every accepted call accounted for? QUIET=1: and is nothing under way?
	@exec $(PY) -m stack ledger $(if $(QUIET),--quiet)

contracts: venv ## generate JSON Schema, AsyncAPI, OpenAPI and the board of metrics anew from code
	$(PY) -m referral_schemas generate
	@mkdir -p schemas/openapi .local
	@set -e; for service in intake triage mediation followup; do $(PY) -m $${service}_svc openapi > .local/openapi.json; \
		mv .local/openapi.json schemas/openapi/$$service.json; done
	$(PY) -m chassis.metrics_board > deploy/monitoring/board.json
	$(PY) -m chassis.metrics_page > docs/metrics.md

clean:          ## stop the stack and remove its data, logs and secrets; ALL=1: also .venv and fetched jars
	@if [ -x $(PY) ]; then $(PY) -m stack down; fi
	@rm -rf .local/data .local/log .local/run .local/secrets .local/test .local/stack.json .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@if [ -n '$(ALL)' ]; then rm -rf .venv .local; fi
