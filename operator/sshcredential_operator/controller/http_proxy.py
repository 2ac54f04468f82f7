"""The HTTP proxy that a kubeconfig names (`proxy-url`): a tunnel for TLS, absolute addresses for plain HTTP.

Used by `http_client.py`. Credentials in the proxy's address go to the proxy and to nobody else.
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import unquote, urlsplit

from sshcredential_operator.controller.http_connection import HttpConnection

_PORTS: Final = {"http": 80, "https": 443}
_CONNECTED: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where it is, whether it is spoken to by TLS, and the header lines that let us in: one or none."""

    name: str
    port: int
    encrypted: bool
    authorization: tuple[str, ...]

    @classmethod
    def at(cls, address: str) -> Self:
        """Read an address; raises ValueError for what is no HTTP proxy's (SOCKS, for one)."""
        parts = urlsplit(address)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError
        pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        lets_in = (f"Proxy-Authorization: Basic {b64encode(pair.encode()).decode()}",) if pair != ":" else ()
        return cls(parts.hostname, parts.port or _PORTS[parts.scheme], parts.scheme == "https", lets_in)

    async def begin(self, connection: HttpConnection, tls: ssl.SSLContext) -> None:
        """Begin TLS with the proxy itself, where it wants that. It is verified as the API server is."""
        if self.encrypted:
            await connection.start_tls(tls, self.name)

    async def tunnel(self, connection: HttpConnection, name: str, port: int) -> None:
        """Have it connect to the server; raises OSError if it will not."""
        place = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
        lines = (f"CONNECT {place} HTTP/1.1", f"Host: {place}", *self.authorization, "", "")
        answer = await connection.exchange("\r\n".join(lines).encode(), writes=False, head_only=True)
        if answer.code not in _CONNECTED:
            raise ConnectionRefusedError
