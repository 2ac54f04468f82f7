"""Nothing that the judge answers shows a private key or a passphrase, however it is printed."""

from __future__ import annotations

import dataclasses
import pickle
import traceback
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from sshcredential_operator.api.messages import message
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.generate import generate
from sshcredential_operator.keys.judge import Accepted, Refused, _judged, judge
from sshcredential_operator.keys.refusal import Refusal
from unit.keys.key_files import (
    ED25519,
    EVERY_FORM,
    ONE_OF_EACH,
    OPENSSH,
    P256,
    PASSPHRASE,
    PKCS8,
    PPK,
    RSA2048,
    TRADITIONAL,
    KeyFiles,
    Kind,
    ed25519_seed,
)
from unit.keys.refused_files import Case
from unit.keys.test_refusals import CASES
from unit.keys.test_repairs import DAMAGES

WINDOW = 16


def shown(value: object) -> str:
    """Return every way in which this value and its parts are usually turned into text, the public line apart."""
    texts = [repr(value), str(value), f"{value}", "%s %r" % (value, value)]  # noqa: UP031 - an old way, still common
    if isinstance(value, Accepted):
        texts += [shown(value.pair), shown(value.pair.private), shown(value.passphrase)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        texts += [repr(getattr(value, field.name)) for field in dataclasses.fields(value)]
    return "\n".join(texts)


def windows(secret: str) -> Iterator[str]:
    return (secret[start : start + WINDOW] for start in range(max(1, len(secret) - WINDOW + 1)))


def body_text(file: bytes) -> str:
    """Return the letters of a body; of a PuTTY file, which shows its public half, those of the private part only."""
    private = file[file.find(b"Private-Lines") if file.startswith(b"PuTTY") else 0 :]
    lines = [line for line in private.splitlines() if not line.startswith(b"-----") and b": " not in line]
    return b"".join(lines).decode("latin-1")


def require_nothing_of(secrets: list[str], text: str) -> None:
    for secret in secrets:
        assert not [window for window in windows(secret) if window in text]


@pytest.mark.parametrize("given", [PASSPHRASE, b"", b"a wrong passphrase 8"], ids=["right", "none", "wrong"])
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
@pytest.mark.parametrize(("kind", "form"), [*EVERY_FORM, *((kind, PPK) for kind in ONE_OF_EACH)], ids=str)
def test_an_answer_shows_neither_key_nor_passphrase(
    key_files: KeyFiles, kind: Kind, form: str, encrypted: bool, given: bytes
) -> None:
    file = key_files.file(kind, form, PASSPHRASE if encrypted else b"")
    secrets = [body_text(file), PASSPHRASE.decode(), "a wrong passphrase 8"]
    verdict = judge(Sensitive(file), Sensitive(given))
    require_nothing_of(secrets, shown(verdict))
    if isinstance(verdict, Refused):
        told = message(Reason(verdict.reason.value), dict(verdict.detail) | {"origin": "Secret my-key"})
        require_nothing_of(secrets, told)


@pytest.mark.parametrize("damage", [pytest.param(damage, id=what) for what, damage, _ in DAMAGES])
@pytest.mark.parametrize("given", [PASSPHRASE, b"a wrong passphrase 8"], ids=["right", "wrong"])
@pytest.mark.parametrize("form", [OPENSSH, TRADITIONAL, PKCS8, PPK])
def test_no_exception_on_the_way_shows_any_of_a_damaged_file(
    key_files: KeyFiles, form: str, given: bytes, damage: Callable[[bytes], bytes]
) -> None:
    """With a letter changed, so that each is refused; and with the traceback and all that hangs on it."""
    whole = key_files.file(P256, form, PASSPHRASE)
    file = damage(whole[: len(whole) // 2] + b"\xc3\xa4" + whole[len(whole) // 2 :])
    secrets = [body_text(whole), PASSPHRASE.decode(), "a wrong passphrase 8"]
    with pytest.raises(Refusal) as caught:
        _judged(file, given, 2048)
    require_nothing_of(secrets, "".join(traceback.format_exception(caught.value)))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_a_refusal_shows_nothing_of_the_file(key_files: KeyFiles, case: Case) -> None:
    file = case.file(key_files)
    if len(body_text(file)) >= WINDOW:
        require_nothing_of([body_text(file)], shown(judge(Sensitive(file), None)))


def test_the_numbers_themselves_are_not_shown(key_files: KeyFiles) -> None:
    seed = ed25519_seed(key_files.file(ED25519))
    secrets = [seed.hex(), repr(seed)[2:-1], str(int.from_bytes(seed, "big"))]
    require_nothing_of(secrets, shown(judge(Sensitive(key_files.file(ED25519)), None)))

    key = load_ssh_private_key(key_files.file(RSA2048), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.private_numbers()
    secrets = [text for number in (numbers.d, numbers.p, numbers.q) for text in (str(number), f"{number:x}")]
    require_nothing_of(secrets, shown(judge(Sensitive(key_files.file(RSA2048)), None)))


def test_the_window_would_find_a_leak(key_files: KeyFiles) -> None:
    file = key_files.file(ED25519)
    with pytest.raises(AssertionError):
        require_nothing_of([body_text(file)], f"bad line: {file[60:90]!r}")


def test_a_key_pair_is_never_pickled() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(generate(*ED25519, ""))


def test_the_exception_within_shows_nothing() -> None:
    assert repr(Refusal(next(iter(CASES)).reason)) == "Refusal('Empty')"


def test_an_answer_is_never_changed(key_files: KeyFiles) -> None:
    verdict = judge(Sensitive(key_files.file(ED25519)), None)
    assert not isinstance(verdict, Refused)
    with pytest.raises(dataclasses.FrozenInstanceError):
        verdict.passphrase = None  # type: ignore[misc]  # the point of the test
