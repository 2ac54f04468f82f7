"""Attacks by the key that a user brings: its comment, its size, its passphrase. On a real API server, as a workspace.

What is only costly is in `test_poisoned.py`, and what fits no key at all in `test_operator_refused.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from cluster.desk import Desk
from cluster.keyfiles import run
from cluster.poison import rsa as rsa_of_odd_numbers
from cluster.shown import Object, generated, imported, message_of, states_of
from sshcredential_operator.keys.wire import string
from sshcredential_operator.ssh.authorized_keys import parse_line
from unit.keys.key_files import der_int, openssh_file, openssh_section, pem, seq

MOST_OF_A_SECRET: Final = 1024 * 1024 - 200
STALLS: Final = {"Ready": "False", "Stalled": "True"}

COMMENTS: Final[dict[str, tuple[bytes, str]]] = {
    "a line break and another key": (b"ada\nssh-ed25519 AAAA mallory", ""),
    "a carriage return": (b"ada\rmallory", ""),
    "a NUL": (b"ada\0mallory", ""),
    "U+2028": ("ada\u2028mallory".encode(), ""),
    "U+0085": ("ada\x85mallory".encode(), ""),
    "text that is turned round": ("ada\u202eyrollam".encode(), ""),
    "colours": (b"ada\x1b[31mmallory", ""),
    "a title for the terminal": (b"\x1b]0;mallory\x07ada", ""),
    "bytes that are no text": (b"ada\xff\xfe", ""),
    "a tab": (b"ada\tmallory", ""),
    "100,000 letters": (b"a" * 30_000, ""),
    "options of authorized_keys": (
        b'command="rm -rf /",no-pty ssh-ed25519 AAAA',
        'command="rm -rf /",no-pty ssh-ed25519 AAAA',
    ),
    "what a shell would run": (b"$(touch /tmp/x) `id` '; rm -rf /", "$(touch /tmp/x) `id` '; rm -rf /"),
    "places of a message": (b"{secret} {0} %s %(x)s", "{secret} {0} %s %(x)s"),
}
"""What is written as the comment, and what is shown of it: all, or nothing."""


@pytest.fixture(scope="module")
def commented(desk: Desk) -> dict[str, str]:
    """A credential for each comment, under its name."""
    names = {what: f"comment-{number}" for number, what in enumerate(COMMENTS)}
    for what, name in names.items():
        desk.make_secret(name, {"ssh-privatekey": with_comment(COMMENTS[what][0])})
    desk.apply({name: imported(name) for name in names.values()})
    return names


def with_comment(comment: bytes) -> bytes:
    """Return an Ed25519 key of any comment, which no ssh-keygen would write."""
    key = ed25519.Ed25519PrivateKey.generate()
    seed, public = key.private_bytes_raw(), key.public_key().public_bytes_raw()
    blob = string(b"ssh-ed25519") + string(public)
    return openssh_file(blob, openssh_section(blob + string(seed + public), comment))


@pytest.mark.parametrize("what", COMMENTS)
def test_a_comment_never_makes_more_than_one_harmless_line(
    desk: Desk, commented: dict[str, str], what: str, tmp_path: Path
) -> None:
    status = desk.until(commented[what], "Available")["status"]

    line = status["publicKey"]
    assert line.split(" ", 2)[2:] == ([COMMENTS[what][1]] if COMMENTS[what][1] else [])
    seen = parse_line(line.encode())
    assert seen.options == b""
    (tmp_path / "authorized_keys").write_text(f"{line}\n")
    told = run("ssh-keygen", "-lf", tmp_path / "authorized_keys").decode().splitlines()
    assert [entry.split()[1] for entry in told] == [status["fingerprint"]]


def exponent_one() -> bytes:
    """Return an RSA key whose public exponent is 1: whoever signs with it signs nothing."""
    found = rsa.generate_private_key(65537, 2048).private_numbers()
    inverse = pow(found.q, -1, found.p)
    return pem("RSA PRIVATE KEY", seq(*map(der_int, (0, found.p * found.q, 1, 1, found.p, found.q, 1, 1, inverse))))


class Hostile(NamedTuple):
    """A file, the reason for refusing it, and words of the message."""

    file: bytes
    reason: str
    words: str


HOSTILE: Final = {
    "RSA of 16384 bits": Hostile(rsa_of_odd_numbers(16384), "RsaTooLarge", "has 16384 bits; more than 8192 is refused"),
    "RSA of 1024 bits": Hostile(
        rsa.generate_private_key(65537, 1024).private_bytes(  # noqa: S505 - the point
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"x")
        ),
        "RsaTooSmall",
        "has 1024 bits; at least 2048",
    ),
    "RSA with the exponent 1": Hostile(exponent_one(), "Corrupt", "is damaged"),
    "1 MiB of BEGIN lines": Hostile(
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n" * (MOST_OF_A_SECRET // 36), "TooLarge", "larger than 64 KiB"
    ),
    "64 KiB of BEGIN lines": Hostile(b"-----BEGIN PRIVATE KEY-----\n" * 2340, "Truncated", "is cut off"),
}


@pytest.fixture(scope="module")
def hostile(desk: Desk) -> dict[str, str]:
    names = {what: f"hostile-{number}" for number, what in enumerate(HOSTILE)}
    for what, name in names.items():
        desk.make_secret(name, {"ssh-privatekey": HOSTILE[what].file, "passphrase": b"x"})
    desk.apply({name: imported(name, name) for name in names.values()})
    return names


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_key_is_refused_by_its_reason(desk: Desk, hostile: dict[str, str], what: str) -> None:
    told = desk.until(hostile[what], HOSTILE[what].reason)

    assert states_of(told) == STALLS
    assert HOSTILE[what].words in message_of(told)
    assert desk.secret(f"{hostile[what]}-sshcredential") is None


def test_who_comes_after_all_hostile_keys_is_served(desk: Desk, hostile: dict[str, str], name: str) -> None:
    desk.create(name, generated())

    assert states_of(desk.until(name, "Available")) == {"Ready": "True"}


PASSPHRASES: Final[dict[str, tuple[bytes, bytes, str]]] = {
    "with a NUL in it": (b"a\0b", b"a\0b", "Available"),
    "of bytes that are no text": (b"\xff\xfe\x80", b"\xff\xfe\x80", "Available"),
    "of escapes for a terminal": (b"\x1b[2J\x07", b"\x1b[2J\x07", "Available"),
    "that ends with the line end of Windows": (b"correct horse", b"correct horse\r\n", "Available"),
    "of 1,023 letters": (b"x" * 1023, b"x" * 1023, "Available"),
    "of 4 KiB": (b"x", b"x" * 4096, "WrongPassphrase"),
    "of more than 4 KiB": (b"x", b"x" * 4097, "TooLarge"),
    "of 900,000 letters": (b"x", b"x" * 900_000, "TooLarge"),
    "that is another": (b"right", b"wrong", "WrongPassphrase"),
    "that is right but for its end": (b"right", b"right\n\n", "WrongPassphrase"),
    "that is a line end": (b"right", b"\n", "WrongPassphrase"),
    "that is empty": (b"right", b"", "PassphraseRequired"),
}
"""What the file is encrypted with, what the user gives, and what comes of it."""


@pytest.fixture(scope="module")
def locked(desk: Desk) -> dict[str, str]:
    names = {what: f"locked-{number}" for number, what in enumerate(PASSPHRASES)}
    for what, name in names.items():
        used, given, _ = PASSPHRASES[what]
        desk.make_secret(name, {"ssh-privatekey": encrypted(used), "passphrase": given})
    desk.apply({name: imported(name, name) for name in names.values()})
    return names


def encrypted(passphrase: bytes) -> bytes:
    form = PrivateFormat.OpenSSH
    lock = form.encryption_builder().kdf_rounds(1).build(passphrase)
    return ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, form, lock)


@pytest.mark.parametrize("what", PASSPHRASES)
def test_a_passphrase(desk: Desk, locked: dict[str, str], what: str) -> None:
    _, given, reason = PASSPHRASES[what]

    told = desk.until(locked[what], reason)

    assert told["status"].get("passphraseProtected", False) is (reason == "Available")
    assert len(given) < 4 or given.decode("utf-8", "replace").strip() not in texts_of(told)


def texts_of(found: Object) -> str:
    return " ".join(str(condition["message"]) for condition in found["status"]["conditions"])
