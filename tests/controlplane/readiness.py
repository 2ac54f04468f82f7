"""Asks an API server over verified TLS, with the standard library only. Used by `plane` to wait until it is ready."""

from __future__ import annotations

import http.client
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from controlplane.commandlines import LOOPBACK

TIMEOUT_SECONDS: Final = 2.0
"""Whoever took the API server's port may accept a connection and never answer."""


class NotReady(Exception):
    """The control plane did not come up. The text holds the end of the log that tells why."""


class PortTaken(NotReady):
    """Another process took one of the ports between the look and the start."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server said."""

    code: int
    body: bytes


def get(port: int, path: str, authority: Path, token: str) -> Answer:
    """Send one GET request. Raises `ssl.SSLError` if this authority did not sign the server's certificate."""
    trust = ssl.create_default_context(cafile=str(authority))
    connection = http.client.HTTPSConnection(LOOPBACK, port, timeout=TIMEOUT_SECONDS, context=trust)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return Answer(answer.status, answer.read())
    finally:
        connection.close()


def is_ready(port: int, authority: Path, token: str) -> bool:
    """Tell whether the API server serves requests, and has made the namespace that everybody uses without asking."""
    try:
        return all(get(port, path, authority, token).code == 200 for path in ("/readyz", "/api/v1/namespaces/default"))
    except (ConnectionError, TimeoutError, ssl.SSLEOFError, http.client.HTTPException):
        return False
