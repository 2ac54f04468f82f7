from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import b64url
from sshcredential_operator.encryption.canary import (
    CANARY_TEXT,
    CanaryDocument,
    canary_aad,
    canary_secret_name,
    make_canary,
    sings,
)
from sshcredential_operator.encryption.envelope import KID, Kek, seal
from sshcredential_operator.encryption.kek import (
    KekDocument,
    kek_aad,
    kek_secret_name,
    new_kek,
    slot_of,
    unwrap_kek,
    wrap_kek,
)
from sshcredential_operator.encryption.root_key import RootSource
from sshcredential_operator.encryption.wrapping import Wrapped, from_kms_plaintext, to_kms_plaintext, unwrap
from unit.encryption.samples import KEK, NAMESPACE, OTHER_ROOT, OTHER_UID, ROOT, UID

DOCUMENT = wrap_kek(KEK, NAMESPACE, UID, ROOT, RootSource.SECRET)
CANARY = make_canary(ROOT, RootSource.SECRET)
KMS = Wrapped(
    RootSource.KMS, "projects/x/keys/y#1", {"b.example": b"\x00\xff", "a.example": b"1", "c": b""}, b"\x00ciphertext"
)
KMS_DOCUMENT = replace(DOCUMENT, wrapped=KMS)


def test_a_kek_is_unwrapped_as_it_was_wrapped() -> None:
    read = KekDocument.from_bytes(DOCUMENT.to_bytes())
    assert read == DOCUMENT
    assert unwrap_kek(DOCUMENT, ROOT) == KEK


def test_the_document_has_the_documented_members_in_their_order() -> None:
    value = json.loads(DOCUMENT.to_bytes())
    wrapped = value.pop("wrapped")
    assert list(value.items()) == [
        ("version", "sshcredentials.dev/v1"),
        ("kid", KEK.kid),
        ("namespace", NAMESPACE),
        ("namespaceUid", UID),
        ("rootSource", "Secret"),
        ("rootKeyId", ROOT.kid),
        ("annotations", {}),
    ]
    assert wrapped["header"]["kid"] == ROOT.kid
    assert (
        b64url.decode(wrapped["aad"]) == f'["sshcredentials.dev/v1","KEK","{NAMESPACE}","{UID}","{KEK.kid}"]'.encode()
    )


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"namespace": "other"}, id="another namespace"),
        pytest.param({"namespace_uid": OTHER_UID}, id="another namespace uid"),
        pytest.param({"kid": "2" + KEK.kid[1:]}, id="another kid"),
        pytest.param({"wrapped": DOCUMENT.wrapped._replace(root_key_id=OTHER_ROOT.kid)}, id="another root key's id"),
        pytest.param({"wrapped": CANARY.wrapped}, id="the canary's ciphertext"),
        pytest.param({"wrapped": KMS}, id="a KMS' ciphertext"),
    ],
)
def test_a_document_that_was_changed_does_not_unwrap(changes: dict[str, Any]) -> None:
    assert unwrap_kek(replace(DOCUMENT, **changes), ROOT) is None


@pytest.mark.parametrize("root", [OTHER_ROOT, Kek(ROOT.kid, OTHER_ROOT.key)], ids=["another id", "the same id"])
def test_another_root_key_does_not_unwrap(root: Kek) -> None:
    assert unwrap_kek(DOCUMENT, root) is None
    assert not sings(CANARY, root)


def test_a_wrapped_key_of_another_size_is_no_kek() -> None:
    short = Wrapped(RootSource.SECRET, ROOT.kid, {}, seal(Sensitive(b"x" * 31), ROOT, DOCUMENT.aad()))
    assert unwrap(short, ROOT, DOCUMENT.aad()) is not None
    assert unwrap_kek(replace(DOCUMENT, wrapped=short), ROOT) is None


def test_new_keks_are_random_and_their_kid_tells_slot_and_namespace() -> None:
    made = [new_kek(UID, 3) for _ in range(50)]
    assert len({kek.kid for kek in made}) == len({kek.key.reveal() for kek in made}) == 50
    assert all(KID.fullmatch(kek.kid) and kek.kid.startswith("3.6f1c0a2b3c4d.") for kek in made)
    assert {slot_of(kek.kid, UID) for kek in made} == {3}


@pytest.mark.parametrize(
    ("kid", "uid", "slot"),
    [
        ("1.6f1c0a2b3c4d.00000000000000aa", UID, 1),
        ("999999.6f1c0a2b3c4d.00000000000000aa", UID, 999_999),
        ("1000000.6f1c0a2b3c4d.00000000000000aa", UID, None),
        ("0.6f1c0a2b3c4d.00000000000000aa", UID, None),
        ("01.6f1c0a2b3c4d.00000000000000aa", UID, None),
        ("-1.6f1c0a2b3c4d.00000000000000aa", UID, None),
        ("1.6f1c0a2b3c4d.00000000000000a", UID, None),
        ("1.6f1c0a2b3c4d.00000000000000AA", UID, None),
        ("1.6f1c0a2b3c4d.00000000000000aa\n", UID, None),
        ("1.6f1c0a2b3c4d", UID, None),
        ("", UID, None),
        ("\u0661.6f1c0a2b3c4d.00000000000000aa", UID, None),
        ("1.6f1c0a2b3c4d.00000000000000aa", "6f1c0a2b-3c4e-4e5f-8a9b-0c1d2e3f4a5b", None),
    ],
)
def test_the_slot_is_read_only_from_a_kid_of_this_namespace(kid: str, uid: str, slot: int | None) -> None:
    assert slot_of(kid, uid) == slot


def test_the_name_of_a_keks_secret_follows_from_uid_and_slot() -> None:
    assert kek_secret_name(UID, 1) == f"sshcredential-kek-{UID}-1"


def test_the_canary_sings_under_its_root_key() -> None:
    read = CanaryDocument.from_bytes(CANARY.to_bytes())
    assert read == CANARY
    assert sings(CANARY, ROOT)
    assert CANARY.aad() == b'["sshcredentials.dev/v1","Canary","%s"]' % ROOT.kid.encode()


def test_a_canary_with_another_text_does_not_sing() -> None:
    sealed = seal(Sensitive(CANARY_TEXT + b"!"), ROOT, CANARY.aad())
    assert not sings(CanaryDocument(CANARY.wrapped._replace(wrapped=sealed)), ROOT)


def test_a_canary_of_another_place_does_not_sing() -> None:
    sealed = seal(Sensitive(CANARY_TEXT), ROOT, kek_aad(NAMESPACE, UID, KEK.kid))
    assert not sings(CanaryDocument(CANARY.wrapped._replace(wrapped=sealed)), ROOT)


def test_a_canarys_name_holds_the_root_keys_id_or_a_digest_of_a_kms_one() -> None:
    assert canary_secret_name(ROOT.kid) == f"sshcredential-canary-{ROOT.kid}"
    assert canary_secret_name("projects/x/keys/y#1") == "sshcredential-canary-kms-c2135f34e50c63362fea1db2c8395a19"


def test_a_kms_document_is_read_as_it_was_written() -> None:
    data = KMS_DOCUMENT.to_bytes()
    assert KekDocument.from_bytes(data) == KMS_DOCUMENT
    assert json.loads(data)["annotations"] == {"a.example": "MQ", "b.example": "AP8", "c": ""}
    assert json.loads(data)["wrapped"] == b64url.encode(b"\x00ciphertext")


def test_what_a_kms_plugin_encrypts_repeats_the_aad() -> None:
    aad = KMS_DOCUMENT.aad()
    plaintext = to_kms_plaintext(KEK.key, aad)
    assert json.loads(plaintext.reveal()) == [*json.loads(aad), b64url.encode(KEK.key.reveal())]
    assert from_kms_plaintext(plaintext, aad) == KEK.key


@pytest.mark.parametrize(
    "plaintext",
    [
        b"",
        b"[]",
        KEK.key.reveal(),
        to_kms_plaintext(KEK.key, kek_aad("other", UID, KEK.kid)).reveal(),
        to_kms_plaintext(KEK.key, canary_aad(ROOT.kid)).reveal(),
        to_kms_plaintext(KEK.key, DOCUMENT.aad()).reveal() + b"\n",
        to_kms_plaintext(KEK.key, DOCUMENT.aad()).reveal().replace(b'"]', b'="]'),
        DOCUMENT.aad().removesuffix(b"]") + b',""]',
        DOCUMENT.aad().removesuffix(b"]") + b',"\xff"]',
        DOCUMENT.aad(),
    ],
    ids=range(10),
)
def test_a_plugins_plaintext_of_another_place_gives_nothing(plaintext: bytes) -> None:
    assert from_kms_plaintext(Sensitive(plaintext), DOCUMENT.aad()) is None


def changed(data: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    value = json.loads(data)
    change(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def put(**members: object) -> Callable[[dict[str, Any]], object]:
    return lambda value: value.update(members)


def rename(value: dict[str, Any], name: str) -> None:
    value[name] = value.pop(name)


KEK_MEMBERS = ("version", "kid", "namespace", "namespaceUid", "rootSource", "rootKeyId", "annotations", "wrapped")


@pytest.mark.parametrize("name", KEK_MEMBERS)
def test_no_member_of_a_kek_may_be_missing_doubled_or_of_another_type(name: str) -> None:
    data = DOCUMENT.to_bytes()
    assert KekDocument.from_bytes(changed(data, lambda value: value.pop(name))) is None
    twin = json.dumps({name: json.loads(data)[name]}, separators=(",", ":")).encode()[1:-1]
    assert KekDocument.from_bytes(data.replace(b"{", b"{" + twin + b",", 1)) is None
    for value in (None, True, 0, 1.5, "", "\u00e4", [], ["x"], {"x": "AA"}):
        assert KekDocument.from_bytes(changed(data, put(**{name: value}))) is None, value
    if name != "wrapped":
        assert KekDocument.from_bytes(changed(data, lambda value: rename(value, name))) is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(put(version="sshcredentials.dev/v2"), id="another version"),
        pytest.param(put(extra=1), id="another member"),
        pytest.param(put(kid="a b"), id="a blank in the kid"),
        pytest.param(put(kid="x" * 65), id="a long kid"),
        pytest.param(put(namespace="Genomics"), id="a namespace in upper case"),
        pytest.param(put(namespaceUid=UID.upper()), id="a uid in upper case"),
        pytest.param(put(namespaceUid=UID[:-1]), id="a short uid"),
        pytest.param(put(rootSource="secret"), id="a source in lower case"),
        pytest.param(put(rootSource="KMS"), id="a JWE under a KMS"),
        pytest.param(put(rootKeyId="x"), id="a root key's id of another form"),
        pytest.param(put(annotations={"a": "MQ"}), id="annotations without a KMS"),
        pytest.param(put(wrapped=json.dumps(json.loads(DOCUMENT.to_bytes())["wrapped"])), id="a JWE in a string"),
        pytest.param(lambda value: value["wrapped"].pop("aad"), id="a JWE without aad"),
        pytest.param(lambda value: value["wrapped"].update(unprotected={"zip": "DEF"}), id="a JWE with another member"),
    ],
)
def test_another_form_is_no_kek_document(change: Callable[[dict[str, Any]], object]) -> None:
    assert KekDocument.from_bytes(changed(DOCUMENT.to_bytes(), change)) is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(put(rootSource="Secret"), id="a ciphertext without a KMS"),
        pytest.param(put(rootKeyId=""), id="no key id"),
        pytest.param(put(rootKeyId="x" * 1025), id="a long key id"),
        pytest.param(put(rootKeyId="a\nb"), id="a line break in the key id"),
        pytest.param(put(wrapped=""), id="no ciphertext"),
        pytest.param(put(wrapped="AAA="), id="a padded ciphertext"),
        pytest.param(put(annotations={"b": "MQ", "a": "MQ"}), id="annotations out of order"),
        pytest.param(put(annotations={"a": "M"}), id="an annotation that is no base64url"),
        pytest.param(put(annotations={"a": None}), id="null as annotation"),
        pytest.param(put(annotations={"a": 1}), id="a number as annotation"),
        pytest.param(put(annotations={"": "MQ"}), id="an annotation without a name"),
        pytest.param(put(annotations={f"{n:03}": "MQ" for n in range(65)}), id="65 annotations"),
        pytest.param(put(annotations=[]), id="a list of annotations"),
    ],
)
def test_another_form_is_no_kms_document(change: Callable[[dict[str, Any]], object]) -> None:
    assert KekDocument.from_bytes(changed(KMS_DOCUMENT.to_bytes(), change)) is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="null"),
        pytest.param(DOCUMENT.to_bytes()[:-1], id="cut"),
        pytest.param(DOCUMENT.to_bytes() + b"\n", id="a last newline"),
        pytest.param(b"[" * 200_000, id="nested and long"),
    ],
)
def test_other_bytes_are_no_document(data: bytes) -> None:
    assert KekDocument.from_bytes(data) is None
    assert CanaryDocument.from_bytes(data) is None


@pytest.mark.parametrize("name", ["version", "rootSource", "rootKeyId", "annotations", "wrapped"])
def test_no_member_of_a_canary_may_be_missing_or_of_another_type(name: str) -> None:
    data = CANARY.to_bytes()
    assert CanaryDocument.from_bytes(changed(data, lambda value: value.pop(name))) is None
    others: tuple[object, ...] = (None, True, 0, "", "\u00e4", [], {"x": "AA"})
    for value in others:
        assert CanaryDocument.from_bytes(changed(data, put(**{name: value}))) is None, value


def test_a_kek_is_no_canary_and_a_canary_is_no_kek() -> None:
    assert CanaryDocument.from_bytes(DOCUMENT.to_bytes()) is None
    assert KekDocument.from_bytes(CANARY.to_bytes()) is None
