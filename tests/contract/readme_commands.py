"""The commands of pages, and who runs them. Used by the contract tests, and by the cluster tests that run them."""

from __future__ import annotations

from typing import Final

from contract.markdown import SHELL, blocks, commands, without_comment
from contract.tree import ROOT

README: Final = ROOT / "README.md"
EXPORTS: Final = ROOT / "docs" / "exports.md"
QUICK_START: Final = "Quick start on a cluster of your own"

NOT_RUN: Final = {
    "make demo": "tests/cluster/test_demo.py runs the program behind it",
    "make test": "it is what runs this test",
    "make setup": "it has been run before any test, and would change the environment that the tests run in",
    "make check": "it runs the contract and unit tests, so it would never end",
    "make cluster": "tests/cluster/test_control_plane.py runs the program behind it",
}
"""Commands that no test runs word for word, and why not. All others are run, in the order of the page."""


def shell_commands(page: str) -> list[str]:
    """Return every command of the page's shell blocks, as it stands there."""
    return [command for block in blocks(page) if block.language == SHELL for command in commands(block.text)]


def commands_to_run(page: str) -> list[str]:
    """Return the commands that a test runs."""
    return [command for command in shell_commands(page) if without_comment(command) not in NOT_RUN]


def quick_start() -> list[str]:
    """Return the README's commands up to the first credential that is Ready, which is where other pages begin."""
    found = [b for b in blocks(README.read_text()) if b.section == QUICK_START and b.language == SHELL]
    return [one for block in found for one in commands(block.text) if without_comment(one) not in NOT_RUN]
