#!/bin/sh
# Installs the commands that the tests drive and this machine lacks. Called by `make test`, `make demo` and `make cluster`.
# Only as root on Debian and its relatives; elsewhere it says what to install, and goes on: what needs it says so itself.
set -eu
cd "$(dirname "$0")/.."

packages=
needs() { # needs COMMAND PACKAGE
    command -v "$1" >/dev/null || packages="$packages $2"
}
needs ssh-keygen openssh-client
needs openssl openssl
needs puttygen putty-tools
needs gpg gnupg
needs age age
PATH="$PATH:/usr/sbin" needs sshd openssh-server
needs git git
# Shells that keys are installed through.
needs busybox busybox
needs mksh mksh
needs lua5.1 lua5.1
# Go, which builds the control plane, trusts the system's authorities only.
[ "$(uname)" != Linux ] || [ -n "${SSL_CERT_FILE:-}" ] || [ -d /etc/ssl/certs ] || packages="$packages ca-certificates"
install() {
    [ -n "$packages" ] || return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        printf 'debian-packages: installing%s\n' "$packages"
        # Splitting into words is meant.
        # shellcheck disable=SC2086
        sh scripts/apt-install.sh $packages || printf 'debian-packages: could not install%s\n' "$packages" >&2
    else
        printf 'debian-packages: missing on this machine%s; as root: apt-get install%s\n' "$1" "$packages" >&2
    fi
    packages=
}
install ''

# What a node with containers is made of. Only root on Linux can have one: elsewhere its tests are skipped, and say why.
[ "$(uname)" = Linux ] && [ "$(id -u)" = 0 ] || exit 0
PATH="$PATH:/usr/sbin:/sbin"
needs containerd containerd
needs runc runc
needs buildah buildah
needs mmdebstrap mmdebstrap
needs ip iproute2
needs nft nftables
needs unshare util-linux
needs mount mount
[ -x /usr/lib/cni/ptp ] || packages="$packages containernetworking-plugins"
install ' (only for tests on a node with containers)'
