#!/bin/sh
# Makes .venv with the pinned tools and this project in it. Called by `make setup`; safe to run again at any time.
# Needs only Python 3.11 or later and a package index; TLS and index settings come from the machine (PIP_*, UV_*, SSL_CERT_FILE).
set -eu
cd "$(dirname "$0")/.."
venv=.venv
stamp=$venv/setup-done

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }
new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    # Whoever names one gets that one or an answer.
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3}; do
        if command -v "$candidate" >/dev/null && new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "no Python 3.11 or later on this machine; install one, or name it: make setup PYTHON=/path/to/python3"
}

# Debian keeps ensurepip, which a virtual environment needs, in a package of its own.
provide_ensurepip() {
    "$1" -c 'import ensurepip' 2>/dev/null && return
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing the Debian package $package"
        sh scripts/apt-install.sh "$package" && "$1" -c 'import ensurepip' 2>/dev/null && return
    fi
    fail "this Python cannot make virtual environments (no ensurepip); on Debian: apt-get install $package"
}

# Two set-ups at once in one checkout wait for each other, where the machine has flock.
if [ -z "${SETUP_LOCKED:-}" ] && command -v flock >/dev/null; then
    SETUP_LOCKED=1 exec flock "$0" sh "$0" "$@"
fi

if ! { [ -x $venv/bin/python ] && new_enough $venv/bin/python && $venv/bin/python -m pip --version >/dev/null 2>&1; }; then
    python=$(find_python)
    provide_ensurepip "$python"
    say "making $venv with $python"
    rm -rf $venv
    "$python" -m venv $venv
fi
rm -f $stamp

# uv is pinned like everything else. Only its own executable tells whether this pin is there: asking pip costs half a second.
pin=$(sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements/uv.txt)
if [ "$($venv/bin/uv --version 2>/dev/null | cut -d' ' -f2)" != "$pin" ]; then
    say "installing uv $pin"
    $venv/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes -r requirements/uv.txt
fi

say "installing what requirements/dev.txt pins"
# Compiled once here: the tests start many processes, and some machines forbid them to write bytecode (PYTHONDONTWRITEBYTECODE).
sh scripts/uv.sh pip sync --quiet --compile-bytecode --require-hashes requirements/dev.txt
# The build backend is pinned among them: without isolation nothing is fetched here.
sh scripts/uv.sh pip install --quiet --no-deps --no-build-isolation --editable .
$venv/bin/python -c 'import operator, sshcredential_operator; operator.itemgetter(0)'
: >$stamp
say "ready: $venv"
