"""`keys/handed_out.py`: ssh-keygen reads every file that is handed out, with its passphrase, as the same key."""

from __future__ import annotations

from pathlib import Path

import pytest

from sshcredential_operator.api.algorithms import GENERATED_BITS, Algorithm
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.generate import generate
from sshcredential_operator.keys.handed_out import KeyFormat, can_be_handed_out, handed_out
from sshcredential_operator.keys.judge import Accepted, judge
from unit.keys.key_files import private_file, public_line

PASSPHRASE = Sensitive("grün und 100 % sicher".encode())
KINDS = [(Algorithm.ED25519, 256), *((Algorithm.ECDSA, bits) for bits in GENERATED_BITS[Algorithm.ECDSA])]
KINDS.append((Algorithm.RSA, 3072))
BEGINS = {
    (KeyFormat.OPENSSH, Algorithm.ED25519): b"-----BEGIN OPENSSH PRIVATE KEY-----\n",
    (KeyFormat.OPENSSH, Algorithm.ECDSA): b"-----BEGIN OPENSSH PRIVATE KEY-----\n",
    (KeyFormat.OPENSSH, Algorithm.RSA): b"-----BEGIN OPENSSH PRIVATE KEY-----\n",
    (KeyFormat.PEM, Algorithm.ECDSA): b"-----BEGIN EC PRIVATE KEY-----\n",
    (KeyFormat.PEM, Algorithm.RSA): b"-----BEGIN RSA PRIVATE KEY-----\n",
}


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE], ids=["plain", "with its passphrase"])
@pytest.mark.parametrize("form", KeyFormat)
@pytest.mark.parametrize(("algorithm", "bits"), KINDS, ids=[f"{algorithm}-{bits}" for algorithm, bits in KINDS])
def test_ssh_keygen_reads_it_as_the_same_key(
    algorithm: Algorithm, bits: int, form: KeyFormat, passphrase: Sensitive | None, tmp_path: Path
) -> None:
    if not can_be_handed_out(algorithm, form):
        assert (algorithm, form) == (Algorithm.ED25519, KeyFormat.PEM)
        return
    pair = generate(algorithm, bits, "me@here")
    file = handed_out(pair.private, passphrase, form).reveal()

    assert file.startswith(BEGINS[form, algorithm])
    assert file.endswith(b"-----\n")
    assert b"\r" not in file
    told = public_line(private_file(tmp_path / "key", file), passphrase.reveal() if passphrase else b"")
    kept = 3 if form is KeyFormat.OPENSSH else 2  # the comment
    assert told.split()[:kept] == pair.public.line.split()[:kept]


def test_a_passphrase_is_needed_for_what_was_encrypted(tmp_path: Path) -> None:
    file = handed_out(generate(Algorithm.ED25519, 256, "").private, PASSPHRASE, KeyFormat.OPENSSH).reveal()

    with pytest.raises(AssertionError):
        public_line(private_file(tmp_path / "key", file))


def test_the_plain_form_is_the_stored_one_with_its_comment() -> None:
    pair = generate(Algorithm.ED25519, 256, "me@here")
    assert handed_out(pair.private, None, KeyFormat.OPENSSH) == pair.private


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 15, 16, 256])
def test_the_comment_stays_whatever_its_length(length: int, tmp_path: Path) -> None:
    comment = "c" * length
    file = handed_out(generate(Algorithm.ECDSA, 256, comment).private, PASSPHRASE, KeyFormat.OPENSSH).reveal()

    assert public_line(private_file(tmp_path / "key", file), PASSPHRASE.reveal()).split()[2:] == [comment][: length > 0]
    judged = judge(Sensitive(file), PASSPHRASE)
    assert isinstance(judged, Accepted)
    assert judged.pair.public.comment == comment


def test_no_two_encrypted_files_of_a_key_are_alike() -> None:
    private = generate(Algorithm.ED25519, 256, "").private

    assert handed_out(private, PASSPHRASE, KeyFormat.OPENSSH) != handed_out(private, PASSPHRASE, KeyFormat.OPENSSH)
