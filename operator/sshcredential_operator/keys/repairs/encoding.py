"""From bytes to text: UTF-8, or UTF-16 as Windows writes it, with or without a byte order mark."""

from __future__ import annotations

import base64
import codecs
from typing import Final

_UTF16_MARKS: Final = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_SAMPLE: Final = 32
_ALPHABET: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


def decoded(file: bytes) -> str:
    """Return the text of a file. Bytes that are no UTF-8 stay as they are, see `encoded`."""
    codec = _UTF16_MARKS.get(file[:2]) or _utf16_without_mark(file[:_SAMPLE])
    if codec is not None:
        return file.removeprefix(codecs.BOM_UTF16_LE).removeprefix(codecs.BOM_UTF16_BE).decode(codec, "replace")
    return file.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    """Return a text as UTF-8, with those bytes as they were that were none."""
    return text.encode("utf-8", "surrogateescape")


def undone_base64(text: str) -> bytes | None:
    """Return what a text that is nothing but base64, in lines or not, stands for; else None."""
    letters = "".join(text.split())
    if not letters or not _ALPHABET.issuperset(letters):
        return None
    try:
        return base64.b64decode(letters, validate=True)
    except ValueError:
        return None


def _utf16_without_mark(sample: bytes) -> str | None:
    """Tell the byte order of a text that begins with ASCII letters only, each beside a NUL."""
    even, odd = sample[::2], sample[1::2]
    if len(sample) < _SAMPLE:
        return None
    if not any(odd) and all(even):
        return "utf-16-le"
    return "utf-16-be" if not any(even) and all(odd) else None
