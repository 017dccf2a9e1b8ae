# Everything is installed into .venv, which is made with $(PYTHON): Python 3.11 or newer.
# Stamp files in .venv say what is done, so that a second run is quick.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps

RUST_SOURCES := Cargo.toml Cargo.lock $(shell find src -type f)

.DEFAULT_GOAL := help
.PHONY: help demo test test-older soak lint format docs wheel bench microbench fuzz clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STAMPS)/package ## Build, then upload examples/data into a local folder, .demo
	$(BIN)/python examples/demo.py

test: $(STAMPS)/package $(STAMPS)/test $(STAMPS)/sdk $(STAMPS)/form-data ## Run all tests: Rust, then Python
	cargo test --locked
	if $(BIN)/python -c 'import sys; sys.exit(sys.version_info >= (3, 13))'; then \
		$(MAKE) test-older; fi # these libraries have no wheels for later ones
	$(BIN)/python -m pytest

test-older: $(STAMPS)/package $(STAMPS)/older ## Test frames with the oldest libraries that are supported
	PYTHONPATH=python $(VENV)/older/bin/python -m pytest tests/python/test_older_libraries.py

soak: export SUTRO_SCHEDULES = 1000000
soak: export SUTRO_PROXY_RUNS = 2000
soak: export SUTRO_KILLS = 50
soak: export SUTRO_SERVICE_KILLS = 200
soak: export SUTRO_SYSCALL_STRIDE = 1
soak: export SUTRO_POWER_CUTS = 40
soak: export SUTRO_EXITS = 1000
soak: $(STAMPS)/package $(STAMPS)/test $(STAMPS)/schemathesis ## Run the tests of faults many more times
	cargo test --locked in_every_schedule
	cargo test --locked through_broken_connections
	$(BIN)/python -m pytest -k kill_9 tests/python/test_client_faults.py
	$(BIN)/python -m pytest tests/python/test_service_kills.py tests/python/test_power_cuts.py \
		tests/python/test_async_exits.py tests/python/test_openapi.py

# The bindings are linted in a folder of their own: maturin builds pyo3 in its own way.
lint: $(STAMPS)/package $(STAMPS)/test $(STAMPS)/lint ## Check format, lints and types
	cargo fmt --check
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	cargo clippy --locked --all-targets -- -D warnings
	PYO3_PYTHON=$(abspath $(BIN)/python) cargo clippy --locked --all-targets --features python \
		--target-dir target/bindings -- -D warnings
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest sutro._core

format: $(STAMPS)/lint ## Format the sources
	cargo fmt
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# What it says of the tool's own future is no fault of a page.
docs: export NO_MKDOCS_2_WARNING = 1
docs: $(STAMPS)/docs ## Build the documentation into site/; a warning is an error
	$(BIN)/mkdocs build --quiet --strict

wheel: $(STAMPS)/venv ## Build an optimised wheel into dist/
	$(BIN)/maturin build --locked --profile wheel --out dist

BENCH_OPTIONS ?=
bench: $(STAMPS)/bench $(STAMPS)/sdk ## Measure this package beside its peers, half an hour; BENCH_OPTIONS=--quick: minutes
	cd benches && cargo build --locked --release --bin receiver
	cd benches && ../$(VENV)/bench/bin/python -m compare \
		--sdk-python $(abspath $(VENV))/sdk/bin/python $(BENCH_OPTIONS)

microbench: ## Measure the hot pieces of the core with criterion (compiles for minutes)
	cd benches && cargo bench --locked

FUZZ_SECONDS ?= 60
fuzz: $(STAMPS)/cargo-fuzz ## Fuzz the footer's path and the service's requests for a while (needs a nightly toolchain)
	cd fuzz && for target in footer file request; do \
		PATH="$(abspath $(BIN)):$$PATH" cargo +nightly fuzz run $$target -- \
			-max_total_time=$(FUZZ_SECONDS) || exit 1; \
	done

clean: ## Remove all that was built
	cargo clean
	rm -rf benches/target fuzz/target $(VENV) .demo dist site .mypy_cache .pytest_cache .ruff_cache python/sutro/_core*.so

$(STAMPS)/venv: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --group build
	@mkdir -p $(STAMPS) && touch $@

# The sources in python/ are used where they are: only Rust and the packaging call for this.
$(STAMPS)/package: $(STAMPS)/venv $(RUST_SOURCES)
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --locked
	@touch $@

# The service's own SDK, against which the embedded service is tested.
$(STAMPS)/sdk: $(STAMPS)/venv
	$(PYTHON) -m venv $(VENV)/sdk
	$(VENV)/sdk/bin/python -m pip install --quiet sutro==0.1.60
	@touch $@

# A package that an example of the API's documentation uses. Without npm its test is skipped.
$(STAMPS)/form-data: $(STAMPS)/venv
	if command -v npm >/dev/null; then \
		npm install --silent --no-audit --no-fund --prefix $(VENV)/node form-data@4; fi
	@touch $@

# Frames come out of these libraries: the extension is used where it is.
$(STAMPS)/older: $(STAMPS)/venv
	$(PYTHON) -m venv $(VENV)/older
	$(VENV)/older/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/older/bin/python -m pip install --quiet --group older
	@touch $@

# What `make bench` measures: the package as a wheel has it, next to its peers.
$(STAMPS)/bench: $(STAMPS)/venv $(RUST_SOURCES) $(shell find python -name '*.py')
	rm -rf benches/target/wheel
	$(BIN)/maturin build --locked --profile wheel --out benches/target/wheel
	$(PYTHON) -m venv $(VENV)/bench
	$(VENV)/bench/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bench/bin/python -m pip install --quiet --group bench
	$(VENV)/bench/bin/python -m pip install --quiet --force-reinstall benches/target/wheel/*.whl
	@touch $@

# In an environment of its own: it needs much that nothing else does.
$(STAMPS)/schemathesis: $(STAMPS)/venv
	$(PYTHON) -m venv $(VENV)/schemathesis
	$(VENV)/schemathesis/bin/python -m pip install --quiet 'schemathesis>=4.32,<5'
	@touch $@

$(STAMPS)/cargo-fuzz: $(STAMPS)/venv
	cargo install --quiet --locked cargo-fuzz --root $(VENV)
	@touch $@

$(STAMPS)/test $(STAMPS)/lint $(STAMPS)/docs: $(STAMPS)/venv
	$(BIN)/python -m pip install --quiet --group $(@F)
	@touch $@
