# make demo and make test set up everything they need in .venv; neither asks for anything else to be done before.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := $(CURDIR)/.cache/bin

.PHONY: demo quick test everything stress unit lint format types imports wheel screenshots snapshots sentences benchmarks clean programs

demo: $(VENV)/.installed
	@$(BIN)/regtui demo

# While working: lint, types, imports, and the unit tests of what differs from the branch `main`.
quick: $(VENV)/.developing lint types imports
	@tests=$$(sh .ci/changed-tests main); [ -z "$$tests" ] || $(BIN)/python -m pytest -q -n auto --dist loadfile $$tests

# Four processes read all tests: images of Python's own set this, and each would translate them anew every time.
unexport PYTHONDONTWRITEBYTECODE

# The tests, against real servers; of those that run alike with podman and with the Docker Engine, or with each version
# of a registry, each with one of them (tests/support/alike.py). A program that is missing fails them: nothing is
# skipped in silence. Twice as many at once as there are processors: tests wait for servers and containers most of the
# time. In the order of their files, which has the long ones first: those with servers.
test: $(VENV)/.developing programs
	REGTUI_REQUIRE_SERVERS=1 $(BIN)/python -m pytest -n $$(( $$(nproc) * 2 )) --dist loadfile --no-loadscope-reorder

# All of them, in each way: before a release, and after a change of how regtui uses containers.
everything: $(VENV)/.developing programs
	REGTUI_ALL_TESTS=1 REGTUI_REQUIRE_SERVERS=1 $(BIN)/python -m pytest -n $$(( $$(nproc) * 2 )) --dist loadfile --no-loadscope-reorder

# All tests, eight at once on each processor: none may depend on how fast this machine is.
stress: $(VENV)/.developing programs
	REGTUI_ALL_TESTS=1 REGTUI_REQUIRE_SERVERS=1 $(BIN)/python -m pytest -n $$(( $$(nproc) * 8 )) --dist loadfile --no-loadscope-reorder

# Only those that need no server.
unit: $(VENV)/.developing
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not integration"

lint: $(VENV)/.developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.developing
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.developing
	$(BIN)/mypy

imports: $(VENV)/.developing
	$(BIN)/lint-imports

wheel: $(VENV)/.developing
	rm -rf dist
	$(BIN)/python -m build --wheel

screenshots: $(VENV)/.developing
	$(BIN)/python -m screenshots.make

# After a change of the screens: look at the report before committing what this writes.
snapshots: $(VENV)/.developing
	$(BIN)/python -m pytest tests/snapshots --snapshot-update

# What users may read, a line a sentence, with its place in the code.
sentences: $(VENV)/.developing
	@$(BIN)/python .ci/sentences.py

# Side by side with what it is measured against; see docs/benchmarks.md. Takes minutes.
benchmarks: $(VENV)/.developing programs
	$(BIN)/python -m benchmarks

programs: $(VENV)/.developing
	@sh .ci/programs $(BIN)/python $(TOOLS)

clean:
	rm -rf $(VENV) .cache dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.installed: pyproject.toml
	@sh .ci/python $(PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.developing: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $@
