"""No damage to a file makes the judge fail, or take it for another key than ssh-keygen takes it for."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.judge import Accepted, _judged
from sshcredential_operator.keys.refusal import Refusal
from sshcredential_operator.keys.stored import stored_public_key
from unit.keys.key_files import (
    ED25519,
    OPENSSH,
    P256,
    PASSPHRASE,
    PKCS8,
    RSA2048,
    TRADITIONAL,
    KeyFiles,
    Kind,
    pem,
    pem_body,
    private_file,
)

SAMPLES: list[tuple[Kind, str, bytes]] = [
    (ED25519, OPENSSH, b""),
    (ED25519, OPENSSH, PASSPHRASE),
    (P256, OPENSSH, b""),
    (P256, TRADITIONAL, b""),
    (P256, TRADITIONAL, PASSPHRASE),
    (P256, PKCS8, b""),
    (P256, PKCS8, PASSPHRASE),
    (RSA2048, OPENSSH, b""),
    (RSA2048, TRADITIONAL, b""),
    (RSA2048, PKCS8, b""),
]
"""ssh-keygen reads all of these; an Ed25519 key in PKCS#8 it does not."""

PLACE = st.floats(0, 1, exclude_max=True)
FLIPS = st.lists(st.tuples(PLACE, st.integers(0, 7)), min_size=1, max_size=3)


def judged_without_a_net(file: bytes, passphrase: bytes) -> Accepted | None:
    """Judge with no net below: any exception but a Refusal fails the test."""
    try:
        return _judged(file, passphrase, 2048)
    except Refusal:
        return None


def flipped(data: bytes, flips: list[tuple[float, int]]) -> bytes:
    changed = bytearray(data)
    for place, bit in flips:
        changed[int(place * len(changed))] ^= 1 << bit
    return bytes(changed)


def require_the_key_of_ssh_keygen(verdict: Accepted | None, file: bytes, passphrase: bytes, folder: Path) -> None:
    if verdict is None:
        return
    assert stored_public_key(verdict.pair.private) == verdict.pair.public
    path = private_file(folder / "mutated", file)
    command = ("ssh-keygen", "-y", "-P", passphrase.decode(), "-f", path)
    read = subprocess.run(command, capture_output=True, check=False)
    if read.returncode == 0:  # it refuses some things that are repaired
        assert read.stdout.split()[:2] == verdict.pair.public.line.encode().split()[:2]


many_examples = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@many_examples
@given(sample=st.sampled_from(SAMPLES), flips=FLIPS)
def test_flipped_bits_in_the_text(
    key_files: KeyFiles, tmp_path: Path, sample: tuple[Kind, str, bytes], flips: list[tuple[float, int]]
) -> None:
    file = flipped(key_files.file(*sample), flips)
    require_the_key_of_ssh_keygen(judged_without_a_net(file, sample[2]), file, sample[2], tmp_path)


@many_examples
@given(sample=st.sampled_from([sample for sample in SAMPLES if sample[1:] != (TRADITIONAL, PASSPHRASE)]), flips=FLIPS)
def test_flipped_bits_in_the_body(
    key_files: KeyFiles, tmp_path: Path, sample: tuple[Kind, str, bytes], flips: list[tuple[float, int]]
) -> None:
    original = key_files.file(*sample)
    label = original.splitlines()[0].decode()[len("-----BEGIN ") : -len("-----")]
    file = pem(label, flipped(pem_body(original), flips))
    require_the_key_of_ssh_keygen(judged_without_a_net(file, sample[2]), file, sample[2], tmp_path)


@many_examples
@given(sample=st.sampled_from(SAMPLES), start=PLACE, end=PLACE)
def test_a_piece_that_is_cut_out(
    key_files: KeyFiles, tmp_path: Path, sample: tuple[Kind, str, bytes], start: float, end: float
) -> None:
    whole = key_files.file(*sample)
    first, last = sorted((int(start * len(whole)), int(end * len(whole))))
    for file in (whole[:first], whole[:first] + whole[last + 1 :]):
        require_the_key_of_ssh_keygen(judged_without_a_net(file, sample[2]), file, sample[2], tmp_path)


LABELS = ["OPENSSH PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY"]


@many_examples
@given(label=st.sampled_from(LABELS), body=st.binary(max_size=200), headed=st.booleans())
@example(label="OPENSSH PRIVATE KEY", body=b"openssh-key-v1\0", headed=True)
@example(label="PRIVATE KEY", body=b"\x30\x80", headed=False)
@example(label="PRIVATE KEY", body=b"\x30\x84\xff\xff\xff\xff", headed=False)
def test_any_body_under_any_label(label: str, body: bytes, headed: bool) -> None:
    content = (b"openssh-key-v1\0" if headed else b"") + body
    assert judged_without_a_net(pem(label, content), b"x") is None


@many_examples
@given(text=st.binary(max_size=300))
def test_any_octets(text: bytes) -> None:
    assert judged_without_a_net(text, b"") is None
    assert stored_public_key(Sensitive(text)) is None
    assert judged_without_a_net(base64.b64encode(text), b"") is None


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample[0]}, {sample[1]}, {bool(sample[2])}")
def test_the_samples_themselves_are_taken(key_files: KeyFiles, sample: tuple[Kind, str, bytes]) -> None:
    assert judged_without_a_net(key_files.file(*sample), sample[2]) is not None
