"""`keys/judge.py`: what is accepted, in every format, size and encryption, and what comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.keyreasons import Note
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.judge import Accepted, judge
from sshcredential_operator.keys.stored import stored_public_key
from unit.keys.foreign_files import pkcs12
from unit.keys.key_files import (
    COMMENT,
    ED25519,
    EXISTING,
    KINDS,
    OPENSSH,
    P256,
    PASSPHRASE,
    PKCS8,
    PPK,
    RSA2048,
    TRADITIONAL,
    KeyFiles,
    Kind,
    ed25519_in_pkcs8,
    ed25519_seed,
    pem_body,
    private_file,
    public_line,
    run,
)


def accepted(file: bytes, passphrase: bytes | None = None) -> Accepted:
    verdict = judge(Sensitive(file), None if passphrase is None else Sensitive(passphrase))
    assert isinstance(verdict, Accepted), verdict
    return verdict


def expected_notes(kind: Kind, form: str, *, encrypted: bool) -> tuple[Note, ...]:
    notes = []
    if not encrypted:
        notes.append(Note.NO_PASSPHRASE)
    elif form == TRADITIONAL:
        notes.append(Note.LEGACY_KDF)
    if kind == RSA2048:
        notes.append(Note.RSA_BELOW_3072)
    return tuple(notes)


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
@pytest.mark.parametrize(("kind", "form"), EXISTING, ids=str)
def test_a_key_is_accepted_as_the_key_it_is(key_files: KeyFiles, kind: Kind, form: str, encrypted: bool) -> None:
    passphrase = PASSPHRASE if encrypted else b""
    verdict = accepted(key_files.file(kind, form, passphrase), passphrase)

    public = verdict.pair.public
    assert (public.algorithm, public.bits) == kind
    assert public.line.split(" ")[:2] == key_files.line(kind).split(" ")[:2]
    assert public.comment == (COMMENT if form == OPENSSH else "")
    assert verdict.passphrase == (Sensitive(PASSPHRASE) if encrypted else None)
    assert verdict.notes == expected_notes(kind, form, encrypted=encrypted)
    assert stored_public_key(verdict.pair.private) == public


@pytest.mark.parametrize(("kind", "form"), EXISTING, ids=str)
def test_ssh_keygen_reads_what_is_kept(key_files: KeyFiles, kind: Kind, form: str, tmp_path: Path) -> None:
    pair = accepted(key_files.file(kind, form)).pair
    path = private_file(tmp_path / "key", pair.private.reveal())
    assert public_line(path) == pair.public.line
    assert pair.public.fingerprint in run("ssh-keygen", "-l", "-f", path).decode()


def ciphers_of_ssh_keygen() -> list[str]:
    return run("ssh", "-Q", "cipher").decode().split()


@pytest.mark.parametrize("cipher", ciphers_of_ssh_keygen())
@pytest.mark.parametrize("kind", [ED25519, RSA2048], ids=str)
def test_every_cipher_that_ssh_keygen_writes_is_opened(key_files: KeyFiles, kind: Kind, cipher: str) -> None:
    verdict = accepted(key_files.file(kind, OPENSSH, PASSPHRASE, "-Z", cipher), PASSPHRASE)
    assert verdict.pair.public.line == key_files.line(kind)


@pytest.mark.parametrize("cipher", ["-aes128", "-aes192", "-aes256", "-des3"])
@pytest.mark.parametrize(("kind", "program"), [(RSA2048, ("rsa", "-traditional")), (P256, ("ec",))], ids=["RSA", "EC"])
def test_every_dek_info_cipher_is_opened(
    key_files: KeyFiles, kind: Kind, program: tuple[str, ...], cipher: str
) -> None:
    plain = key_files.file(kind, TRADITIONAL)
    file = run("openssl", *program, cipher, "-passout", f"pass:{PASSPHRASE.decode()}", given=plain)
    assert b"DEK-Info" in file
    verdict = accepted(file, PASSPHRASE)
    assert verdict.pair.public.blob == accepted(plain).pair.public.blob
    assert Note.LEGACY_KDF in verdict.notes


@pytest.mark.parametrize(
    "options",
    [
        *(
            pytest.param(("-v2", cipher, "-v2prf", prf, "-iter", "100"), id=f"PBKDF2 {prf} {cipher}")
            for cipher in ("aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des3")
            for prf in ("hmacWithSHA1", "hmacWithSHA224", "hmacWithSHA256", "hmacWithSHA384", "hmacWithSHA512")
        ),
        pytest.param(("-scrypt", "-v2", "aes-256-cbc"), id="scrypt"),
    ],
)
def test_every_pbes2_encryption_is_opened(key_files: KeyFiles, options: tuple[str, ...]) -> None:
    plain = key_files.file(P256, PKCS8)
    file = run("openssl", "pkcs8", "-topk8", *options, "-passout", f"pass:{PASSPHRASE.decode()}", given=plain)
    assert accepted(file, PASSPHRASE).pair.public.blob == accepted(plain).pair.public.blob


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("-conv_form", "uncompressed"), id="an uncompressed point"),
        pytest.param(("-conv_form", "compressed"), id="a compressed point"),
        pytest.param(("-conv_form", "hybrid"), id="a hybrid point"),
        pytest.param(("-no_public",), id="no point"),
    ],
)
@pytest.mark.parametrize(
    "kind", [kind for kind, form in EXISTING if (kind.algorithm, form) == (Algorithm.ECDSA, PKCS8)], ids=str
)
def test_a_public_point_is_read_in_every_form(key_files: KeyFiles, kind: Kind, options: tuple[str, ...]) -> None:
    file = run("openssl", "ec", *options, given=key_files.file(kind, TRADITIONAL))
    assert accepted(file).pair.public.line == key_files.line(kind).removesuffix(f" {COMMENT}")


def test_the_parameters_that_openssl_puts_before_an_ec_key_do_no_harm(tmp_path: Path) -> None:
    file = run("openssl", "ecparam", "-name", "secp384r1", "-genkey")
    assert file.startswith(b"-----BEGIN EC PARAMETERS-----")
    path = private_file(tmp_path / "key", file)
    assert accepted(file).pair.public.line == public_line(path)


def test_an_ed25519_key_with_its_public_half_in_pkcs8_is_accepted(key_files: KeyFiles) -> None:
    seed = ed25519_seed(key_files.file(ED25519))
    public = accepted(key_files.file(ED25519)).pair.public.blob[-32:]
    assert accepted(ed25519_in_pkcs8(seed, public)).pair.public.blob[-32:] == public


def test_a_small_public_exponent_is_noted() -> None:
    verdict = accepted(run("openssl", "genrsa", "-3", "2048"))
    assert verdict.notes == (Note.NO_PASSPHRASE, Note.RSA_BELOW_3072, Note.SMALL_EXPONENT)


@pytest.mark.parametrize(
    ("comment", "kept"),
    [
        pytest.param("me@host", "me@host", id="a usual one"),
        pytest.param("  two words ", "two words", id="blanks at its ends"),
        pytest.param("", "", id="none"),
        pytest.param("Jürgen", "", id="letters outside ASCII"),
        pytest.param("a\nssh-rsa AAAA", "", id="a second line"),
        pytest.param("\x1b[31mred", "", id="an escape sequence"),
        pytest.param("x" * 256, "x" * 256, id="the longest"),
        pytest.param("x" * 257, "", id="too long a one"),
    ],
)
def test_a_comment_is_kept_if_it_is_one_printable_line(tmp_path: Path, comment: str, kept: str) -> None:
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", tmp_path / "key")
    pair = accepted((tmp_path / "key").read_bytes()).pair
    assert pair.public.comment == kept
    assert pair.public.line.count(" ") == 1 + bool(kept) + kept.count(" ")


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param(("version=2",), id="version 2"),
        *(
            pytest.param((f"kdf={variant}", "memory=64", "passes=2", "parallelism=2"), id=variant)
            for variant in ("argon2id", "argon2i", "argon2d")
        ),
    ],
)
def test_a_putty_file_is_accepted(
    key_files: KeyFiles, kind: Kind, encrypted: bool, parameters: tuple[str, ...]
) -> None:
    passphrase = PASSPHRASE if encrypted else b""
    verdict = accepted(key_files.file(kind, PPK, passphrase, *parameters), passphrase)
    assert verdict.pair.public.line == key_files.line(kind)
    assert verdict.passphrase == (Sensitive(PASSPHRASE) if encrypted else None)
    assert (Note.LEGACY_KDF in verdict.notes) == (encrypted and parameters == ("version=2",))
    assert stored_public_key(verdict.pair.private) == verdict.pair.public


@pytest.mark.parametrize(
    ("comment", "kept"),
    [
        pytest.param("a b: c", "a b: c", id="a colon"),
        pytest.param("", "", id="none"),
        pytest.param("Gr\u00fc\u00dfe", "", id="letters outside ASCII"),
        pytest.param("a\u00a0b", "", id="a no-break space"),
    ],
)
def test_a_putty_files_checksum_covers_its_comment(
    key_files: KeyFiles, tmp_path: Path, comment: str, kept: str
) -> None:
    out = ("-C", comment, "-O", "private", "--new-passphrase", "/dev/null", "-o", tmp_path / "key.ppk")
    run("puttygen", key_files.original(ED25519), *out)
    assert accepted((tmp_path / "key.ppk").read_bytes()).pair.public.comment == kept


@pytest.mark.parametrize("cipher", ["PBE-MD5-DES", "PBE-SHA1-DES", "PBE-SHA1-3DES", "PBE-SHA1-2DES"])
@pytest.mark.parametrize(
    "passphrase", [PASSPHRASE, "Gr\u00fc\u00dfe".encode(), b"x" * 70], ids=["usual", "UTF-8", "long"]
)
def test_pbes1_is_opened(key_files: KeyFiles, cipher: str, passphrase: bytes) -> None:
    plain = key_files.file(P256, PKCS8)
    command = ("openssl", "pkcs8", "-topk8", "-provider", "legacy", "-provider", "default", "-v1", cipher)
    file = run(*command, "-passout", f"pass:{passphrase.decode()}", given=plain)
    verdict = accepted(file, passphrase)
    assert verdict.pair == accepted(plain).pair
    assert verdict.notes == (Note.LEGACY_KDF,)


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
@pytest.mark.parametrize(("kind", "form"), [(kind, form) for kind, form in EXISTING if form != OPENSSH], ids=str)
def test_der_is_accepted(key_files: KeyFiles, kind: Kind, form: str, encrypted: bool) -> None:
    """There is no encryption of the traditional form in DER."""
    if encrypted:
        form = PKCS8
    passphrase = PASSPHRASE if encrypted else b""
    file = key_files.file(kind, form, passphrase)
    assert accepted(pem_body(file), passphrase) == accepted(file, passphrase)


def test_what_openssl_takes_out_of_pkcs12_is_accepted(key_files: KeyFiles) -> None:
    file = run("openssl", "pkcs12", "-nodes", "-passin", "pass:x", given=pkcs12(key_files))
    assert b"Bag Attributes" in file
    assert b"BEGIN CERTIFICATE" in file
    verdict = accepted(file)
    assert verdict.pair.public.line == key_files.line(P256).removesuffix(f" {COMMENT}")
    assert verdict.notes == (Note.WHITESPACE_REPAIRED, Note.TEXT_REMOVED, Note.NO_PASSPHRASE)
