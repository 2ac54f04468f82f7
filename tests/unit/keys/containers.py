"""Hypothesis strategies for key files in every container: most parts right, a few wrong; they shrink to a right one.

A container is drawn part by part, so a failure shrinks to the one part that matters, and never to mere noise. The key
material comes from fixed seeds, so that an example can be repeated.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
from typing import Final, TypeVar

import gmpy2  # type: ignore[import-untyped]  # it has no types
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import strategies as st

from sshcredential_operator.keys.wire import mpint, string, uint32
from unit.keys.key_files import AES256_CBC_OID as AES
from unit.keys.key_files import ED25519_OID, PASSPHRASE, PBES2_OID, aes_256_cbc, oid, pbkdf2, tlv

T = TypeVar("T")

P256_OID: Final = bytes.fromhex("2a8648ce3d030107")
EC_OID: Final = bytes.fromhex("2a8648ce3d0201")
RSA_OID: Final = bytes.fromhex("2a864886f70d010101")

SEED: Final = hashlib.sha256(b"the seed of a key that protects nothing").digest()
PUBLIC: Final = ed25519.Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
SCALAR: Final = int.from_bytes(hashlib.sha256(b"a scalar").digest(), "big") >> 1
_NUMBERS = ec.derive_private_key(SCALAR, ec.SECP256R1()).public_key().public_numbers()
POINT: Final = b"\x04" + _NUMBERS.x.to_bytes(32, "big") + _NUMBERS.y.to_bytes(32, "big")


def _prime(name: bytes) -> int:
    start = int.from_bytes(hashlib.shake_256(name).digest(128), "big") | 3 << 1022
    return int(gmpy2.next_prime(start))


P, Q, E = _prime(b"first"), _prime(b"second"), 65537
D: Final = pow(E, -1, math.lcm(P - 1, Q - 1))
RSA: Final = (P * Q, E, D, P, Q, D % (P - 1), D % (Q - 1), pow(Q, -1, P))


def maybe(right: T, wrong: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """Draw what is right nine times in ten; shrinks towards it."""
    return st.integers(0, 9).flatmap(lambda chance: wrong if chance == 9 else st.just(right))


def octets(right: bytes) -> st.SearchStrategy[bytes]:
    """Draw these octets, or some that are cut, too long, changed in a bit, or others."""
    changed = (
        st.integers(0, 8 * len(right) - 1).map(lambda bit: _with_bit_flipped(right, bit)) if right else st.just(b"\0")
    )
    cut = st.integers(0, len(right)).map(lambda length: right[:length])
    return maybe(right, st.one_of(changed, cut, st.just(right + b"\0"), st.binary(max_size=40)))


def numbers(right: int) -> st.SearchStrategy[int]:
    """Draw this number, or one of those that programs stumble over."""
    return maybe(
        right, st.sampled_from([0, 1, 2, right + 1, right - 1 if right else 0, 2**31, 2**63, 2**64 + 1, 1 << 9000])
    )


def _with_bit_flipped(data: bytes, bit: int) -> bytes:
    return bytes(octet ^ (1 << bit % 8 if index == bit // 8 else 0) for index, octet in enumerate(data))


# --- DER


def der_integer(right: int) -> st.SearchStrategy[bytes]:
    proper = numbers(right).map(lambda value: tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big")))
    return proper.flatmap(
        lambda element: maybe(element, st.sampled_from([tlv(2, b""), tlv(2, b"\xff"), tlv(2, b"\0\1")]))
    )


def element(tag: int, content: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return content.map(lambda inner: tlv(tag, inner))


def sequence(*members: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Draw a SEQUENCE of these, or with a member left out, doubled, or something after the last."""
    drawn = st.tuples(*members)
    whole = drawn.map(list)
    left_out = st.tuples(drawn, st.integers(0, len(members) - 1)).map(
        lambda pair: [member for index, member in enumerate(pair[0]) if index != pair[1]]
    )
    longer = st.tuples(drawn, st.binary(min_size=1, max_size=4)).map(lambda pair: [*pair[0], pair[1]])
    chosen = st.integers(0, 19).flatmap(lambda chance: {18: left_out, 19: longer}.get(chance, whole))
    return element(0x30, chosen.map(b"".join))


RSA_PRIVATE = sequence(der_integer(0), *map(der_integer, RSA))
EC_PRIVATE = sequence(
    der_integer(1),
    element(4, octets(SCALAR.to_bytes(32, "big"))),
    element(0xA0, element(6, octets(P256_OID))),
    element(0xA1, element(3, octets(b"\0" + POINT))),
)
PKCS8 = st.one_of(
    sequence(der_integer(0), sequence(st.just(oid(ED25519_OID))), element(4, element(4, octets(SEED)))),
    sequence(der_integer(0), sequence(st.just(oid(EC_OID)), element(6, octets(P256_OID))), element(4, EC_PRIVATE)),
    sequence(der_integer(0), sequence(st.just(oid(RSA_OID)), st.just(b"\5\0")), element(4, RSA_PRIVATE)),
)


def _encrypted(plain: bytes) -> bytes:
    padding = 16 - len(plain) % 16
    return aes_256_cbc(hashlib.pbkdf2_hmac("sha1", PASSPHRASE, b"saltsalt", 1, 32), plain + bytes([padding]) * padding)


PBES2 = sequence(
    sequence(
        st.just(oid(PBES2_OID)),
        sequence(maybe(pbkdf2(1), numbers(1).map(pbkdf2)), sequence(st.just(oid(AES)), element(4, octets(bytes(16))))),
    ),
    element(4, PKCS8.map(_encrypted).flatmap(octets)),
)


# --- OpenSSH and PuTTY


def wire(right: bytes) -> st.SearchStrategy[bytes]:
    return octets(right).map(string)


def wire_number(right: int) -> st.SearchStrategy[bytes]:
    return numbers(right).map(mpint)


def joined(*parts: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.tuples(*parts).map(b"".join)


ED_TYPE, EC_TYPE, RSA_TYPE = b"ssh-ed25519", b"ecdsa-sha2-nistp256", b"ssh-rsa"
ED_BLOB: Final = string(ED_TYPE) + string(PUBLIC)
EC_BLOB: Final = string(EC_TYPE) + string(b"nistp256") + string(POINT)
RSA_BLOB: Final = string(RSA_TYPE) + mpint(E) + mpint(P * Q)

OPENSSH_PARTS: Final = (
    (ED_BLOB, joined(wire(ED_TYPE), wire(PUBLIC), wire(SEED + PUBLIC))),
    (EC_BLOB, joined(wire(EC_TYPE), wire(b"nistp256"), wire(POINT), wire_number(SCALAR))),
    (RSA_BLOB, joined(wire(RSA_TYPE), *map(wire_number, (P * Q, E, D, RSA[-1], P, Q)))),
)


def _padded(inner: bytes) -> bytes:
    return inner + bytes(range(1, 1 + -len(inner) % 8))


def _openssh(blob: bytes, private: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    section = joined(octets(bytes(8)), private, wire(b"me@host")).map(_padded).flatmap(octets)
    head = joined(
        octets(b"openssh-key-v1\0"), wire(b"none"), wire(b"none"), wire(b""), maybe(1, st.integers(0, 9)).map(uint32)
    )
    return joined(head, wire(blob), section.map(string))


OPENSSH = st.one_of([_openssh(*parts) for parts in OPENSSH_PARTS])


def _base64_lines(body: bytes) -> bytes:
    return base64.encodebytes(body)


PUTTY_PARTS: Final = (
    (ED_TYPE, ED_BLOB, wire(SEED)),
    (EC_TYPE, EC_BLOB, wire_number(SCALAR)),
    (RSA_TYPE, RSA_BLOB, joined(*map(wire_number, (D, P, Q, RSA[-1])))),
)


@st.composite
def putty(draw: st.DrawFn) -> bytes:
    """Draw a PuTTY file of version 3, the checksum mostly right for what it covers."""
    key_type, blob, private_part = draw(st.sampled_from(PUTTY_PARTS))
    public, private = draw(octets(blob)), draw(private_part)
    parts = (key_type, b"none", b"me@host", public, private)
    checksum = draw(octets(hmac.digest(b"", b"".join(map(string, parts)), "sha256")))
    bodies = [base64.b64encode(body) for body in (public, private)]
    lines = [[body[at : at + 64] for at in range(0, len(body), 64)] for body in bodies]
    counts = [draw(maybe(len(body), st.integers(0, 99))) for body in lines]
    file = [
        b"PuTTY-User-Key-File-%d: %s" % (draw(maybe(3, st.integers(0, 9))), key_type),
        b"Encryption: none",
        b"Comment: me@host",
        b"Public-Lines: %d" % counts[0],
        *lines[0],
        b"Private-Lines: %d" % counts[1],
        *lines[1],
        b"Private-MAC: " + checksum.hex().encode(),
    ]
    if draw(maybe(None, st.just(0))) is not None:
        del file[draw(st.integers(0, len(file) - 1))]
    return b"\n".join(file) + b"\n"


# --- armour

LABELS: Final = ("OPENSSH PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY")


def armoured(label: str, body: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Draw a body between BEGIN and END, one of them or the label sometimes wrong."""
    labels = maybe(label, st.sampled_from(LABELS))
    begins = labels.map(lambda drawn: f"-----BEGIN {drawn}-----\n".encode())
    ends = labels.map(lambda drawn: f"-----END {drawn}-----\n".encode())
    return joined(begins.flatmap(octets), body.map(_base64_lines), ends.flatmap(octets))


CONTAINERS: Final[dict[str, st.SearchStrategy[bytes]]] = {
    "OpenSSH": armoured("OPENSSH PRIVATE KEY", OPENSSH),
    "PKCS#1": armoured("RSA PRIVATE KEY", RSA_PRIVATE),
    "SEC1": armoured("EC PRIVATE KEY", EC_PRIVATE),
    "PKCS#8": armoured("PRIVATE KEY", PKCS8),
    "PKCS#8, encrypted": armoured("ENCRYPTED PRIVATE KEY", PBES2),
    "DER": st.one_of(RSA_PRIVATE, EC_PRIVATE, PKCS8, PBES2),
    "PuTTY": putty(),
}
"""By format. Those that are encrypted are under `PASSPHRASE`."""
