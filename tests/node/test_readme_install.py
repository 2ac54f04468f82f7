"""A reader follows the README's section Install, word for word, on a node that knows nothing of this project."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Final

import pytest

from contract.markdown import code_words, table
from contract.readme_commands import README, installing
from contract.tree import ROOT
from controlplane.standing import record
from image.places import cache_folder
from node.installation import Installation
from pages.reader import Reader
from tools.programs import program

IMAGE_BEGINS: Final = "make image"


@pytest.fixture
def reader(installation: Installation, tmp_path: Path) -> Reader:
    """Somebody with this checkout, Helm, and the kubeconfig of `make node`. The next test upgrades their release."""
    installation.remove()
    node = installation.node
    somebody = Reader(tmp_path, node.kubeconfig_for("admin"))
    for name in ("Makefile", "scripts", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    folder = tmp_path / ".node"
    folder.mkdir()
    record(folder, node.daemons)
    # The tests have an environment already, and layers of the image: make takes both as they stand.
    cache = f"XDG_CACHE_HOME={cache_folder().parents[1]}"
    made = (str(shutil.which("make")), "-o", ".venv/setup-done", f"ARGS=--folder {folder}")
    provide(tmp_path, "make", "env", cache, *made)
    provide(tmp_path, "helm", str(program("helm4")))
    return somebody


def provide(desk: Path, name: str, *command: str) -> None:
    """Put a program on the reader's PATH."""
    path = desk / "bin" / name
    path.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    path.chmod(0o755)


def loading() -> str:
    """Return what the table of clusters says for the node of `make node`."""
    [row] = [row for row in table(README.read_text(), "Your cluster") if "make node" in row[0]]
    [command] = code_words(row[1])
    return command


def test_a_reader_gets_what_the_section_promises(reader: Reader) -> None:
    first, *rest = installing()
    assert first.startswith(IMAGE_BEGINS)

    reader.run(first)
    reader.run(loading())
    said = {command: reader.run(command) for command in rest}

    [tested] = [output for command, output in said.items() if command.startswith("helm test")]
    assert "All is well." in tested
    *_, public_key = said.values()
    assert public_key.startswith("ssh-ed25519 AAAA")
