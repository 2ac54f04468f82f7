"""Makes what is trusted for a host from a target's spec and what was read for it: pure. Called by `targets`, `exports`.

Also writes it as lines of a known_hosts file, for exports.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime

from sshcredential_operator.api.target_spec import HostKeyPolicy, HostKeys
from sshcredential_operator.keys.known_hosts import CERT_AUTHORITY, REVOKED, BadLine, blob_of
from sshcredential_operator.keys.wire import WireReader
from sshcredential_operator.ssh.host_keys import CertificateAuthority, Pinned, Trust, TrustOnFirstUse
from sshcredential_operator.ssh.known_hosts import Known, canonical_host, host_key, known_of, lookup_name


def host_trust(  # noqa: PLR0913 - everything that a decision on a host key may rest on, each by its name
    given: HostKeys,
    *,
    host: str,
    port: int,
    now: datetime,
    known_hosts: str | None = None,
    recorded: str | None = None,
    trusted_fingerprint: str | None = None,
) -> Trust | BadLine:
    """Return what is trusted, or which line of the known hosts is wrong; of `keys`, which item, from 1.

    `known_hosts` is the text in the ConfigMap that the spec names; `recorded` (`type base64`) and what a person trusts
    count for TrustOnFirstUse only. A recorded key that cannot be read trusts nothing.
    """
    if given.policy is HostKeyPolicy.TRUST_ON_FIRST_USE:
        return TrustOnFirstUse(None if recorded is None else _key(recorded) or b"", trusted_fingerprint or None)
    known = _listed(given) if given.known_hosts is None else known_of(known_hosts or "", host, port)
    if isinstance(known, BadLine):
        return known
    if given.policy is HostKeyPolicy.PINNED:
        return Pinned(known)
    return CertificateAuthority(known, canonical_host(host), now)


def known_hosts_lines(trust: Trust, host: str, port: int) -> str:
    """Return the lines for a known_hosts file that say of this host what is trusted; empty if nothing is."""
    name = lookup_name(host, port)
    lines = (f"{marker} {name} {_line(key)}\n" for marker, key in _marked(trust))
    return "".join(line.lstrip(" ") for line in lines)


def _marked(trust: Trust) -> Iterator[tuple[str, bytes]]:
    if isinstance(trust, TrustOnFirstUse):
        yield from [("", trust.recorded)] if trust.recorded else []
        return
    known = trust.known
    if isinstance(trust, CertificateAuthority):
        yield from ((CERT_AUTHORITY, key) for key in known.authorities if key not in known.revoked)
    yield from (("", key) for key in known.keys if key not in known.revoked)
    yield from ((REVOKED, key) for key in sorted(known.revoked))


def _listed(given: HostKeys) -> Known | BadLine:
    keys = []
    for number, line in enumerate(given.keys, 1):
        key = _key(line)
        if key is None:
            return BadLine(number)
        keys.append(key)
    authority = given.policy is HostKeyPolicy.CERTIFICATE_AUTHORITY
    unique = tuple(dict.fromkeys(keys))
    return Known(authorities=unique) if authority else Known(keys=unique)


def _key(line: str) -> bytes | None:
    """Return the key of a line `type base64 [comment]` if a server, or an authority, could have it."""
    key_type, encoded, *_ = *line.split(maxsplit=2), "", ""
    blob = blob_of(key_type, encoded)
    return blob if blob is not None and host_key(blob) else None


def _line(key: bytes) -> str:
    return f"{WireReader(key).string().decode('ascii')} {base64.b64encode(key).decode('ascii')}"
