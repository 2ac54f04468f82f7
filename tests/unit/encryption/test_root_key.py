from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from jwcrypto.jwk import JWKSet  # type: ignore[import-untyped]  # it ships no types

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import b64url
from sshcredential_operator.encryption.root_key import (
    ROOT_KEY_ID,
    RootKeys,
    new_root_keys,
    root_keys_from_bytes,
    root_keys_to_bytes,
)
from unit.encryption.samples import OTHER_ROOT, ROOT

TWO = RootKeys((ROOT, OTHER_ROOT))
DATA = root_keys_to_bytes(TWO)


def test_root_keys_are_read_as_they_were_written() -> None:
    assert root_keys_from_bytes(DATA) == TWO
    assert root_keys_from_bytes(root_keys_to_bytes(RootKeys((ROOT,)))) == RootKeys((ROOT,))


def test_the_first_key_is_for_writing_and_all_are_found_by_their_id() -> None:
    assert TWO.writing == ROOT
    assert (TWO.find(ROOT.kid), TWO.find(OTHER_ROOT.kid), TWO.find("x")) == (ROOT, OTHER_ROOT, None)


def test_the_stored_form_is_a_jwk_set_that_another_library_reads() -> None:
    key = JWKSet.from_json(DATA.decode()).get_key(OTHER_ROOT.kid)
    assert b64url.decode(json.loads(key.export())["k"]) == OTHER_ROOT.key.reveal()


def test_new_root_keys_are_random() -> None:
    made = [new_root_keys().writing for _ in range(50)]
    assert len({key.kid for key in made}) == len({key.key.reveal() for key in made}) == 50
    assert all(ROOT_KEY_ID.fullmatch(key.kid) for key in made)


def test_root_keys_do_not_show_themselves() -> None:
    assert b64url.encode(ROOT.key.reveal()) not in repr(TWO)
    assert "***" in repr(TWO)


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    value = json.loads(DATA)
    change(value)
    return json.dumps(value, separators=(",", ":")).encode()


def first(**members: object) -> Callable[[dict[str, Any]], object]:
    return lambda value: value["keys"][0].update(members)


def of_size(size: int) -> str:
    return b64url.encode(b"x" * size)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(ROOT.key.reveal(), id="the bare key"),
        pytest.param(DATA[:-1], id="cut at the end"),
        pytest.param(DATA[: len(DATA) // 2], id="cut in the middle"),
        pytest.param(DATA + b"\n", id="a last newline"),
        pytest.param(DATA + DATA, id="twice"),
        pytest.param(b" " + DATA, id="a leading blank"),
        pytest.param(b"x" * 100_000, id="too long"),
        pytest.param(b'{"keys":[]}', id="no key"),
        pytest.param(b'{"keys":{}}', id="no list"),
        pytest.param(changed(lambda value: value["keys"].append(value["keys"][0])), id="a key twice"),
        pytest.param(changed(first(kid=OTHER_ROOT.kid)), id="an id twice"),
        pytest.param(changed(first(k=b64url.encode(OTHER_ROOT.key.reveal()))), id="a key twice under two ids"),
        pytest.param(changed(lambda value: value["keys"].extend([{}] * 7)), id="nine keys"),
        pytest.param(changed(lambda value: value.update(x=1)), id="another member"),
        pytest.param(changed(first(use="enc")), id="another member of a key"),
        pytest.param(changed(lambda value: value["keys"][0].pop("alg")), id="no alg"),
        pytest.param(changed(first(alg="A128GCMKW")), id="another alg"),
        pytest.param(changed(first(kty="RSA")), id="another kind of key"),
        pytest.param(changed(first(kid="00000000000000CC")), id="an id in upper case"),
        pytest.param(changed(first(kid="../../etc")), id="an id with slashes"),
        pytest.param(changed(first(kid=1)), id="a number as id"),
        pytest.param(changed(first(k=of_size(31))), id="31 bytes"),
        pytest.param(changed(first(k=of_size(33))), id="33 bytes"),
        pytest.param(changed(first(k=of_size(32) + "=")), id="a padded key"),
        pytest.param(changed(first(k="")), id="an empty key"),
        pytest.param(changed(first(k=None)), id="null as key"),
    ],
)
def test_anything_else_is_no_root_key(data: bytes) -> None:
    assert root_keys_from_bytes(data) is None


def test_the_id_of_a_root_key_fits_a_secrets_name() -> None:
    assert ROOT_KEY_ID.fullmatch(ROOT.kid)
    assert not ROOT_KEY_ID.fullmatch(Sensitive(b"x").__repr__())
