"""`encryption/recipient.py`: sealed for one key and one place; a second library opens it; nothing else does."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from joserfc import jwe
from joserfc.jwk import OKPKey
from jwcrypto.jwe import JWE  # type: ignore[import-untyped]
from jwcrypto.jwk import JWK  # type: ignore[import-untyped]

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import b64url
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.recipient import (
    Delivery,
    RecipientKey,
    delivery_of,
    open_with,
    recipient_key,
    seal_for,
)

WHAT = Delivery("genomics", "hpc-login", 3, Field.PRIVATE_KEY)
VALUE = Sensitive(b"test-only-private-key")


def private_key() -> dict[str, object]:
    key = X25519PrivateKey.generate()
    octets = {"d": key.private_bytes_raw(), "x": key.public_key().public_bytes_raw()}
    return {"kty": "OKP", "crv": "X25519", **{name: b64url.encode(value) for name, value in octets.items()}}


PRIVATE = private_key()
RECIPIENT = RecipientKey(str(PRIVATE["x"]))


def test_the_recipient_opens_it_and_knows_what_it_is() -> None:
    assert open_with(PRIVATE, seal_for(RECIPIENT, VALUE, WHAT)) == (WHAT, VALUE)


def test_another_library_opens_it_in_three_lines() -> None:
    sealed = JWE()
    sealed.deserialize(seal_for(RECIPIENT, VALUE, WHAT).decode(), JWK(**PRIVATE))
    header = sealed.jose_header

    assert sealed.payload == VALUE.reveal()
    assert header["kid"] == JWK(**PRIVATE).thumbprint()
    assert {name: header[name] for name in ("alg", "enc", "namespace", "name", "keyNumber", "field")} == {
        "alg": "ECDH-ES+A256KW",
        "enc": "A256GCM",
        "namespace": "genomics",
        "name": "hpc-login",
        "keyNumber": 3,
        "field": "privateKey",
    }


def test_nobody_else_opens_it_and_no_two_are_alike() -> None:
    assert open_with(private_key(), seal_for(RECIPIENT, VALUE, WHAT)) is None
    assert seal_for(RECIPIENT, VALUE, WHAT) != seal_for(RECIPIENT, VALUE, WHAT)
    assert open_with({**PRIVATE, "d": None}, seal_for(RECIPIENT, VALUE, WHAT)) is None


@pytest.mark.parametrize("part", range(5))
def test_a_changed_part_is_refused(part: int) -> None:
    parts = seal_for(RECIPIENT, VALUE, WHAT).split(b".")
    octets = bytearray(b64url.decode(parts[part].decode()) or b"")
    octets[len(octets) // 2] ^= 1
    parts[part] = b64url.encode(bytes(octets)).encode()

    assert open_with(PRIVATE, b".".join(parts)) is None


def by_hand(header: dict[str, object]) -> bytes:
    """Seal under any header, as somebody else would."""
    registry = jwe.JWERegistry(algorithms=[str(header["alg"]), str(header["enc"]), "DEF"], strict_check_header=False)
    key = OKPKey.import_key({name: str(PRIVATE[name]) for name in ("kty", "crv", "x")})
    return jwe.encrypt_compact(header, VALUE.reveal(), key, registry=registry).encode()


FIT: dict[str, object] = {
    "alg": "ECDH-ES+A256KW",
    "enc": "A256GCM",
    "kid": RECIPIENT.kid,
    "namespace": "genomics",
    "name": "hpc-login",
    "keyNumber": 3,
    "field": "privateKey",
}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"zip": "DEF"}, id="compressed"),
        pytest.param({"alg": "ECDH-ES"}, id="another algorithm"),
        pytest.param({"enc": "A128GCM"}, id="another encryption"),
        pytest.param({"apu": "QQ"}, id="one member more"),
        pytest.param({"field": "seed"}, id="a field that there is not"),
        pytest.param({"field": "record"}, id="a field that is never sent"),
        pytest.param({"namespace": "../kube-system"}, id="a namespace that is none"),
        pytest.param({"keyNumber": 0}, id="no key number"),
        pytest.param({"keyNumber": True}, id="a truth value as a number"),
        pytest.param({"kid": "another"}, id="another recipient's kid"),
    ],
)
def test_what_we_would_not_have_made_is_refused(change: dict[str, object]) -> None:
    assert open_with(PRIVATE, by_hand(FIT)) == (WHAT, VALUE)
    assert open_with(PRIVATE, by_hand(FIT | change)) is None


@pytest.mark.parametrize("text", [b"", b"....", b"\xff", b"e30.a.b.c.d", b"A" * 100_000, b'{"protected":"e30"}'])
def test_what_is_no_sealed_value_is_refused(text: bytes) -> None:
    assert delivery_of(text) is None
    assert open_with(PRIVATE, text) is None


def test_the_fingerprint_of_the_recipient_is_its_thumbprint() -> None:
    public = {name: PRIVATE[name] for name in ("kty", "crv", "x")}
    assert RECIPIENT.kid == JWK.from_json(json.dumps(public)).thumbprint()


@pytest.mark.parametrize(
    ("x", "fits"),
    [
        pytest.param(PRIVATE["x"], True, id="a key"),
        pytest.param(b64url.encode(bytes(32)), False, id="the zero point"),
        pytest.param(b64url.encode(bytes([1]) + bytes(31)), False, id="a point of small order"),
        pytest.param(b64url.encode(bytes(31)), False, id="short"),
        pytest.param(f"{PRIVATE['x']}=", False, id="padded"),
        pytest.param(7, False, id="a number"),
    ],
)
def test_only_a_key_is_a_recipients_key(x: object, fits: bool) -> None:
    assert (recipient_key(x) is not None) is fits
