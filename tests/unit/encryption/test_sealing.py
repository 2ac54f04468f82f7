"""`encryption/sealing.py`: sealed for one place, field and key pair; a second library opens it; nothing else does."""

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
from sshcredential_operator.encryption.sealing import MAX_SEALED, Scope, Seal, open_value, seal_of, seal_value
from sshcredential_operator.encryption.sealing_keys import sealing_kid

PRIVATE = Sensitive(X25519PrivateKey.generate().private_bytes_raw())
X = b64url.encode(X25519PrivateKey.from_private_bytes(PRIVATE.reveal()).public_key().public_bytes_raw())
VALUE = Sensitive(b"test-only-private-key")
FINGERPRINT = f"SHA256:{'A' * 43}"
STRICT = Seal(sealing_kid(3, X), Scope.STRICT, "genomics", "hpc-login", Field.PRIVATE_KEY, FINGERPRINT)
FOR_NAMESPACE = STRICT._replace(scope=Scope.NAMESPACE, name=None)


@pytest.mark.parametrize("seal", [STRICT, FOR_NAMESPACE], ids=["strict", "namespace"])
def test_the_operator_opens_it_and_everybody_reads_what_it_is(seal: Seal) -> None:
    text = seal_value(VALUE, X, seal)

    assert seal_of(text) == seal
    assert open_value(text, PRIVATE) == VALUE
    assert VALUE.reveal() not in b"".join(b64url.decode(part) or b"" for part in text.split("."))


def test_another_library_opens_it_in_three_lines() -> None:
    sealed = JWE()
    private = {"kty": "OKP", "crv": "X25519", "x": X, "d": b64url.encode(PRIVATE.reveal())}
    sealed.deserialize(seal_value(VALUE, X, STRICT), JWK(**private))

    assert sealed.payload == VALUE.reveal()
    assert {name: value for name, value in sealed.jose_header.items() if name != "epk"} == {
        "alg": "ECDH-ES+A256KW",
        "enc": "A256GCM",
        "kid": STRICT.kid,
        "scope": "strict",
        "namespace": "genomics",
        "name": "hpc-login",
        "field": "privateKey",
        "fingerprint": FINGERPRINT,
    }


def test_nobody_else_opens_it_and_no_two_are_alike() -> None:
    text = seal_value(VALUE, X, STRICT)

    assert open_value(text, Sensitive(X25519PrivateKey.generate().private_bytes_raw())) is None
    assert text != seal_value(VALUE, X, STRICT)


@pytest.mark.parametrize("part", range(5))
def test_no_changed_bit_of_any_part_opens(part: int) -> None:
    parts = seal_value(VALUE, X, STRICT).split(".")
    octets = b64url.decode(parts[part]) or b""
    for bit in range(len(octets) * 8):
        changed = bytearray(octets)
        changed[bit // 8] ^= 1 << bit % 8
        text = ".".join([*parts[:part], b64url.encode(bytes(changed)), *parts[part + 1 :]])

        assert seal_of(text) is None or open_value(text, PRIVATE) is None


def test_a_place_that_was_exchanged_in_the_header_does_not_open() -> None:
    header, *rest = seal_value(VALUE, X, STRICT).split(".")
    moved = (b64url.decode(header) or b"").replace(b"genomics", b"imagings")
    text = ".".join([b64url.encode(moved), *rest])

    assert (seal := seal_of(text)) is not None
    assert seal.namespace == "imagings"
    assert open_value(text, PRIVATE) is None


def by_hand(changes: dict[str, object]) -> str:
    """Seal under any header, as somebody else would; None takes a member away."""
    members = dict(STRICT._asdict()) | changes
    header = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM"} | {n: v for n, v in members.items() if v is not None}
    registry = jwe.JWERegistry(algorithms=[str(header["alg"]), str(header["enc"]), "DEF"], strict_check_header=False)
    key = OKPKey.import_key({"kty": "OKP", "crv": "X25519", "x": X})
    return jwe.encrypt_compact(header, VALUE.reveal(), key, registry=registry)


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "ECDH-ES+A128KW"},
        {"alg": "ECDH-ES"},
        {"enc": "A128GCM"},
        {"enc": "A256CBC-HS512"},
        {"zip": "DEF"},
        {"apu": "QQ"},
        {"typ": "JWE"},
        {"kid": "another"},
        {"kid": None},
        pytest.param({"kid": STRICT.kid.partition(".")[2]}, id="a kid without its serial"),
        {"kid": f"0.{'A' * 43}"},
        {"scope": "cluster"},
        {"scope": None},
        {"scope": "namespace"},
        {"namespace": "Genomics"},
        {"namespace": None},
        {"name": None},
        {"name": "hpc login"},
        {"name": 3},
        {"field": "record"},
        {"field": "comment"},
        {"fingerprint": f"SHA256:{'A' * 42}"},
        {"fingerprint": None},
    ],
    ids=str,
)
def test_a_header_of_another_form_is_refused(changes: dict[str, object]) -> None:
    assert seal_of(by_hand({})) == STRICT
    assert seal_of(by_hand(changes)) is None


@pytest.mark.parametrize(
    "epk",
    [
        {"kty": "OKP", "crv": "X25519", "x": b64url.encode(bytes(32))},
        {"kty": "OKP", "crv": "X25519", "x": b64url.encode(bytes(31))},
        {"kty": "OKP", "crv": "X448", "x": X},
        {"kty": "OKP", "crv": "X25519", "x": X, "d": X},
        {"kty": "OKP", "crv": "X25519"},
        "none",
    ],
    ids=["a point of small order", "a short point", "another curve", "a private half", "no point", "no key"],
)
def test_an_ephemeral_key_of_another_form_is_refused(epk: object) -> None:
    header, *rest = seal_value(VALUE, X, STRICT).split(".")
    changed = json.loads(b64url.decode(header) or b"") | {"epk": epk}
    text = ".".join([b64url.encode(json.dumps(changed, separators=(",", ":")).encode()), *rest])

    assert seal_of(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "....",
        "a.b.c.d",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        seal_value(VALUE, X, STRICT) + ".AA",
        seal_value(VALUE, X, STRICT) + "=",
        " " + seal_value(VALUE, X, STRICT),
        seal_value(VALUE, X, STRICT) + "\n",
        "ü" * 10,
        "A" * (MAX_SEALED + 1),
    ],
    ids=["nothing", "dots", "four parts", "a key", "six parts", "padding", "a blank", "a line end", "umlauts", "long"],
)
def test_a_text_of_another_form_is_refused(text: str) -> None:
    assert seal_of(text) is None


def test_repeated_names_and_blanks_in_the_header_are_refused() -> None:
    header, *rest = seal_value(VALUE, X, STRICT).split(".")
    octets = b64url.decode(header) or b""
    for changed in (octets.replace(b"{", b'{"scope":"namespace",', 1), octets.replace(b",", b", ", 1)):
        assert seal_of(".".join([b64url.encode(changed), *rest])) is None


@pytest.mark.parametrize(
    ("seal", "namespace", "name", "fits"),
    [
        (STRICT, "genomics", "hpc-login", True),
        (STRICT, "genomics", "other", False),
        (STRICT, "imaging", "hpc-login", False),
        (FOR_NAMESPACE, "genomics", "other", True),
        (FOR_NAMESPACE, "imaging", "hpc-login", False),
    ],
    ids=["its place", "another name", "another namespace", "any name of it", "another namespace than its own"],
)
def test_a_seal_fits_its_place_only(seal: Seal, namespace: str, name: str, fits: bool) -> None:
    assert seal.fits(namespace, name) is fits


def test_the_longest_key_that_is_judged_can_be_sealed() -> None:
    assert seal_of(seal_value(Sensitive(bytes(32 * 1024)), X, STRICT)) == STRICT
