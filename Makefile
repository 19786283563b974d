# Everything a user or a developer types. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Compiled modules are kept, also where the environment forbids it: workers and programs under test start much faster.
export PYTHONDONTWRITEBYTECODE :=
INSTALLED := $(VENV)/.installed

.PHONY: help install demo collected test test-long test-seeds seeded-bugs mutation chaos-day instrument-day fuzz-decode random-streams fuzz-files fuzz-terminal fuzz-pixels lint bench bench-quick bench-parts burst-curve bursts pictures screenshots clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED)  ## a virtual environment in .venv with the tested versions

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[web,hdf5,archive,dev]'
	@$(BIN)/python -m compileall -q sunspec_tui
	@touch $@

# Where standard output is no terminal the monitor runs headless; then it ends by itself.
DEMO ?= sun
demo: install  ## the live monitor on an embedded producer with a simulated Sun; DEMO=flare replays a recorded flare
	@if [ -t 0 ] && [ -t 1 ]; then exec $(BIN)/sunspec-tui --demo $(DEMO); \
	else exec $(BIN)/sunspec-tui --demo $(DEMO) --no-ui --duration 20 --status-interval 4; fi

collected: install  ## compile all tests once, so that no worker of a first run has to
	@$(BIN)/python -m pytest --collect-only --quiet --snapshot-warn-unused >/dev/null

# Many tests wait for processes and deadlines: four workers keep two cores busy.
test: install  ## all tests, the long ones in a short form
	$(BIN)/python -m pytest -n 4 --dist worksteal $(ARGS)

test-long: install  ## all tests, each in its long form: more cases, more steps, longer days
	LONG_TESTS=1 $(BIN)/python -m pytest -n 4 --dist worksteal $(ARGS)

SEEDS ?= $(shell seq 1 10)
test-seeds: install  ## run the property tests with other and more random cases: SEEDS="1 2 3" (ten seeds by default)
	@failed=; for seed in $(SEEDS); do echo "seed $$seed"; \
	LONG_TESTS=1 $(BIN)/python -m pytest -q -n 2 --dist worksteal -m hypothesis --hypothesis-seed=$$seed $(ARGS) || failed="$$failed $$seed"; \
	done; if [ -n "$$failed" ]; then echo "failed with the seeds$$failed"; exit 1; fi

seeded-bugs: install  ## plant known bugs one at a time and check that the tests find each
	$(BIN)/python tests/seeded_bugs/run.py $(ARGS)

mutation: install  ## count the small code changes that the tests find; continues from mutation/results.json
	LONG_TESTS=1 $(BIN)/python mutation/run.py $(ARGS)

FRAMES ?= 345600
chaos-day: install  ## play a day of frames with many faults and account for each frame: FRAMES=345600, ten minutes
	$(BIN)/python tests/long/chaos_day.py --frames $(FRAMES) $(ARGS)

HOURS ?= 24
instrument-day: install  ## play hours of the simulated Sun through the checks; none may raise an alarm: HOURS=24 SEED=0
	$(BIN)/python tests/long/instrument_day.py --hours $(HOURS) --seed $(SEED)

STEPS ?= 100000
SEED ?= 0
FIRST ?= 0
fuzz-decode: install  ## decode mutated messages: CASES=10000000 SEED=0, from case FIRST=0
	$(BIN)/python tests/long/fuzz_decode.py --cases $(or $(CASES),10000000) --seed $(SEED) --first $(FIRST)

random-streams: install  ## send random streams to every reader: STEPS=100000 SEED=0
	$(BIN)/python tests/long/random_streams.py --steps $(STEPS) --seed $(SEED)

fuzz-files: install  ## read corrupt files of every format: CASES=20000 SEED=0; each HDF5 file needs a process
	$(BIN)/python tests/long/mutated_files.py --cases $(or $(CASES),20000) --seed $(SEED) $(ARGS)

fuzz-terminal: install  ## send random bytes, sizes and keys to monitors on a pseudo-terminal: SECONDS=300 SEED=0
	$(BIN)/python tests/long/fuzz_terminal.py --seconds $(or $(SECONDS),300) --seed $(SEED)

fuzz-pixels: install  ## change keys, sizes and streams of monitors in pixels at random: SECONDS=300 SEED=0
	$(BIN)/python tests/long/fuzz_pixels.py --seconds $(or $(SECONDS),300) --seed $(SEED)

lint: install  ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

AGAINST ?= fddcabe
bench: install  ## the figures of docs/performance.md beside those of another revision: AGAINST=fddcabe, half an hour
	@$(BIN)/python -m compileall -q sunspec_tui
	$(BIN)/python bench/compare.py $(AGAINST) $(ARGS)

bench-quick: install  ## the figures that take seconds, beside those of another revision: AGAINST=fddcabe
	$(BIN)/python bench/compare.py $(AGAINST) --quick $(ARGS)

bench-parts: install  ## figures of this tree alone: the screen on slow links, files, viewers of the page
	@$(BIN)/python -m compileall -q sunspec_tui
	$(BIN)/python bench/run.py

HOURS_OF_BURSTS ?= 24
burst-curve: install  ## recall and false alarms of the burst detector on the simulated Sun: HOURS_OF_BURSTS=24, ten minutes
	$(BIN)/python bench/burst_curve.py --hours $(HOURS_OF_BURSTS) $(ARGS)

bursts: install  ## find bursts on the labelled files and print hits, misses, wrong types and false alarms
	@$(BIN)/python bench/burst_labels.py $(ARGS)

pictures: install  ## the pictures of README and docs, which show the recorded flare of the package
	$(BIN)/python bench/pictures.py $(ARGS)

screenshots: install  ## the pictures of docs/terminals in real terminals; needs xvfb, kitty, xterm, xdotool, tmux
	$(BIN)/python bench/screenshots.py $(ARGS)

clean:  ## remove what make has made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
