"""Files of ssh-keygen, openssl and puttygen, damaged at random, judged beside ssh-keygen itself.

Whatever is accepted is the key that ssh-keygen takes it for, and what is stored of it ssh-keygen reads as that key.
What is only repaired is the key that it was.
"""

from __future__ import annotations

import random
import subprocess
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from sshcredential_operator.keys.judge import Accepted, _judged
from sshcredential_operator.keys.refusal import Refusal
from sshcredential_operator.keys.stored import stored_public_key
from unit.keys.key_files import (
    ED25519,
    OPENSSH,
    P256,
    PASSPHRASE,
    PKCS8,
    PPK,
    RSA2048,
    TRADITIONAL,
    KeyFiles,
    Kind,
    private_file,
    public_line,
)
from unit.keys.test_repairs import DAMAGES

SAMPLES: Final[list[tuple[Kind, str, bytes]]] = [
    *((kind, form, b"") for kind in (ED25519, P256, RSA2048) for form in (OPENSSH, PKCS8, PPK)),
    *((kind, TRADITIONAL, secret) for kind in (P256, RSA2048) for secret in (b"", PASSPHRASE)),
    *((P256, form, PASSPHRASE) for form in (PKCS8, PPK)),
]
OCCASIONAL: Final = (ED25519, OPENSSH, PASSPHRASE)
"""Costs a fifth of a second each time."""


class Mutant(NamedTuple):
    """A file that something has happened to; `harmed` where that may have changed the key itself."""

    file: bytes
    passphrase: bytes
    kind: Kind
    story: str
    harmed: bool


def mutant(key_files: KeyFiles, chance: random.Random) -> Mutant:
    """Take a file and let one to three things happen to it."""
    kind, form, passphrase = OCCASIONAL if chance.random() < 0.03 else chance.choice(SAMPLES)
    file, stories, harmed = key_files.file(kind, form, passphrase), [f"{kind} as {form}"], False
    for _ in range(chance.choice((1, 1, 2, 3))):
        if chance.random() < 0.5:
            story, damage, _ = chance.choice(DAMAGES)
            try:
                file = damage(file)
            except UnicodeDecodeError:  # what was done before is no text
                continue
        else:
            story, file, harmed = *_harmed(file, chance), True
        stories.append(story)
    return Mutant(file, passphrase, kind, ", then ".join(stories), harmed)


def _harmed(file: bytes, chance: random.Random) -> tuple[str, bytes]:
    at, upto = sorted((chance.randrange(len(file) + 1), chance.randrange(len(file) + 1)))
    octet = bytes([chance.randrange(256)])
    return chance.choice(
        [
            (f"octet {at} changed", file[:at] + octet + file[at + 1 :]),
            (f"a letter at {at}", file[:at] + chance.choice([b"A", b"+", b"=", b"\n", b" ", b"-"]) + file[at + 1 :]),
            (f"cut at {upto}", file[:upto]),
            (f"{at} to {upto} taken out", file[:at] + file[upto:]),
            (f"{at} to {upto} twice", file[:upto] + file[at:]),
            (f"an octet more at {at}", file[:at] + octet + file[at:]),
        ]
    )


def key_of_ssh_keygen(file: bytes, passphrase: bytes, path: Path) -> list[str] | None:
    """Return type and blob as ssh-keygen reads them, None where it does not."""
    path.unlink(missing_ok=True)
    command = ("ssh-keygen", "-y", "-P", passphrase.decode(), "-f", private_file(path, file))
    read = subprocess.run(command, capture_output=True, check=False)
    return read.stdout.decode().split()[:2] if read.returncode == 0 else None


def compare(key_files: KeyFiles, count: int, seed: int, path: Path) -> Counter[str]:
    """Judge so many mutants, with no net below; count what became of them."""
    chance, seen = random.Random(seed), Counter[str]()
    for _ in range(count):
        one = mutant(key_files, chance)
        try:
            verdict = _judged(one.file, one.passphrase, 2048)
        except Refusal as refusal:
            seen[refusal.reason.value] += 1
            continue
        seen["accepted"] += 1
        require_the_same_key(verdict, one, key_files, path)
    return seen


def require_the_same_key(verdict: Accepted, one: Mutant, key_files: KeyFiles, path: Path) -> None:
    """Hold an acceptance to ssh-keygen's word."""
    mine = verdict.pair.public.line.split()[:2]
    assert stored_public_key(verdict.pair.private) == verdict.pair.public, one.story
    path.unlink(missing_ok=True)
    assert public_line(private_file(path, verdict.pair.private.reveal())).split()[:2] == mine, one.story
    if not one.harmed:
        assert mine == key_files.line(one.kind).split()[:2], one.story
    theirs = key_of_ssh_keygen(one.file, one.passphrase, path)
    assert theirs is None or theirs == mine, one.story


def test_whatever_is_accepted_is_the_key_that_ssh_keygen_takes_it_for(
    key_files: KeyFiles, seed: int, tmp_path: Path
) -> None:
    seen = compare(key_files, 500, seed, tmp_path / "key")

    assert seen["accepted"] > 100, seen
    assert seen.total() - seen["accepted"] > 100, seen


@pytest.mark.campaign
def test_so_it_is_of_5000(key_files: KeyFiles, seed: int, tmp_path: Path) -> None:
    print(compare(key_files, 5000, seed, tmp_path / "key").most_common())


def test_a_key_that_is_another_is_noticed(key_files: KeyFiles, tmp_path: Path) -> None:
    mine, other = (_judged(key_files.file(kind, OPENSSH), b"", 2048) for kind in (ED25519, P256))
    one = Mutant(key_files.file(ED25519, OPENSSH), b"", ED25519, "nothing happened", harmed=False)

    require_the_same_key(mine, one, key_files, tmp_path / "key")
    for wrong in (one, one._replace(harmed=True)):
        with pytest.raises(AssertionError, match="nothing happened"):
            require_the_same_key(other, wrong, key_files, tmp_path / "key")
