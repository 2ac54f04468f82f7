from __future__ import annotations

import base64
import json
import pickle
from dataclasses import replace
from typing import Any

import pytest

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.envelope import (
    MAX_AAD,
    MAX_PLAINTEXT,
    Envelope,
    Kek,
    open_sealed,
    parse,
    rewrap,
    seal,
)
from unit.encryption.other_library import opened_elsewhere, sealed_elsewhere
from unit.encryption.samples import KEK, OTHER_KEK

AAD = b'["where","it","belongs"]'
PLAINTEXT = Sensitive(b"something to keep, of odd length")


def sealed(plaintext: Sensitive = PLAINTEXT, kek: Kek = KEK, aad: bytes = AAD) -> Envelope:
    envelope = parse(seal(plaintext, kek, aad))
    assert envelope is not None
    return envelope


@pytest.mark.parametrize("size", [1, 2, 3, 400, 3_400, MAX_PLAINTEXT])
def test_what_is_sealed_opens_again(size: int) -> None:
    plaintext = Sensitive(bytes(number % 251 for number in range(size)))
    assert open_sealed(sealed(plaintext), KEK, AAD) == plaintext


@pytest.mark.parametrize("size", [0, MAX_PLAINTEXT + 1])
def test_nothing_and_too_much_are_not_sealed(size: int) -> None:
    with pytest.raises(ValueError, match="empty or too long"):
        seal(Sensitive(b"x" * size), KEK, AAD)


@pytest.mark.parametrize("size", [0, MAX_AAD + 1])
def test_no_place_and_one_that_is_too_long_are_not_sealed(size: int) -> None:
    with pytest.raises(ValueError, match="empty or too long"):
        seal(PLAINTEXT, KEK, b"x" * size)


def test_the_longest_place_opens() -> None:
    aad = b"x" * MAX_AAD
    assert open_sealed(sealed(aad=aad), KEK, aad) == PLAINTEXT


def test_the_stored_form_has_the_documented_members_in_their_order() -> None:
    value = json.loads(seal(PLAINTEXT, KEK, AAD))
    assert list(value) == ["protected", "header", "encrypted_key", "iv", "ciphertext", "tag", "aad"]
    assert list(value["header"]) == ["alg", "kid", "iv", "tag"]
    assert value["protected"] == "eyJlbmMiOiJBMjU2R0NNIn0"
    assert (value["header"]["alg"], value["header"]["kid"]) == ("A256GCMKW", KEK.kid)


def test_an_envelope_is_written_as_it_was_read() -> None:
    data = seal(PLAINTEXT, KEK, AAD)
    envelope = parse(data)
    assert envelope is not None
    assert envelope.to_bytes() == data
    assert (envelope.kid, envelope.aad) == (KEK.kid, AAD)


def test_ten_thousand_seals_share_no_nonce_no_data_key_and_no_ciphertext() -> None:
    seen: list[set[str]] = [set(), set(), set(), set()]
    for _ in range(10_000):
        envelope = parse(seal(PLAINTEXT, KEK, AAD))
        assert envelope is not None
        values = (envelope.iv, envelope.key_iv, envelope.encrypted_key, envelope.ciphertext)
        for known, value in zip(seen, values, strict=True):
            known.add(value)
    assert [len(known) for known in seen] == [10_000] * 4
    assert not seen[0] & seen[1]


@pytest.mark.parametrize(
    ("kek", "aad"),
    [
        pytest.param(OTHER_KEK, AAD, id="another key"),
        pytest.param(Kek(KEK.kid, OTHER_KEK.key), AAD, id="another key of the same kid"),
        pytest.param(Kek(OTHER_KEK.kid, KEK.key), AAD, id="the same key of another kid"),
        pytest.param(KEK, AAD + b" ", id="another place"),
        pytest.param(KEK, b"", id="no place"),
    ],
)
def test_it_opens_only_with_its_key_at_its_place(kek: Kek, aad: bytes) -> None:
    assert open_sealed(sealed(), kek, aad) is None


def test_a_place_that_was_exchanged_in_the_envelope_does_not_open() -> None:
    moved = replace(sealed(), aad=b"elsewhere")
    assert open_sealed(moved, KEK, b"elsewhere") is None


@pytest.mark.parametrize("name", ["key_iv", "key_tag", "encrypted_key", "iv", "ciphertext", "tag"])
def test_a_part_of_another_envelope_does_not_open(name: str) -> None:
    mixed = replace(sealed(), **{name: getattr(sealed(), name)})
    assert open_sealed(mixed, KEK, AAD) is None


def test_no_flipped_bit_opens_and_none_raises() -> None:
    data = seal(PLAINTEXT, KEK, AAD)
    keys = {KEK.kid: KEK}
    parsed = 0
    for position in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[position // 8] ^= 1 << position % 8
        envelope = parse(bytes(flipped))
        if envelope is not None:
            parsed += 1
            # Even if the changed kid named a key that exists.
            kek = keys.get(envelope.kid, Kek(envelope.kid, OTHER_KEK.key))
            assert open_sealed(envelope, kek, AAD) is None, position
            assert open_sealed(envelope, kek, envelope.aad) is None, position
    assert parsed > 500  # most flips inside the base64url reach the cipher


def test_no_beginning_of_a_value_is_an_envelope() -> None:
    data = seal(PLAINTEXT, KEK, AAD)
    assert [length for length in range(len(data)) if parse(data[:length]) is not None] == []


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"iv": "!!!!"}, id="no base64url"),
        pytest.param({"iv": "AAAA"}, id="a nonce of 3 bytes"),
        pytest.param({"ciphertext": "A"}, id="a single character"),
        pytest.param({"encrypted_key": "AAAA="}, id="padding"),
        pytest.param({"key_iv": ""}, id="an empty nonce"),
        pytest.param({"key_tag": "AAAA"}, id="a tag of 3 bytes"),
        pytest.param({"key_tag": None}, id="null as tag"),
        pytest.param({"tag": "AAAA"}, id="a short tag"),
        pytest.param({"tag": "\u00c4"}, id="a letter outside ASCII"),
    ],
)
def test_what_the_library_raises_for_a_hand_made_envelope_stays_inside(changes: dict[str, Any]) -> None:
    assert open_sealed(replace(sealed(), **changes), KEK, AAD) is None


def test_rewrapping_leaves_everything_but_the_wrapping_as_it_was() -> None:
    before = seal(PLAINTEXT, KEK, AAD)
    envelope = parse(before)
    assert envelope is not None
    after = rewrap(envelope, KEK, OTHER_KEK)
    assert after is not None
    old, new = json.loads(before), json.loads(after)
    for name in ("protected", "iv", "ciphertext", "tag", "aad"):
        assert new[name] == old[name]
    for name in ("iv", "tag", "kid"):
        assert new["header"][name] != old["header"][name]
    assert new["encrypted_key"] != old["encrypted_key"]


def test_a_rewrapped_value_opens_with_the_new_key_only() -> None:
    after = rewrap(sealed(), KEK, OTHER_KEK)
    assert after is not None
    envelope = parse(after)
    assert envelope is not None
    assert open_sealed(envelope, OTHER_KEK, AAD) == PLAINTEXT
    assert open_sealed(envelope, KEK, AAD) is None


@pytest.mark.parametrize(
    ("envelope", "old"),
    [
        pytest.param(sealed(), OTHER_KEK, id="another kid"),
        pytest.param(sealed(), Kek(KEK.kid, OTHER_KEK.key), id="another key of the same kid"),
        pytest.param(sealed(), Kek(OTHER_KEK.kid, KEK.key), id="the same key of another kid"),
        pytest.param(replace(sealed(), key_tag=sealed().key_tag), KEK, id="another tag"),
        pytest.param(replace(sealed(), encrypted_key=sealed().encrypted_key), KEK, id="another data key"),
        pytest.param(replace(sealed(), key_iv="!"), KEK, id="no base64url"),
    ],
)
def test_what_does_not_unwrap_is_not_rewrapped(envelope: Envelope, old: Kek) -> None:
    assert rewrap(envelope, old, OTHER_KEK) is None


def test_jwcrypto_opens_what_we_seal() -> None:
    assert opened_elsewhere(seal(PLAINTEXT, KEK, AAD), KEK) == (PLAINTEXT.reveal(), AAD)


def test_we_open_what_jwcrypto_makes_in_the_same_shape() -> None:
    envelope = parse(sealed_elsewhere(PLAINTEXT.reveal(), KEK, AAD))
    assert envelope is not None
    assert open_sealed(envelope, KEK, AAD) == PLAINTEXT


@pytest.mark.parametrize("size", [0, 16, 31, 33, 64])
def test_a_kek_has_32_bytes(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Kek("kid", Sensitive(b"k" * size))


@pytest.mark.parametrize("kid", ["", "x" * 65, "a b", "a/b", 'a"', "\u00e4", "a\n"])
def test_a_kid_is_short_and_plain(kid: str) -> None:
    with pytest.raises(ValueError, match="kid"):
        Kek(kid, KEK.key)


def test_a_kek_shows_and_gives_away_nothing_of_its_key() -> None:
    key = bytes(KEK.key.reveal())
    shown = repr(KEK) + str(KEK)
    assert "***" in shown
    assert not any(form in shown for form in (repr(key), key.hex(), base64.b64encode(key).decode()))
    with pytest.raises(TypeError):
        pickle.dumps(KEK)
