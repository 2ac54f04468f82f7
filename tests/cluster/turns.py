"""Gives some tests their turn: marked `first` they run before all others, marked `last` after them.

A pytest plugin, loaded by tests/conftest.py. The minute in which nothing may be asked passes while other tests
run, and what the operator asked of the API server is known when all have run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

COLLECTED: Final = pytest.StashKey[frozenset[Path]]()
"""The files whose tests run, all of them."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the order of all others."""
    items.sort(key=_turn)
    chosen = bool(config.option.keyword) or any("::" in argument for argument in config.args)
    config.stash[COLLECTED] = frozenset() if chosen else frozenset(item.path for item in items)


def _turn(item: pytest.Item) -> int:
    return int(item.get_closest_marker("last") is not None) - int(item.get_closest_marker("first") is not None)
