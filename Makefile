# Everything is installed into .venv, which $(PYTHON) creates: Python 3.11 or newer.
# Stamp files in .venv record finished steps, so that a second run is quick.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
STAMPS := $(VENV)/stamps

RUST_SOURCES := Cargo.toml Cargo.lock $(shell find src crates -type f)

.DEFAULT_GOAL := help
.PHONY: help demo test test-older test-engines soak lint audit msrv windows format docs wheel sdist bench microbench fuzz clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STAMPS)/package ## Build, then upload examples/data to a local folder, .demo
	$(BIN)/python examples/demo.py

# Rust tests run the PostgreSQL and the S3 server of Python packages; without one for this machine,
# they are skipped.
WITH_SERVERS = export PYTHONPATH=tests/python; \
	export SUTRO_TEST_POSTGRES="$$($(BIN)/python tests/python/helpers/postgres.py)" && \
	export SUTRO_TEST_S3="$$($(BIN)/python tests/python/helpers/s3.py)" && unset PYTHONPATH &&

test: $(STAMPS)/package $(STAMPS)/test $(STAMPS)/sdk $(STAMPS)/form-data $(STAMPS)/azurite ## Run all tests: Rust, then Python
	$(WITH_SERVERS) cargo test --locked
	if $(BIN)/python -c 'import sys; sys.exit(sys.version_info >= (3, 13))'; then \
		$(MAKE) test-older; fi # these libraries have no wheels for newer versions
	$(BIN)/python -m pytest

test-older: $(STAMPS)/package $(STAMPS)/older ## Test frames with the oldest supported libraries
	PYTHONPATH=python $(VENV)/older/bin/python -m pytest tests/python/test_older_libraries.py

# Each engine in a process of its own.
ENGINES ?= dask ray spark daft daft_on_ray
test-engines: $(STAMPS)/package $(STAMPS)/engines ## Test Dask, Ray, Spark and Daft in front of a server (ENGINES="dask ray")
	for engine in $(ENGINES); do \
		echo "$$engine:" && PYTHONPATH=python $(VENV)/engines/bin/python -m pytest --quiet \
			--engine $$engine tests/engines || exit 1; done

soak: export SUTRO_SCHEDULES = 1000000
soak: export SUTRO_PROXY_RUNS = 2000
soak: export SUTRO_KILLS = 50
soak: export SUTRO_SOURCE_KILLS = 50
soak: export SUTRO_DAMAGE_RUNS = 100000
soak: export SUTRO_DAMAGE_STRIDE = 1
soak: export SUTRO_SERVICE_KILLS = 200
soak: export SUTRO_FLEET_CLIENTS = 64
soak: export SUTRO_FLEET_UPLOADS = 50
soak: export SUTRO_FLEET_KILLS = 30
soak: export SUTRO_SYSCALL_STRIDE = 1
soak: export SUTRO_POWER_CUTS = 40
soak: export SUTRO_EXITS = 1000
soak: $(STAMPS)/package $(STAMPS)/test $(STAMPS)/schemathesis ## Run the fault tests many more times
	$(WITH_SERVERS) cargo test --locked in_every_schedule
	cargo test --locked through_broken_connections
	cargo test --locked damaged_footer
	$(BIN)/python -m pytest -k kill_9 tests/python/test_client_faults.py
	$(BIN)/python -m pytest tests/python/test_source_kills.py
	$(BIN)/python -m pytest tests/python/test_service_kills.py tests/python/test_staging_kills.py \
		tests/python/test_staging_client_kills.py tests/python/test_power_cuts.py \
		tests/python/test_fleet.py tests/python/test_async_exits.py tests/python/test_openapi.py

# The bindings are linted in a separate target folder, because maturin builds pyo3 with other settings.
lint: $(STAMPS)/package $(STAMPS)/test $(STAMPS)/lint ## Check format, lints and types
	cargo fmt --check
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/python tools/generate_calls.py --check
	cargo clippy --locked --all-targets -- -D warnings
	PYO3_PYTHON=$(abspath $(BIN)/python) cargo clippy --locked --all-targets --features python \
		--target-dir target/bindings -- -D warnings
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest sutro._core
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --offline --quiet .github
	@PATH="$(abspath $(BIN)):$$PATH"; if command -v actionlint >/dev/null; then actionlint; else \
		echo "actionlint is not installed: the workflows are only checked against their schema"; fi

# Tests check licences, too: this needs minutes to compile `cargo deny`, where it is not installed.
audit: export PATH := $(abspath $(BIN)):$(PATH)
audit: $(STAMPS)/package $(STAMPS)/test $(STAMPS)/audit $(STAMPS)/cargo-deny ## Check dependencies: licences, sources, known vulnerabilities
	cargo deny --all-features check bans licenses sources
	@if cargo deny --all-features fetch db; then cargo deny --all-features check --disable-fetch advisories; \
		else echo "advisories of crates are not checked: their database cannot be fetched"; fi
	$(BIN)/python tools/audit_python.py

# The oldest Rust that Cargo.toml promises.
MSRV = $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
msrv: export PYO3_PYTHON = $(abspath $(BIN)/python)
msrv: $(STAMPS)/venv ## Compile with the oldest Rust that is supported (needs rustup)
	rustup toolchain install $(MSRV) --profile minimal --no-self-update
	cargo +$(MSRV) check --locked --all-targets --features python --target-dir target/msrv

# With zig as the C compiler, this works on every system. The tests of Windows run in CI.
windows: export PYO3_NO_PYTHON = 1
windows: $(STAMPS)/wheel ## Check that the package compiles for Windows (needs rustup)
	rustup target add x86_64-pc-windows-gnu
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/cargo-zigbuild check --locked --lib --features python \
		--target x86_64-pc-windows-gnu --target-dir target/windows

format: $(STAMPS)/lint ## Format the sources
	cargo fmt
	$(BIN)/python tools/generate_calls.py
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(STAMPS)/docs ## Build the documentation into site/; warnings are errors
	$(BIN)/zensical build --clean --strict

# Linked with zig, a wheel runs on older systems than the one that built it. WHEEL_TARGET is for
# another machine, such as aarch64-unknown-linux-gnu.
WHEEL_OPTIONS ?= $(if $(filter Linux,$(shell uname -s)),--zig --compatibility manylinux_2_17)
wheel: $(STAMPS)/wheel ## Build an optimised wheel into dist/
	$(if $(WHEEL_TARGET),rustup target add $(WHEEL_TARGET))
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/maturin build --locked --profile wheel --out dist \
		$(if $(WHEEL_TARGET),--target $(WHEEL_TARGET)) $(WHEEL_OPTIONS)
	$(BIN)/python tools/finish_wheel.py dist

sdist: $(STAMPS)/venv ## Build a source distribution into dist/
	$(BIN)/maturin sdist --out dist

BENCH_OPTIONS ?=
bench: $(STAMPS)/bench $(STAMPS)/sdk ## Compare this package with its peers: half an hour, or minutes with BENCH_OPTIONS=--quick
	cd benches && cargo build --locked --release --bin receiver
	cd benches && PYTHONPATH=../tests/python ../$(VENV)/bench/bin/python -m compare \
		--sdk-python $(abspath $(VENV))/sdk/bin/python $(BENCH_OPTIONS)

microbench: ## Benchmark the hot paths of the core with criterion (compiles for minutes)
	cd benches && cargo bench --locked

FUZZ_SECONDS ?= 60
fuzz: $(STAMPS)/cargo-fuzz ## Fuzz the footer parser, the packer and the server's requests (needs a nightly toolchain)
	cd fuzz && for target in footer file pack request; do \
		PATH="$(abspath $(BIN)):$$PATH" cargo +nightly fuzz run $$target -- \
			-max_total_time=$(FUZZ_SECONDS) || exit 1; \
	done

clean: ## Remove everything that was built
	cargo clean
	rm -rf benches/target fuzz/target $(VENV) .demo dist site .cache .mypy_cache .pytest_cache .ruff_cache python/sutro/_core*.so

$(STAMPS)/venv: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is required: make PYTHON=/path/to/python ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --group build
	@mkdir -p $(STAMPS) && touch $@

# python/ is installed in place (editable), so only changes of Rust and of the packaging need a rebuild.
$(STAMPS)/package: $(STAMPS)/venv $(RUST_SOURCES)
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --locked
	@touch $@

# The official SDK; the tests run it against the embedded server.
$(STAMPS)/sdk: $(STAMPS)/venv
	$(PYTHON) -m venv $(VENV)/sdk
	$(VENV)/sdk/bin/python -m pip install --quiet sutro==0.1.60
	@touch $@

# An example in the API's documentation uses this package. Without npm, its test is skipped.
$(STAMPS)/form-data: $(STAMPS)/venv
	if command -v npm >/dev/null; then \
		npm install --silent --no-audit --no-fund --prefix $(VENV)/node form-data@4; fi
	@touch $@

# A stand-in for Azure Blob Storage. Without npm, its tests are skipped.
$(STAMPS)/azurite: $(STAMPS)/form-data # npm changes the same folder
	if command -v npm >/dev/null; then \
		npm install --silent --no-audit --no-fund --prefix $(VENV)/node azurite@3; fi
	@touch $@

# Old frame libraries. The tests load the extension module from python/.
$(STAMPS)/older: $(STAMPS)/venv
	$(PYTHON) -m venv $(VENV)/older
	$(VENV)/older/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/older/bin/python -m pip install --quiet --group older
	@touch $@

# Engines have many dependencies.
$(STAMPS)/engines: $(STAMPS)/venv
	$(PYTHON) -m venv $(VENV)/engines
	$(VENV)/engines/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/engines/bin/python -m pip install --quiet --group engines
	@touch $@

# What `make bench` measures: the package, built as a wheel, and its peers.
$(STAMPS)/bench: $(STAMPS)/venv $(RUST_SOURCES) $(shell find python -name '*.py')
	rm -rf benches/target/wheel
	$(BIN)/maturin build --locked --profile wheel --out benches/target/wheel
	$(PYTHON) -m venv $(VENV)/bench
	$(VENV)/bench/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bench/bin/python -m pip install --quiet --group bench
	$(VENV)/bench/bin/python -m pip install --quiet --force-reinstall benches/target/wheel/*.whl
	@touch $@

# In a separate environment, because it has many dependencies that nothing else needs.
$(STAMPS)/schemathesis: $(STAMPS)/venv
	$(PYTHON) -m venv $(VENV)/schemathesis
	$(VENV)/schemathesis/bin/python -m pip install --quiet 'schemathesis>=4.32,<5'
	@touch $@

$(STAMPS)/cargo-fuzz: $(STAMPS)/venv
	cargo install --quiet --locked cargo-fuzz --root $(VENV)
	@touch $@

$(STAMPS)/cargo-deny: $(STAMPS)/venv
	command -v cargo-deny >/dev/null || cargo install --quiet --locked cargo-deny --root $(VENV)
	@touch $@

$(STAMPS)/test $(STAMPS)/lint $(STAMPS)/docs $(STAMPS)/wheel $(STAMPS)/audit: $(STAMPS)/venv
	$(BIN)/python -m pip install --quiet --group $(@F)
	@touch $@
