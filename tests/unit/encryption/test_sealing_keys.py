"""`encryption/sealing_keys.py`: what the operator publishes is what the desk reads; anything else is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from jwcrypto.jwk import JWKSet  # type: ignore[import-untyped]

from sshcredential_operator.encryption import b64url
from sshcredential_operator.encryption.sealing_keys import SealingKey, SealingKeys, from_jwks, sealing_kid, to_jwks

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def key(slot: int, *, retired: bool = False) -> SealingKey:
    x = b64url.encode(X25519PrivateKey.generate().public_key().public_bytes_raw())
    return SealingKey(sealing_kid(slot, x), x, NOON + timedelta(days=30 * slot), retired)


KEYS = SealingKeys((key(3), key(2, retired=True), key(1)))


def test_what_is_published_is_what_is_read() -> None:
    assert from_jwks(to_jwks(KEYS).encode()) == KEYS


def test_another_library_reads_it_and_agrees_on_the_thumbprints() -> None:
    keys = JWKSet.from_json(to_jwks(KEYS))["keys"]

    assert {key.thumbprint() for key in keys} == {key.kid.partition(".")[2] for key in KEYS.keys}


def test_nothing_private_can_be_in_it() -> None:
    for entry in json.loads(to_jwks(KEYS))["keys"]:
        assert entry.keys() <= {"kty", "crv", "use", "alg", "kid", "x", "createdAt", "retired"}


def test_the_newest_key_that_is_not_retired_seals() -> None:
    first, second, third = KEYS.keys

    assert KEYS.newest == first
    assert SealingKeys((first._replace(retired=True), second, third)).newest == third
    assert SealingKeys((second,)).newest is None


def test_the_order_in_a_file_does_not_matter() -> None:
    assert from_jwks(to_jwks(SealingKeys(KEYS.keys[::-1])).encode()) == KEYS


def test_the_fingerprint_is_the_thumbprint() -> None:
    assert KEYS.keys[0].fingerprint == f"SHA256:{KEYS.keys[0].kid.removeprefix('3.')}"


def changed(change: Callable[[dict[str, Any]], None]) -> bytes:
    value = json.loads(to_jwks(KEYS))
    change(value["keys"][0])
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'{"keys":[]}',
        b'{"keys":{}}',
        b'{"keys":[3]}',
        b"[" * 100_000,
        b"\xff",
        changed(lambda entry: entry.update(x=KEYS.keys[1].x)),
        changed(lambda entry: entry.update(x=b64url.encode(bytes(32)))),
        changed(lambda entry: entry.update(kid=KEYS.keys[1].kid)),
        changed(lambda entry: entry.update(kid="3")),
        changed(lambda entry: entry.pop("createdAt")),
        changed(lambda entry: entry.update(createdAt="yesterday")),
        changed(lambda entry: entry.update(retired="no")),
        changed(lambda entry: entry.update(crv="X448")),
        changed(lambda entry: entry.update(alg="ECDH-ES")),
    ],
    ids=[
        "nothing",
        "a list",
        "no key",
        "no list",
        "no entry",
        "deep",
        "no text",
        "another x",
        "a zero point",
        "another id",
        "a short id",
        "no time",
        "no such time",
        "no such flag",
        "another curve",
        "another algorithm",
    ],
)
def test_a_set_of_another_form_is_refused_as_a_whole(text: bytes) -> None:
    assert from_jwks(text) is None


def test_two_keys_of_one_slot_are_refused() -> None:
    assert from_jwks(to_jwks(SealingKeys((key(3), key(3)))).encode()) is None


def test_members_of_other_programs_do_not_matter() -> None:
    assert from_jwks(changed(lambda entry: entry.update(x5t="A"))) == KEYS
