"""Whether a server's host key, or its certificate, is to be trusted: pure. Used by `client.py` and `targets`."""

from __future__ import annotations

from typing import Protocol

from sshcredential_operator.api.target_reasons import TargetReason


class HostTrust(Protocol):
    """What is trusted for one host; each policy is one frozen class."""

    def algorithms(self) -> tuple[str, ...]:
        """Return the host key algorithms to negotiate (RFC 4253 names), the best first; never empty."""

    def judge(self, blob: bytes) -> TargetReason | None:
        """Judge a host key, or certificate, in wire form, whose holder was proven; None: it is trusted.

        One of HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, HOST_KEY_REVOKED, HOST_CERTIFICATE_REFUSED.
        """
