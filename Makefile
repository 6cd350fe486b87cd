# make run · make test · make check · make bench · make docs: each sets itself up. make torch: PyTorch for jobs.
# PYTHON: any Python 3.11 or later with venv. Everything is installed in .venv, from locked and hashed versions.
PYTHON ?= python3
SERVE ?= 1
# SLURM=1: on two real Slurm clusters on this machine, with data of its own.
SLURM ?= 0
WHERE := $(if $(filter 1,$(SLURM)),FABRIEK_FOLDER=$(or $(FABRIEK_FOLDER),var/slurm))
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: run test check bench faults slurm docs torch assets lock messages clean

run: .venv/runtime
	@$(WHERE) $(BIN)/fabriek demo $(if $(filter 0,$(SERVE)),--no-serve,--serve) $(if $(filter 1,$(SLURM)),--slurm)

test: check
	@$(BIN)/python tests/needs.py
	@$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder --durations=40 --durations-min=5

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint src/fabriek/portal/templates --lint --quiet
	$(BIN)/python manage.py makemigrations --check --dry-run
	@site=$$(mktemp -d) && NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir "$$site" && rm -rf "$$site"

bench: .venv/dev
	@for question in benchmarks/[a-z]*.py; do echo "== $$question"; $(BIN)/python $$question || exit 1; done

# Kills, cuts and steps everything at every boundary of a job's life, on real Slurm: an hour. FOR=600: as many seconds of it.
faults: .venv/dev
	$(BIN)/python -m tests.slurm.faults $(if $(FOR),--seconds $(FOR)) $(if $(PART),--part $(PART))

# The tests on real Slurm on another release of Debian, as root with debootstrap: trixie has Slurm 24.11, sid 26.05.
RELEASE ?= trixie
slurm:
	bash tests/slurm/on_release.sh $(RELEASE)

docs: .venv/dev
	$(BIN)/mkdocs build --strict --site-dir site

# PyTorch for the jobs of the embedded engine, in a virtual environment of its own under the user's cache (1 GB): it is no
# dependency of the platform. A GPU site installs its own, see docs/reference/recipes.md.
TORCH_FOLDER ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/fabriek/torch
TORCH ?= torch==2.13.0
torch: .venv/bin/python
	@test -x "$(TORCH_FOLDER)/bin/python" || $(BIN)/python -m venv "$(TORCH_FOLDER)"
	@"$(TORCH_FOLDER)/bin/python" -m pip install --quiet "$(TORCH)"
	@"$(TORCH_FOLDER)/bin/python" -W ignore -c 'import torch; print("PyTorch", torch.__version__, "for jobs")'

# For developers of the pages: rebuilds what src/fabriek/portal/static/portal holds (needs Node 20 and npm).
assets:
	cd assets && npm ci --no-audit --no-fund && npm run build

# For developers: a new lock after a change of pyproject.toml. The files name no registry.
lock: .venv/dev
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q \
		pyproject.toml --group build -o locks/runtime.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q \
		pyproject.toml --group build --group dev -c locks/runtime.txt -o locks/dev.txt

# For developers: collects the texts to translate, and compiles the translations.
messages: .venv/dev
	cd src/fabriek && FABRIEK_FOLDER=../../var ../../$(BIN)/python ../../manage.py makemessages -l nl --no-obsolete --no-wrap --no-location
	$(BIN)/pybabel compile --use-fuzzy -D django -d src/fabriek/portal/locale

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Fabriek needs Python 3.11 or later. Say which: make PYTHON=/usr/bin/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
		|| { echo "Python's venv is missing. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/runtime: locks/runtime.txt pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --require-hashes -r locks/runtime.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: locks/dev.txt pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --require-hashes -r locks/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@ .venv/runtime

clean:
	rm -rf .venv var site build
