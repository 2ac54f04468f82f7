from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import record_json
from sshcredential_operator.encryption.credential_secret import (
    KeyMaterial,
    OpenedCredential,
    Unreadability,
    Unreadable,
    data_key,
    open_credential,
    open_key,
    peek_kid,
    peek_kids,
    reseal_record,
    seal_credential,
    seal_key,
)
from sshcredential_operator.encryption.envelope import Kek, parse, rewrap, seal
from sshcredential_operator.encryption.place import Field, Place, record_place
from sshcredential_operator.encryption.record import FromGenerate, PreviousKey, Record, RecordedKey, first_record
from sshcredential_operator.keys.generate import generate
from sshcredential_operator.keys.stored import stored_public_key
from unit.encryption.samples import (
    CREDENTIAL_ID,
    FULL_RECORD,
    KEK,
    NAME,
    NAMESPACE,
    OTHER_KEK,
    RECORD,
    Half,
    material,
    private_key,
    public_half,
    recorded_key,
)

Data = dict[str, bytes]

TAMPERED = Unreadable(Unreadability.DOES_NOT_OPEN)


def sealed(record: Record = FULL_RECORD, namespace: str = NAMESPACE, name: str = NAME) -> Data:
    return seal_credential(record, material(record), KEK, namespace, name)


def opened(data: Mapping[str, bytes], *keks: Kek, namespace: str = NAMESPACE, name: str = NAME) -> object:
    known = {kek.kid: kek for kek in keks or (KEK, OTHER_KEK)}
    return open_credential(data, namespace, name, known.get, public_half)


def kek_of(kid: str) -> Kek | None:
    return {KEK.kid: KEK, OTHER_KEK.kid: OTHER_KEK}.get(kid)


@pytest.mark.parametrize("record", [RECORD, FULL_RECORD], ids=["one key", "all that a record may name"])
def test_what_was_sealed_opens(record: Record) -> None:
    assert opened(sealed(record)) == OpenedCredential(record, KEK.kid)


def test_the_data_is_the_record_and_its_keys_and_the_passphrases_that_it_tells_of() -> None:
    assert set(sealed(RECORD)) == {"record", "privateKey.1"}
    assert set(sealed()) == {
        "record",
        *(f"privateKey.{number}" for number in (1, 3, 4, 5)),
        *(f"passphrase.{number}" for number in (3, 4)),
    }


def test_each_value_is_bound_to_its_place() -> None:
    for field, number in [(Field.RECORD, 0), (Field.PRIVATE_KEY, 4), (Field.PASSPHRASE, 4)]:
        envelope = parse(sealed()[data_key(field, number)])
        assert envelope is not None
        assert envelope.aad == Place(NAMESPACE, NAME, CREDENTIAL_ID, number, field).aad()


def test_a_generated_key_is_proven_by_its_public_half() -> None:
    pair = generate(Algorithm.ED25519, 256, "genomics@hpc")
    key = RecordedKey(
        key_number=1,
        algorithm=pair.public.algorithm,
        bits=pair.public.bits,
        fingerprint=pair.public.fingerprint,
        public_key=pair.public.line,
        created_at="2026-01-31T12:00:00Z",
        passphrase_protected=False,
    )
    record = first_record(
        credential_id=CREDENTIAL_ID,
        key=key,
        source=FromGenerate(),
        deletion_policy="Delete",
        deletion_grace_period="168h",
    )
    data = seal_credential(record, {1: KeyMaterial(pair.private, None)}, KEK, NAMESPACE, NAME)
    found = open_credential(data, NAMESPACE, NAME, kek_of, stored_public_key)
    assert found == OpenedCredential(record, KEK.kid)


@pytest.mark.parametrize("number", [1, 3, 4, 5])
def test_one_key_is_given_with_its_passphrase(number: int) -> None:
    assert open_key(sealed(), FULL_RECORD, number, NAMESPACE, NAME, kek_of) == material(FULL_RECORD)[number]


@pytest.mark.parametrize(
    ("number", "namespace", "name", "known"),
    [
        pytest.param(2, NAMESPACE, NAME, kek_of, id="a number that the record does not name"),
        pytest.param(1, "other", NAME, kek_of, id="another namespace"),
        pytest.param(1, NAMESPACE, "other", kek_of, id="another name"),
        pytest.param(1, NAMESPACE, NAME, {}.get, id="no key-encryption key"),
    ],
)
def test_a_key_that_does_not_open_is_none(
    number: int, namespace: str, name: str, known: Callable[[str], Kek | None]
) -> None:
    assert open_key(sealed(), FULL_RECORD, number, namespace, name, known) is None


def test_a_key_whose_value_is_missing_is_none() -> None:
    data = sealed()
    del data["passphrase.4"]
    assert open_key(data, FULL_RECORD, 4, NAMESPACE, NAME, kek_of) is None


@pytest.mark.parametrize(
    "data", [{}, {"privateKey.1": b"x"}, {"Record": b"x"}], ids=["nothing", "a key", "another name"]
)
def test_a_secret_without_a_record_is_told_apart(data: Data) -> None:
    assert opened(data) == Unreadable(Unreadability.NO_RECORD)
    assert peek_kid(data) is None


def test_an_unknown_kid_is_named() -> None:
    assert opened(sealed(), OTHER_KEK) == Unreadable(Unreadability.UNKNOWN_KID, KEK.kid)


def test_the_unknown_kid_of_a_key_is_named_too() -> None:
    data = sealed() | {"record": reseal_record(FULL_RECORD, OTHER_KEK, NAMESPACE, NAME)}
    assert peek_kid(data) == OTHER_KEK.kid
    assert peek_kids(data) == {KEK.kid, OTHER_KEK.kid}
    assert opened(data) == OpenedCredential(FULL_RECORD, OTHER_KEK.kid)
    assert opened(data, OTHER_KEK) == Unreadable(Unreadability.UNKNOWN_KID, KEK.kid)


@pytest.mark.parametrize(
    "data", [{"record": b""}, {"record": b"{}", "privateKey.1": b"x"}], ids=["empty", "no envelopes"]
)
def test_what_is_no_envelope_has_no_kid(data: Data) -> None:
    assert peek_kid(data) is None
    assert peek_kids(data) == frozenset()


def test_a_resealed_record_replaces_the_old_one() -> None:
    changed = replace(FULL_RECORD, deletion_policy="Retain", rotation_serial=7)
    data = sealed() | {"record": reseal_record(changed, KEK, NAMESPACE, NAME)}
    assert opened(data) == OpenedCredential(changed, KEK.kid)


def test_a_key_is_added_beside_the_others() -> None:
    more = replace(
        RECORD,
        current=2,
        previous=(PreviousKey(1, "2026-02-03T00:00:00Z"),),
        keys=(recorded_key(1), recorded_key(2, passphrase=True)),
        highest_key_number=2,
    )
    added = seal_key(more, 2, KeyMaterial(private_key(2), Sensitive(b"words")), KEK, NAMESPACE, NAME)
    data = sealed(RECORD) | added | {"record": reseal_record(more, KEK, NAMESPACE, NAME)}
    assert set(added) == {"privateKey.2", "passphrase.2"}
    assert opened(data) == OpenedCredential(more, KEK.kid)


def test_values_under_another_kek_open_one_by_one() -> None:
    data = sealed()
    for name in sorted(data):
        envelope = parse(data[name])
        assert envelope is not None
        again = rewrap(envelope, KEK, OTHER_KEK)
        assert again is not None
        data[name] = again
        found = opened(data)
        assert isinstance(found, OpenedCredential)
        assert found.record == FULL_RECORD


def from_elsewhere(*, credential_id: str = CREDENTIAL_ID, namespace: str = NAMESPACE, name: str = NAME) -> Data:
    """Return what the same operator sealed for another credential, or for an earlier life of this one."""
    return sealed(replace(FULL_RECORD, credential_id=credential_id), namespace, name)


def swap(one: str, other: str) -> Callable[[Data], Data]:
    return lambda data: data | {one: data[other], other: data[one]}


def put(name: str, value: bytes) -> Callable[[Data], Data]:
    return lambda data: data | {name: value}


def flip(name: str) -> Callable[[Data], Data]:
    def flipped(data: Data) -> Data:
        at = data[name].index(b'"ciphertext":"') + 20
        letter = b"B" if data[name][at : at + 1] == b"A" else b"A"
        return data | {name: data[name][:at] + letter + data[name][at + 1 :]}

    return flipped


def seal_at(name: str, place: Place, plaintext: bytes) -> Callable[[Data], Data]:
    return put(name, seal(Sensitive(plaintext), KEK, place.aad()))


def place(number: int, field: Field) -> Place:
    return Place(NAMESPACE, NAME, CREDENTIAL_ID, number, field)


OTHER_ID = "f" * 32


@pytest.mark.parametrize(
    "tamper",
    [
        pytest.param(swap("privateKey.1", "privateKey.3"), id="two private keys exchanged"),
        pytest.param(swap("passphrase.3", "passphrase.4"), id="two passphrases exchanged"),
        pytest.param(swap("privateKey.3", "passphrase.3"), id="a private key and its passphrase exchanged"),
        pytest.param(swap("record", "privateKey.1"), id="the record and a private key exchanged"),
        pytest.param(put("record", b""), id="an empty record"),
        pytest.param(put("record", b"x" * 1_000_000), id="1 MB of record"),
        pytest.param(put("privateKey.1", b""), id="an empty private key"),
        pytest.param(put("privateKey.1", private_key(1).reveal()), id="a private key in plain"),
        pytest.param(put("passphrase.1", sealed()["passphrase.3"]), id="a passphrase that the record does not tell of"),
        pytest.param(put("privateKey.2", sealed()["privateKey.1"]), id="a key that the record does not name"),
        pytest.param(put("extra", b""), id="an empty value of another name"),
        pytest.param(put("privateKey.01", b"x"), id="a number with a zero"),
        pytest.param(lambda data: {k: v for k, v in data.items() if k != "privateKey.5"}, id="a key is missing"),
        pytest.param(lambda data: {k: v for k, v in data.items() if k != "passphrase.4"}, id="a passphrase is missing"),
        pytest.param(lambda _: from_elsewhere(namespace="other"), id="all of another namespace"),
        pytest.param(lambda _: from_elsewhere(name="other"), id="all of another name"),
        pytest.param(
            lambda d: d | {"privateKey.1": from_elsewhere(namespace="o")["privateKey.1"]}, id="another namespace's key"
        ),
        pytest.param(
            lambda d: d | {"privateKey.1": from_elsewhere(name="other")["privateKey.1"]}, id="another name's key"
        ),
        pytest.param(
            lambda d: d | {"privateKey.1": from_elsewhere(credential_id=OTHER_ID)["privateKey.1"]},
            id="an earlier life's key",
        ),
        pytest.param(
            lambda d: d | {"record": from_elsewhere(namespace="o")["record"]}, id="another namespace's record"
        ),
        pytest.param(lambda d: d | {"record": from_elsewhere(name="other")["record"]}, id="another name's record"),
        pytest.param(
            lambda d: d | {"record": from_elsewhere(credential_id=OTHER_ID)["record"]}, id="an earlier life's record"
        ),
        pytest.param(lambda d: d | {"record": sealed(RECORD)["record"]}, id="an earlier record with fewer keys"),
        pytest.param(flip("record"), id="a changed record"),
        pytest.param(flip("privateKey.5"), id="a changed private key"),
        pytest.param(flip("passphrase.4"), id="a changed passphrase"),
        pytest.param(
            seal_at("record", record_place(NAMESPACE, NAME, OTHER_ID), record_json.to_bytes(FULL_RECORD)),
            id="a record whose aad has another id",
        ),
        pytest.param(
            seal_at("record", place(0, Field.RECORD), b'{"version":"sshcredentials.dev/v2"}'),
            id="a record of another version",
        ),
        pytest.param(seal_at("record", place(0, Field.RECORD), b"not JSON"), id="a record that is none"),
        pytest.param(
            seal_at("privateKey.1", place(1, Field.PRIVATE_KEY), private_key(3).reveal()),
            id="another private key at the place",
        ),
        pytest.param(
            seal_at("privateKey.1", place(1, Field.PRIVATE_KEY), b"nothing"), id="no private key at the place"
        ),
        pytest.param(lambda d: d | {"record": seal(Sensitive(b"x"), KEK, b"nowhere")}, id="a record of no place"),
    ],
)
def test_what_was_moved_or_changed_does_not_open(tamper: Callable[[Data], Data]) -> None:
    data = sealed()
    assert isinstance(opened(data), OpenedCredential)
    changed = tamper(dict(data))
    assert changed != data
    assert opened(changed) == TAMPERED


@pytest.mark.parametrize(("namespace", "name"), [("other", NAME), (NAMESPACE, "other"), (NAME, NAMESPACE)])
def test_a_secret_does_not_open_elsewhere(namespace: str, name: str) -> None:
    assert opened(sealed(), namespace=namespace, name=name) == TAMPERED


def test_a_key_under_the_right_kid_that_is_another_key_does_not_open() -> None:
    assert opened(sealed(), Kek(KEK.kid, OTHER_KEK.key)) == TAMPERED


def test_a_private_key_with_another_public_half_does_not_open() -> None:
    found = open_credential(sealed(), NAMESPACE, NAME, kek_of, lambda _: Half("SHA256:" + "A" * 43))
    assert found == TAMPERED


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param({}, id="none"),
        pytest.param({1: KeyMaterial(private_key(1), None), 2: KeyMaterial(private_key(2), None)}, id="one more"),
        pytest.param({2: KeyMaterial(private_key(2), None)}, id="another"),
        pytest.param({1: KeyMaterial(private_key(1), Sensitive(b"words"))}, id="a passphrase that the record denies"),
    ],
)
def test_keys_that_are_not_the_records_are_not_sealed(keys: dict[int, KeyMaterial]) -> None:
    with pytest.raises(ValueError, match="record"):
        seal_credential(RECORD, keys, KEK, NAMESPACE, NAME)


def test_a_missing_passphrase_is_not_sealed() -> None:
    keys = material(FULL_RECORD) | {3: KeyMaterial(private_key(3), None)}
    with pytest.raises(ValueError, match="record"):
        seal_credential(FULL_RECORD, keys, KEK, NAMESPACE, NAME)


def test_nothing_that_is_returned_shows_a_key() -> None:
    shown = repr((opened(sealed()), material(FULL_RECORD), open_key(sealed(), FULL_RECORD, 4, NAMESPACE, NAME, kek_of)))
    assert "test-only" not in shown
    assert "***" in shown
