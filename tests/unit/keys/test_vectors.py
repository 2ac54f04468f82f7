"""`keys/judge.py` on the files of cryptography's own tests: each is accepted as the key it is, or refused by name."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import cryptography_vectors
import pytest

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.judge import Accepted, _judged
from sshcredential_operator.keys.refusal import Refusal
from sshcredential_operator.keys.verdict import MAX_FILE_BYTES
from unit.keys.key_files import private_file
from unit.keys.key_files import public_line as line_of

ROOT = Path(cryptography_vectors.__file__).parent / "asymmetric"
FILES = [path for path in sorted(ROOT.rglob("*")) if path.is_file() and path.stat().st_size <= MAX_FILE_BYTES]
PASSPHRASES = (b"", b"password", b"foobar", b"123456", b"baz", b"a123456", b"Red Hat Enterprise Linux 7.4")
"""Those that the vectors' own documentation names, and none."""

MUST_BE: list[tuple[str, set[KeyRefusal]]] = [
    ("OpenSSH/certs/*", {KeyRefusal.CERTIFICATE}),
    ("*-cert.pub", {KeyRefusal.CERTIFICATE}),
    ("OpenSSH/*sw.key.pub", {KeyRefusal.PUBLIC_KEY}),
    ("OpenSSH/sk-*.key", {KeyRefusal.HARDWARE_KEY}),
    ("public/PKCS1/rsa.*", {KeyRefusal.PUBLIC_KEY}),
    ("*pub.der", {KeyRefusal.PUBLIC_KEY}),
    ("*_public_key.*", {KeyRefusal.PUBLIC_KEY}),
    ("*/dsa.[0-9]*", {KeyRefusal.DSA_KEY}),
    ("*/unenc-dsa-pkcs8.[dp]e[rm]", {KeyRefusal.DSA_KEY}),
    ("OpenSSH/dsa-*.key", {KeyRefusal.DSA_KEY}),
    ("X*/*pkcs8*", {KeyRefusal.UNSUPPORTED_KEY_TYPE, KeyRefusal.WRONG_PASSPHRASE}),
    ("Ed448/*pkcs8*", {KeyRefusal.UNSUPPORTED_KEY_TYPE, KeyRefusal.WRONG_PASSPHRASE}),
    ("DH/dhkey*.[dp]e[rm]", {KeyRefusal.UNSUPPORTED_KEY_TYPE}),
    ("MLDSA/*priv.der", {KeyRefusal.UNSUPPORTED_KEY_TYPE}),
    ("PKCS8/rsa_pss_*.pem", {KeyRefusal.RSA_PSS_KEY}),
    ("EC/*-explicit-*", {KeyRefusal.UNSUPPORTED_CURVE, KeyRefusal.PUBLIC_KEY}),
    ("EC/secp128r1_private_key.pem", {KeyRefusal.UNSUPPORTED_CURVE}),
    ("PKCS8/*unknown-pbkdf2-prf*", {KeyRefusal.UNSUPPORTED_CIPHER}),
    ("PKCS8/*rc2*", {KeyRefusal.UNSUPPORTED_CIPHER}),
    ("PKCS8/*0iter*", {KeyRefusal.CORRUPT}),
    ("PKCS8/ec-in*", {KeyRefusal.CORRUPT}),
    ("Traditional*/key1-*iv.pem", {KeyRefusal.CORRUPT}),
    ("*.txt", {KeyRefusal.NOT_A_KEY}),
    ("*.rsp", {KeyRefusal.NOT_A_KEY}),
]


def judged(path: Path) -> list[Accepted | KeyRefusal]:
    """Judge with one passphrase after the other, with no net below: any exception but a Refusal fails the test."""
    found: list[Accepted | KeyRefusal] = []
    for passphrase in PASSPHRASES:
        try:
            return [*found, _judged(path.read_bytes(), passphrase, 2048)]
        except Refusal as refusal:
            found.append(refusal.reason)
        if found[-1] not in {KeyRefusal.PASSPHRASE_REQUIRED, KeyRefusal.WRONG_PASSPHRASE}:
            break
    return found


def test_every_file_is_accepted_as_the_key_it_is_or_refused(tmp_path: Path) -> None:
    accepted = 0
    for path in FILES:
        verdict = judged(path)[-1]
        if isinstance(verdict, Accepted):
            accepted += 1
            kept = private_file(tmp_path / "key", verdict.pair.private.reveal())
            assert line_of(kept) == verdict.pair.public.line, path
    assert accepted >= 30
    assert len(FILES) > 200


@pytest.mark.parametrize(("pattern", "reasons"), MUST_BE)
def test_files_of_a_kind_are_refused_with_its_reason(pattern: str, reasons: set[KeyRefusal]) -> None:
    matching = [path for path in FILES if fnmatch(str(path.relative_to(ROOT)), pattern)]
    assert matching
    first = {path.name: judged(path)[0] for path in matching}
    asked_for = {KeyRefusal.PASSPHRASE_REQUIRED}
    assert {name: reason for name, reason in first.items() if reason not in reasons | asked_for} == {}
    assert any(reason in reasons for path in matching for reason in judged(path))
