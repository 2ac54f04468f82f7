#!/bin/sh
# Installs the named Debian packages without asking anything. Called as root by the other scripts.
set -eu
export DEBIAN_FRONTEND=noninteractive
# Package lists may be absent (a container image) or stale; refresh them only when the first try fails.
apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 </dev/null || {
    apt-get update -qq </dev/null
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null </dev/null
}
