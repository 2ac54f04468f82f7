"""What a known_hosts file says of one host, found as ssh finds it: pure. Used by `trusting.py`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
from typing import Final, NamedTuple

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.keys.keypair import PublicKey
from sshcredential_operator.keys.known_hosts import CERT_AUTHORITY, REVOKED, BadLine, HostLine, host_lines
from sshcredential_operator.keys.public import public_key
from sshcredential_operator.keys.refusal import Refusal
from sshcredential_operator.ssh.host_patterns import list_matches

SSH_PORT: Final = 22
MIN_RSA_BITS: Final = 1024
"""What ssh takes from a server (RequiredRSASize); how strong a key must be is the choice of who runs the server."""

_READ_TYPES: Final = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
_HASHED: Final = "|"
_HASH_BYTES: Final = hashlib.sha1(usedforsecurity=False).digest_size


class Known(NamedTuple):
    """Keys in wire form: the host's own, those of authorities that may certify it, and those never to be taken."""

    keys: tuple[bytes, ...] = ()
    authorities: tuple[bytes, ...] = ()
    revoked: frozenset[bytes] = frozenset()


def known_of(text: str, host: str, port: int) -> Known | BadLine:
    """Return what the text of a known_hosts file says of a host, or which line is wrong.

    As for ssh, a port other than 22 is part of the name, `[host]:port`; what the file says of the plain name counts
    for authorities, and for keys where there are none under the full name. Lines of other types are passed over.
    """
    lines = host_lines(text)
    if isinstance(lines, BadLine):
        return lines
    if (wrong := next((line for line in lines if not _is_sound(line)), None)) is not None:
        return BadLine(wrong.number)
    usable = [line for line in lines if host_key(line.blob)]
    names = dict.fromkeys((lookup_name(host, port), canonical_host(host)))
    found = [[line for line in usable if matches(line.hosts, name)] for name in names]
    either = [line for lines in found for line in lines]
    return Known(
        keys=next(filter(None, (_blobs(lines, "") for lines in found)), ()),
        authorities=_blobs(either, CERT_AUTHORITY),
        revoked=frozenset(_blobs(either, REVOKED)),
    )


def lookup_name(host: str, port: int) -> str:
    """Return the name under which a server stands in a known_hosts file."""
    name = canonical_host(host)
    return name if port == SSH_PORT else f"[{name}]:{port}"


def canonical_host(host: str) -> str:
    """Return a name in lower case, an address in its shortest form."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.lower()


def matches(hosts: str, name: str) -> bool:
    """Tell whether the first field of a line means this name, which is in lower case."""
    return _is_hash_of(hosts, name) if hosts.startswith(_HASHED) else list_matches(hosts, name)


def host_key(blob: bytes) -> PublicKey | None:
    """Return a key that a server can show to us, or None for all other bytes."""
    try:
        key = public_key(blob)
    except Refusal:
        return None
    return None if key.algorithm is Algorithm.RSA and key.bits < MIN_RSA_BITS else key


def _blobs(lines: list[HostLine], marker: str) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(line.blob for line in lines if line.marker == marker))


def _is_sound(line: HostLine) -> bool:
    """Tell whether ssh could read this line: damaged, it would silently be passed over."""
    if line.hosts.startswith(_HASHED) and _salt(line.hosts) is None:
        return False
    return line.type not in _READ_TYPES or host_key(line.blob) is not None


def _is_hash_of(hosts: str, name: str) -> bool:
    """Tell whether a field `|1|salt|hash` is that of this name: HMAC-SHA1, with the salt as its key."""
    salt = _salt(hosts)
    if salt is None:
        return False
    digest = hmac.digest(salt, name.encode(), "sha1")
    return hosts.rpartition("|")[2] == base64.b64encode(digest).decode()


def _salt(hosts: str) -> bytes | None:
    match hosts.split("|"):
        case ["", "1", salt, digest]:
            decoded = _decoded(salt), _decoded(digest)
            return decoded[0] if all(len(value) == _HASH_BYTES for value in decoded) else None
    return None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
