"""`keys/formats/ppk.py`: PuTTY files that were changed, cut or put together wrongly."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.judge import Refused, judge
from unit.keys.key_files import ED25519, P256, PASSPHRASE, PPK, RSA2048, KeyFiles, run

Change = Callable[[bytes], bytes]


def replaced(old: bytes, new: bytes) -> Change:
    return lambda file: re.sub(old, new, file, count=1, flags=re.MULTILINE)


CHANGES: list[tuple[str, KeyRefusal, Change]] = [
    ("another comment", KeyRefusal.CORRUPT, replaced(b"ada@", b"eve@")),
    ("another checksum", KeyRefusal.CORRUPT, replaced(rb"^(Private-MAC: )..", rb"\1zz")),
    ("a short checksum", KeyRefusal.CORRUPT, replaced(rb"^(Private-MAC: )..", rb"\1")),
    ("another key type", KeyRefusal.CORRUPT, replaced(rb"(File-3: )\S+", rb"\1ssh-dss")),
    ("no key type", KeyRefusal.CORRUPT, replaced(rb"(File-3:) \S+", rb"\1")),
    ("a letter that is not base64", KeyRefusal.CORRUPT, replaced(rb"^(Private-Lines: \d+\n)..", rb"\1*.")),
    ("a field that comes twice", KeyRefusal.CORRUPT, replaced(rb"^(Comment: .*\n)", rb"\1\1")),
    ("a line that is no field", KeyRefusal.CORRUPT, replaced(rb"^Comment: .*", b"comment")),
    ("no comment", KeyRefusal.CORRUPT, replaced(rb"^Comment: .*\n", b"")),
    ("fewer lines than there are", KeyRefusal.CORRUPT, replaced(rb"^Public-Lines: \d+", b"Public-Lines: 0")),
    ("more lines than there are", KeyRefusal.TRUNCATED, replaced(rb"^Private-Lines: \d+", b"Private-Lines: 99")),
    ("a number of lines that is none", KeyRefusal.CORRUPT, replaced(rb"^Public-Lines: \d+", b"Public-Lines: x")),
    ("no end", KeyRefusal.TRUNCATED, replaced(rb"^Private-MAC: .*\n", b"")),
    ("nothing but its first line", KeyRefusal.TRUNCATED, lambda file: file.partition(b"\n")[0]),
    ("another cipher", KeyRefusal.PPK_FORMAT, replaced(rb"^Encryption: .*", b"Encryption: aes128-ctr")),
    ("another version", KeyRefusal.PPK_FORMAT, replaced(b"File-3", b"File-4")),
]


@pytest.mark.parametrize(("reason", "change"), [pytest.param(*rest, id=name) for name, *rest in CHANGES])
@pytest.mark.parametrize("kind", [ED25519, P256, RSA2048], ids=str)
def test_a_changed_file_is_refused(key_files: KeyFiles, kind: object, reason: KeyRefusal, change: Change) -> None:
    file = key_files.file(kind, PPK)  # type: ignore[arg-type]  # parametrize knows no types
    changed = change(file)
    assert changed != file
    verdict = judge(Sensitive(changed), None)
    assert isinstance(verdict, Refused), verdict
    assert verdict.reason is reason


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        pytest.param(KeyRefusal.WRONG_PASSPHRASE, replaced(b"ada@", b"eve@"), id="another comment"),
        pytest.param(KeyRefusal.CORRUPT, replaced(rb"(Private-Lines: 1\n.{20})....", rb"\1"), id="half a block"),
        pytest.param(KeyRefusal.CORRUPT, replaced(rb"^Argon2-Passes: .*\n", b""), id="no number of passes"),
        pytest.param(KeyRefusal.PPK_FORMAT, replaced(rb"^Key-Derivation: .*\n", b""), id="no key derivation"),
    ],
)
def test_a_changed_encrypted_file_is_refused(key_files: KeyFiles, reason: KeyRefusal, change: Change) -> None:
    file = key_files.file(ED25519, PPK, PASSPHRASE)
    changed = change(file)
    assert changed != file
    verdict = judge(Sensitive(changed), Sensitive(PASSPHRASE))
    assert isinstance(verdict, Refused), verdict
    assert verdict.reason is reason
    assert verdict.public is not None
    assert key_files.line(ED25519).startswith(verdict.public.line.split(" ")[0])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        pytest.param(("-t", "dsa"), KeyRefusal.DSA_KEY, id="DSA"),
        pytest.param(("-t", "ed448"), KeyRefusal.UNSUPPORTED_KEY_TYPE, id="Ed448"),
        pytest.param(("-t", "rsa", "-b", "1024"), KeyRefusal.RSA_TOO_SMALL, id="RSA of 1024 bits"),
    ],
)
def test_a_key_that_is_not_taken_is_not_taken_from_a_putty_file(
    tmp_path: object, options: tuple[str, ...], reason: KeyRefusal
) -> None:
    out = f"{tmp_path}/key.ppk"
    run("puttygen", "-q", *options, "-o", out, "--new-passphrase", "/dev/null")
    verdict = judge(Sensitive(run("cat", out)), None)
    assert isinstance(verdict, Refused), verdict
    assert verdict.reason is reason
