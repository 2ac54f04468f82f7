"""Fixtures of the controller's tests that the commands' need, too."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from unit.controller.conftest import connected, kubeconfig

__all__ = ["connected", "kubeconfig"]


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """A command that talks to a cluster silences the logging of its process, and here that is pytest's."""
    before = logging.root.manager.disable
    yield
    logging.disable(before)
