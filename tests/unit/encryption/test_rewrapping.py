"""`encryption/rewrapping.py`: all values of a Secret go under another KEK, or none of them does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.credential_secret import (
    OpenedCredential,
    open_credential,
    peek_kids,
    seal_credential,
)
from sshcredential_operator.encryption.envelope import Kek, open_sealed, parse, seal
from sshcredential_operator.encryption.rewrapping import Rewrap, under_another_kek
from unit.encryption.samples import FULL_RECORD, KEK, NAME, NAMESPACE, OTHER_KEK, material, public_half

KEKS = {KEK.kid: KEK, OTHER_KEK.kid: OTHER_KEK}
DATA = seal_credential(FULL_RECORD, material(FULL_RECORD), KEK, NAMESPACE, NAME)
PLAIN_PARTS = ("protected", "iv", "ciphertext", "tag", "aad")


def read(data: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    return {name: json.loads(value) for name, value in data.items()}


def data_key_of(value: bytes, kek: Kek) -> Sensitive | None:
    """Return the plaintext, if the value opens under this KEK at the place that it names itself."""
    envelope = parse(value)
    return None if envelope is None else open_sealed(envelope, kek, envelope.aad)


def test_every_value_is_wrapped_anew_and_no_ciphertext_changes() -> None:
    changed = under_another_kek(DATA, KEKS.get, Rewrap(OTHER_KEK))
    assert changed is not None
    assert changed.keys() == DATA.keys()
    assert peek_kids(changed) == {OTHER_KEK.kid}
    before, after = read(DATA), read(changed)
    for name in DATA:
        assert [after[name][part] for part in PLAIN_PARTS] == [before[name][part] for part in PLAIN_PARTS]
    opened = open_credential(changed, NAMESPACE, NAME, KEKS.get, public_half)
    assert opened == OpenedCredential(FULL_RECORD, OTHER_KEK.kid)


def test_encrypting_anew_gives_every_value_another_data_key_and_the_same_place() -> None:
    changed = under_another_kek(DATA, KEKS.get, Rewrap(OTHER_KEK, re_encrypt=True))
    assert changed is not None
    before, after = read(DATA), read(changed)
    assert changed.keys() == DATA.keys()
    for name in DATA:
        assert after[name]["aad"] == before[name]["aad"]
        assert all(after[name][part] != before[name][part] for part in ("iv", "ciphertext", "tag"))
        assert data_key_of(changed[name], OTHER_KEK) == data_key_of(DATA[name], KEK)


def test_what_is_under_that_kek_already_is_left_alone() -> None:
    newer = under_another_kek(DATA, KEKS.get, Rewrap(OTHER_KEK))
    assert newer is not None
    assert under_another_kek(newer, KEKS.get, Rewrap(OTHER_KEK)) == {}
    assert under_another_kek(newer, KEKS.get, Rewrap(OTHER_KEK, re_encrypt=True)) == {}
    mixed = {**DATA, "record": newer["record"]}
    changed = under_another_kek(mixed, KEKS.get, Rewrap(OTHER_KEK))
    assert changed is not None
    assert changed.keys() == DATA.keys() - {"record"}


@pytest.mark.parametrize("re_encrypt", [False, True], ids=["wrapped", "encrypted"])
@pytest.mark.parametrize(
    ("bad", "keks"),
    [
        pytest.param({}, {OTHER_KEK.kid: OTHER_KEK}, id="an unknown KEK"),
        pytest.param({}, {KEK.kid: Kek(KEK.kid, OTHER_KEK.key)}, id="another key of that kid"),
        pytest.param({"privateKey.4": b"{}"}, KEKS, id="a value that is no envelope"),
        pytest.param({"privateKey.4": b""}, KEKS, id="an empty value"),
        pytest.param(
            {"privateKey.4": seal(Sensitive(b"x"), Kek("3.unknown", KEK.key), b"x")}, KEKS, id="one value of another"
        ),
    ],
)
def test_nothing_is_changed_where_one_value_does_not_open(
    bad: dict[str, bytes], keks: dict[str, Kek], re_encrypt: bool
) -> None:
    assert under_another_kek({**DATA, **bad}, keks.get, Rewrap(OTHER_KEK, re_encrypt=re_encrypt)) is None


def test_an_empty_secret_has_nothing_to_change() -> None:
    assert under_another_kek({}, KEKS.get, Rewrap(OTHER_KEK)) == {}
