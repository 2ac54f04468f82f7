"""Ways to change input: its bytes, its text, what lies in base64 in it, and the lengths that are written in it."""

from __future__ import annotations

import base64
import binascii
import random
import re
from typing import Final

from fuzz.target import Mutation

ODD_TEXTS: Final = (
    *("\n", "\r\n", "\r", "\0", "\t", " ", "  ", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u2029", "\u202e", "\u200b"),
    *("\ufeff", "\u00a0", "\u00b2", "\uff11", "\u0130", "e\u0301", "\U0001f511", "\\", '"', "'", "`", "$(id)", "%s"),
    *("{0}", "{secret}", "#", ",", "=", "==", "!", "*", "?", "|1|", "@revoked ", "@cert-authority ", "-----BEGIN "),
    *('command="x"', "restrict,", "cert-authority ", "ssh-ed25519 ", "rsa-sha2-256 ", "../", "/", ":", "::", "[", "]"),
    *("-1", "0", "1", "255", "65536", "2147483648", "9223372036854775807", "9223372036854775808", "1e309", "NaN"),
)
"""What breaks lines, hides, quotes, ends or begins something, somewhere."""

_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-](?:[A-Za-z0-9+/_-]|\n(?=[A-Za-z0-9+/])){15,}={0,2}")
_SHORT: Final = 64
_SELDOM: Final = 0.02
"""Else most inputs would soon be as long as they may be, and slow."""
_NUMBER: Final = re.compile(rb"[0-9]{1,20}")
_ODD_BYTES: Final = (0, 1, 0x0A, 0x0D, 0x20, 0x22, 0x2D, 0x30, 0x7F, 0x80, 0xFE, 0xFF)
_ODD_LENGTHS: Final = (0, 1, 2, 4, 7, 8, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 65535, 2**24, 2**31 - 1, 2**32 - 1)


def _place(data: bytes, chance: random.Random) -> int:
    return chance.randrange(len(data) + 1)


def flip_bits(data: bytes, chance: random.Random) -> bytes:
    """Turn one to three bits over."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 3) if data else 0):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def set_byte(data: bytes, chance: random.Random) -> bytes:
    """Put an odd byte, or any, in the place of one or before it."""
    at, byte = _place(data, chance), chance.choice((*_ODD_BYTES, chance.randrange(256)))
    return data[:at] + bytes([byte]) + data[at + chance.randint(0, 1) :]


def cut(data: bytes, chance: random.Random) -> bytes:
    """Take a piece out, or the end away."""
    start, end = sorted((_place(data, chance), _place(data, chance)))
    return data[:start] + (data[end:] if chance.random() < 0.7 else b"")


def double(data: bytes, chance: random.Random) -> bytes:
    """Let a piece stand there again, up to eight times, somewhere."""
    start, end = sorted((_place(data, chance), _place(data, chance)))
    at = _place(data, chance)
    often = end - start < _SHORT or chance.random() < _SELDOM
    return data[:at] + data[start:end] * (chance.choice((1, 2, 8)) if often else 1) + data[at:]


def swap_pieces(data: bytes, chance: random.Random) -> bytes:
    """Let two neighbouring pieces change places."""
    one, two, three = sorted(_place(data, chance) for _ in range(3))
    return data[:one] + data[two:three] + data[one:two] + data[three:]


def put_odd_text(data: bytes, chance: random.Random) -> bytes:
    """Put an odd text in between."""
    at = _place(data, chance)
    return data[:at] + chance.choice(ODD_TEXTS).encode() + data[at:]


def change_number(data: bytes, chance: random.Random) -> bytes:
    """Let a number that is written in digits be another."""
    found = list(_NUMBER.finditer(data))
    if not found:
        return data
    match = chance.choice(found)
    number = int(match[0])
    other = chance.choice((number + 1, number - 1, -number, number << 8, 0, 2**31, 2**63 - 1, 2**63, 10**30))
    return data[: match.start()] + str(other).encode() + data[match.end() :]


def change_length(data: bytes, chance: random.Random) -> bytes:
    """Let four bytes that have the look of a length (RFC 4251) be another one."""
    places = [at for at in range(max(0, len(data) - 3)) if data[at] == data[at + 1] == 0]
    if not places:
        return data
    at = chance.choice(places)
    return data[:at] + chance.choice(_ODD_LENGTHS).to_bytes(4, "big") + data[at + 4 :]


def change_tlv(data: bytes, chance: random.Random) -> bytes:
    """Let the length of something like a DER element be another one, or of indefinite or many octets."""
    places = [at for at in range(len(data) - 1) if data[at] in {0x02, 0x03, 0x04, 0x05, 0x06, 0x30, 0x31, 0xA0, 0xA1}]
    if not places:
        return data
    at = chance.choice(places)
    lengths = (
        b"\0",
        b"\x7f",
        b"\x80",
        b"\x81\x01",
        b"\x82\x01\0",
        b"\x84\xff\xff\xff\xff",
        b"\xff",
        bytes([data[at + 1] ^ 1]),
    )
    return data[: at + 1] + chance.choice(lengths) + data[at + 2 :]


def within_base64(*mutations: Mutation) -> Mutation:
    """Return a mutation that changes what lies in base64 or base64url in the input."""

    def changed(data: bytes, chance: random.Random) -> bytes:
        found = list(_BASE64.finditer(data))
        if not found:
            return data
        match = chance.choice(found)
        inner = _decoded(match[0])
        if inner is None:
            return data
        other = chance.choice(mutations)(inner, chance)
        return data[: match.start()] + _encoded(other, match[0]) + data[match.end() :]

    return changed


def _decoded(text: bytes) -> bytes | None:
    letters = text.replace(b"\n", b"").translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    try:
        return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
    except binascii.Error:
        return None


def _encoded(inner: bytes, like: bytes) -> bytes:
    """Return base64 in the spelling of `like`: its alphabet, padding and lines."""
    is_url = b"-" in like or b"_" in like or (b"+" not in like and b"/" not in like and not like.endswith(b"="))
    text = base64.urlsafe_b64encode(inner).rstrip(b"=") if is_url and b"\n" not in like else base64.b64encode(inner)
    width = like.find(b"\n")
    if width <= 0:
        return text
    return b"\n".join(text[start : start + width] for start in range(0, len(text), width))


BYTES: Final[tuple[Mutation, ...]] = (flip_bits, set_byte, cut, double, swap_pieces)
TEXT: Final[tuple[Mutation, ...]] = (set_byte, cut, double, swap_pieces, put_odd_text, put_odd_text, change_number)
WIRE: Final[tuple[Mutation, ...]] = (flip_bits, set_byte, cut, change_length, change_length, double)
DER: Final[tuple[Mutation, ...]] = (flip_bits, set_byte, cut, change_tlv, change_tlv, double)
INSIDE: Final[tuple[Mutation, ...]] = (within_base64(*WIRE), within_base64(*DER), within_base64(flip_bits))
