"""Whether a server's host key, or its certificate, is to be trusted: pure. Used by `client.py` and `targets`."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Protocol

from sshcredential_operator.api.target_reasons import TargetReason


class CertificateFault(StrEnum):
    """Why a host certificate is refused, as the end of a sentence that begins "The host certificate"."""

    ABSENT = "is missing: the server shows a plain key"
    MALFORMED = "cannot be read"
    NOT_FOR_HOSTS = "is a user's, not a host's"
    CA_UNKNOWN = "is signed by a certificate authority that is not trusted for this host"
    CA_IS_CERTIFICATE = "is signed by a certificate, not by a key"
    WEAK_SIGNATURE = "is signed with SHA-1"
    SIGNATURE_WRONG = "has a signature that does not hold"
    NOT_YET_VALID = "is not valid yet"
    EXPIRED = "has expired"
    NO_PRINCIPALS = "names no host"
    OTHER_HOST = "is for another host"
    CRITICAL_OPTION = "has a critical option, and none is known for hosts"


class Distrust(NamedTuple):
    """Why a host key is not trusted. `fault` says more of HOST_CERTIFICATE_REFUSED, and of nothing else."""

    reason: TargetReason
    fault: CertificateFault | None = None


class HostTrust(Protocol):
    """What is trusted for one host; each policy is one frozen class."""

    def algorithms(self) -> tuple[str, ...]:
        """Return the host key algorithms to negotiate (RFC 4253 names), the best first; never empty."""

    def judge(self, blob: bytes) -> Distrust | None:
        """Judge a host key, or certificate, in wire form, whose holder was proven; None: it is trusted.

        One of HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, HOST_KEY_REVOKED, HOST_CERTIFICATE_REFUSED.
        """
