"""A reader makes every mistake of the page on first steps, and is told what the page says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from contract.markdown import TRANSCRIPT, Shown, blocks, transcript
from contract.readme_commands import FIRST_STEPS, quick_start
from controlplane.fixtures import OwnControlPlane
from pages.reader import Reader
from unit.cli.sealed import MadeKey

HOME: Final = "/home/you"
EXAMPLES: Final = {
    r"SHA256:[A-Za-z0-9+/_-]{43}": "SHA256:(fingerprint)",
    r"\b[0-9]+\.[A-Za-z0-9_-]{43}\b": "(key id)",
    r"made (?:today|yesterday|[0-9]+ days ago)": "made (then)",
    r"sealing key [0-9]+": "sealing key (number)",
    r"(ssh-ed25519) [A-Za-z0-9+/]{68}( \S+)?": r"\1 (public key)",
}
"""What differs from run to run."""


@pytest.fixture
def reader(own_control_plane: OwnControlPlane, tmp_path: Path) -> Iterator[Reader]:
    MadeKey.make().publish(tmp_path / "key.json")
    somebody = Reader(tmp_path, own_control_plane().kubeconfig_for("admin"))
    yield somebody
    somebody.end_operator()


def masked(text: str) -> str:
    for pattern, example in EXAMPLES.items():
        text = re.sub(pattern, example, text)
    return text.strip()


def shown() -> list[Shown]:
    found = [block.text for block in blocks(FIRST_STEPS.read_text()) if block.language == TRANSCRIPT]
    return [entry for text in found for entry in transcript(text)]


def test_every_message_is_what_the_page_says(reader: Reader) -> None:
    for command in quick_start():
        reader.follow(command)
    home = reader.run("echo $HOME")
    said = [Shown(entry.command, reader.say(entry.command).replace(home, HOME)) for entry in shown()]
    told = [Shown(entry.command, masked(entry.output)) for entry in shown()]

    assert len(said) > 15
    assert [Shown(command, masked(output)) for command, output in said] == told


def test_what_differs_from_run_to_run_is_no_more_than_that() -> None:
    assert masked("WrongPassphrase: 3 keys of genomics") == "WrongPassphrase: 3 keys of genomics"
    assert masked(f"SHA256:{'x' * 43}, made today") == "SHA256:(fingerprint), made (then)"
