"""The commands of pages, and who runs them. Used by the contract tests, and by the cluster tests that run them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from contract.markdown import SHELL, Block, blocks, commands, without_comment
from contract.tree import ROOT

README: Final = ROOT / "README.md"
EXPORTS: Final = ROOT / "docs" / "exports.md"
GITOPS: Final = ROOT / "docs" / "gitops.md"
RECOVERY: Final = ROOT / "docs" / "recovery.md"
QUICKSTART: Final = ROOT / "docs" / "quickstart.md"
FIRST_STEPS: Final = ROOT / "docs" / "first-steps-gone-wrong.md"
TARGETS: Final = ROOT / "docs" / "targets.md"
INSTALL: Final = "Install"
"""The section that is done on a node with containers. All others are done on a control plane without one."""
QUICK_START: Final = "Or run it from your desk"
REBUILDING: Final = "Rebuilding in an empty cluster"
"""The section of docs/gitops.md that is done in another cluster than the sections before it."""

NOT_RUN: Final = {
    "make demo": "tests/pages/test_demo.py runs the program behind it",
    "make test": "it is what runs this test",
    "make setup": "it has been run before any test, and would change the environment that the tests run in",
    "make check": "it runs the contract and unit tests, so it would never end",
    "make cluster": "tests/cluster/test_control_plane.py runs the program behind it",
}
"""Commands that no test runs word for word, and why not. All others are run, in the order of the page."""


def shell_commands(page: str) -> list[str]:
    """Return every command of the page's shell blocks, as it stands there."""
    return _commands(block for block in blocks(page) if block.language == SHELL)


def commands_to_run(page: str) -> list[str]:
    """Return the commands that are run on a control plane."""
    return _run(block for block in blocks(page) if block.section != INSTALL)


def installing() -> list[str]:
    """Return the README's commands that are run on a node with containers."""
    return _run(block for block in blocks(README.read_text()) if block.section == INSTALL)


def quick_start() -> list[str]:
    """Return the README's commands up to the first credential that is Ready, which is where other pages begin."""
    return _run(block for block in blocks(README.read_text()) if block.section == QUICK_START)


def gitops(*, rebuilding: bool) -> list[str]:
    """Return the commands of docs/gitops.md for the first cluster, or those for the empty one."""
    return _run(block for block in blocks(GITOPS.read_text()) if (block.section == REBUILDING) is rebuilding)


def recovery(section: str) -> list[str]:
    """Return the commands of a section of docs/recovery.md."""
    return _run(block for block in blocks(RECOVERY.read_text()) if block.section == section)


def _run(found: Iterable[Block]) -> list[str]:
    shown = _commands(block for block in found if block.language == SHELL)
    return [command for command in shown if without_comment(command) not in NOT_RUN]


def _commands(found: Iterable[Block]) -> list[str]:
    return [command for block in found for command in commands(block.text)]
