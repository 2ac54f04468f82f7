"""Finds secrets in bytes, in whatever way they are written there. Used by `test_leaks`.

Nine encodings: as they are, base64 in its three alignments, base64url, hexadecimal, JSON, URL, UTF-16; and Python's own
way to show bytes.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import suppress
from typing import Final, Generic, NamedTuple, TypeVar
from urllib.parse import quote, quote_plus

GRAM: Final = 8
"""Octets that are looked up at once."""

SHORTEST: Final = 16
"""What is shorter cannot be told from chance, or from other words."""

Needle = TypeVar("Needle", bound=Hashable)


def _base64(encode: Callable[[bytes], bytes], secret: bytes) -> Iterator[bytes]:
    """Yield what of the encoded text depends on the secret alone, wherever in a longer text it lies."""
    for before in range(3):
        text = encode(bytes(before) + secret).rstrip(b"=")
        shared = 1 if (before + len(secret)) % 3 else 0
        yield text[(0, 2, 3)[before] : len(text) - shared]


def _texts(secret: bytes) -> Iterator[str]:
    yield secret.decode("latin-1")
    with suppress(UnicodeDecodeError):
        yield secret.decode()


def _json(secret: bytes) -> Iterator[bytes]:
    for text in _texts(secret):
        for escaped in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
            yield escaped.encode()
            yield escaped.replace("/", "\\/").encode()
            yield re.sub("[<>&]", lambda found: f"\\u{ord(found[0]):04x}", escaped).encode()  # Go's way


def _hexadecimal(secret: bytes) -> Iterator[bytes]:
    yield secret.hex().encode()
    yield secret.hex().upper().encode()


def _url(secret: bytes) -> Iterator[bytes]:
    yield quote(secret, safe="").encode()
    yield quote(secret).encode()
    yield quote_plus(secret).encode()


def _utf16(secret: bytes) -> Iterator[bytes]:
    for text in _texts(secret):
        yield text.encode("utf-16-le")
        yield text.encode("utf-16-be")


def _python(secret: bytes) -> Iterator[bytes]:
    shown = [repr(part)[2:-1] for part in secret.split(b"'")]
    yield "'".join(shown).encode()
    yield "\\'".join(shown).encode()  # where both kinds of quotes occur


ENCODINGS: Final[dict[str, Callable[[bytes], Iterator[bytes]]]] = {
    "raw": lambda secret: iter((secret,)),
    "base64": lambda secret: _base64(b64encode, secret),
    "base64url": lambda secret: _base64(urlsafe_b64encode, secret),
    "hex": _hexadecimal,
    "JSON": _json,
    "URL": _url,
    "UTF-16": _utf16,
    "repr": _python,
}


class Hit(NamedTuple, Generic[Needle]):
    """A needle and how it was written."""

    needle: Needle
    encoding: str


class _Pattern(NamedTuple, Generic[Needle]):
    hit: Hit[Needle]
    text: bytes


class Search(Generic[Needle]):
    """Looks for many needles at once.

    Every occurrence of a pattern covers one of the places that are looked up, which lie so close together that the
    shortest pattern cannot fall between two of them.
    """

    def __init__(self, needles: Mapping[Needle, bytes]) -> None:
        patterns = list(_patterns(needles))
        shortest = min(len(pattern.text) for pattern in patterns)
        assert shortest >= SHORTEST, f"a needle of {shortest} octets proves nothing"
        self._step = shortest - GRAM + 1
        self._places: defaultdict[bytes, list[tuple[int, _Pattern[Needle]]]] = defaultdict(list)
        for pattern in patterns:
            for offset in range(self._step):
                self._places[pattern.text[offset : offset + GRAM]].append((offset, pattern))

    def hits(self, content: bytes) -> set[Hit[Needle]]:
        """Return everything that is found."""
        grams = (content[at : at + GRAM] for at in range(0, len(content), self._step))
        known = self._places
        return {
            pattern.hit
            for number, gram in enumerate(grams)
            if gram in known
            for offset, pattern in known[gram]
            if _is_at(content, number * self._step - offset, pattern.text)
        }


def _patterns(needles: Mapping[Needle, bytes]) -> Iterator[_Pattern[Needle]]:
    for needle, secret in needles.items():
        told: set[bytes] = set()
        for encoding, spell in ENCODINGS.items():
            for text in spell(secret):
                if text not in told:
                    told.add(text)
                    yield _Pattern(Hit(needle, encoding), text)


def _is_at(content: bytes, start: int, text: bytes) -> bool:
    return start >= 0 and content.startswith(text, start)
