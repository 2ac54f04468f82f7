"""`keys/generate.py`: new keys that other programs read, and passphrases that need no quoting."""

from __future__ import annotations

import io
import re
import shlex
from pathlib import Path

import paramiko  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml

from sshcredential_operator.api.algorithms import GENERATED_BITS, Algorithm
from sshcredential_operator.api.keyreasons import Note
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.generate import generate, generate_passphrase
from sshcredential_operator.keys.judge import Accepted, judge
from sshcredential_operator.keys.keypair import KeyPair
from unit.keys.key_files import PASSPHRASE, Kind, private_file, public_line, run

GENERATED = [Kind(algorithm, bits) for algorithm, sizes in GENERATED_BITS.items() for bits in sizes]
PARAMIKO_TYPES: dict[Algorithm, type[paramiko.PKey]] = {
    Algorithm.ED25519: paramiko.Ed25519Key,
    Algorithm.ECDSA: paramiko.ECDSAKey,
    Algorithm.RSA: paramiko.RSAKey,
}


@pytest.fixture(scope="module", params=GENERATED, ids=str)
def generated(request: pytest.FixtureRequest) -> tuple[Kind, KeyPair]:
    kind: Kind = request.param
    return kind, generate(kind.algorithm, kind.bits, "genomics@hpc")


def test_a_generated_key_is_of_the_wanted_kind(generated: tuple[Kind, KeyPair]) -> None:
    kind, pair = generated
    assert (pair.public.algorithm, pair.public.bits) == kind
    assert pair.public.comment == "genomics@hpc"


def test_ssh_keygen_reads_a_generated_key(generated: tuple[Kind, KeyPair], tmp_path: Path) -> None:
    _, pair = generated
    path = private_file(tmp_path / "key", pair.private.reveal())
    assert public_line(path) == pair.public.line
    bits, fingerprint, comment, name = run("ssh-keygen", "-l", "-f", path).decode().split()
    assert (int(bits), fingerprint, comment) == (pair.public.bits, pair.public.fingerprint, "genomics@hpc")
    assert name == f"({pair.public.algorithm.upper()})"


def test_ssh_keygen_can_put_a_passphrase_on_a_generated_key(generated: tuple[Kind, KeyPair], tmp_path: Path) -> None:
    _, pair = generated
    path = private_file(tmp_path / "key", pair.private.reveal())
    run("ssh-keygen", "-q", "-p", "-P", "", "-N", PASSPHRASE.decode(), "-a", "1", "-f", path)
    assert public_line(path, PASSPHRASE) == pair.public.line


def test_paramiko_reads_a_generated_key(generated: tuple[Kind, KeyPair]) -> None:
    kind, pair = generated
    key = PARAMIKO_TYPES[kind.algorithm].from_private_key(io.StringIO(pair.private.reveal().decode("ascii")))
    assert key.asbytes() == pair.public.blob


def test_a_generated_key_passes_the_judge_unchanged(generated: tuple[Kind, KeyPair]) -> None:
    _, pair = generated
    assert judge(pair.private, None) == Accepted(pair, None, (Note.NO_PASSPHRASE,))


def test_a_generated_key_is_a_clean_text_file(generated: tuple[Kind, KeyPair]) -> None:
    _, pair = generated
    text = pair.private.reveal().decode("ascii")
    body = r"([A-Za-z0-9+/]{70}\n)*[A-Za-z0-9+/]{1,70}={0,2}\n"
    assert re.fullmatch(f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}-----END OPENSSH PRIVATE KEY-----\n", text)


def test_a_line_has_no_trailing_blank_when_there_is_no_comment() -> None:
    pair = generate(Algorithm.ED25519, 256, "")
    assert re.fullmatch(r"ssh-ed25519 [A-Za-z0-9+/]+", pair.public.line)


def test_two_keys_differ() -> None:
    assert generate(Algorithm.ED25519, 256, "").public != generate(Algorithm.ED25519, 256, "").public


@pytest.mark.parametrize(
    "comment",
    [
        pytest.param("a\nssh-rsa AAAA b", id="a second line"),
        pytest.param("a\n", id="a last newline"),
        pytest.param("Jürgen", id="letters outside ASCII"),
        pytest.param("\x1b[31m", id="an escape sequence"),
        pytest.param("nul\0", id="a NUL"),
        pytest.param(" a", id="a leading blank"),
        pytest.param("x" * 257, id="too long"),
    ],
)
def test_a_comment_that_nobody_checked_is_not_written(comment: str) -> None:
    with pytest.raises(ValueError, match="comment") as raised:
        generate(Algorithm.ED25519, 256, comment)
    assert comment not in str(raised.value)


@pytest.mark.parametrize(
    ("algorithm", "bits"), [(Algorithm.RSA, 1024), (Algorithm.RSA, 256), (Algorithm.ECDSA, 255), (Algorithm.ED25519, 0)]
)
def test_a_size_that_nobody_checked_is_not_made(algorithm: Algorithm, bits: int) -> None:
    with pytest.raises(ValueError, match="size"):
        generate(algorithm, bits, "")


def test_a_passphrase_needs_no_quoting() -> None:
    for _ in range(200):
        text = generate_passphrase().reveal().decode("ascii")
        assert text.isprintable()
        assert yaml.safe_load(text) == text
        assert shlex.split(f"--passphrase {text}") == ["--passphrase", text]
        assert shlex.quote(text) == text
        assert not text.startswith("-")


def test_passphrases_have_128_bits_of_entropy_and_never_repeat() -> None:
    made = [generate_passphrase().reveal() for _ in range(1000)]
    assert len(set(made)) == 1000
    symbols = [text.replace(b"-", b"") for text in made]
    assert {len(text) for text in symbols} == {28}
    # 27 symbols, each one of 32, have 135 bits; that all 32 stand at every place says that they are really drawn.
    assert all(len({text[place] for text in symbols}) == 32 for place in range(1, 28))


def test_ssh_keygen_takes_a_generated_passphrase(tmp_path: Path) -> None:
    passphrase = generate_passphrase().reveal()
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase.decode(), "-a", "1", "-f", tmp_path / "key")
    verdict = judge(Sensitive((tmp_path / "key").read_bytes()), Sensitive(passphrase))
    assert isinstance(verdict, Accepted)
    assert verdict.passphrase == Sensitive(passphrase)
