"""`keys/judge.py`: which passphrase opens a file, and what is said of one that is missing, wrong or not needed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from sshcredential_operator.api.keyreasons import KeyRefusal, Note
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.judge import Accepted, Refused, judge
from unit.keys.key_files import (
    COMMENT,
    EVERY_FORM,
    EXISTING,
    FORMATS,
    OPENSSH,
    P256,
    PASSPHRASE,
    PKCS8,
    PPK,
    KeyFiles,
    Kind,
    aes_256_cbc,
    encrypted_pkcs8,
    pbkdf2,
    pem,
    pem_body,
)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        pytest.param(PASSPHRASE + b"\n", PASSPHRASE, id="with a newline from echo"),
        pytest.param(PASSPHRASE + b"\r\n", PASSPHRASE, id="with a Windows line end"),
    ],
)
@pytest.mark.parametrize("form", [*FORMATS, PPK])
def test_a_last_newline_is_taken_off_and_noted(key_files: KeyFiles, form: str, given: bytes, used: bytes) -> None:
    verdict = judge(Sensitive(key_files.file(P256, form, PASSPHRASE)), Sensitive(given))
    assert isinstance(verdict, Accepted)
    assert verdict.passphrase == Sensitive(used)
    assert verdict.notes[-1] is Note.PASSPHRASE_NEWLINE_REMOVED


@pytest.mark.parametrize(
    "passphrase",
    [
        pytest.param(b"ends with a newline\n", id="a last newline"),
        pytest.param("Grüße, 世界 🔑".encode(), id="letters outside ASCII"),
        pytest.param(b"  blanks around  ", id="blanks at its ends"),
        pytest.param(b"-----BEGIN", id="something like a key"),
        pytest.param(b"x" * 1000, id="a thousand letters"),
    ],
)
@pytest.mark.parametrize("form", FORMATS)
def test_an_odd_passphrase_is_kept_as_it_is(key_files: KeyFiles, form: str, passphrase: bytes) -> None:
    verdict = judge(Sensitive(key_files.file(P256, form, passphrase)), Sensitive(passphrase))
    assert isinstance(verdict, Accepted)
    assert verdict.passphrase == Sensitive(passphrase)
    assert Note.PASSPHRASE_NEWLINE_REMOVED not in verdict.notes


@pytest.mark.parametrize("form", [*FORMATS, PPK])
def test_a_passphrase_that_is_not_needed_is_noted_and_not_kept(key_files: KeyFiles, form: str) -> None:
    verdict = judge(Sensitive(key_files.file(P256, form)), Sensitive(PASSPHRASE))
    assert isinstance(verdict, Accepted)
    assert verdict.passphrase is None
    assert verdict.notes == (Note.NO_PASSPHRASE, Note.PASSPHRASE_NOT_NEEDED)


@pytest.mark.parametrize("passphrase", [None, b""], ids=["none", "an empty one"])
@pytest.mark.parametrize(("kind", "form"), EXISTING, ids=str)
def test_a_missing_passphrase_is_asked_for(
    key_files: KeyFiles, kind: Kind, form: str, passphrase: bytes | None
) -> None:
    given = None if passphrase is None else Sensitive(passphrase)
    verdict = judge(Sensitive(key_files.file(kind, form, PASSPHRASE)), given)
    assert isinstance(verdict, Refused)
    assert verdict.reason is KeyRefusal.PASSPHRASE_REQUIRED
    if form == OPENSSH:
        assert verdict.public is not None
        assert verdict.public.line == key_files.line(kind).removesuffix(f" {COMMENT}")
    else:
        assert verdict.public is None


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(b"another one", id="another one"),
        pytest.param(PASSPHRASE[:-1], id="a shorter one"),
        pytest.param(PASSPHRASE + b" ", id="a blank too many"),
        pytest.param(PASSPHRASE + b"\n\n", id="two newlines too many"),
        pytest.param(b"\n", id="nothing but a newline"),
    ],
)
@pytest.mark.parametrize(("kind", "form"), EVERY_FORM, ids=str)
def test_a_wrong_passphrase_is_called_wrong(key_files: KeyFiles, kind: Kind, form: str, wrong: bytes) -> None:
    verdict = judge(Sensitive(key_files.file(kind, form, PASSPHRASE)), Sensitive(wrong))
    assert isinstance(verdict, Refused)
    assert verdict.reason is KeyRefusal.WRONG_PASSPHRASE
    assert (verdict.public is not None) == (form == OPENSSH)


@pytest.mark.parametrize(
    "cipher", ["aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "3des-cbc"]
)
def test_a_wrong_passphrase_is_called_wrong_under_every_kind_of_cipher(key_files: KeyFiles, cipher: str) -> None:
    file = key_files.file(P256, OPENSSH, PASSPHRASE, "-Z", cipher)
    verdict = judge(Sensitive(file), Sensitive(b"another one"))
    assert isinstance(verdict, Refused)
    assert verdict.reason is KeyRefusal.WRONG_PASSPHRASE


@pytest.mark.parametrize("cipher", ["aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"])
def test_a_tag_that_does_not_fit_is_found(key_files: KeyFiles, cipher: str) -> None:
    """With the right passphrase, too: such a file was changed."""
    file = key_files.file(P256, OPENSSH, PASSPHRASE, "-Z", cipher)
    body = pem_body(file)
    changed = pem("OPENSSH PRIVATE KEY", body[:-1] + bytes([body[-1] ^ 1]))
    verdict = judge(Sensitive(changed), Sensitive(PASSPHRASE))
    assert isinstance(verdict, Refused)
    assert verdict.reason is KeyRefusal.WRONG_PASSPHRASE


@pytest.mark.parametrize(
    ("padding", "accepted"),
    [
        pytest.param(lambda count: bytes([count]) * count, True, id="as it must be"),
        pytest.param(lambda count: bytes(count - 1) + bytes([count]), False, id="zeros and a count"),
        pytest.param(bytes, False, id="zeros"),
        pytest.param(lambda count: b"\x20" * (count + 16), False, id="more than a block"),
    ],
)
def test_a_padding_that_openssl_does_not_take_is_not_taken(
    key_files: KeyFiles, padding: Callable[[int], bytes], accepted: bool
) -> None:
    plain = pem_body(key_files.file(P256, PKCS8))
    key = hashlib.pbkdf2_hmac("sha1", PASSPHRASE, b"saltsalt", 1, 32)
    file = encrypted_pkcs8(pbkdf2(1), aes_256_cbc(key, plain + padding(16 - len(plain) % 16)))
    assert isinstance(judge(Sensitive(file), Sensitive(PASSPHRASE)), Accepted) == accepted


def test_nonsense_with_a_good_padding_is_taken_for_a_wrong_passphrase() -> None:
    """One wrong passphrase in 256 passes the padding check; here many are tried, so that some do."""
    file = Sensitive(encrypted_pkcs8(pbkdf2(1), bytes(64)))
    verdicts = [judge(file, Sensitive(b"wrong %d" % number)) for number in range(1500)]
    assert {verdict.reason for verdict in verdicts if isinstance(verdict, Refused)} == {KeyRefusal.WRONG_PASSPHRASE}
    assert len(verdicts) == 1500


@pytest.mark.parametrize("parameters", ["version=2", "version=3"])
@pytest.mark.parametrize("wrong", [b"another one", PASSPHRASE[:-1], PASSPHRASE + b"\n\n"])
def test_a_wrong_passphrase_of_a_putty_file_is_called_wrong(key_files: KeyFiles, parameters: str, wrong: bytes) -> None:
    verdict = judge(Sensitive(key_files.file(P256, PPK, PASSPHRASE, parameters, "passes=1")), Sensitive(wrong))
    assert isinstance(verdict, Refused)
    assert verdict.reason is KeyRefusal.WRONG_PASSPHRASE
    assert verdict.public is not None
    assert verdict.public.line == key_files.line(P256)
