"""Whatever is changed in a backup's file, it does not open, and one reason is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import b64url
from sshcredential_operator.encryption.backup_seal import (
    FEWEST_ITERATIONS,
    LONGEST_PASSPHRASE,
    MOST_ITERATIONS,
    SHORTEST_PASSPHRASE,
    Identity,
    Passphrase,
    Unopened,
    is_long_enough,
    open_backup,
    seal_backup,
)
from unit.encryption.test_recipient import PRIVATE, RECIPIENT, private_key

PLAIN = Sensitive(b"a key ring")
WORDS = Passphrase(Sensitive(b"correct horse battery staple"))
OWN = Identity(str(PRIVATE["x"]), Sensitive(b64url.decode(PRIVATE["d"]) or b""))
BY_KEY = seal_backup(PLAIN, RECIPIENT).strip()
BY_WORDS = seal_backup(PLAIN, WORDS).strip()
PARTS = ["header", "encrypted key", "nonce", "ciphertext", "tag"]
Change = Callable[[dict[str, Any]], object]


def with_part(text: bytes, part: int, octets: bytes) -> bytes:
    parts = text.split(b".")
    parts[part] = b64url.encode(octets).encode()
    return b".".join(parts)


def part_of(text: bytes, part: int) -> bytes:
    return b64url.decode(text.split(b".")[part].decode()) or b""


def with_header_text(text: bytes, header: bytes) -> bytes:
    return with_part(text, 0, header)


def with_header(text: bytes, change: Change) -> bytes:
    header = json.loads(part_of(text, 0))
    change(header)
    return with_header_text(text, json.dumps(header, separators=(",", ":")).encode())


def put(**members: object) -> Change:
    return lambda header: header.update(members)


def without(name: str) -> Change:
    return lambda header: header.pop(name)


@pytest.mark.parametrize("part", range(5), ids=PARTS)
def test_no_changed_bit_of_any_part_opens(part: int) -> None:
    octets, said = part_of(BY_KEY, part), set()
    for bit in range(len(octets) * 8):
        spoilt = bytearray(octets)
        spoilt[bit // 8] ^= 1 << bit % 8
        found = open_backup(with_part(BY_KEY, part, bytes(spoilt)), OWN)
        assert isinstance(found, Unopened), bit
        said.add(found)
    assert said == ({Unopened.NO_BACKUP, Unopened.OTHER_KEY, Unopened.CHANGED} if part == 0 else {Unopened.CHANGED})


def test_no_changed_character_of_the_file_opens() -> None:
    for place in range(len(BY_KEY)):
        for bit in range(8):
            spoilt = bytearray(BY_KEY)
            spoilt[place] ^= 1 << bit
            if bytes(spoilt).strip() != BY_KEY:
                assert isinstance(open_backup(bytes(spoilt), OWN), Unopened), (place, bit)


@pytest.mark.parametrize("part", range(5), ids=PARTS)
def test_under_a_passphrase_no_changed_part_opens(part: int) -> None:
    octets = bytearray(part_of(BY_WORDS, part))
    at = octets.index(b'"p2s":"') + 10 if part == 0 else len(octets) // 2
    octets[at] = octets[at] + 1 if chr(octets[at]) in "AabcdefghijklmnBCD012345" else ord("a")
    assert open_backup(with_part(BY_WORDS, part, bytes(octets)), WORDS) is Unopened.WRONG_PASSPHRASE


def test_no_beginning_of_a_file_opens() -> None:
    found = {open_backup(BY_KEY[:end], OWN) for end in range(len(BY_KEY))}
    assert found == {Unopened.NO_BACKUP, Unopened.CHANGED}


@pytest.mark.parametrize("part", range(5), ids=PARTS)
def test_no_part_of_another_backup_fits(part: int) -> None:
    other = seal_backup(Sensitive(b"a key roll"), RECIPIENT).strip()
    assert open_backup(with_part(BY_KEY, part, part_of(other, part)), OWN) is Unopened.CHANGED


def test_a_backup_for_somebody_else_does_not_open() -> None:
    other = private_key()
    assert open_backup(BY_KEY, Identity(str(other["x"]), OWN.d)) is Unopened.OTHER_KEY
    wrong_half = Identity(OWN.x, Sensitive(b64url.decode(other["d"]) or b""))
    assert open_backup(BY_KEY, wrong_half) is Unopened.CHANGED


@pytest.mark.parametrize(("text", "by"), [(BY_KEY, OWN), (BY_WORDS, WORDS)], ids=["for a key", "under a passphrase"])
def test_no_member_of_the_header_may_come_twice_be_missing_or_odd(text: bytes, by: Identity | Passphrase) -> None:
    header = part_of(text, 0)
    for name, value in json.loads(header).items():
        twin = json.dumps({name: value}, separators=(",", ":")).encode()[1:-1]
        for doubled in (b"{" + twin + b"," + header[1:], header[:-1] + b"," + twin + b"}"):
            assert open_backup(with_header_text(text, doubled), by) is Unopened.NO_BACKUP, name
        assert open_backup(with_header(text, without(name)), by) is Unopened.NO_BACKUP, name
        marked = part_of(with_header(text, put(**{name: "a-mark"})), 0)
        odd = (b"null", b"true", b"9" * 1500, b"1e999", b"[" * 700 + b"]" * 700, b'{"a":' * 200 + b"1" + b"}" * 200)
        for member in (*odd, b'""', b"[" * 100_000, b'"' + b"A" * 100_000 + b'"'):
            spoilt = with_header_text(text, marked.replace(b'"a-mark"', member))
            assert open_backup(spoilt, by) is Unopened.NO_BACKUP, (name, member[:20])


EXTRA: dict[str, Change] = {
    "zip": put(zip="DEF"),
    "crit": put(crit=["exp"]),
    "apu": put(apu="QQ"),
    "cty": put(cty="JWE"),
    "a key": put(jwk={"kty": "oct", "k": "AAAA"}),
    "an address": put(jku="https://example.com"),
    "an unknown member": put(x=1),
    "an empty name": put(**{"": 1}),
    "another typ": put(typ="JWE"),
    "an enc with a shorter key": put(enc="A128GCM"),
    "an enc with another mode": put(enc="A256CBC-HS512"),
    "no wrapping": put(alg="dir"),
    "another wrapping": put(alg="A256KW"),
    "direct agreement": put(alg="ECDH-ES"),
    "an agreement with a shorter key": put(alg="ECDH-ES+A128KW"),
    "a weaker derivation": put(alg="PBES2-HS256+A128KW"),
    "no alg": put(alg="none"),
}


@pytest.mark.parametrize(("text", "by"), [(BY_KEY, OWN), (BY_WORDS, WORDS)], ids=["for a key", "under a passphrase"])
@pytest.mark.parametrize("change", EXTRA.values(), ids=EXTRA.keys())
def test_no_other_header_is_a_backups(text: bytes, by: Identity | Passphrase, change: Change) -> None:
    assert open_backup(with_header(text, change), by) is Unopened.NO_BACKUP


@pytest.mark.parametrize(
    "count",
    [FEWEST_ITERATIONS - 1, MOST_ITERATIONS + 1, 0, -1, 2**31, 2**63 - 1, 2**64 - 1, True, 250_000.0, "250000", None],
)
def test_a_count_of_iterations_out_of_bounds_is_not_begun_with(count: object) -> None:
    assert open_backup(with_header(BY_WORDS, put(p2c=count)), WORDS) is Unopened.NO_BACKUP


@pytest.mark.parametrize("salt", [b64url.encode(bytes(15)), b64url.encode(bytes(17)), "", "=", 7, None, "A" * 1500])
def test_a_salt_of_another_size_is_no_backups(salt: object) -> None:
    assert open_backup(with_header(BY_WORDS, put(p2s=salt)), WORDS) is Unopened.NO_BACKUP


@pytest.mark.parametrize(
    "epk",
    [
        pytest.param({"kty": "OKP", "crv": "X25519", "x": b64url.encode(bytes(32))}, id="a point of small order"),
        pytest.param({"kty": "OKP", "crv": "X25519", "x": b64url.encode(bytes(31))}, id="a short point"),
        pytest.param({"kty": "OKP", "crv": "X448", "x": PRIVATE["x"]}, id="another curve"),
        pytest.param({"kty": "EC", "crv": "X25519", "x": PRIVATE["x"]}, id="another kind"),
        pytest.param({"kty": "OKP", "crv": "X25519", "x": PRIVATE["x"], "d": PRIVATE["d"]}, id="a private half"),
        pytest.param({"kty": "OKP", "crv": "X25519"}, id="no point"),
        pytest.param([], id="a list"),
        pytest.param("x", id="a text"),
    ],
)
def test_an_ephemeral_key_of_another_form_is_no_backups(epk: object) -> None:
    assert open_backup(with_header(BY_KEY, put(epk=epk)), OWN) is Unopened.NO_BACKUP


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(BY_KEY + b".AAAA", id="six parts"),
        pytest.param(BY_KEY.rpartition(b".")[0], id="four parts"),
        pytest.param(b"....", id="empty parts"),
        pytest.param(BY_KEY + b"=", id="padding"),
        pytest.param(BY_KEY.replace(b".", b".\n", 1), id="a line break inside"),
        pytest.param(BY_KEY[:40] + b"\xff" + BY_KEY[41:], id="no ASCII"),
        pytest.param(BY_KEY + b" " + BY_KEY, id="two of them"),
        pytest.param(json.dumps({"protected": BY_KEY.split(b".")[0].decode(), "recipients": []}).encode(), id="JSON"),
        pytest.param(b"." * 1_000_000, id="1 MB of dots"),
    ],
)
def test_a_text_of_another_form_is_no_backup(text: bytes) -> None:
    assert open_backup(text, OWN) is Unopened.NO_BACKUP


@pytest.mark.parametrize(
    ("size", "fits"),
    [
        (SHORTEST_PASSPHRASE - 1, False),
        (SHORTEST_PASSPHRASE, True),
        (LONGEST_PASSPHRASE, True),
        (LONGEST_PASSPHRASE + 1, False),
    ],
)
def test_a_passphrase_has_a_least_and_a_greatest_length(size: int, fits: bool) -> None:
    assert is_long_enough(Passphrase(Sensitive(b"x" * size))) is fits


def test_two_backups_of_the_same_share_no_part_and_blanks_around_one_do_not_count() -> None:
    for to in (RECIPIENT, WORDS):
        one, two = (seal_backup(PLAIN, to).strip().split(b".") for _ in range(2))
        assert all(first != second for first, second in zip(one, two, strict=True))
    assert open_backup(b"\n " + BY_KEY + b"\r\n", OWN) == PLAIN
