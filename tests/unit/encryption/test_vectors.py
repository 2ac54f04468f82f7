"""Every vector is made again from its parts, read by us, and opened by joserfc and by jwcrypto."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from joserfc import jwe
from joserfc.jwk import KeySet, OctKey

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import record_json
from sshcredential_operator.encryption.canary import CanaryDocument, canary_secret_name, sings
from sshcredential_operator.encryption.credential_secret import (
    KeyMaterial,
    OpenedCredential,
    open_credential,
    open_key,
    peek_kids,
)
from sshcredential_operator.encryption.envelope import Kek, open_sealed, parse, rewrap
from sshcredential_operator.encryption.kek import KekDocument, kek_secret_name, unwrap_kek
from sshcredential_operator.encryption.place import Field, Place, place_of
from sshcredential_operator.encryption.root_key import RootSource, root_keys_from_bytes, root_keys_to_bytes
from sshcredential_operator.encryption.wrapping import from_kms_plaintext, to_kms_plaintext
from unit.encryption import independent
from unit.encryption.independent import Randomness
from unit.encryption.other_library import opened_elsewhere
from unit.encryption.samples import Half

FILE: Final = Path(__file__).parent / "vectors" / "v1.json"
VECTORS: Final[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
KEKS: Final = {name: Kek(key["kid"], Sensitive(bytes.fromhex(key["key"]))) for name, key in VECTORS["keys"].items()}
SECRET: Final[dict[str, Any]] = VECTORS["secret"]
DATA: Final = {name: value["sealed"].encode() for name, value in SECRET["data"].items()}


def _sealed_values() -> Iterator[Any]:
    for name, value in VECTORS["envelopes"].items():
        yield pytest.param(value, id=name)
    for name, value in SECRET["data"].items():
        yield pytest.param(value, id=name)
    yield pytest.param(VECTORS["kek"]["wrapped"], id="KEK")
    yield pytest.param(VECTORS["canary"]["wrapped"], id="canary")


SEALED_VALUES: Final = list(_sealed_values())


def plaintext_of(value: dict[str, str]) -> bytes:
    return bytes.fromhex(value["plaintextHex"]) if "plaintextHex" in value else value["plaintext"].encode()


def half_of(private: Sensitive) -> Half | None:
    for key in json.loads(VECTORS["records"][SECRET["record"]])["keys"]:
        if private.reveal() == plaintext_of(SECRET["data"][f"privateKey.{key['keyNumber']}"]):
            return Half(key["fingerprint"])
    return None


def kek_of(kid: str) -> Kek | None:
    return next((kek for kek in KEKS.values() if kek.kid == kid), None)


@pytest.mark.parametrize("value", SEALED_VALUES)
def test_a_sealed_value_is_made_again_bit_by_bit(value: dict[str, str]) -> None:
    key = VECTORS["keys"][value["key"]]
    randomness = Randomness(*(bytes.fromhex(value[name]) for name in ("dataKey", "wrappingIv", "iv")))
    made = independent.seal(
        plaintext_of(value), key["kid"], bytes.fromhex(key["key"]), value["aad"].encode(), randomness
    )
    assert made == value["sealed"].encode()


@pytest.mark.parametrize("value", SEALED_VALUES)
def test_a_sealed_value_opens(value: dict[str, str]) -> None:
    envelope = parse(value["sealed"].encode())
    assert envelope is not None
    assert envelope.to_bytes() == value["sealed"].encode()
    assert envelope.aad == value["aad"].encode()
    assert open_sealed(envelope, KEKS[value["key"]], value["aad"].encode()) == Sensitive(plaintext_of(value))


@pytest.mark.parametrize("value", SEALED_VALUES)
def test_a_sealed_value_opens_with_joserfc_alone(value: dict[str, str]) -> None:
    key = VECTORS["keys"][value["key"]]
    k = independent.b64(bytes.fromhex(key["key"]))
    keys = KeySet([OctKey.import_key({"kty": "oct", "k": k, "kid": key["kid"]})])
    opened = jwe.decrypt_json(json.loads(value["sealed"]), keys, algorithms=["A256GCMKW", "A256GCM"])
    assert isinstance(opened, jwe.FlattenedJSONEncryption)
    assert (opened.plaintext, opened.aad) == (plaintext_of(value), value["aad"].encode())


@pytest.mark.parametrize("value", SEALED_VALUES)
def test_a_sealed_value_opens_with_jwcrypto_alone(value: dict[str, str]) -> None:
    opened = opened_elsewhere(value["sealed"].encode(), KEKS[value["key"]])
    assert opened == (plaintext_of(value), value["aad"].encode())


def test_no_two_values_share_a_data_key_or_a_nonce() -> None:
    values = [value.values[0] for value in SEALED_VALUES if value.id != "rewrapped"]
    for name in ("dataKey", "iv"):
        assert len({value[name] for value in values}) == len(values)
    assert len({(value["key"], value["wrappingIv"]) for value in values}) == len(values)


@pytest.mark.parametrize("vector", VECTORS["places"], ids=lambda v: f"{v['field']} {v['keyNumber']}")
def test_the_aad_of_a_place_is_made_and_read(vector: dict[str, Any]) -> None:
    parts = (vector["namespace"], vector["name"], vector["credentialId"], vector["keyNumber"])
    place = Place(*parts, Field(vector["field"]))
    assert place.aad() == vector["aad"].encode() == independent.value_aad(*parts, vector["field"])
    assert place_of(vector["aad"].encode()) == place


def test_the_rewrapped_vector_differs_in_its_wrapping_only() -> None:
    old, new = (json.loads(VECTORS["envelopes"][name]["sealed"]) for name in ("sealed", "rewrapped"))
    assert {name for name in old if old[name] != new[name]} == {"header", "encrypted_key"}


def test_rewrapping_the_vector_gives_the_other_ones_ciphertext() -> None:
    envelope = parse(VECTORS["envelopes"]["sealed"]["sealed"].encode())
    assert envelope is not None
    again = parse(rewrap(envelope, KEKS["kek"], KEKS["newerKek"]) or b"")
    expected = parse(VECTORS["envelopes"]["rewrapped"]["sealed"].encode())
    assert again is not None
    assert expected is not None
    assert (again.kid, again.ciphertext, again.tag, again.iv, again.aad) == (
        expected.kid,
        expected.ciphertext,
        expected.tag,
        expected.iv,
        expected.aad,
    )


@pytest.mark.parametrize("text", list(VECTORS["records"].values()), ids=list(VECTORS["records"]))
def test_a_record_is_read_and_written_as_it_was(text: str) -> None:
    record = record_json.from_bytes(text.encode())
    assert record is not None
    assert record_json.to_bytes(record) == text.encode()
    assert independent.compact(json.loads(text)) == text.encode()


def test_the_whole_secret_opens() -> None:
    opened = open_credential(DATA, SECRET["namespace"], SECRET["name"], kek_of, half_of)
    assert isinstance(opened, OpenedCredential)
    assert opened.kid == KEKS["kek"].kid
    assert record_json.to_bytes(opened.record) == VECTORS["records"][SECRET["record"]].encode()
    assert peek_kids(DATA) == {KEKS["kek"].kid}


@pytest.mark.parametrize(
    ("number", "passphrase"), [(1, None), (2, b"test-only passphrase 2"), (3, b"test-only passphrase 3")]
)
def test_each_key_of_the_secret_opens(number: int, passphrase: bytes | None) -> None:
    record = record_json.from_bytes(VECTORS["records"][SECRET["record"]].encode())
    assert record is not None
    assert open_key(DATA, record, number, SECRET["namespace"], SECRET["name"], kek_of) == KeyMaterial(
        Sensitive(b"test-only, not a key: %d\n" % number), None if passphrase is None else Sensitive(passphrase)
    )


def test_the_root_document_is_read_and_written_as_it_was() -> None:
    roots = root_keys_from_bytes(VECTORS["root"].encode())
    assert roots is not None
    assert roots.keys == (KEKS["root"], KEKS["olderRoot"])
    assert root_keys_to_bytes(roots) == VECTORS["root"].encode()
    keys = [(key["kid"], bytes.fromhex(key["key"])) for key in (VECTORS["keys"][n] for n in ("root", "olderRoot"))]
    assert independent.root_document(keys) == VECTORS["root"].encode()


def test_the_kek_document_gives_the_kek() -> None:
    vector = VECTORS["kek"]
    document = KekDocument.from_bytes(vector["document"].encode())
    assert document is not None
    assert document.to_bytes() == vector["document"].encode()
    assert (document.namespace, document.namespace_uid) == (vector["namespace"], vector["namespaceUid"])
    assert document.aad() == vector["wrapped"]["aad"].encode()
    assert kek_secret_name(document.namespace_uid, document.slot or 0) == vector["secretName"]
    assert unwrap_kek(document, KEKS["root"]) == KEKS["kek"]
    parts = (document.kid, vector["namespace"], vector["namespaceUid"], KEKS["root"].kid)
    assert independent.kek_document(*parts, vector["wrapped"]["sealed"].encode()) == vector["document"].encode()
    assert independent.kek_aad(vector["namespace"], vector["namespaceUid"], document.kid) == document.aad()


def test_the_canary_document_sings() -> None:
    vector = VECTORS["canary"]
    document = CanaryDocument.from_bytes(vector["document"].encode())
    assert document is not None
    assert document.to_bytes() == vector["document"].encode()
    assert sings(document, KEKS["root"])
    assert canary_secret_name(KEKS["root"].kid) == vector["secretName"]
    sealed = vector["wrapped"]["sealed"].encode()
    assert independent.canary_document(KEKS["root"].kid, sealed) == vector["document"].encode()
    assert independent.canary_aad(KEKS["root"].kid) == document.aad()


def test_the_kms_document_holds_the_plugins_answer_and_its_plaintext_gives_the_kek() -> None:
    vector = VECTORS["kms"]
    document = KekDocument.from_bytes(vector["document"].encode())
    assert document is not None
    assert document.to_bytes() == vector["document"].encode()
    assert document.wrapped.root_source is RootSource.KMS
    assert document.wrapped.wrapped == vector["ciphertext"].encode()
    assert document.wrapped.annotations == {name: text.encode() for name, text in vector["annotations"].items()}
    assert document.aad() == vector["aad"].encode()
    assert to_kms_plaintext(KEKS["kek"].key, document.aad()) == Sensitive(vector["plaintext"].encode())
    assert from_kms_plaintext(Sensitive(vector["plaintext"].encode()), document.aad()) == KEKS["kek"].key
