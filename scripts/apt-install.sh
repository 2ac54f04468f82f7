#!/bin/sh
# Installs the named Debian packages without asking anything. Called as root by the other scripts.
set -eu
export DEBIAN_FRONTEND=noninteractive
# Only commands are wanted: no service that a package brings (sshd) begins to listen on this machine.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    trap 'rm -f $policy' EXIT
fi
# Package lists may be absent (a container image) or stale; refresh them only when the first try fails.
apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 </dev/null || {
    apt-get update -qq </dev/null
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null </dev/null
}
