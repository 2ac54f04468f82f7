#!/bin/sh
# Writes requirements/*.txt: every distribution pinned with its hashes. Called by `make lock`; UPGRADE=1 moves the pins.
# Without UPGRADE existing pins stay, and only what pyproject.toml asks for is added or removed.
set -eu
cd "$(dirname "$0")/.."
upgrade=${UPGRADE:+--upgrade}

compile() { # compile OUTPUT, then the inputs
    output=$1
    shift
    # No header (it would quote the command), no annotations (they double the noise of a diff), never an index address.
    sh scripts/uv.sh pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --no-emit-index-url --no-emit-find-links ${upgrade:+"$upgrade"} --output-file "$output" "$@"
}

compile requirements/dev.txt --group dev --extra kms pyproject.toml
# What is in both files has the same version: the tests run what the image ships.
upgrade=
compile requirements/operator.txt --constraints requirements/dev.txt pyproject.toml
compile requirements/operator-kms.txt --constraints requirements/dev.txt --extra kms pyproject.toml
echo uv | compile requirements/uv.txt --constraints requirements/dev.txt -
printf '%s\n' hatchling cyclonedx-python-lib | compile requirements/build.txt --constraints requirements/dev.txt -
