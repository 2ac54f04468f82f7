"""`encryption/sealing_key.py`: a stored document opens under its root key in its own place, and as nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import b64url
from sshcredential_operator.encryption.canary import make_canary
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE, KekDocument, wrap_kek
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.root_key import RootSource
from sshcredential_operator.encryption.sealing_key import (
    SEALING_KEY_DATA_KEY,
    SEALING_KEY_SECRET_TYPE,
    SealingKeyDocument,
    new_sealing_key,
    sealing_key_document_of,
    sealing_key_secret_name,
    slot_of_kid,
    slot_of_secret,
    unwrap_sealing_key,
    wrap_sealing_key,
)
from sshcredential_operator.encryption.sealing_keys import sealing_kid
from sshcredential_operator.encryption.wrapping import Wrapped, from_kms_plaintext, to_kms_plaintext, wrap
from unit.encryption.samples import KEK, NAMESPACE, OTHER_ROOT, ROOT, UID

NOW = datetime(2026, 11, 29, 5, 0, 0, 250_000, tzinfo=UTC)
KEY = new_sealing_key(3, NOW)
OTHER = new_sealing_key(3, NOW)
DOCUMENT = wrap_sealing_key(KEY, ROOT, RootSource.SECRET)
OTHER_DOCUMENT = wrap_sealing_key(OTHER, ROOT, RootSource.SECRET)
KMS = Wrapped(RootSource.KMS, "projects/x/keys/y#1", {"a.example": b"1"}, b"\x00ciphertext")
MEMBERS = ("version", "kid", "x", "createdAt", "rootSource", "rootKeyId", "annotations", "wrapped")


def test_a_private_half_is_unwrapped_as_it_was_wrapped() -> None:
    assert SealingKeyDocument.from_bytes(DOCUMENT.to_bytes()) == DOCUMENT
    assert unwrap_sealing_key(DOCUMENT, ROOT) == KEY.private


def test_the_document_has_the_documented_members_in_their_order() -> None:
    value = json.loads(DOCUMENT.to_bytes())
    assert tuple(value) == MEMBERS
    assert (value["kid"], value["x"], value["createdAt"]) == (KEY.kid, KEY.x, "2026-11-29T05:00:00Z")
    place = f'["sshcredentials.dev/v1","SealingKey","{KEY.kid}","2026-11-29T05:00:00Z"]'
    assert b64url.decode(value["wrapped"]["aad"]) == place.encode()


def test_new_keys_are_random_and_told_by_slot_and_thumbprint() -> None:
    made = [new_sealing_key(7, NOW) for _ in range(50)]
    assert len({key.private.reveal() for key in made}) == len({key.kid for key in made}) == 50
    for key in made:
        public = X25519PrivateKey.from_private_bytes(key.private.reveal()).public_key().public_bytes_raw()
        assert (key.kid, key.x) == (sealing_kid(7, key.x), b64url.encode(public))
        assert slot_of_kid(key.kid) == 7


def test_a_key_shows_no_private_half() -> None:
    shown = f"{KEY!r} {DOCUMENT!r} {KEY}"
    assert b64url.encode(KEY.private.reveal()) not in shown
    assert repr(KEY.private.reveal()) not in shown


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"kid": OTHER.kid, "x": OTHER.x}, id="another key's name"),
        pytest.param({"kid": "4" + KEY.kid[1:]}, id="another slot"),
        pytest.param({"created_at": DOCUMENT.created_at + timedelta(seconds=1)}, id="another moment"),
        pytest.param({"x": OTHER.x}, id="another public half"),
        pytest.param({"wrapped": OTHER_DOCUMENT.wrapped}, id="another key's ciphertext"),
        pytest.param({"wrapped": make_canary(ROOT, RootSource.SECRET).wrapped}, id="the canary's ciphertext"),
        pytest.param({"wrapped": wrap_kek(KEK, NAMESPACE, UID, ROOT, RootSource.SECRET).wrapped}, id="a KEK's"),
        pytest.param({"wrapped": DOCUMENT.wrapped._replace(root_key_id=OTHER_ROOT.kid)}, id="another root key's id"),
        pytest.param({"wrapped": KMS}, id="a KMS' ciphertext"),
    ],
)
def test_a_document_that_was_changed_does_not_unwrap(changes: dict[str, Any]) -> None:
    assert unwrap_sealing_key(replace(DOCUMENT, **changes), ROOT) is None


@pytest.mark.parametrize("root", [OTHER_ROOT, Kek(ROOT.kid, OTHER_ROOT.key)], ids=["another id", "the same id"])
def test_another_root_key_does_not_unwrap(root: Kek) -> None:
    assert unwrap_sealing_key(DOCUMENT, root) is None


@pytest.mark.parametrize("half", [b"x" * 31, b"x" * 33, OTHER.private.reveal()], ids=["short", "long", "another's"])
def test_a_private_half_that_is_not_of_the_public_one_does_not_unwrap(half: bytes) -> None:
    wrapped = wrap(Sensitive(half), ROOT, DOCUMENT.aad(), RootSource.SECRET)
    assert unwrap_sealing_key(replace(DOCUMENT, wrapped=wrapped), ROOT) is None


def test_no_bit_of_a_document_may_be_changed() -> None:
    data = DOCUMENT.to_bytes()
    for place in range(len(data)):
        for bit in range(8):
            spoilt = bytearray(data)
            spoilt[place] ^= 1 << bit
            read = SealingKeyDocument.from_bytes(bytes(spoilt))
            assert read is None or unwrap_sealing_key(read, ROOT) is None, (place, bit)


def changed(change: Callable[[dict[str, Any]], object], document: SealingKeyDocument = DOCUMENT) -> bytes:
    value = json.loads(document.to_bytes())
    change(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def put(**members: object) -> Callable[[dict[str, Any]], object]:
    return lambda value: value.update(members)


@pytest.mark.parametrize("name", MEMBERS)
def test_no_member_may_be_missing_doubled_or_of_another_type(name: str) -> None:
    data = DOCUMENT.to_bytes()
    assert SealingKeyDocument.from_bytes(changed(lambda value: value.pop(name))) is None
    twin = json.dumps({name: json.loads(data)[name]}, separators=(",", ":")).encode()[1:-1]
    assert SealingKeyDocument.from_bytes(data.replace(b"{", b"{" + twin + b",", 1)) is None
    others: tuple[object, ...] = (None, True, 0, 1.5, "", "\u00e4", [], ["x"], {"x": "AA"})
    for value in others:
        assert SealingKeyDocument.from_bytes(changed(put(**{name: value}))) is None, value


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(put(version="sshcredentials.dev/v2"), id="another version"),
        pytest.param(put(extra=1), id="another member"),
        pytest.param(put(kid=OTHER.kid), id="another key's kid"),
        pytest.param(put(kid=f"0{KEY.kid}"), id="a zero before the slot"),
        pytest.param(put(kid=KEY.kid.partition(".")[2]), id="no slot"),
        pytest.param(put(x=OTHER.x), id="another public half"),
        pytest.param(put(x=b64url.encode(bytes(32)), kid=sealing_kid(3, b64url.encode(bytes(32)))), id="a zero point"),
        pytest.param(put(createdAt="2026-11-29T05:00:00+00:00"), id="a moment in another form"),
        pytest.param(put(createdAt="2026-11-29T5:00:00Z"), id="a moment without its zeros"),
        pytest.param(put(rootSource="KMS"), id="a JWE under a KMS"),
        pytest.param(put(d="AA"), id="a private half in plain"),
    ],
)
def test_another_form_is_no_document(change: Callable[[dict[str, Any]], object]) -> None:
    assert SealingKeyDocument.from_bytes(changed(change)) is None


@pytest.mark.parametrize("data", [b"", b"null", DOCUMENT.to_bytes()[:-1], DOCUMENT.to_bytes() + b"\n", b"[" * 200_000])
def test_other_bytes_are_no_document(data: bytes) -> None:
    assert SealingKeyDocument.from_bytes(data) is None


def test_a_kek_is_no_sealing_key_and_a_sealing_key_is_no_kek() -> None:
    assert KekDocument.from_bytes(DOCUMENT.to_bytes()) is None
    kek = wrap_kek(KEK, NAMESPACE, UID, ROOT, RootSource.SECRET)
    assert SealingKeyDocument.from_bytes(kek.to_bytes()) is None


def test_under_a_kms_the_public_half_is_read_without_it() -> None:
    document = replace(DOCUMENT, wrapped=KMS)
    read = SealingKeyDocument.from_bytes(document.to_bytes())
    assert read == document
    plaintext = to_kms_plaintext(KEY.private, document.aad())
    assert json.loads(plaintext.reveal())[:-1] == json.loads(document.aad())
    assert from_kms_plaintext(plaintext, document.aad()) == KEY.private


def secret(name: str, type_: str = SEALING_KEY_SECRET_TYPE, **data: bytes) -> StoredSecret:
    return StoredSecret(name, type_, data or {SEALING_KEY_DATA_KEY: DOCUMENT.to_bytes()})


def test_a_secret_is_read_only_under_its_own_name_and_type_and_with_one_value() -> None:
    name = sealing_key_secret_name(3)
    assert sealing_key_document_of(secret(name)) == DOCUMENT
    wrong = [
        secret(sealing_key_secret_name(4)),
        secret("my-key"),
        secret(name, KEK_SECRET_TYPE),
        secret(name, "Opaque"),
        secret(name, kek=DOCUMENT.to_bytes()),
        secret(name, sealingKey=DOCUMENT.to_bytes(), x=b""),
        secret(name, sealingKey=b""),
    ]
    assert [sealing_key_document_of(one) for one in wrong] == [None] * len(wrong)


@pytest.mark.parametrize(
    ("name", "slot"),
    [
        ("sshcredential-sealing-key-1", 1),
        ("sshcredential-sealing-key-999999", 999_999),
        ("sshcredential-sealing-key-1000000", None),
        ("sshcredential-sealing-key-0", None),
        ("sshcredential-sealing-key-01", None),
        ("sshcredential-sealing-key-", None),
        ("sshcredential-sealing-key-1\n", None),
        ("my-sshcredential-sealing-key-1", None),
    ],
)
def test_the_slot_is_read_only_from_a_name_of_ours(name: str, slot: int | None) -> None:
    assert slot_of_secret(name) == slot


def test_the_slot_is_read_only_from_a_kid_of_ours() -> None:
    thumbprint = KEY.kid.partition(".")[2]
    assert [slot_of_kid(kid) for kid in (f"0.{thumbprint}", thumbprint, f"1.{thumbprint}=", "", "1.")] == [None] * 5
