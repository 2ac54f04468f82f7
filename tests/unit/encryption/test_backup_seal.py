"""`encryption/backup_seal.py`: a backup opens for whom it was made, and nothing that was changed opens."""

from __future__ import annotations

import json

import pytest
from jwcrypto import jwa, jwe, jwk  # type: ignore[import-untyped]  # it ships no types

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import b64url
from sshcredential_operator.encryption.backup_seal import (
    BY_PASSPHRASE,
    ITERATIONS,
    MOST_ITERATIONS,
    Identity,
    Passphrase,
    Unopened,
    open_backup,
    seal_backup,
)
from unit.encryption.test_recipient import PRIVATE, RECIPIENT, private_key

PLAIN = Sensitive(b"a key ring " * 20_000)
WORDS = Passphrase(Sensitive(b"correct horse battery staple"))
OTHER = private_key()


def identity(jwk_: dict[str, object]) -> Identity:
    return Identity(str(jwk_["x"]), Sensitive(b64url.decode(jwk_["d"]) or b""))


OWN = identity(PRIVATE)
BY_WORDS = seal_backup(PLAIN, WORDS)
BY_KEY = seal_backup(PLAIN, RECIPIENT)


def with_header(text: bytes, **changed: object) -> bytes:
    first, _, rest = text.partition(b".")
    header = json.loads(b64url.decode(first.decode()) or b"") | changed
    header = {name: value for name, value in header.items() if value is not None}
    return b64url.encode(json.dumps(header, separators=(",", ":")).encode()).encode() + b"." + rest


@pytest.mark.parametrize(("text", "by"), [(BY_WORDS, WORDS), (BY_KEY, OWN)], ids=["passphrase", "recipient"])
def test_it_opens_for_whom_it_was_made(text: bytes, by: Passphrase | Identity) -> None:
    assert open_backup(text, by) == PLAIN


def test_another_library_opens_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwa, "default_max_pbkdf2_iterations", ITERATIONS)
    for text, key in (
        (BY_WORDS, jwk.JWK.from_password(WORDS.words.reveal().decode())),
        (BY_KEY, jwk.JWK(**PRIVATE)),
    ):
        token = jwe.JWE(algs=[BY_PASSPHRASE, "ECDH-ES+A256KW", "A256GCM"])
        token.deserialize(text.decode().strip(), key)
        assert token.payload == PLAIN.reveal()


@pytest.mark.parametrize(
    ("text", "by", "why"),
    [
        (BY_WORDS, Passphrase(Sensitive(b"another passphrase")), Unopened.WRONG_PASSPHRASE),
        (BY_WORDS, OWN, Unopened.NEEDS_PASSPHRASE),
        (BY_KEY, WORDS, Unopened.NEEDS_IDENTITY),
        (BY_KEY, identity(OTHER), Unopened.OTHER_KEY),
        (BY_KEY[: len(BY_KEY) // 2], OWN, Unopened.NO_BACKUP),
        (b"", WORDS, Unopened.NO_BACKUP),
        (b"apiVersion: v1\n", WORDS, Unopened.NO_BACKUP),
        (with_header(BY_WORDS, p2c=1000), WORDS, Unopened.NO_BACKUP),
        (with_header(BY_WORDS, p2c=MOST_ITERATIONS + 1), WORDS, Unopened.NO_BACKUP),
        (with_header(BY_WORDS, p2c=10**30), WORDS, Unopened.NO_BACKUP),
        (with_header(BY_WORDS, p2c=ITERATIONS - 1), WORDS, Unopened.WRONG_PASSPHRASE),
        (with_header(BY_WORDS, p2s="AAAA"), WORDS, Unopened.NO_BACKUP),
        (with_header(BY_WORDS, alg="PBES2-HS256+A128KW"), WORDS, Unopened.NO_BACKUP),
        (with_header(BY_WORDS, zip="DEF"), WORDS, Unopened.NO_BACKUP),
        (with_header(BY_WORDS, crit=["exp"]), WORDS, Unopened.NO_BACKUP),
        (with_header(BY_KEY, enc="A128GCM"), OWN, Unopened.NO_BACKUP),
        (with_header(BY_KEY, typ="another"), OWN, Unopened.NO_BACKUP),
        (with_header(BY_KEY, epk=None), OWN, Unopened.NO_BACKUP),
    ],
    ids=[
        "another passphrase",
        "a key where words are needed",
        "words where a key is needed",
        "another key",
        "half of it",
        "nothing",
        "something else",
        "few iterations",
        "more iterations than are tried",
        "iterations without end",
        "other iterations",
        "a short salt",
        "another algorithm",
        "compression",
        "something critical",
        "another encryption",
        "another type",
        "no ephemeral key",
    ],
)
def test_anything_else_says_why(text: bytes, by: Passphrase | Identity, why: Unopened) -> None:
    assert open_backup(text, by) is why


@pytest.mark.parametrize("part", range(1, 5), ids=["encrypted key", "nonce", "ciphertext", "tag"])
def test_a_changed_part_does_not_open(part: int) -> None:
    parts = BY_KEY.strip().split(b".")
    parts[part] = (b"B" if parts[part][:1] == b"A" else b"A") + parts[part][1:]
    assert open_backup(b".".join(parts), OWN) is Unopened.CHANGED
