#!/bin/sh
# Runs the pinned uv with the index and the certificates that this machine has configured for pip, which uv does not read.
# Called by the other scripts; settings made for uv itself (UV_*, SSL_CERT_FILE) win.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)

settings=$("$root/.venv/bin/python" -m pip --disable-pip-version-check config list 2>/dev/null || :)
pip_setting() { # of several sources pip lists the strongest last
    printf '%s\n' "$settings" | sed -n -E "s/^(global|install|:env:)\.$1='(.*)'\$/\2/p" | tail -n 1
}

index=${UV_DEFAULT_INDEX:-$(pip_setting index-url)}
cert=${SSL_CERT_FILE:-$(pip_setting cert)}
if [ -n "$index" ]; then UV_DEFAULT_INDEX=$index && export UV_DEFAULT_INDEX; fi
if [ -n "$cert" ]; then SSL_CERT_FILE=$cert && export SSL_CERT_FILE; fi
# A company's own authority is in the system's store, not in the list that uv brings.
if [ -z "${UV_SYSTEM_CERTS:-}" ] && [ -e /etc/ssl/certs/ca-certificates.crt ]; then UV_SYSTEM_CERTS=1 && export UV_SYSTEM_CERTS; fi

UV_PYTHON=$root/.venv/bin/python
export UV_PYTHON
exec "$root/.venv/bin/uv" "$@"
