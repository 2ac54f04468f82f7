"""The strict parser: of all that JOSE allows, one shape is an envelope."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.envelope import MAX_ENVELOPE, MAX_PLAINTEXT, open_sealed, parse, seal
from unit.encryption.samples import KEK

AAD = b'["where","it","belongs"]'
PLAINTEXT = Sensitive(b"something to keep")
DATA = seal(PLAINTEXT, KEK, AAD)

MEMBERS = ("protected", "header", "encrypted_key", "iv", "ciphertext", "tag", "aad")
HEADERS = ("alg", "kid", "iv", "tag")

Change = Callable[[dict[str, Any]], object]


def changed(change: Change) -> bytes:
    value = json.loads(DATA)
    change(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def protected(header: dict[str, Any], **dumps: Any) -> Change:
    text = json.dumps(header, **({"separators": (",", ":")} | dumps))
    return lambda value: value.update(protected=base64.urlsafe_b64encode(text.encode()).decode().rstrip("="))


def member(name: str, value: object) -> Change:
    return lambda outer: outer.update({name: value})


def header(name: str, value: object) -> Change:
    return lambda outer: outer["header"].update({name: value})


def base64url(size: int, byte: bytes = b"x") -> str:
    return base64.urlsafe_b64encode(byte * size).decode().rstrip("=")


def test_what_we_seal_is_parsed() -> None:
    assert parse(changed(lambda _: None)) is not None


@pytest.mark.parametrize("name", MEMBERS)
def test_no_member_may_be_missing(name: str) -> None:
    assert parse(changed(lambda value: value.pop(name))) is None


@pytest.mark.parametrize("name", HEADERS)
def test_no_header_may_be_missing(name: str) -> None:
    assert parse(changed(lambda value: value["header"].pop(name))) is None


@pytest.mark.parametrize("name", MEMBERS + HEADERS)
@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_no_name_may_come_twice(name: str, *, first: bool) -> None:
    text = DATA.decode()
    value = json.loads(DATA)
    inner = name in HEADERS and name not in MEMBERS
    twin = json.dumps({name: (value["header"] if inner else value)[name]}, separators=(",", ":"))[1:-1]
    opening, closing = ('"header":{', "},") if inner else ("{", "}")
    at = text.index(opening) + len(opening) if first else text.index(closing, text.index(opening) if inner else -1)
    doubled = text[:at] + (twin + "," if first else "," + twin) + text[at:]
    assert json.loads(doubled) == value
    assert parse(doubled.encode()) is None


@pytest.mark.parametrize("name", [*MEMBERS, *(f"header.{name}" for name in HEADERS)])
@pytest.mark.parametrize("value", [None, True, 1, 1.5, "", "x", "\u00e4", [], ["x"], {}, {"x": 1}], ids=repr)
def test_no_member_may_have_another_type_or_stray_text(name: str, value: object) -> None:
    _, _, inner = name.rpartition("header.")
    if name == "header.kid" and value == "x":
        return  # a kid like any other
    assert parse(changed(header(inner, value) if "." in name else member(name, value))) is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(member("unprotected", {}), id="an empty unprotected header"),
        pytest.param(member("unprotected", {"enc": "A128GCM"}), id="a second enc in the unprotected header"),
        pytest.param(member("unprotected", {"zip": "DEF"}), id="zip in the unprotected header"),
        pytest.param(member("unprotected", {"crit": ["exp"]}), id="crit in the unprotected header"),
        pytest.param(member("recipients", []), id="an empty list of recipients"),
        pytest.param(
            member("recipients", [{"header": {"alg": "A256GCMKW"}, "encrypted_key": "AAAA"}]), id="recipients"
        ),
        pytest.param(member("x", 1), id="an unknown member"),
        pytest.param(header("enc", "A256GCM"), id="a second enc in the recipient's header"),
        pytest.param(header("zip", "DEF"), id="zip in the recipient's header"),
        pytest.param(header("crit", ["kid"]), id="crit in the recipient's header"),
        pytest.param(header("jwk", {"kty": "oct", "k": "AAAA"}), id="jwk in the recipient's header"),
        pytest.param(header("jku", "https://example.com"), id="jku in the recipient's header"),
        pytest.param(header("p2c", 10_000_000), id="a count of a password's rounds"),
        pytest.param(header("x", 1), id="an unknown header"),
        pytest.param(header("alg", "A128GCMKW"), id="alg A128GCMKW"),
        pytest.param(header("alg", "A256KW"), id="alg A256KW"),
        pytest.param(header("alg", "dir"), id="alg dir"),
        pytest.param(header("alg", "none"), id="alg none"),
        pytest.param(header("alg", "a256gcmkw"), id="alg in lower case"),
        pytest.param(header("alg", "PBES2-HS512+A256KW"), id="alg with a password"),
        pytest.param(protected({"enc": "A128GCM"}), id="enc A128GCM"),
        pytest.param(protected({"enc": "A256CBC-HS512"}), id="enc A256CBC-HS512"),
        pytest.param(protected({"enc": "A256GCM", "zip": "DEF"}), id="protected zip"),
        pytest.param(protected({"enc": "A256GCM", "crit": ["x"]}), id="protected crit"),
        pytest.param(protected({"enc": "A256GCM", "alg": "A256GCMKW"}), id="protected alg"),
        pytest.param(protected({"enc": "A256GCM", "kid": KEK.kid}), id="protected kid"),
        pytest.param(protected({"enc": "A256GCM"}, separators=(", ", ": ")), id="a blank in the protected header"),
        pytest.param(protected({}), id="an empty protected header"),
        pytest.param(member("protected", "eyJlbmMiOiJBMjU2R0NNIn0="), id="a padded protected header"),
        pytest.param(member("protected", "eyJlbmMiOiJBMjU2R0NNIn1"), id="stray bits after the protected header"),
        pytest.param(member("protected", {"enc": "A256GCM"}), id="a protected header that is not encoded"),
        pytest.param(header("kid", "x" * 65), id="a kid of 65 characters"),
        pytest.param(header("kid", "a b"), id="a blank in the kid"),
        pytest.param(header("kid", "../x"), id="a slash in the kid"),
        pytest.param(header("kid", "a\n"), id="a line break after the kid"),
        pytest.param(header("iv", base64url(11)), id="a wrapping nonce of 11 bytes"),
        pytest.param(header("iv", base64url(16)), id="a wrapping nonce of 16 bytes"),
        pytest.param(header("tag", base64url(12)), id="a wrapping tag of 12 bytes"),
        pytest.param(header("tag", base64url(17)), id="a wrapping tag of 17 bytes"),
        pytest.param(header("tag", base64url(16)[:-1] + "B"), id="stray bits after the wrapping tag"),
        pytest.param(header("tag", base64url(16) + "=="), id="a padded wrapping tag"),
        pytest.param(member("encrypted_key", base64url(31)), id="a data key of 31 bytes"),
        pytest.param(member("encrypted_key", base64url(40)), id="a data key of 40 bytes"),
        pytest.param(member("encrypted_key", base64url(32)[:-1] + "B"), id="stray bits after the data key"),
        pytest.param(member("encrypted_key", base64url(32) + "="), id="a padded data key"),
        pytest.param(member("iv", base64url(11)), id="a nonce of 11 bytes"),
        pytest.param(member("iv", base64url(13)), id="a nonce of 13 bytes"),
        pytest.param(member("iv", "+/" + base64url(12)[2:]), id="the alphabet of plain base64"),
        pytest.param(member("iv", base64url(12)[:-1] + "\n"), id="a line break in the nonce"),
        pytest.param(member("tag", base64url(15)), id="a tag of 15 bytes"),
        pytest.param(member("tag", base64url(4)), id="a tag of 4 bytes"),
        pytest.param(member("tag", base64url(16)[:-1] + "B"), id="stray bits after the tag"),
        pytest.param(member("ciphertext", base64url(MAX_PLAINTEXT + 1)), id="a ciphertext that is too long"),
        pytest.param(member("ciphertext", base64url(4) + "=="), id="a padded ciphertext"),
        pytest.param(member("ciphertext", "AAAAA"), id="a ciphertext of an impossible length"),
        pytest.param(member("ciphertext", "AB"), id="stray bits after the ciphertext"),
        pytest.param(member("aad", base64url(1025)), id="an aad that is too long"),
        pytest.param(member("aad", "AB"), id="stray bits after the aad"),
        pytest.param(member("aad", base64url(4) + "=="), id="a padded aad"),
    ],
)
def test_another_shape_is_no_envelope(change: Change) -> None:
    assert parse(changed(change)) is None


def test_a_changed_kid_is_still_an_envelope_and_opens_with_no_key_that_the_kid_names() -> None:
    envelope = parse(changed(header("kid", "2.another.kid")))
    assert envelope is not None
    assert envelope.kid == "2.another.kid"
    assert open_sealed(envelope, KEK, AAD) is None


def test_the_order_of_members_does_not_matter() -> None:
    value = json.loads(DATA)
    turned = {name: value[name] for name in reversed(MEMBERS)}
    turned["header"] = {name: value["header"][name] for name in reversed(HEADERS)}
    assert parse(json.dumps(turned, separators=(",", ":")).encode()) == parse(DATA)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{}", id="an empty object"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[" + DATA + b"]", id="a list around it"),
        pytest.param(json.dumps(DATA.decode()).encode(), id="a string around it"),
        pytest.param(b"\xef\xbb\xbf" + DATA, id="a byte order mark"),
        pytest.param(DATA + b"\n", id="a last newline"),
        pytest.param(DATA + b"\0", id="a last NUL"),
        pytest.param(DATA + DATA, id="twice"),
        pytest.param(b" " + DATA, id="a leading blank"),
        pytest.param(DATA.replace(b":", b": ", 1), id="a blank inside"),
        pytest.param(DATA.replace(b'"iv"', b'"\\u0069v"', 1), id="an escaped name"),
        pytest.param(DATA.replace(b"A256GCMKW", b"A256GCMK\\u0057", 1), id="an escaped value"),
        pytest.param(DATA.decode().encode("utf-16"), id="UTF-16"),
        pytest.param(DATA.replace(b"A256GCMKW", b"A256GCM\xff", 1), id="no UTF-8"),
        pytest.param(DATA.replace(b'"A256GCMKW"', b"NaN", 1), id="NaN"),
        pytest.param(DATA.replace(b'"A256GCMKW"', b"9" * 5000, 1), id="a huge number"),
        pytest.param(DATA.replace(b'"A256GCMKW"', b"1e999", 1), id="an infinite number"),
        pytest.param(DATA.replace(b'"A256GCMKW"', b"[" * 2000 + b"]" * 2000, 1), id="2,000 nested lists"),
        pytest.param(DATA.replace(b'"A256GCMKW"', b'{"a":' * 2000 + b"1" + b"}" * 2000, 1), id="2,000 nested objects"),
        pytest.param(b"[" * 1_000_000, id="1 MB of opening brackets"),
        pytest.param(b"x" * 1_000_000, id="1 MB of text"),
        pytest.param(changed(member("ciphertext", base64url(750_000))), id="1 MB of ciphertext"),
        pytest.param(changed(member("aad", base64url(750_000))), id="1 MB of aad"),
    ],
)
def test_other_bytes_are_no_envelope(data: bytes) -> None:
    assert parse(data) is None


def test_the_limit_leaves_room_for_the_longest_value() -> None:
    assert len(seal(Sensitive(b"x" * MAX_PLAINTEXT), KEK, b"y" * 1024)) < MAX_ENVELOPE
