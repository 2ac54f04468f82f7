"""`cli/manifest_files.py`: which files are looked at, and that one is written whole or not at all."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sshcredential_operator.cli.files import Unreadable
from sshcredential_operator.cli.manifest_files import MAX_BYTES, difference, files_in, text_of, write_instead

BEFORE = "a: 1\r\nb: \u0085ä\nc: 3"
AFTER = "a: 1\r\nb: \u0085ö\nc: 3"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "x.yaml"
    found.write_bytes(BEFORE.encode())
    return found


def test_folders_are_walked_in_order_without_what_is_hidden_and_each_file_comes_once(tmp_path: Path) -> None:
    names = ["b.yaml", "a/c.yml", "a/d.json", "a/e.txt", ".git/f.yaml", ".g.yaml", "h.tpl"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link.yaml").symlink_to("b.yaml")
    found = list(files_in([tmp_path / "h.tpl", tmp_path, tmp_path / "a/c.yml"]))

    wanted = [("h.tpl", True), ("b.yaml", False), ("a/c.yml", False), ("a/d.json", False)]
    assert [(str(path.relative_to(tmp_path)), named) for path, named in found] == wanted


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755])
def test_a_file_is_written_with_its_mode_and_a_link_stays_one(tmp_path: Path, file: Path, mode: int) -> None:
    file.chmod(mode)
    link = tmp_path / "link.yaml"
    link.symlink_to("x.yaml")

    assert write_instead(link, BEFORE, AFTER) is None
    assert file.read_bytes() == AFTER.encode()
    assert link.is_symlink()
    assert file.stat().st_mode & 0o777 == mode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.yaml", "x.yaml"]


def test_what_somebody_changed_meanwhile_is_left_to_them(file: Path) -> None:
    file.write_text("theirs")

    assert write_instead(file, BEFORE, AFTER) == Unreadable("was changed meanwhile")
    assert file.read_text() == "theirs"


def test_a_folder_that_cannot_be_written_leaves_the_file(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert write_instead(file, BEFORE, AFTER) == Unreadable("No space left on device")
    assert file.read_bytes() == BEFORE.encode()
    assert list(tmp_path.iterdir()) == [file]


def test_what_is_no_text_or_too_much_of_it_is_told(tmp_path: Path) -> None:
    for content, why in ((b"\xff", "is no text in UTF-8"), (b"#" * (MAX_BYTES + 1), "is too large for a manifest")):
        (tmp_path / "x").write_bytes(content)
        assert text_of(tmp_path / "x") == Unreadable(why)
    assert text_of(tmp_path / "nothing") == Unreadable("No such file or directory")


def test_a_difference_is_one_that_git_applies(tmp_path: Path, file: Path) -> None:
    shown = difference(Path("x.yaml"), BEFORE, AFTER)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=shown.encode(), check=True)

    assert file.read_bytes() == AFTER.encode()
