"""`keys/formats/armoured.py`, `beside.py`: what may stand beside a key, and labels that people put on one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sshcredential_operator.api.keyreasons import KeyRefusal, Note
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.judge import Accepted, Refused, judge
from unit.keys.key_files import (
    ED25519,
    KINDS,
    OPENSSH,
    P256,
    P384,
    PASSPHRASE,
    PKCS8,
    PPK,
    RSA2048,
    TRADITIONAL,
    KeyFiles,
    Kind,
    run,
)
from unit.keys.refused_files import certificate, relabelled, x509_certificate

Half = Callable[[KeyFiles, Kind], bytes]


def public_line(files: KeyFiles, kind: Kind) -> bytes:
    return files.line(kind).encode() + b"\n"


def known_host(files: KeyFiles, kind: Kind) -> bytes:
    return b"login.example " + public_line(files, kind)


def public_pem(files: KeyFiles, kind: Kind) -> bytes:
    return run("ssh-keygen", "-e", "-m", "PKCS8", "-f", files.original(kind).with_suffix(".pub"))


def compressed_public_pem(files: KeyFiles, kind: Kind) -> bytes:
    return run("openssl", "ec", "-pubin", "-pubout", "-conv_form", "compressed", given=public_pem(files, kind))


def ed25519_public_pem(files: KeyFiles, kind: Kind) -> bytes:
    return run("openssl", "pkey", "-pubout", given=files.file(kind, PKCS8))


def rsa_public_pem(files: KeyFiles, kind: Kind) -> bytes:
    return run("ssh-keygen", "-e", "-m", "PEM", "-f", files.original(kind).with_suffix(".pub"))


HALVES: list[tuple[str, Kind, Half]] = [
    *((f"a line, {kind}", kind, public_line) for kind in KINDS),
    ("a line of known_hosts", P256, known_host),
    ("a public PEM, RSA", RSA2048, public_pem),
    ("a public PEM, ECDSA", P384, public_pem),
    ("a public PEM with a compressed point", P256, compressed_public_pem),
    ("a public PEM, Ed25519", ED25519, ed25519_public_pem),
    ("PKCS#1", RSA2048, rsa_public_pem),
]


@pytest.mark.parametrize(("kind", "half"), [pytest.param(*rest, id=name) for name, *rest in HALVES])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("passphrase", [b"", PASSPHRASE], ids=["plain", "encrypted"])
def test_its_own_public_half_may_stand_beside_a_key(
    key_files: KeyFiles, kind: Kind, half: Half, after: bool, passphrase: bytes
) -> None:
    file, public = key_files.file(kind, OPENSSH, passphrase), half(key_files, kind)
    verdict = judge(Sensitive(file + public if after else public + file), Sensitive(passphrase))
    assert isinstance(verdict, Accepted), verdict
    assert verdict.pair.public.line == key_files.line(kind)
    assert verdict.notes[0] is Note.PUBLIC_HALF_REMOVED
    assert Note.TEXT_REMOVED not in verdict.notes


def test_its_own_public_half_may_stand_beside_a_putty_file(key_files: KeyFiles) -> None:
    file = key_files.file(ED25519, PPK) + public_line(key_files, ED25519)
    verdict = judge(Sensitive(file), None)
    assert isinstance(verdict, Accepted), verdict
    assert verdict.notes == (Note.PUBLIC_HALF_REMOVED, Note.NO_PASSPHRASE)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda files: public_line(files, P384), id="a line"),
        pytest.param(lambda files: public_pem(files, P384), id="a PEM"),
        pytest.param(lambda files: public_line(files, P256) + public_line(files, ED25519), id="its own and another's"),
        pytest.param(lambda _: b"ssh-dss AAAAB3NzaC1kc3MAAACB me", id="one that nobody takes"),
        pytest.param(lambda _: b"ssh-ed25519 AAAA*", id="one that is damaged"),
        pytest.param(lambda _: b"ssh-ed25519 AAAAB3NzaC1yc2E=", id="one of another type than it says"),
    ],
)
@pytest.mark.parametrize("passphrase", [b"", PASSPHRASE], ids=["plain", "encrypted"])
def test_the_public_half_of_another_key_is_refused(
    key_files: KeyFiles, other: Callable[[KeyFiles], bytes], passphrase: bytes
) -> None:
    file = other(key_files) + b"\n" + key_files.file(P256, OPENSSH, passphrase)
    verdict = judge(Sensitive(file), Sensitive(passphrase))
    assert isinstance(verdict, Refused)
    assert verdict.reason is KeyRefusal.PUBLIC_PRIVATE_MISMATCH


@pytest.mark.parametrize("thing", [certificate, x509_certificate], ids=["SSH certificate", "X.509 certificate"])
def test_certificates_beside_a_key_are_left_out(key_files: KeyFiles, thing: Callable[[KeyFiles], bytes]) -> None:
    verdict = judge(Sensitive(key_files.file(P256, PKCS8) + thing(key_files)), None)
    assert isinstance(verdict, Accepted), verdict
    assert verdict.notes == (Note.TEXT_REMOVED, Note.NO_PASSPHRASE)


@pytest.mark.parametrize("label", [b"RSA PRIVATE KEY", b"EC PRIVATE KEY", b"PRIVATE KEY", b"SSH PRIVATE KEY"])
@pytest.mark.parametrize(
    ("kind", "form"),
    [(RSA2048, TRADITIONAL), (P256, TRADITIONAL), (P256, PKCS8), (ED25519, PKCS8)],
    ids=["PKCS#1", "SEC1", "PKCS#8", "PKCS#8 of Ed25519"],
)
def test_the_label_of_another_pem_form_is_repaired(key_files: KeyFiles, kind: Kind, form: str, label: bytes) -> None:
    file = key_files.file(kind, form)
    verdict, right = judge(Sensitive(relabelled(file, label)), None), judge(Sensitive(file), None)
    assert isinstance(verdict, Accepted), verdict
    assert isinstance(right, Accepted)
    wrong = not file.startswith(b"-----BEGIN " + label)
    assert verdict == Accepted(right.pair, None, (Note.LABEL_REPAIRED,) * wrong + right.notes)


def test_the_label_of_an_encrypted_body_is_repaired_when_it_is_open(key_files: KeyFiles) -> None:
    file = relabelled(key_files.file(P256, TRADITIONAL, PASSPHRASE), b"RSA PRIVATE KEY")
    verdict = judge(Sensitive(file), Sensitive(PASSPHRASE))
    assert isinstance(verdict, Accepted), verdict
    assert verdict.notes == (Note.LABEL_REPAIRED, Note.LEGACY_KDF)


def test_one_key_in_two_forms_is_one_key(key_files: KeyFiles) -> None:
    verdict = judge(Sensitive(key_files.file(RSA2048, PKCS8) + key_files.file(RSA2048)), None)
    assert isinstance(verdict, Accepted), verdict
    assert verdict.notes == (Note.DUPLICATE_REMOVED, Note.NO_PASSPHRASE, Note.RSA_BELOW_3072)
