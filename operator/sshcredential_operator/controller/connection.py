"""The connection to the API server: configuration and credentials by the official client package, requests by aiohttp.

Everything that talks to the API server, Kopf included, takes its session from here.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
from aiohttp.connector import AddrInfoType
from kubernetes.aio import config as kube_config
from kubernetes.aio.client import Configuration
from yarl import URL

from sshcredential_operator.api.names import FIELD_MANAGER

TOKEN_REFRESH_SECONDS: Final = 60
SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class NoConfigurationError(Exception):
    """Neither a kubeconfig nor a pod's service account is there."""


class Connection:
    """Server address, TLS and credentials; the credentials are read again every minute and after a 401."""

    def __init__(self, configuration: Configuration, authorization: Mapping[str, str]) -> None:
        self._configuration, self._authorization = configuration, authorization
        self._sessions: weakref.WeakSet[aiohttp.ClientSession] = weakref.WeakSet()
        self.server: str = configuration.host.rstrip("/")
        self.on_answer: Callable[[], None] = lambda: None
        self.on_silence: Callable[[], None] = lambda: None
        """One of these is called after every request, whoever made it."""
        self.on_request: Callable[[str, URL, int | None, float], None] = lambda *_: None
        """Called as well, with method, address, status code (None where nobody answered) and seconds."""

    def session(
        self, *, connections: int, sockets: Callable[[AddrInfoType], socket.socket] | None = None
    ) -> aiohttp.ClientSession:
        """Return a new session with current credentials; `connections` bounds it, 0 does not.

        `sockets` makes its sockets, where they shall be special.
        """
        tls = _tls(self._configuration)
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, ssl=tls, force_close=False, socket_factory=sockets),
            headers={"User-Agent": FIELD_MANAGER, **self._authorization},
            proxy=self._configuration.proxy,
            auto_decompress=True,
            trace_configs=[self._trace()],
        )
        self._sessions.add(session)
        return session

    def _trace(self) -> aiohttp.TraceConfig:
        async def begun(_: object, context: SimpleNamespace, __: object) -> None:
            context.begun = time.monotonic()

        async def answered(_: object, context: SimpleNamespace, met: aiohttp.TraceRequestEndParams) -> None:
            self.on_answer()
            self.on_request(met.method, met.url, met.response.status, time.monotonic() - context.begun)

        async def failed(_: object, context: SimpleNamespace, met: aiohttp.TraceRequestExceptionParams) -> None:
            if not isinstance(met.exception, asyncio.CancelledError):
                self.on_silence()
                self.on_request(met.method, met.url, None, time.monotonic() - context.begun)

        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(begun)
        trace.on_request_end.append(answered)
        trace.on_request_exception.append(failed)
        return trace

    async def refresh(self) -> None:
        """Read the credentials again: a rotated token file, an exec plugin's next token."""
        self._configuration = await load_configuration()
        self._authorization = await _authorization(self._configuration)
        for session in self._sessions:
            session.headers.update(self._authorization)

    async def keep_fresh(self) -> None:
        """Refresh for ever; a failure leaves the credentials as they are until the next try."""
        while True:
            await asyncio.sleep(TOKEN_REFRESH_SECONDS)
            try:
                await self.refresh()
            except (NoConfigurationError, OSError):
                continue


async def connect() -> Connection:
    """Return the connection that KUBECONFIG, ~/.kube/config or the pod's service account describes."""
    configuration = await load_configuration()
    return Connection(configuration, await _authorization(configuration))


async def load_configuration() -> Configuration:
    """Load the client configuration; raises NoConfigurationError with no text of the library's."""
    configuration = Configuration()
    try:
        if in_pod() and not os.environ.get("KUBECONFIG"):
            kube_config.load_incluster_config(client_configuration=configuration)
        else:
            await kube_config.load_kube_config(client_configuration=configuration, persist_config=False)
    except Exception:  # noqa: BLE001 - the loader raises anything, and its texts may hold credentials
        raise NoConfigurationError from None
    return configuration


def in_pod() -> bool:
    """Whether a service account's token is mounted here."""
    return (SERVICE_ACCOUNT / "token").exists()


def pod_namespace() -> str | None:
    """Return the namespace of the pod that this process runs in."""
    path = SERVICE_ACCOUNT / "namespace"
    return path.read_text().strip() if path.exists() else None


async def _authorization(configuration: Configuration) -> Mapping[str, str]:
    try:
        settings: Mapping[str, Any] = await configuration.auth_settings()
    except Exception:  # noqa: BLE001 - an exec plugin or a token file; texts as above
        raise NoConfigurationError from None
    return {
        entry["key"]: entry["value"]
        for entry in settings.values()
        if entry.get("in") == "header" and entry.get("value")
    }


def _tls(configuration: Configuration) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    if not configuration.verify_ssl:  # the kubeconfig says so: insecure-skip-tls-verify
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
