"""What people take for a private key: each thing has its own reason and one clear message, and nothing of it leaks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final, NamedTuple

import pytest

from cluster.conftest import Workspace
from cluster.desk import Desk
from cluster.keyfiles import (
    PASSPHRASE,
    KeyFiles,
    cut_off,
    damaged,
    dsa_key,
    key_of_openssl,
    putty_file,
)
from cluster.shown import Object, generated, imported, message_of, states_of

SECP256K1: Final = ("EC", "-pkeyopt", "ec_paramgen_curve:secp256k1")
MOST_OF_A_SECRET: Final = 1024 * 1024 - 200
"""Bytes in one value: the API server takes 1 MiB in all."""
TRACE: Final = 12
"""Characters of an input in a row that nobody could take for a coincidence."""


class Mistake(NamedTuple):
    """What is given, the reason for refusing it, and words that the message has to hold."""

    content: Callable[[KeyFiles], bytes]
    reason: str
    words: str


MISTAKES: Final = {
    "nothing": Mistake(lambda _: b"", "Empty", "is empty. Put the whole private key file there."),
    "blanks": Mistake(lambda _: b" \n\n", "Empty", "is empty"),
    "prose": Mistake(lambda _: b"It is the one that Ada uses at home", "NotAKey", "it has no BEGIN line"),
    "a path": Mistake(lambda _: b"/home/ada/.ssh/id_ed25519\n", "NotAKey", "not its path"),
    "a public key": Mistake(lambda files: files.key().public.encode(), "PublicKey", "the public half of a key pair"),
    "an SSH certificate": Mistake(lambda files: files.certificate(), "Certificate", "without -cert.pub"),
    "an X.509 certificate": Mistake(lambda files: files.x509_certificate(), "X509Certificate", "X.509"),
    "a file without a line": Mistake(lambda files: damaged(files.key().content), "Corrupt", "damaged"),
    "half a file": Mistake(lambda files: cut_off(files.key().content), "Truncated", "from the BEGIN line to the END"),
    "two files": Mistake(
        lambda files: files.key().content + files.key(which="another").content, "MultipleKeys", "more than one"
    ),
    "a PuTTY file": Mistake(lambda _: putty_file(), "PpkFormat", "puttygen FILE.ppk -O private-openssh-new -o FILE"),
    "a DSA key": Mistake(lambda _: dsa_key(), "DsaKey", "ssh-keygen -t ed25519"),
    "an Ed448 key": Mistake(lambda _: key_of_openssl("ed448"), "UnsupportedKeyType", "an Ed25519, ECDSA or RSA key"),
    "an X25519 key": Mistake(lambda _: key_of_openssl("x25519"), "UnsupportedKeyType", "an Ed25519, ECDSA or RSA key"),
    "a key for bitcoins": Mistake(lambda _: key_of_openssl(*SECP256K1), "UnsupportedCurve", "P-256, P-384 or P-521"),
    "an RSA key of 1024 bits": Mistake(lambda files: files.small_rsa(), "RsaTooSmall", "has 1024 bits; at least 2048"),
    "a key without its passphrase": Mistake(
        lambda files: files.key("OpenSSH", PASSPHRASE).content, "PassphraseRequired", "spec.importFrom.passphrase"
    ),
    "a million letters": Mistake(lambda _: b"Ada" * (MOST_OF_A_SECRET // 3), "TooLarge", "larger than 64 KiB"),
    "a key before a million blanks": Mistake(
        lambda files: files.key().content.ljust(MOST_OF_A_SECRET), "TooLarge", "larger than 64 KiB"
    ),
}


class Case(NamedTuple):
    """One mistake that was made."""

    name: str
    content: bytes
    mistake: Mistake


@pytest.fixture(scope="module")
def cases(desk: Desk, key_files: KeyFiles) -> dict[str, Case]:
    """All of them at once, and between them a credential that nothing is wrong with."""
    made = {
        words: Case(f"refused-{number}", mistake.content(key_files), mistake)
        for number, (words, mistake) in enumerate(MISTAKES.items())
    }
    for case in made.values():
        desk.make_secret(f"{case.name}-input", {"ssh-privatekey": case.content})
    desk.apply({case.name: imported(f"{case.name}-input") for case in made.values()} | {"refused-none": generated()})
    return made


@pytest.fixture(params=MISTAKES)
def case(request: pytest.FixtureRequest, cases: dict[str, Case]) -> Case:
    return cases[str(request.param)]


@pytest.fixture
def refused(desk: Desk, case: Case) -> Object:
    return desk.until(case.name, case.mistake.reason)


def test_each_mistake_has_its_reason_and_says_that_only_the_user_can_help(refused: Object) -> None:
    assert states_of(refused) == {"Ready": "False", "Stalled": "True"}


def test_the_message_says_what_is_wrong_and_what_to_do(case: Case, refused: Object) -> None:
    message = message_of(refused)
    assert case.mistake.words in message
    assert f"Secret {case.name}-input" in message
    assert re.fullmatch(r"[A-Z][^\n{}]+[.:] [A-Z][^\n{}]+", message)
    assert len(message) < 250


def test_the_event_says_the_same(desk: Desk, case: Case, refused: Object) -> None:
    event = desk.until_event(case.name, "Stalled")
    assert event.type == "Warning"
    assert event.note == f"{case.mistake.reason}: {message_of(refused)}"


def test_nothing_of_the_input_is_told(desk: Desk, case: Case, refused: Object) -> None:
    desk.until_event(case.name, "Stalled")
    told = json.dumps([refused, desk.events(case.name)])
    assert traces(case.content.decode()[: 64 * 1024]) & traces(told) == set()


def test_nothing_is_stored(desk: Desk, case: Case, refused: Object) -> None:
    assert desk.secret(f"{case.name}-sshcredential") is None
    assert "fingerprint" not in refused["status"]
    assert "secretName" not in refused["status"]


def test_the_operator_goes_on(desk: Desk, workspace: Workspace, cases: dict[str, Case]) -> None:
    desk.wait_for_ready(["refused-none"])
    for case in cases.values():
        desk.until(case.name, case.mistake.reason)
    assert workspace.operator.is_running
    assert [entry for entry in workspace.operator.entries() if entry["message"] == "pass failed"] == []


def traces(text: str) -> set[str]:
    """Return every piece of the text that would give it away."""
    return {text[start : start + TRACE] for start in range(len(text) - TRACE + 1)} - {" " * TRACE}
