"""A server on the loopback, with TLS or without, that does to each connection what a test wants, byte by byte."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sshcredential_operator.controller.connection import Connection
from sshcredential_operator.controller.endpoint import Endpoint
from sshcredential_operator.controller.requests import Requests

OK = b"HTTP/1.1 200 OK\r\n"


def answering(body: bytes) -> bytes:
    return OK + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class Certificate(NamedTuple):
    """A certificate that vouches for itself, and its key, as files."""

    cert: str
    key: str

    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        return context


def make_certificate(directory: Path, *names: str) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(hours=1))
        .not_valid_after(datetime.now(UTC) + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([_said(one) for one in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = directory / f"{names[0]}.crt", directory / f"{names[0]}.key"
    cert_file.write_bytes(made.public_bytes(Encoding.PEM))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Certificate(str(cert_file), str(key_file))


def _said(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Asked(NamedTuple):
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Line:
    """One connection, from the server's side."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    asked: list[Asked]
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when nothing more is played on it."""

    async def request(self) -> Asked:
        """Read one request; raises IncompleteReadError when there is none."""
        first, *rest = (await self.reader.readuntil(b"\r\n\r\n")).decode().removesuffix("\r\n\r\n").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}
        asked = Asked(method, target, headers, await self.reader.readexactly(int(headers.get("content-length", "0"))))
        self.asked.append(asked)
        return asked

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def until_closed(self) -> bytes:
        """Wait for the other side to end the connection; return what came before."""
        read = b""
        with suppress(OSError):
            while more := await self.reader.read(65536):
                read += more
        return read


Play = Callable[[Line], Awaitable[object]]


@dataclass(slots=True)
class Stage:
    """What has arrived, on how many connections."""

    port: int = 0
    lines: list[Line] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)


@asynccontextmanager
async def staging(play: Play, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Stage]:
    """Play with every connection, and end it then."""
    stage, tasks = Stage(), set[asyncio.Task[None]]()

    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(len(stage.lines) + 1, reader, writer, stage.asked)
        stage.lines.append(line)
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await play(line)
        line.over.set()
        writer.transport.abort() if task.cancelling() else writer.close()

    server = await asyncio.start_server(begin, host, 0, ssl=tls)
    stage.port = server.sockets[0].getsockname()[1]
    try:
        yield stage
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def sending_to(endpoint: Endpoint) -> AsyncIterator[tuple[Requests, Connection]]:
    connection = Connection(endpoint)
    requests = Requests(connection)
    try:
        yield requests, connection
    finally:
        await requests.close()
