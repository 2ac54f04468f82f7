# `make` lists the targets. Every target does its own set-up; nothing but Python 3.11 or later and a package index is needed.
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/sh
# Which Python makes .venv, when it shall not be the first one that is new enough
PYTHON ?=
BIN := .venv/bin
READY := .venv/setup-done
GENERATORS := $(wildcard scripts/generate/*.py)
# The namespaces that install.yaml serves
WORKSPACES ?=
# How many processes share the folders of tests; 0 is none but pytest itself, and shows output at once
PROCESSES ?= 2
# More arguments for pytest or for the script behind a target: make test ARGS="-k rotation"
ARGS ?=

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z.-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(READY) ## Make .venv with the pinned tools and this project in it

$(READY): requirements/dev.txt requirements/uv.txt pyproject.toml scripts/setup.sh
	@PYTHON='$(PYTHON)' sh scripts/setup.sh

.PHONY: check
check: check-format check-lint check-types check-layers check-generated check-unit ## Lint, types, layers, generated files, unit and contract tests (a few minutes)

.PHONY: check-format check-lint check-types check-layers check-generated check-unit
check-format: $(READY)
	@$(BIN)/ruff format --check --quiet .

check-lint: $(READY)
	@$(BIN)/ruff check --quiet .

check-types: $(READY)
	@$(BIN)/mypy

check-layers: $(READY)
	@$(BIN)/lint-imports --no-logo

check-generated: $(READY)
	@set -e; for script in $(GENERATORS); do $(BIN)/python "$$script" --check; done

check-unit: $(READY) debian-packages
	@$(BIN)/pytest tests/unit tests/contract $(ARGS)

.PHONY: test
test: $(READY) debian-packages control-plane ## Everything, on a real Kubernetes control plane (the first run builds it)
	@$(BIN)/pytest tests --numprocesses=$(PROCESSES) $(ARGS)

.PHONY: control-plane
control-plane: $(READY)
	@PYTHONPATH=tests $(BIN)/python -m controlplane build >/dev/null

.PHONY: campaign
campaign: $(READY) debian-packages ## The long and the strictest tests: trouble on the wire, false greens, 20,000 random steps
	@$(BIN)/pytest tests -m campaign $(ARGS)

.PHONY: faults
faults: $(READY) debian-packages ## Plans of faults, judged at every revision; ARGS="--plan ID" repeats one, "--seed N --count N" a campaign
	@PYTHONPATH=tests $(BIN)/python -m faults $(ARGS)

.PHONY: fuzz
fuzz: $(READY) ## Feed changed and made-up input to everything that reads any: ARGS="--seconds 60 --target envelope --seed 7"
	@PYTHONPATH=tests $(BIN)/python -m fuzz $(ARGS)

.PHONY: bench
bench: $(READY) debian-packages ## Measure all that docs/performance tells, beside the floor of a bare writer (1.5 hours; ARGS="--small" to try)
	@PYTHONPATH=tests $(BIN)/python tests/bench/run.py $(ARGS)

.PHONY: bench-cli bench-failover bench-failover-node bench-installation bench-neighbours bench-targets
bench-cli: $(READY) debian-packages ## Measure: sshcred --help, and sshcred list of 5,000 credentials
	@PYTHONPATH=tests $(BIN)/python tests/bench/cli.py $(ARGS)

bench-failover: $(READY) debian-packages ## Measure: how long work waits when the leader is killed, frozen, cut off, stopped
	@PYTHONPATH=tests $(BIN)/python tests/bench/failover.py $(ARGS)

bench-installation: $(READY) debian-packages ## Measure: helm install on a node, image, start of a pod, memory
	@PYTHONPATH=scripts:tests $(BIN)/python tests/bench/installation.py $(ARGS)

bench-failover-node: $(READY) debian-packages ## Measure: the same with pods on a node, and the longest wait in an upgrade (root on Linux)
	@PYTHONPATH=scripts:tests $(BIN)/python tests/bench/failover_node.py $(ARGS)

bench-neighbours: $(READY) debian-packages ## Measure: one workspace beside another that is full of costly keys
	@PYTHONPATH=tests $(BIN)/python tests/bench/neighbours.py $(ARGS)

bench-targets: $(READY) debian-packages ## Measure: 500 SSHTargets tried at 50 real sshds: time, visits at once, memory, requests
	@PYTHONPATH=tests $(BIN)/python tests/bench/targets.py $(ARGS)

.PHONY: soak
soak: $(READY) debian-packages ## 30 minutes of 5 creates, rotations or deletions per second: is memory flat, does nothing drift?
	@PYTHONPATH=tests $(BIN)/python tests/bench/soak.py $(ARGS)

.PHONY: demo demo-down
demo: $(READY) debian-packages ## Show the product on a control plane of its own; KEEP=1 leaves it running
	@PYTHONPATH=scripts:tests $(BIN)/python -m demo $(ARGS)

demo-down: $(READY) ## End what KEEP=1 make demo left running
	@PYTHONPATH=scripts:tests $(BIN)/python -m demo --down $(ARGS)

.PHONY: cluster cluster-down
cluster: $(READY) debian-packages ## Start a control plane and print its KUBECONFIG line
	@PYTHONPATH=tests $(BIN)/python -m controlplane up $(ARGS)

cluster-down: $(READY) ## End that control plane
	@PYTHONPATH=tests $(BIN)/python -m controlplane down $(ARGS)

.PHONY: node node-load node-down
node: $(READY) debian-packages ## Start a node with containers (root on Linux) and print its KUBECONFIG line
	@PYTHONPATH=tests $(BIN)/python -m node up $(ARGS)

node-load: $(READY) ## Give that node an image: make node-load ARCHIVE=dist/image.tar
	@PYTHONPATH=tests $(BIN)/python -m node load $(ARCHIVE) $(ARGS)

node-down: $(READY) ## End that node
	@PYTHONPATH=tests $(BIN)/python -m node down $(ARGS)

# Which image to build from (or `debian`), what to call the result, a file to write it to, docker, podman or buildah
BASE ?=
IMAGE ?=
ARCHIVE ?=
SOURCE ?=
ENGINE ?=
# 1 adds what a root key in a KMS takes
KMS ?=

.PHONY: image
image: $(READY) ## Build the container image; ARCHIVE=dist/image.tar also writes it to a file
	@PYTHONPATH=scripts $(BIN)/python -m image --base '$(BASE)' --name '$(IMAGE)' --archive '$(ARCHIVE)' --source '$(SOURCE)' --engine '$(ENGINE)' --kms '$(KMS)'

.PHONY: generate
generate: $(READY) ## Write the generated files (no other target does)
	@set -e; for script in $(GENERATORS); do $(BIN)/python "$$script"; done

.PHONY: install.yaml
install.yaml: $(READY) ## Render dist/install.yaml for kubectl and kustomize; WORKSPACES="a b" names namespaces, else it is all
	@PYTHONPATH=tests $(BIN)/python scripts/install_yaml.py $(WORKSPACES)

.PHONY: format
format: $(READY) ## Format the code and mend what ruff can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: lock
lock: $(READY) ## Resolve requirements/*.txt from pyproject.toml; UPGRADE=1 moves the pins
	@UPGRADE='$(UPGRADE)' sh scripts/lock.sh

.PHONY: debian-packages
debian-packages:
	@sh scripts/debian-packages.sh

.PHONY: clean
clean: ## Remove .venv, caches and build results
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist
	find operator tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
