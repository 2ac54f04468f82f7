"""What is asked of a server and what came of it, as frozen values. Made by `targets`, answered by `ssh/client.py`.

No text of a server or a library is in them, but for the version string, which is filtered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.ssh.host_keys import HostTrust


class PrivateKey(NamedTuple):
    """A private key to log in with: a canonical OpenSSH file without passphrase (`encryption` KeyMaterial.private)."""

    fingerprint: str
    private: Sensitive


class Password(NamedTuple):
    """A password to log in with, only to install the first key."""

    value: Sensitive


Login = PrivateKey | Password


@dataclass(frozen=True, slots=True)
class Hop:
    """One server on the way; the last one is the target itself. `host` is a name or an address, without brackets."""

    host: str
    port: int
    username: str
    trust: HostTrust


@dataclass(frozen=True, slots=True)
class Route:
    """The way to a target: first the jump hosts, each with the key to log in there, then the target.

    `timeout` in seconds is for the whole visit, all hops together, from the lookup of the name to the last answer.
    """

    jumps: tuple[tuple[Hop, PrivateKey], ...]
    target: Hop
    timeout: float
    namespace: str = ""
    """Whose visit it is, for the limits."""


class OfferedKey(NamedTuple):
    """A host key that a server has proven to hold: SSH type, SHA256 fingerprint, `type base64`.

    For a certificate: those of the key that it certifies.
    """

    type: str
    fingerprint: str
    public_key: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a visit did not succeed. `facts` are for the catalogue's text, and safe: names and numbers of our own.

    With JUMP_FAILED, the fact `hop` is host:port of the jump host, and `why` the reason there, as a TargetReason.
    """

    reason: TargetReason
    facts: Mapping[str, str | int] = field(default_factory=dict)
    offered: OfferedKey | None = None
    """The target's host key, where the visit came so far. For HOST_KEY_*: the one that is not trusted."""
    server_version: str | None = None


@dataclass(frozen=True, slots=True)
class Visited:
    """The visit succeeded. `host_key` was judged as trusted; `server_version` is what follows `SSH-2.0-`, filtered."""

    host_key: OfferedKey
    server_version: str


@dataclass(frozen=True, slots=True)
class Queried:
    """What the server says of public keys, asked without a signature (RFC 4252, section 7): which it would accept."""

    visited: Visited
    accepted: frozenset[str]
    """Fingerprints."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What authorized_keys shall hold of one credential.

    A line is ours when it ends with `mark`, a comment of one word that no other credential has. Lines of ours with
    other keys than `wanted` and `kept` go; keys of `wanted` that are in no line come; all other lines stay byte for
    byte.
    """

    mark: str
    options: str
    wanted: tuple[str, ...]
    """Public keys, `type base64 [comment]`."""
    kept: tuple[str, ...] = ()
    """Public keys whose lines stay where they are, and are not added where they are not."""


@dataclass(frozen=True, slots=True)
class Arranged:
    """What the file holds now, as fingerprints. `changed` is False when nothing was written."""

    visited: Visited
    changed: bool
    ours: frozenset[str]
    by_hand: frozenset[str]
    """Wanted keys that lie in lines of somebody else."""
    removed: frozenset[str] = frozenset()
