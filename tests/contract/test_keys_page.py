"""docs/keys.md: made from the tables of `keys/`, complete, and without any key's body."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from contract.tree import ROOT, text_of
from sshcredential_operator.api.keymessages import KEY_TEXTS, NOTE_TEXTS
from sshcredential_operator.api.keyreasons import KeyRefusal, Note
from sshcredential_operator.keys.repair import REPAIRS

PAGE = Path("docs/keys.md")
ABOUT_THE_CREDENTIAL = {
    Note.ROTATION_DUE,
    Note.SERIAL_IGNORED,
    Note.ROLLBACK_TARGET_MISSING,
    Note.INPUT_SECRET_PRESENT,
    Note.RESEAL_RECOMMENDED,
}
SCRIPT = ROOT / "scripts" / "generate" / "keys.py"


def first_cells() -> list[str]:
    return re.findall(r"^\| (.*?) \|", text_of(PAGE), re.MULTILINE)


def test_the_page_is_what_the_tables_say() -> None:
    checked = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_page_that_is_not_what_the_tables_say_is_noticed(tmp_path: Path) -> None:
    copy = tmp_path / "scripts" / "generate" / SCRIPT.name
    copy.parent.mkdir(parents=True)
    copy.write_text(SCRIPT.read_text())
    (tmp_path / "docs").mkdir()

    def run(*arguments: str) -> int:
        return subprocess.run([sys.executable, copy, *arguments], capture_output=True, check=False).returncode

    assert run("--check") == 1
    assert run() == 0
    assert run("--check") == 0
    assert (tmp_path / PAGE).read_text() == text_of(PAGE)
    (tmp_path / PAGE).write_text(text_of(PAGE).replace("Refused", "Taken"))
    assert run("--check") == 1


def test_every_reason_note_and_repair_is_on_the_page() -> None:
    cells = first_cells()
    assert set(KEY_TEXTS) == set(KeyRefusal)
    assert set(NOTE_TEXTS) == set(Note) - ABOUT_THE_CREDENTIAL
    assert {f"`{name}`" for name in (*KEY_TEXTS, *NOTE_TEXTS)} <= set(cells)
    assert {repair.damage for repair in REPAIRS} <= set(cells)


def test_notes_are_explained_alike_on_both_pages() -> None:
    concepts = text_of(Path("docs/concepts.md"))
    assert [note for note, text in NOTE_TEXTS.items() if f"| `{note}` | {text} |" not in concepts] == []


def test_no_example_shows_more_than_the_start_of_a_file() -> None:
    assert not re.search(r"[A-Za-z0-9+/]{44,}", re.sub(r"SHA256:[A-Za-z0-9+/]{43}", "", text_of(PAGE)))
