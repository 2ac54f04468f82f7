"""Calls a KMS v2 plugin on a unix socket. Made by the controller where the root is in a KMS; the only importer of grpc.

grpc comes with the extra `kms`, and is imported when the first plugin is made. Calls are made in threads, each with a
time limit. What the library or the plugin says of an error is never looked at, but for its code.
"""

from __future__ import annotations

import asyncio
import importlib
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import kms_messages
from sshcredential_operator.encryption.kms_messages import NotAMessage
from sshcredential_operator.encryption.root_kms import Encrypted, PluginStatus
from sshcredential_operator.encryption.roots import RootAway

Message = TypeVar("Message")

SECONDS: Final = 5.0
"""How long a call may take."""
_SERVICE: Final = "/v2.KeyManagementService/"
_LONGEST: Final = 1024 * 1024
_REFUSALS: Final = frozenset({"INVALID_ARGUMENT", "NOT_FOUND", "OUT_OF_RANGE", "DATA_LOSS"})
"""What these codes say of a ciphertext does not pass by itself. Plain errors come as UNKNOWN, and may."""


class GrpcMissing(Exception):
    """The extra `kms` is not installed."""


class GrpcPlugin:
    """One plugin. It need not be there yet."""

    def __init__(self, socket: Path, *, seconds: float = SECONDS) -> None:
        try:
            # Without stubs, and not installed with everybody.
            grpc: Any = importlib.import_module("grpc")
        except ImportError:
            raise GrpcMissing from None
        self._socket, self._seconds, self._error = socket, seconds, grpc.RpcError
        # Left alone, grpc says the socket's path as the authority, which servers refuse. And once a plugin was away, it
        # would wait for up to two minutes before it looks again.
        options = (
            ("grpc.default_authority", "localhost"),
            ("grpc.enable_retries", 0),
            ("grpc.enable_http_proxy", 0),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1000),
            ("grpc.max_receive_message_length", _LONGEST),
            ("grpc.use_local_subchannel_pool", 1),
        )
        self._channel = grpc.insecure_channel(f"unix:{socket}", options=options)
        self._calls = {name: self._channel.unary_unary(_SERVICE + name) for name in ("Status", "Encrypt", "Decrypt")}

    @property
    def where(self) -> str:
        """Name it for people."""
        return f"KMS plugin at {self._socket}"

    async def status(self) -> PluginStatus:
        """Ask which key encrypts, and whether all is well."""
        return _read(kms_messages.status_response, await self._call("Status", b""))

    async def encrypt(self, plaintext: Sensitive) -> Encrypted:
        """Let it encrypt."""
        request = kms_messages.encrypt_request(plaintext.reveal(), _uid())
        return _read(kms_messages.encrypt_response, await self._call("Encrypt", request))

    async def decrypt(self, ciphertext: bytes, key_id: str, annotations: Mapping[str, bytes]) -> Sensitive | None:
        """Let it decrypt; None if it says that this is none of its ciphertexts."""
        request = kms_messages.decrypt_request(ciphertext, _uid(), key_id, annotations)
        answer = await self._call("Decrypt", request, refusals=_REFUSALS)
        return None if answer is None else Sensitive(_read(kms_messages.decrypt_response, answer))

    async def close(self) -> None:
        """Close the connection."""
        await asyncio.to_thread(self._channel.close)

    async def _call(self, name: str, request: bytes, *, refusals: frozenset[str] = frozenset()) -> bytes | None:
        """Return the answer, None for a refusal that is final."""
        try:
            answer: bytes = await asyncio.to_thread(self._calls[name], request, timeout=self._seconds)
        except self._error as error:
            if error.code().name in refusals:
                return None
            raise RootAway from None
        except ValueError:  # the channel was closed
            raise RootAway from None
        return answer


def _read(parse: Callable[[bytes], Message], answer: bytes | None) -> Message:
    if answer is None:  # only Decrypt is refused for good
        raise RootAway
    try:
        return parse(answer)
    except NotAMessage:
        raise RootAway from None


def _uid() -> str:
    return secrets.token_hex(16)
