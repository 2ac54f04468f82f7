"""Puts the tests of the operator at rest where they cost no waiting: the first one first, the last one last.

A pytest plugin, loaded by `test_requests`. The minute in which nothing may be asked passes while other tests run.
"""

from __future__ import annotations

from typing import Final

import pytest

FIRST: Final = "test_a_generated_credential_costs_two_writes_and_no_read"
LAST: Final = "test_in_a_quiet_minute_nothing_is_asked_but_watches"

_TURN: Final = {FIRST: 0, LAST: 2}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the order of all others."""
    items.sort(key=lambda item: _TURN.get(item.name, 1))
