"""A private key that a user brings: recognised, repaired, opened, judged; in this process and in the pool's."""

from __future__ import annotations

import asyncio
import re
from functools import cache
from typing import Final

from fuzz.mutations import BYTES, DER, INSIDE, TEXT, WIRE
from fuzz.said import require_catalogue_text
from fuzz.target import Target
from fuzz.targets.key_seeds import key_files, parted
from sshcredential_operator.api.messages import message
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.judge import _judged
from sshcredential_operator.keys.openssh import MAX_COMMENT
from sshcredential_operator.keys.pool import KeyPool
from sshcredential_operator.keys.refusal import Refusal
from sshcredential_operator.keys.stored import stored_public_key
from sshcredential_operator.keys.verdict import Accepted, Refused, refused_unread

_WINDOW: Final = 20
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]{20,}")


def _read(data: bytes) -> str:
    file, passphrase = parted(data)
    try:
        verdict: Accepted | Refused = refused_unread(file, passphrase) or _judged(
            file.reveal(), passphrase.reveal() if passphrase else b"", 2048
        )
    except Refusal as refusal:
        verdict = Refused(refusal.reason, refusal.public, refusal.detail)
    assert stored_public_key(file) is None or isinstance(verdict, Accepted), "a stored key is refused"
    return _outcome(verdict, file, passphrase)


def _imported(data: bytes) -> str:
    file, passphrase = parted(data)
    verdict = _loop().run_until_complete(_pool().judge(file, passphrase))
    return _outcome(verdict, file, passphrase)


def _outcome(verdict: Accepted | Refused, file: Sensitive, passphrase: Sensitive | None) -> str:
    if isinstance(verdict, Refused):
        text = message(Reason(verdict.reason.value), dict(verdict.detail) | _ORIGIN)
        require_catalogue_text(Reason(verdict.reason.value), text)
        _require_nothing_of_it(text, file, passphrase)
        if verdict.public:
            _require_one_line(verdict.public.line)
        return verdict.reason.value
    public, private = verdict.pair.public, verdict.pair.private
    _require_one_line(public.line)
    assert len(public.comment) <= MAX_COMMENT
    assert stored_public_key(private) == public, "what is stored is read as another key"
    again = _judged(private.reveal(), b"", 2048)
    assert again.pair == verdict.pair, "the canonical form is not canonical"
    return f"{public.algorithm.value} {','.join(sorted(verdict.notes))}"


_ORIGIN: Final = {"origin": "Secret my-key", "passphrase_field": "spec.importFrom.passphrase"}


def _require_one_line(line: str) -> None:
    assert line.isascii(), "an authorized_keys line that is not ASCII"
    assert line.isprintable(), "control characters in an authorized_keys line"


def _require_nothing_of_it(text: str, file: Sensitive, passphrase: Sensitive | None) -> None:
    secrets = [found[0].decode()[:_WINDOW] for found in _BASE64.finditer(file.reveal())]
    if passphrase and len(passphrase) >= _WINDOW:
        secrets.append(passphrase.reveal().decode("utf-8", "replace"))
    assert not any(secret in text for secret in secrets), "a message repeats the input"


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


@cache
def _pool() -> KeyPool:
    return KeyPool(size=1)


def end_pool() -> None:
    """End the processes that `key-import` has started."""
    if _pool.cache_info().currsize:
        _loop().run_until_complete(_pool().close())
        _loop().close()
        _pool.cache_clear()
        _loop.cache_clear()


_MUTATIONS: Final = (*TEXT, *BYTES, *DER, *WIRE, *INSIDE, *INSIDE, *INSIDE)

TARGETS: Final = (
    Target(
        "key-reading",
        "Reading a key file raises nothing but a Refusal, whose message is the catalogue's and repeats nothing of the "
        "file; what is accepted is stored in a form that is read as the same key, and is shown on one line.",
        key_files,
        _MUTATIONS,
        _read,
    ),
    Target(
        "key-import",
        "The pool answers every file within its limits; its verdict is one of the catalogue's or a key that is stored "
        "in canonical form.",
        key_files,
        _MUTATIONS,
        _imported,
    ),
)
