"""Gives each folder of tests to one process, when pytest is given several (`-n 2`): a pytest plugin.

The tests of a folder share operators, a control plane and accounts of the machine, and some look back at what the
others did; they mostly wait. Two folders have nothing in common.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from controlplane.fixtures import EMBEDDED

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

LONGEST_FIRST: Final = ("cluster", "node", "faults", "pages")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Return a scheduler that splits the tests by folder."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 - only where pytest-xdist was asked for

    class ByFolder(LoadScopeScheduling):  # type: ignore[misc] # it has no types
        def _split_scope(self, nodeid: str) -> str:
            return folder_of(nodeid) if config.option.cluster == EMBEDDED else "all"  # another cluster is one for all

    config.option.loadscopereorder = False  # else the folder of the most tests is first, which takes a minute
    return ByFolder(config, log)


def folder_of(nodeid: str) -> str:
    """Return the folder of tests/ that a test is in."""
    return nodeid.partition("::")[0].split("/")[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders that take longest, so that no process is left alone with one at the end."""
    items.sort(key=lambda item: _turn(folder_of(item.nodeid)))


def _turn(folder: str) -> int:
    return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)
