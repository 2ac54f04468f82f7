"""Whether a server's host key, or its certificate, is to be trusted: pure. Used by `client.py` and `targets`.

The three policies as frozen classes. `trusting.py` makes them from a spec. What they are given was read and is sound.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.keys.wire import WireReader
from sshcredential_operator.ssh.host_certificates import (
    CERTIFICATE,
    CertificateFault,
    fault_of,
    is_certificate,
    plain_key,
    signed,
)
from sshcredential_operator.ssh.known_hosts import Known, host_key

_ALGORITHMS: Final = {
    b"ssh-ed25519": ("ssh-ed25519",),
    b"ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    b"ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    b"ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    b"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}
"""How a key of each type may sign, the best type first. SHA-1 is not among them (RFC 8332)."""

PLAIN: Final = tuple(algorithm for names in _ALGORITHMS.values() for algorithm in names)
CERTIFIED: Final = tuple(algorithm + CERTIFICATE for algorithm in PLAIN)


class Distrust(NamedTuple):
    """Why a host key is not trusted. `fault` says more of HOST_CERTIFICATE_REFUSED, and of nothing else."""

    reason: TargetReason
    fault: CertificateFault | None = None


class HostTrust(Protocol):
    """What is trusted for one host; each policy is one frozen class."""

    def algorithms(self) -> tuple[str, ...]:
        """Return the host key algorithms to negotiate (RFC 4253 names), the best first; never empty.

        First those of what is known, so that a server that has a known key shows it, then all others: what another
        server has then comes to be judged, and a person can see it.
        """

    def judge(self, blob: bytes) -> Distrust | None:
        """Judge a host key, or certificate, in wire form, whose holder was proven; None: it is trusted.

        One of HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, HOST_KEY_REVOKED, HOST_CERTIFICATE_REFUSED. Never raises.
        """


@dataclass(frozen=True, slots=True)
class Pinned:
    """The server shows one of the known keys. Authorities do not count."""

    known: Known

    def algorithms(self) -> tuple[str, ...]:
        """See `HostTrust`."""
        return _known_first(self.known.keys)

    def judge(self, blob: bytes) -> Distrust | None:
        """See `HostTrust`."""
        key = plain_key(blob)
        return _revoked(self.known, key) or _other_than(self.known.keys, key)


@dataclass(frozen=True, slots=True)
class CertificateAuthority:
    """The server shows a certificate of one of the authorities for this host at this time, or a known key, as for ssh.

    `host` is what the certificate must be for, without a port.
    """

    known: Known
    host: str
    now: datetime

    def algorithms(self) -> tuple[str, ...]:
        """See `HostTrust`."""
        return (CERTIFIED if self.known.authorities else ()) + _known_first(self.known.keys)

    def judge(self, blob: bytes) -> Distrust | None:
        """See `HostTrust`."""
        parts = signed(blob)
        shown = (plain_key(blob),) if parts is None else (parts.key, parts.authority)
        if revoked := _revoked(self.known, *shown):
            return revoked
        if plain_key(blob) in self.known.keys:
            return None
        if not self.known.authorities:
            return _other_than(self.known.keys, plain_key(blob))
        fault = self._fault(blob)
        if fault is CertificateFault.ABSENT and self.known.keys:
            return Distrust(TargetReason.HOST_KEY_CHANGED)
        return None if fault is None else Distrust(TargetReason.HOST_CERTIFICATE_REFUSED, fault)

    def _fault(self, blob: bytes) -> CertificateFault | None:
        if not is_certificate(blob):
            return CertificateFault.ABSENT
        return fault_of(blob, self.known.authorities, self.host, self.now)


@dataclass(frozen=True, slots=True)
class TrustOnFirstUse:
    """The server shows the key that is recorded, or the one whose fingerprint a person says.

    As long as neither is there, every key of a type that we know is taken, and is to be recorded.
    """

    recorded: bytes | None
    trusted_fingerprint: str | None = None

    @property
    def first_use(self) -> bool:
        """Tell whether nothing is known yet: what `judge` lets pass is then taken unseen."""
        return self.recorded is None and self.trusted_fingerprint is None

    def algorithms(self) -> tuple[str, ...]:
        """See `HostTrust`."""
        return _known_first(() if self.recorded is None else (self.recorded,))

    def judge(self, blob: bytes) -> Distrust | None:
        """See `HostTrust`."""
        key = host_key(plain_key(blob))
        if key is None:
            return Distrust(TargetReason.HOST_KEY_UNKNOWN if self.first_use else TargetReason.HOST_KEY_CHANGED)
        if self.first_use or key.blob == self.recorded or key.fingerprint == self.trusted_fingerprint:
            return None
        return Distrust(TargetReason.HOST_KEY_CHANGED)


Trust = Pinned | CertificateAuthority | TrustOnFirstUse


def _revoked(known: Known, *keys: bytes) -> Distrust | None:
    return None if known.revoked.isdisjoint(keys) else Distrust(TargetReason.HOST_KEY_REVOKED)


def _other_than(keys: tuple[bytes, ...], key: bytes) -> Distrust | None:
    if key in keys:
        return None
    return Distrust(TargetReason.HOST_KEY_CHANGED if keys else TargetReason.HOST_KEY_UNKNOWN)


def _known_first(keys: Iterable[bytes]) -> tuple[str, ...]:
    types = {WireReader(key).string() for key in keys if key}
    known = [algorithm for key_type, names in _ALGORITHMS.items() if key_type in types for algorithm in names]
    return tuple(dict.fromkeys((*known, *PLAIN)))
