"""What the API server lets through, the operator can work with: the longest, the shortest, the oddest of everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import pytest

from cluster.desk import Desk
from cluster.keyfiles import PASSPHRASE, KeyFiles
from cluster.shown import Object, generated, imported, states_of

PRINTABLE: Final = "".join(map(chr, range(ord(" "), ord("~") + 1)))
SPECS: Final[dict[str, tuple[str, Object]]] = {
    "a name of two characters": ("0a", generated()),
    "a name of 63 characters": ("a" * 61 + "-0", generated()),
    "a name for people of 99 characters": ("extreme-name", generated() | {"name": "_-" * 49 + "A"}),
    "a name for people of dashes": ("extreme-dashes", generated() | {"name": "--"}),
    "a comment of every printable character": ("extreme-comment", generated(comment=PRINTABLE)),
    "a comment of 256 characters": ("extreme-long-comment", generated(comment="x" * 256)),
    "a comment of blanks": ("extreme-blank-comment", generated(comment="   ")),
    "a comment between blanks": ("extreme-comment-in-blanks", generated(comment="  ada  ")),
    "a comment like an option": ("extreme-option", generated(comment='command="rm -rf /" ssh-rsa AAAA')),
    "a description in many scripts": ("extreme-description", generated() | {"description": "Zugang ☃ גישה 鍵\n" * 60}),
    "the longest period": ("extreme-period", generated() | {"deletionGracePeriod": "87600h"}),
    "a period in every unit": ("extreme-units", generated() | {"deletionGracePeriod": "1h001m1s"}),
}


class File(NamedTuple):
    """How a key comes, and the notes about it besides those that every plain key has."""

    change: Callable[[bytes], bytes]
    notes: set[str]
    passphrase: str | None = None


FILES: Final = {
    "with the line ends of Windows": File(lambda file: file.replace(b"\n", b"\r\n"), {"LineEndingsRepaired"}),
    "without its last line end": File(lambda file: file.rstrip(b"\n"), set()),
    "indented as in a YAML block": File(lambda file: b"    " + file.replace(b"\n", b"\n    "), {"WhitespaceRepaired"}),
    "with a passphrase that it does not need": File(lambda file: file, {"PassphraseNotNeeded"}, PASSPHRASE),
    "with an empty passphrase": File(lambda file: file, set(), ""),
}
PASSPHRASES: Final = {
    "of many scripts": "pässwörd ☃ 鍵",
    "between blanks": "  not trimmed  ",
    "of 1000 characters": "correct horse " * 72,
    "that looks like an option": "-N '' $(id) `id` %s",
}


@pytest.fixture(scope="module")
def extremes(desk: Desk) -> dict[str, Object]:
    desk.apply(dict(SPECS.values()))
    return {what: desk.until(name, "Available") for what, (name, _) in SPECS.items()}


@pytest.mark.parametrize("what", SPECS)
def test_what_the_schema_allows_becomes_ready(extremes: dict[str, Object], what: str) -> None:
    found, (name, spec) = extremes[what], SPECS[what]
    assert states_of(found) == {"Ready": "True"}
    assert found["status"]["name"] == spec.get("name", name)
    comment = spec["generate"].get("comment", "").strip()
    assert found["status"]["publicKey"].split(" ", 2)[2:] == ([comment] if comment else [])


@pytest.fixture(scope="module")
def odd_files(desk: Desk, key_files: KeyFiles) -> dict[str, str]:
    names = {what: f"odd-file-{number}" for number, what in enumerate(FILES)}
    for what, (change, _, passphrase) in FILES.items():
        words = {} if passphrase is None else {"passphrase": passphrase.encode()}
        desk.make_secret(names[what], {"ssh-privatekey": change(key_files.key().content)} | words)
    desk.apply({name: imported(name, None if FILES[what].passphrase is None else name) for what, name in names.items()})
    return names


@pytest.mark.parametrize("what", FILES)
def test_a_key(desk: Desk, key_files: KeyFiles, odd_files: dict[str, str], what: str) -> None:
    status = desk.until(odd_files[what], "Available")["status"]
    assert status["fingerprint"] == key_files.key().fingerprint
    assert FILES[what].notes <= set(status["notes"])
    assert status["passphraseProtected"] is False


@pytest.fixture(scope="module")
def odd_passphrases(desk: Desk, key_files: KeyFiles) -> dict[str, str]:
    names = {what: f"odd-passphrase-{number}" for number, what in enumerate(PASSPHRASES)}
    for what, passphrase in PASSPHRASES.items():
        key = key_files.key("OpenSSH", passphrase)
        desk.make_secret(names[what], {"ssh-privatekey": key.content, "passphrase": passphrase.encode()})
    desk.apply({name: imported(name, name) for name in names.values()})
    return names


@pytest.mark.parametrize("what", PASSPHRASES)
def test_a_passphrase(desk: Desk, key_files: KeyFiles, odd_passphrases: dict[str, str], what: str) -> None:
    status = desk.until(odd_passphrases[what], "Available")["status"]
    assert status["fingerprint"] == key_files.key("OpenSSH", PASSPHRASES[what]).fingerprint
    assert status["passphraseProtected"] is True
