"""Servers on the loopback that mean no good, each in threads of its own: what they say is what the tests look for."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import paramiko  # type: ignore[import-untyped]  # it has no types
from cryptography.hazmat.primitives.asymmetric import rsa

from ssh.servers import ADDRESS

MARK: Final = "hostile-a7f3"
"""In every text that these servers say."""
TEXT: Final = f"{MARK} \x1b[31m\u202e <script> ${{jndi:x}} \r\nSSH-2.0-{MARK}"

Conversation = Callable[[socket.socket], None]


@contextmanager
def serving(conversation: Conversation) -> Iterator[int]:
    """Hold this conversation with everybody who connects; give the port."""
    ended = threading.Event()
    threads: list[threading.Thread] = []

    def hold(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, EOFError):
            conversation(connection)

    def accept(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while not ended.is_set():
                connection, _ = server.accept()
                connection.settimeout(60)
                threads.append(threading.Thread(target=hold, args=(connection,), daemon=True))
                threads[-1].start()

    with socket.create_server((ADDRESS, 0)) as server:
        accepting = threading.Thread(target=accept, args=(server,), daemon=True)
        accepting.start()
        try:
            yield server.getsockname()[1]
        finally:
            ended.set()
            server.shutdown(socket.SHUT_RDWR)
            accepting.join(10)
            for thread in threads:
                thread.join(60)


def silence(connection: socket.socket) -> None:
    while connection.recv(1024):
        pass


def says(data: bytes) -> Conversation:
    """Say it, and then nothing, until the other side goes."""

    def conversation(connection: socket.socket) -> None:
        connection.sendall(data)
        silence(connection)

    return conversation


def says_and_goes(data: bytes) -> Conversation:
    def conversation(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        silence(connection)

    return conversation


def says_for_ever(data: bytes) -> Conversation:
    def conversation(connection: socket.socket) -> None:
        while True:
            connection.sendall(data)

    return conversation


def drips(data: bytes, seconds: float = 0.05) -> Conversation:
    """Say it byte after byte, for ever."""

    def conversation(connection: socket.socket) -> None:
        while True:
            for byte in data:
                connection.sendall(bytes([byte]))
                time.sleep(seconds)  # the dripping is what is tested; nothing waits for it

    return conversation


class Door(paramiko.ServerInterface):  # type: ignore[misc]  # it has no types
    """Lets everybody in, and says hostile things."""

    password: str | None = None
    methods = "publickey"
    says_no = False
    prompts = 1
    shown = False

    def check_auth_publickey(self, *_: object) -> int:
        return int(paramiko.AUTH_FAILED if self.says_no or self.password else paramiko.AUTH_SUCCESSFUL)

    def check_auth_password(self, _username: str, password: str) -> int:
        right = "password" in self.methods and password == self.password
        return int(paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED)

    def check_auth_interactive(self, *_: object) -> Any:
        if self.password is None or "keyboard-interactive" not in self.methods:
            return paramiko.AUTH_FAILED
        return paramiko.InteractiveQuery(TEXT, TEXT, *[(f"{TEXT} password: ", self.shown)] * self.prompts)

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        return int(paramiko.AUTH_SUCCESSFUL if responses == [self.password] else paramiko.AUTH_FAILED)

    def get_allowed_auths(self, _username: str) -> str:
        return f"{self.methods},{MARK}"

    def get_banner(self) -> tuple[str, str]:
        return TEXT, "en"

    def check_channel_request(self, *_: object) -> int:
        return int(paramiko.OPEN_SUCCEEDED)


HOST_KEY: Final = paramiko.RSAKey(key=rsa.generate_private_key(public_exponent=65537, key_size=2048))


class Thief(paramiko.RSAKey):  # type: ignore[misc]  # it has no types
    """A host key whose private half the server does not have: it signs something else."""

    def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> Any:
        return super().sign_ssh_data(data[::-1], algorithm)


class Speaker(paramiko.Transport):  # type: ignore[misc]  # it has no types
    """A server that speaks SSH, up to a point: `before_login` and `after_login` are what it sends then, raw."""

    before_login: bytes | None = None
    after_login: bytes | None = None
    times = 1

    def _activate_outbound(self) -> None:
        first = not self.initial_kex_done
        super()._activate_outbound()
        if first and self.before_login is not None:
            self._flood(self.before_login)

    def _auth_trigger(self) -> None:
        super()._auth_trigger()
        if self.after_login is not None:
            self._flood(self.after_login)

    def _flood(self, payload: bytes) -> None:
        for _ in range(self.times):
            self._send_message(paramiko.Message(payload))


def speaks(door: type[Door] = Door, speaker: type[Speaker] = Speaker, host_key: Any = HOST_KEY) -> Conversation:
    """Speak SSH, and wait until the other side goes."""

    def conversation(connection: socket.socket) -> None:
        transport = speaker(connection)
        transport.add_server_key(host_key)
        gone = threading.Event()
        try:
            transport.start_server(event=gone, server=door())
            transport.join(60)
        finally:
            transport.close()
            transport.packetizer.complete_handshake()

    return conversation
