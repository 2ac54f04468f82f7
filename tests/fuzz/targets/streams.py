"""What an API server, or what stands in its place, and a KMS plugin answer: watch lines, objects, messages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Final, Self, cast

import aiohttp

from fuzz.json_mutations import JSON, dumped
from fuzz.mutations import BYTES, TEXT, WIRE
from fuzz.target import Target
from lives.memory import run
from sshcredential_operator.api.credential import parse_credential
from sshcredential_operator.api.names import KEY_RING_CONFIG_MAP
from sshcredential_operator.controller.metadata import WATCH_ERRORS, Metadata
from sshcredential_operator.controller.ports import parse_secret
from sshcredential_operator.controller.requests import ODD_ANSWERS, Answer, _trouble
from sshcredential_operator.controller.ring_desk import sheet_of
from sshcredential_operator.encryption import kms_messages
from sshcredential_operator.encryption.kms_messages import NotAMessage
from sshcredential_operator.encryption.ring_backup import stored_secret_of
from sshcredential_operator.reconcile.trouble import TroubleError


class _Stream:
    """Stands for a session whose every watch answers these bytes, in chunks of odd sizes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.content = self

    def get(self, *_: object, **__: object) -> _Stream:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def iter_any(self) -> AsyncIterator[bytes]:
        at, size = 0, 1
        while at < len(self._data):
            yield self._data[at : at + size]
            at, size = at + size, size * 3 % 8191 + 1


def _watched(data: bytes) -> str:
    return run(_events(data))


async def _events(data: bytes) -> str:
    watched = Metadata(cast("aiohttp.ClientSession", _Stream(data)), "")
    seen = 0
    try:
        async for kind, metadata in watched.events("1"):
            str(kind), metadata["resourceVersion"]
            seen += 1
    except WATCH_ERRORS as error:
        return f"{min(seen, 3)} {type(error).__name__}"
    return f"{min(seen, 3)}"


def _event_lines() -> list[bytes]:
    events = [
        {"type": kind, "object": {"metadata": {"name": "my-key", "namespace": "genomics", "resourceVersion": "7"}}}
        for kind in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK")
    ]
    gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "metadata": {}}}
    lines = [dumped(event) + b"\n" for event in (*events, gone)]
    return [b"".join(lines), *lines, b"\n".join(lines)]


def _answers() -> list[bytes]:
    metadata = {"name": "a-sshcredential", "namespace": "genomics", "uid": "u", "resourceVersion": "7"}
    secret = {"kind": "Secret", "metadata": metadata, "type": "Opaque", "data": {"a": "AAAA"}}
    credential = {"kind": "SSHCredential", "metadata": metadata, "spec": {"generate": {}}, "status": {}}
    status = {"kind": "Status", "code": 409, "message": "x"}
    return [dumped(one) for one in (secret, credential, status)]


def _answered(data: bytes) -> str:
    """Take the answer for a Secret and for a credential, whichever was asked for."""
    told = []
    for read in (parse_secret, parse_credential):
        try:
            read(Answer(200, data).json())
            told.append("read")
        except TroubleError:
            told.append("trouble")
        except ODD_ANSWERS:
            told.append("odd")
        except AttributeError:  # a member that should be an object; a worker takes it as any failure
            told.append("odd")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return " ".join(told)
    stored = stored_secret_of(value) if isinstance(value, dict) else None
    return " ".join((*told, str(stored is not None)))


def _retry_after(data: bytes) -> str:
    trouble = _trouble(Answer(429, b""), data.decode("latin-1"), "get", "secrets")
    after = trouble.retry_after
    assert after is None or after >= 0, "a wait that is none"
    return str(after is None)


def _message(data: bytes) -> str:
    told = []
    for read in (kms_messages.status_response, kms_messages.encrypt_response, kms_messages.decrypt_response):
        try:
            read(data)
            told.append("read")
        except NotAMessage:
            told.append("none")
    return " ".join(told)


def _messages() -> list[bytes]:
    entry = kms_messages._field(1, b"a.b/c") + kms_messages._field(2, b"\0\1")
    status = kms_messages._field(1, b"v2") + kms_messages._field(2, b"ok") + kms_messages._field(3, b"key 1")
    encrypted = kms_messages._field(1, bytes(40)) + kms_messages._field(2, b"key 1") + kms_messages._field(3, entry) * 2
    return [status, encrypted, kms_messages.encrypt_request(b"x" * 200, "uid"), b"\x08\x01" + status]


def _sheets() -> list[bytes]:
    data = {"rotate-root": "00000000000000cc", "drop-root": "x", "verify": "now", "state.json": "{}"}
    of_one = {
        "rotate.genomics": "1.6f1c0a2b3c4d.00000000000000aa re-encrypt",
        "drop.genomics": "1.a.b",
        "reread.x": "1",
    }
    return [dumped(data), dumped(of_one), dumped(data | of_one)]


def _sheet(data: bytes) -> str:
    """Entries and values of the ConfigMap are texts: the API server sees to that."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return "no input"
    given = (
        {str(name): text for name, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}
    )
    sheet = sheet_of("1", given)
    for asked in sheet.asked:
        assert asked.key_id.isprintable(), f"control characters in a request of {KEY_RING_CONFIG_MAP}"
        assert asked.entry in given
    return " ".join(sorted({f"{asked.verb} {asked.re_encrypt}" for asked in sheet.asked}))


TARGETS: Final = (
    Target(
        "watch-lines",
        "A watch yields events or ends with an error that a new list heals, whatever the stream brings.",
        _event_lines,
        (*TEXT, *BYTES, *JSON),
        _watched,
    ),
    Target(
        "answers",
        "An odd answer is trouble or one of the errors that callers know.",
        _answers,
        (*JSON, *TEXT),
        _answered,
    ),
    Target(
        "retry-after",
        "A header that says when to try again is a time, or is passed over.",
        lambda: [b"1", b"30", b"Wed, 21 Oct 2026 07:28:00 GMT", b"1.5"],
        (*TEXT, *BYTES),
        _retry_after,
    ),
    Target("kms-messages", "A plugin's bytes are a message or NotAMessage.", _messages, (*WIRE, *BYTES), _message),
    Target("ring-desk", "An entry of the key ring's ConfigMap is a request or is left alone.", _sheets, JSON, _sheet),
)
